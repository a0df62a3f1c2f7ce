# shellcheck shell=sh
# Sourced by bootstrap and t/deep: stages with their time, and a sum at the end.
# LOGS names the directory of the logs.
n_passed=0
n_failed=0
n_skipped=0
stage_log=

# stage NAME COMMAND...: prints the time it took and how it went, the log's tail
# on failure. Shown while it runs: lines that match STAGE_SHOW. Returns what
# the command did.
STAGE_SHOW=

stage_run()
{
	if [ -z "$STAGE_SHOW" ]; then
		"$@" > "$stage_log" 2>&1
		return
	fi
	{
		"$@" 2>&1
		echo $? > "$stage_log.rc"
	} | tee "$stage_log" | grep -E --line-buffered "$STAGE_SHOW"
	return "$(cat "$stage_log.rc")"
}

stage()
{
	stage_name=$1
	shift
	stage_log=$LOGS/$stage_name.log
	mkdir -p "$LOGS"
	stage_began=$(date +%s)
	[ -n "$STAGE_SHOW" ] || printf '== %-16s' "$stage_name"
	if stage_run "$@"; then
		stage_rc=0
		stage_word=ok
	else
		stage_rc=$?
		stage_word=FAILED
	fi
	[ -z "$STAGE_SHOW" ] || printf '== %-16s' "$stage_name"
	printf '%5d s  %s\n' $(($(date +%s) - stage_began)) "$stage_word"
	if [ $stage_rc -ne 0 ]; then
		tail -n 60 "$stage_log" | sed 's/^/   | /'
		echo "   whole log: $stage_log"
	fi
	return $stage_rc
}

# A stage that counts as one test
stage_one()
{
	if stage "$@"; then
		n_passed=$((n_passed + 1))
		return
	fi
	n_failed=$((n_failed + 1))
	return 1
}

# A stage whose log has automake's summaries; it counts as its tests, and as
# one more failure when it failed without naming a failed test
stage_suite()
{
	stage "$@"
	suite_rc=$?
	# a failed suite's log comes before its summary and has the sums as well
	suite=$(awk '/^Testsuite summary/ { on = 1 } !on { next }
		/^# (PASS|XFAIL):/ { p[$2] += $3 } /^# SKIP:/ { s += $3 }
		/^# (FAIL|XPASS|ERROR):/ { f[$2] += $3 }
		/^# ERROR:/ { on = 0 }
		END { bad = f["FAIL:"] + f["XPASS:"] + f["ERROR:"]
			print p["PASS:"] + p["XFAIL:"], bad, s + 0 }' "$stage_log")
	# shellcheck disable=SC2086 # three numbers
	set -- $suite
	if [ $suite_rc -ne 0 ] && [ "$2" -eq 0 ]; then
		set -- "$1" 1 "$3"
	fi
	n_passed=$((n_passed + $1))
	n_failed=$((n_failed + $2))
	n_skipped=$((n_skipped + $3))
	echo "   $1 passed, $2 failed, $3 skipped"
	grep -E '^(FAIL|ERROR|XPASS|SKIP): ' "$stage_log" | sort -u | sed 's/^/   /'
	return $suite_rc
}

# A stage that could not be tried: stage_skip NAME WHY
stage_skip()
{
	printf '== %-16s    -    skipped: %s\n' "$1" "$2"
	n_skipped=$((n_skipped + 1))
}

stage_sum()
{
	echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
	[ $n_failed -eq 0 ]
}
