#!/bin/sh
# R-130, R-131, R-135, R-136: special days, rehearsed days, any time zone.
set -eu
build=${top_builddir:-.}
TOCSIN=$build/tocsin
dir=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-clock-XXXXXX")
trap 'rm -rf "$dir"' EXIT INT TERM

fail()
{
	echo "FAIL: $*"
	exit 1
}

# Two checks of two hosts, an hour at 15 s; h2 is down for ten minutes.
record()	# EPOCH
{
	awk -v at="$1" 'BEGIN {
		for (h = 1; h <= 2; h++)
			for (i = 0; i < 240; i++)
				printf("{\"at\":\"%s\",\"host\":\"h%d\"," \
					"\"device\":\"\",\"metric\":\"check_ok\"," \
					"\"instance\":\"ping\",\"value\":%d}\n",
					strftime("%Y-%m-%dT%H:%M:%SZ",
						at + 15 * i, 1), h,
					h == 2 && i >= 100 && i < 140 ? 0 : 1)
	}'
}

echo "R-130, R-136: selftest clock"
"$TOCSIN" selftest clock > "$dir/out" || fail "selftest: $(cat "$dir/out")"
grep -q '^leap day 2028 .*good$' "$dir/out" || fail "no leap day"
grep -q '^no leap day 2100 .*good$' "$dir/out" || fail "no 2100"
grep -q '^2^31 s .*good$' "$dir/out" || fail "no 2038"
grep -q '^leap second 2016 .*good$' "$dir/out" || fail "no leap second"
grep -q '^calendar .*good$' "$dir/out" || fail "no calendar"
"$TOCSIN" selftest clock --json | grep -q '"verdict":"good"' ||
	fail "selftest --json"
if "$TOCSIN" selftest sundial > /dev/null 2>&1; then
	fail "selftest sundial"
fi

echo "R-135: what was recorded, rehearsed over a leap day"
if awk 'BEGIN { exit strftime("%Y", 0, 1) != "1970" }' 2> /dev/null; then
	record 1767225600 > "$dir/recorded"
	"$TOCSIN" rehearse --from 2028-02-28 --to 2028-03-02 \
		--replay "$dir/recorded" > "$dir/out" ||
		fail "rehearse: $(cat "$dir/out")"
	grep -q '^2 hosts, 2 checks: 34560 runs, ' "$dir/out" ||
		fail "rehearse: $(cat "$dir/out")"
	grep -q ' 0 moves,' "$dir/out" && fail "what failed did not move"
	grep -q 'all as on a plain day' "$dir/out" || fail "not as plain"
	"$TOCSIN" rehearse --from 2037-12-31 --to 2038-01-20 --json \
		--replay "$dir/recorded" | grep -q '"differences":\[\]' ||
		fail "rehearse --json"
	echo '{"host":"h1"' >> "$dir/recorded"
	"$TOCSIN" rehearse --from 2028-02-28 --to 2028-03-02 \
		--replay "$dir/recorded" 2> "$dir/err" && fail "half a line"
	grep -q 'recorded:481' "$dir/err" || fail "where: $(cat "$dir/err")"
else
	echo "skipped: this awk has no strftime"
fi
: > "$dir/empty"
for wrong in "--from 2028-02-30 --to 2028-03-02" \
	"--from 2028-03-02 --to 2028-02-28" "--to 2028-03-02" \
	"--from 2028-02-28 --to 2028-03-02"; do
	# shellcheck disable=SC2086
	"$TOCSIN" rehearse $wrong --replay "$dir/empty" > /dev/null 2>&1 &&
		fail "rehearse $wrong"
done

echo "R-131: the same file whatever TZ is"
awk 'BEGIN {
	for (i = 0; i < 96; i++)
		printf("{\"host\":\"h1\",\"batch\":\"b%d\",\"observations\":[" \
			"{\"probe\":\"cpu\",\"at_ms\":%.0f,\"outcome\":\"ok\"," \
			"\"reason\":\"none\",\"metrics\":" \
			"{\"cpu_busy_ratio\":0.%d}}]}\n", i,
			1709164800000 + i * 1800000, i + 1)
}' > "$dir/batches"
for zone in UTC Pacific/Kiritimati America/Los_Angeles Asia/Tokyo; do
	state=$dir/$(echo "$zone" | tr / -)
	TZ=$zone "$TOCSIN" import "$dir/batches" --state-dir "$state" \
		> "$dir/out" 2>&1 || fail "TZ=$zone import: $(cat "$dir/out")"
	for how in csv ndjson; do
		TZ=$zone "$TOCSIN" db export --host h1 --format "$how" \
			--metric cpu_busy_ratio --state-dir "$state"
	done > "$state.out" || fail "TZ=$zone export"
	[ "$(wc -l < "$state.out")" -eq 193 ] ||
		fail "TZ=$zone: $(wc -l < "$state.out") lines"
	cmp "$dir/UTC.out" "$state.out" || fail "TZ=$zone has another file"
	TZ=$zone "$TOCSIN" db stats --state-dir "$state" --format kv |
		grep -E '^(oldest|newest|history_rows|samples)' > "$state.stats"
	cmp "$dir/UTC.stats" "$state.stats" || fail "TZ=$zone: other figures"
done
grep -q '2024-02-29T' "$dir/UTC.out" || fail "no leap day in the file"

echo "R-135: rehearse over a server's own file"
"$TOCSIN" rehearse --from 2028-02-28 --to 2028-03-02 --state-dir "$dir/UTC" \
	> "$dir/out" 2>&1 && fail "nothing was checked from there"
grep -q 'no check was recorded' "$dir/out" || fail "$(cat "$dir/out")"
echo "PASS"
