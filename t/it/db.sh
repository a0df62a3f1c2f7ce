#!/bin/sh
# tocsin db, and the restore drill, on a file made by tocsin itself.
set -eu
here=${top_srcdir:-.}
build=${top_builddir:-.}
TOCSIN=$build/tocsin
export TOCSIN
dir=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-db-XXXXXX")
trap 'rm -rf "$dir"' EXIT INT TERM

fail()
{
	echo "FAIL: $*"
	exit 1
}

says()	# WANT COMMAND…: succeeds and prints it
{
	want=$1
	shift
	"$@" > "$dir/out" 2> "$dir/err" || fail "$*: $(cat "$dir/err")"
	grep -q -- "$want" "$dir/out" || fail "$*: no '$want' in $(cat "$dir/out")"
}

refuses()	# WANT COMMAND…: fails and says so
{
	want=$1
	shift
	if "$@" > "$dir/out" 2> "$dir/err"; then
		fail "$* went through"
	fi
	grep -q -- "$want" "$dir/err" || fail "$*: no '$want' in $(cat "$dir/err")"
}

db()
{
	"$TOCSIN" db "$@" --state-dir "$dir/state"
}

refuses "tocsin.db" db stats
[ ! -e "$dir/state/tocsin.db" ] || fail "db stats made a file"
"$TOCSIN" token create --role agent --host h7 --state-dir "$dir/state" \
	> /dev/null
says '"hosts":1' db stats --json
says '^history_rows=0$' db stats --format kv
says 'audit_last' db verify
says 'copy.db' db backup "$dir/copy.db"
refuses 'there already' db backup "$dir/copy.db"
sum=$(cksum "$dir/copy.db")
says '^rows=0$' db prune --older-than 90d --format kv
says '^pruned=0$' db prune --older-than 90d --format kv
refuses 'expected' db prune --older-than 90d --expected 7
refuses 'older-than' db prune
refuses 'no host' db export --host nobody --metric load_1m
says '^at,host,device,metric,instance,value$' \
	db export --host h7 --metric load_1m --format csv
db export --host h7 --metric load_1m --format ndjson > "$dir/out"
[ ! -s "$dir/out" ] || fail "an export of nothing has lines"
refuses 'csv, ndjson' db export --host h7 --metric load_1m --format xml

# Somebody holds the lock: nothing is replaced.
(
	exec 9> "$dir/state/lock"
	flock -n 9 || fail "lock"
	refuses 'stop tocsind first' db restore "$dir/copy.db"
	refuses 'stop tocsind first' db prune --older-than 90d
	says 'sound' db verify
)
says 'kept_aside' db restore "$dir/copy.db"
find "$dir/state" -name 'tocsin.db.replaced-*' | grep -q . ||
	fail "what was there is gone"
says '"hosts":1' db stats --json
printf 'junk' > "$dir/junk.db"
refuses 'junk.db' db verify "$dir/junk.db"
refuses 'junk.db' db restore "$dir/junk.db"
says '"hosts":1' db stats --json

# The shell of SQLite, for those who have it.
if command -v sqlite3 > /dev/null; then
	printf '.load %s/.libs/tocsin_sql\nSELECT host FROM v_hosts;\n%s\n' \
		"$build" 'SELECT count(*) + 40 FROM tocsin_samples;' \
		> "$dir/script"
	sqlite3 -readonly "$dir/copy.db" < "$dir/script" > "$dir/out" 2>&1 ||
		fail "sqlite3: $(cat "$dir/out")"
	printf 'h7\n40\n' | cmp - "$dir/out"
fi

says 'the drill went well' "$here/contrib/restore-drill" "$dir/state"
says 'the drill went well' "$here/contrib/restore-drill" "$dir/state" \
	"$dir/copy.db"
refuses . "$here/contrib/restore-drill" "$dir/state" "$dir/junk.db"
[ "$sum" = "$(cksum "$dir/copy.db")" ] || fail "the copy was changed"
