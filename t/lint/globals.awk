# globals.txt, then lines "folder file:member:name | value | class | type | size |
# line | section" as nm -A -f sysv prints them: no mutable data but the listed.

FILENAME ~ /globals\.txt$/ {
	if ($0 !~ /^#/ && NF >= 3)
		allow[++n] = $1 " " $2 " " $3
	next
}

{
	split($0, col, "|")
	kind = col[3]
	gsub(/ /, "", kind)
	if (kind !~ /^[bBdDC]$/ || col[7] ~ /data\.rel\.ro|\.note/)
		next
	left = col[1]
	sub(/[ \t]+$/, "", left)
	folder = left
	sub(/ .*/, "", folder)
	where = left
	sub(/^[^ ]* /, "", where)
	m = split(where, part, ":")
	name = part[m]
	sub(/\.[0-9]+$/, "", name)
	sub(/^.*\./, "", name)	# clang: function.name
	if (name ~ /^(__|\.L|_GLOBAL_|\.bss|\.data)/)
		next
	for (i = 1; i <= n; i++) {
		split(allow[i], a, " ")
		if ((a[1] == "*" || a[1] == folder) && \
		    (a[2] == "*" || a[2] == part[2]) && \
		    (a[3] == "*" || a[3] == name))
			next
	}
	printf("%s(%s): mutable data %s (t/lint/globals.txt)\n", \
	       part[1], part[2], name)
	bad = 1
}

END { exit bad }
