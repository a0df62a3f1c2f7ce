#!/bin/sh
# tocsin mine: a planted pattern comes first, dealt out anew there is none.
# tocsin backtest: two packs compared, and a page without scripts.
set -eu
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
tocsin=$top_builddir/tocsin
dir=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-mine.XXXXXX")
trap 'rm -rf "$dir"' EXIT
fail() {
	echo "FAIL: $*"
	exit 1
}

# agent 2.1 fails five times as often
awk 'BEGIN {
	print "host,\"model, full\",agent,failure"
	for (i = 0; i < 4000; i++) {
		agent = i % 4 == 1 ? "2.1" : "2.0"
		n = (i * 7919) % 1000
		bad = n < (agent == "2.1" ? 150 : 30)
		printf "h%d,\"M %d, x\",%s,%d\n", i, i % 3, agent, bad
	}
}' > "$dir/fleet.csv"
set -- --data "$dir/fleet.csv" --by 'model, full' --by agent --id host
"$tocsin" mine "$@" > "$dir/out"
sed -n 3p "$dir/out" | grep -q 'software *agent=2.1$' ||
	fail "first is $(sed -n 3p "$dir/out")"
"$tocsin" mine "$@" --json | grep -q '"where":{"agent":"2.1"},"class":"software"' ||
	fail 'json'
"$tocsin" mine "$@" --shuffle | grep -q '^no pattern' || fail 'shuffled'
if "$tocsin" mine --data "$dir/fleet.csv" --by nothing 2> "$dir/err"; then
	fail 'a column that is not there'
fi
grep -q 'fleet.csv: no column nothing$' "$dir/err" || fail "$(cat "$dir/err")"

awk 'BEGIN {
	print "date,serial_number,model,failure,smart_197_raw"
	for (i = 0; i < 40; i++)
		for (day = 10; day < 29; day++)
			printf("2015-01-%d,S%d,M<b>,%d,%d\n", day, i,
				day == 28 && i % 2,
				(i % 2 && day >= 15) ? 64 : 0)
}' > "$dir/drives.csv"
"$tocsin" backtest --data "$dir/drives.csv" --html "$dir/report.html" \
	--against "$top_srcdir/predict/rules/additive-card.json" > "$dir/out"
grep -q '^against additive-card@' "$dir/out" || fail 'not compared'
grep -q 'of 20 found by both: 0 earlier, 0 later' "$dir/out" ||
	fail "$(cat "$dir/out")"
grep -q 'M&lt;b&gt;' "$dir/report.html" || fail 'model not escaped'
if grep -qi '<script\|M<b>\|https*:' "$dir/report.html"; then
	fail 'the page holds a script, raw text or an address'
fi
[ "$(grep -c '<svg width="500"' "$dir/report.html")" -eq 3 ] || fail 'plots'
if "$tocsin" backtest --data "$dir/drives.csv" --fit "$dir/pack.json" \
	--with accel_8d 2> "$dir/err"; then
	fail 'fitted with what does not exist'
fi
grep -q 'accel_8d: there is no such statistic' "$dir/err" ||
	fail "$(cat "$dir/err")"
if "$tocsin" backtest --data "$dir/drives.csv" --fit "$dir/pack.json" \
	--with peers_below --with rise_90d 2> "$dir/err"; then
	fail 'fitted to 20 failures'
fi
grep -q 'only 20 drives failed' "$dir/err" || fail "$(cat "$dir/err")"
