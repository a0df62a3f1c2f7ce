# Files in order: layers.txt, names of libc, "folder pattern" lines, then nm of
# the archives twice (definitions, then uses), then nm of the probes.

FNR == 1 { pass++ }
FILENAME ~ /nm\.so$/ { pass = 6 }

pass == 1 {
	if ($0 ~ /^#/ || $0 !~ /:/)
		next
	sub(/\|.*/, "")
	from = $1
	sub(/:/, "", from)
	may[from, from] = 1
	for (i = 2; i <= NF; i++)
		may[from, $i] = 1
	next
}

pass == 2 { libc[$1] = 1; next }

pass == 3 {
	n_rules[$1]++
	rule[$1, n_rules[$1]] = $2
	if ($2 ~ /^-/) {
		verdict_of[$1, n_rules[$1]] = 0
		rule[$1, n_rules[$1]] = substr($2, 2)
	} else {
		verdict_of[$1, n_rules[$1]] = 1
	}
	next
}

# folder archive[member]: symbol type …
pass == 4 {
	if ($4 ~ /^[TDBRVWCiu]$/)
		home[$3] = home[$3] " " $1
	next
}

pass == 5 {
	if ($4 == "U" || $4 == "w")
		check($1, $2, $3)
	next
}

pass == 6 {
	if ($4 == "U")
		check("probes", $2, $3)
	else if ($4 ~ /^[TDBR]$/ && $3 !~ /^tocsin_/ && !is_compilers($3))
		complain($2, "exports " $3 "; a probe exports tocsin_* only")
}

END { exit bad }

function complain(where, text)
{
	if (seen[where, text]++)
		return
	sub(/:$/, "", where)
	printf("%s: %s\n", where, text)
	bad = 1
}

function is_compilers(s)
{
	return s ~ /^__(asan|ubsan|tsan|sanitizer|gcov|llvm|cxa|gmon|sancov)/ || \
	       s ~ /^_(ITM|Unwind|GLOBAL_OFFSET)/ || s ~ /^(_init|_fini)$/ || \
	       s ~ /^__(stack_chk_fail|tls_get_addr|odr_asan|start|stop)/ || \
	       s ~ /^(_edata|_end|__bss_start)$/
}

function check(folder, where, symbol,   name, i, n, homes, mine, v)
{
	if (is_compilers(symbol))
		return
	name = symbol
	if (name ~ /^__.*_chk$/) {
		sub(/^__/, "", name)
		sub(/_chk$/, "", name)
	}
	sub(/^__isoc[0-9]+_/, "", name)
	sub(/^__xpg_/, "", name)
	sub(/^bcmp$/, "memcmp", name)	# clang, when only equality is asked
	homes = split(home[name], h, " ")
	mine = 0
	for (i = 1; i <= homes; i++) {
		if (h[i] == folder)
			return
		if ((folder, h[i]) in may)
			mine = 1
	}
	if (homes && !mine) {
		complain(where, folder " may not use " h[1] "'s " name)
		return
	}
	v = judge(folder, name)
	if (v == 0 || (v < 0 && !homes))
		complain(where, folder " may not use " name \
			 " (t/lint/allow/" folder ")")
}

# 1 allowed, 0 forbidden, -1 nothing said; the last rule that matches wins
function judge(folder, name,   i, p)
{
	if ((folder, name) in memo)
		return memo[folder, name]
	memo[folder, name] = -1
	for (i = n_rules[folder]; i > 0; i--) {
		p = rule[folder, i]
		if (p == "@libc" ? (name in libc) : (name ~ regex(p))) {
			memo[folder, name] = verdict_of[folder, i]
			break
		}
	}
	return memo[folder, name]
}

function regex(p)
{
	if (!(p in compiled)) {
		compiled[p] = p
		gsub(/\*/, ".*", compiled[p])
		compiled[p] = "^" compiled[p] "$"
	}
	return compiled[p]
}
