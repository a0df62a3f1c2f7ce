# One pass over C files: budgets, banned calls, SQL outside the store, and a
# few words. An exception is a trailing /* lint: why */ on the line.

BEGIN {
	split("strcpy strcat sprintf vsprintf gets system popen strtok atoi " \
	      "atol atof sleep usleep nanosleep rand srand random alloca " \
	      "setjmp longjmp tmpnam mktemp signal", w, " ")
	for (i in w)
		banned[w[i]] = "nobody's"
	split("time gmtime gmtime_r localtime localtime_r mktime timegm " \
	      "gettimeofday clock_gettime ctime asctime", w2, " ")
	for (i in w2)
		banned[w2[i]] = "src/base/clock.c"
	split("malloc calloc realloc reallocarray strdup strndup asprintf", \
	      w3, " ")
	for (i in w3)
		banned[w3[i]] = "src/base/mem.c"
}

FNR == 1 {
	finish_file()
	file = FILENAME
	in_comment = in_macro = in_fn = 0
	head = ""
	name = ""
	guard = ""
	directives = 0
	guard_excused = 0
	is_header = file ~ /\.h$/
	is_product = file ~ /^(src|include|probes|predict)\//
}

{
	raw = $0
	lines = FNR
	excused = raw ~ /\/\* lint: [^*]*[a-z][^*]*\*\/[ \t\\]*$/
	check_line()
	code = strip(raw)
	check_words()
	continued = in_macro
	in_macro = raw ~ /\\$/ && (in_macro || code ~ /^[ \t]*#/)
	if (code ~ /^[ \t]*#/) {
		check_directive()
		next
	}
	if (!continued)
		check_function()
}

END {
	finish_file()
	exit bad
}

function complain(line, text)
{
	printf("%s:%d: %s\n", file, line, text)
	bad = 1
}

function finish_file()
{
	if (file == "")
		return
	if (lines > 1000)
		complain(lines, "file has " lines " lines, budget 1000")
	if (is_header && lines > 200 && !guard_excused)
		complain(lines, "header has " lines " lines, budget 200")
	if (is_header && directives < 2)
		complain(1, "header without a guard TOCSIN_..._H")
}

function check_line(   part, n, i, col, text)
{
	text = raw
	gsub(/[\200-\277]/, "", text)	# UTF-8: count characters
	n = split(text, part, "\t")
	col = 0
	for (i = 1; i < n; i++)
		col = int((col + length(part[i])) / 8) * 8 + 8
	if (n > 0)
		col += length(part[n])
	if (col > 96 && !excused)
		complain(FNR, "line has " col " columns, limit 96")
	if (raw ~ /[ \t]$/)
		complain(FNR, "trailing space")
}

# Blanks out comments and the inside of literals; keeps state over lines.
function strip(s,   out, i, c, two, str, n)
{
	out = ""
	while (s != "") {
		if (in_comment) {
			i = index(s, "*/")
			if (!i)
				return out
			s = substr(s, i + 2)
			in_comment = 0
			out = out " "
			continue
		}
		i = match(s, /\/\*|\/\/|"|'/)
		if (!i)
			return out s
		out = out substr(s, 1, i - 1)
		two = substr(s, i, 2)
		c = substr(s, i, 1)
		if (two == "/*") {
			in_comment = 1
			s = substr(s, i + 2)
			continue
		}
		if (two == "//")
			return out
		str = ""
		s = substr(s, i + 1)
		while (s != "" && substr(s, 1, 1) != c) {
			n = substr(s, 1, 1) == "\\" ? 2 : 1
			str = str substr(s, 1, n)
			s = substr(s, n + 1)
		}
		s = substr(s, 2)
		out = out c c
		if (c == "\"")
			check_string(str)
	}
	return out
}

function check_string(str)
{
	if (str !~ /^(SELECT|INSERT|UPDATE|DELETE|CREATE) [A-Za-z*(]/)
		return
	if (!is_product || file ~ /^src\/store\// || excused)
		return
	complain(FNR, "SQL outside src/store: \"" substr(str, 1, 24) "\"")
}

function check_words(   rest, word, owner)
{
	if (excused)
		return
	if (code ~ /tm_year[ \t]*\+/ ||
	    code ~ /\+[ \t]*\(?[a-z_]*(\.|->)?tm_year/ ||
	    code ~ /[a-z_](\.|->)(tm_year|tm_mon|year)(\+\+|[ \t]*\+=)/)
		complain(FNR, "tm_year + : use the calendar of base/clock.h")
	if (code ~ /^typedef struct/)
		complain(FNR, "typedef of a struct (STYLE 4)")
	if (raw ~ /FIXME/ && raw !~ /FIXME\(#[0-9]+\)/)
		complain(FNR, "FIXME without its issue: FIXME(#n)")
	rest = code
	while (match(rest, /[A-Za-z_][A-Za-z_0-9]*[ \t]*\(/)) {
		word = substr(rest, RSTART, RLENGTH - 1)
		sub(/[ \t]+$/, "", word)
		before = substr(rest, 1, RSTART - 1)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(word in banned) || before ~ /(\.|->|\*)$/)
			continue
		owner = banned[word]
		if (file == owner || (owner ~ /mem\.c/ && file !~ /^(src|predict)\//))
			continue
		complain(FNR, word "() is " owner " to call")
	}
}

function check_directive()
{
	if (code ~ /^[ \t]*#[ \t]*if[ \t]+0[ \t]*$/)
		complain(FNR, "#if 0: dead code")
	if (!is_header || directives >= 2)
		return
	directives++
	n_words = split(code, word_of, /[ \t]+/)
	if (directives == 1) {
		guard = word_of[2]
		guard_excused = excused	# of the header's budget
		if (word_of[1] != "#ifndef" || guard !~ /^TOCSIN_[A-Z0-9_]+_H$/)
			complain(FNR, "the first directive is not #ifndef TOCSIN_..._H")
		else if (guard in guard_of)
			complain(FNR, "guard " guard " is also " guard_of[guard] "'s")
		guard_of[guard] = file
	} else if (word_of[1] != "#define" || word_of[2] != guard) {
		complain(FNR, "the second directive is not #define " guard)
	}
}

# A function's name stands at column 0, so do its braces (STYLE 4).
function check_function()
{
	if (head == "" && !in_fn && code ~ /^[A-Za-z_][^=;]*\(/ && \
	    code !~ /^[A-Z_0-9]+\(/) {
		name = code
		sub(/\(.*/, "", name)
		sub(/.*[ \t*]/, "", name)
		start = FNR
		head_ok = 0
		head = "x"
		args = ""
		depth = 0
	}
	if (code ~ /^START_TEST\(/) {
		name = code
		sub(/^START_TEST\(/, "", name)
		sub(/\).*/, "", name)
		start = FNR
	}
	if (head != "") {
		head_ok = head_ok || excused
		read_args(code)
	}
	if (code ~ /^\{/) {
		in_fn = 1
	} else if (code ~ /^\}/ && in_fn) {
		in_fn = 0
		check_length(FNR - start + 1)
	}
}

function check_length(n,   most)
{
	most = name == "main" && file ~ /^src\// ? 30 : 120
	if (n > most && !head_ok && name != "")
		complain(start, name "() has " n " lines, budget " most)
	name = ""
	head_ok = 0
}

function read_args(s,   i, c, n)
{
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "(") {
			depth++
			if (depth == 1)
				continue
		}
		if (c == ")") {
			depth--
			if (depth == 0) {
				n = count_args()
				if (n > 5 && !head_ok)
					complain(start, name "() takes " n \
						 " parameters, budget 5")
				head = ""
				return
			}
		}
		if (depth == 1)
			args = args c
	}
}

function count_args(   n, part)
{
	sub(/,[ \t]*\.\.\.[ \t]*$/, "", args)
	if (args ~ /^[ \t]*(void)?[ \t]*$/)
		return 0
	n = split(args, part, ",")
	return n
}
