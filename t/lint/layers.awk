# First file: layers.txt. Then C files (their #include lines) and Makefile.incs
# (their t_unit_..._LDADD lines).

FNR == 1 {
	nr_file++
	folder = folder_of(FILENAME)
	logical = ""
}

nr_file == 1 {
	if ($0 ~ /^#/ || $0 !~ /:/)
		next
	row = $0
	left = row
	sub(/:.*/, "", left)
	known[left] = 1
	sub(/^[^:]*:/, "", row)
	bar = split(row, half, "|")
	n = split(half[1], w, " ")
	for (i = 1; i <= n; i++)
		may[left, w[i]] = 1
	n = bar > 1 ? split(half[2], w, " ") : 0
	for (i = 1; i <= n; i++) {
		owned[w[i]] = 1
		may[left, w[i]] = 1
	}
	next
}

FILENAME ~ /Makefile\.inc$/ {
	logical = logical $0
	if (logical ~ /\\$/) {
		sub(/\\$/, " ", logical)
		next
	}
	if (logical ~ /^t_unit_[a-z0-9_]*_LDADD/)
		check_link(logical)
	logical = ""
	next
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	excused = $0 ~ /\/\* lint: [^*]*[a-z][^*]*\*\/[ \t]*$/
	path = $0
	sub(/^[^"]*"/, "", path)
	sub(/".*/, "", path)
	if (path !~ /\//) {
		if (path !~ /^config\.h$/)
			complain("\"" path "\": name the folder, \"folder/file.h\"")
		next
	}
	to = path
	sub(/\/.*/, "", to)
	if (to != folder && !((folder, to) in may) && !excused)
		complain(folder " may not include \"" path "\"")
	next
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	path = $0
	sub(/^[^<]*</, "", path)
	sub(/>.*/, "", path)
	if (path == "tocsin/probe.h") {
		# constants and plain structs; the model is built upon them
		if (folder == "base")
			complain(folder " may not include <tocsin/probe.h>")
	} else if ((path in owned) && folder != "probes" && \
		   !((folder, path) in may)) {
		complain(folder " may not include <" path ">")
	}
}

END { exit bad }

function complain(text)
{
	printf("%s:%d: %s\n", FILENAME, FNR, text)
	bad = 1
}

function folder_of(path,   p)
{
	p = path
	sub(/^src\//, "", p)
	sub(/\/.*/, "", p)
	return p
}

function check_link(line,   n, w, i, to)
{
	n = split(line, w, " ")
	for (i = 1; i <= n; i++) {
		if (w[i] !~ /\.a$/ || w[i] ~ /^t\//)
			continue
		to = folder_of(w[i])
		if (to != folder && !((folder, to) in may) && line !~ /# lint:/)
			complain("a unit test of " folder " may not link " w[i])
	}
}
