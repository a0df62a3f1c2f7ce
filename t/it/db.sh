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
says '^at,host,device,metric,instance,value,type$' \
	db export --host h7 --metric load_1m --format csv
db export --host h7 --metric load_1m --format ndjson > "$dir/out"
[ ! -s "$dir/out" ] || fail "an export of nothing has lines"
refuses 'csv, ndjson' db export --host h7 --metric load_1m --format xml

# Exports come back to the bit: NaN, -0, 2^53, whole numbers of 64 bits.
imported()	# STATE COMMAND…
{
	state=$1
	shift
	"$TOCSIN" db "$@" --state-dir "$dir/$state"
}
cat > "$dir/odd.csv" << 'END'
at,host,device,metric,instance,value,type
2026-05-01T22:00:00.000Z,h8,,odd,"cpu=""0"",mode=""idle""",-0,f64
2026-05-01T22:00:15.001Z,h8,,odd,"cpu=""0"",mode=""idle""",NaN,f64
2026-05-01T22:00:30.000Z,h8,,odd,"cpu=""0"",mode=""idle""",NaN:7ff8000000000001,f64
2026-05-01T22:00:45.000Z,h8,,odd,"cpu=""0"",mode=""idle""",-Inf,f64
2026-05-01T22:01:00.000Z,h8,,odd,"cpu=""0"",mode=""idle""",9.00719925474099e+15,f64
2026-05-01T22:01:15.000Z,h8,,odd,"cpu=""0"",mode=""idle""",0.1,f64
2026-05-01T22:01:30.000Z,h8,,odd,"cpu=""0"",mode=""idle""",4.94065645841247e-324,f64
2026-05-01T22:00:00.000Z,h8,,odd,raw,18446744073709551615,u64
2026-05-01T22:00:15.001Z,h8,,odd,raw,9007199254740993,u64
2026-05-01T22:00:30.000Z,h8,,odd,raw,-9223372036854775808,i64
2026-05-02T00:00:00.000Z,h8,,odd,raw,1,u64
END
says '^taken=11$' imported one import "$dir/odd.csv" --format kv
imported one export --host h8 --metric odd --format csv > "$dir/one.csv"
cmp "$dir/odd.csv" "$dir/one.csv" || fail "CSV does not come back"
says '^known=11$' imported one import "$dir/odd.csv" --format kv
imported one export --host h8 --metric odd --format ndjson > "$dir/one.json"
says '^taken=11$' imported two import "$dir/one.json" --format kv
imported two export --host h8 --metric odd --format csv > "$dir/two.csv"
cmp "$dir/odd.csv" "$dir/two.csv" || fail "JSON does not come back"
says '"sound":"yes"' imported two verify --json
sed 's/,0.1,/,0,1,/' "$dir/odd.csv" > "$dir/bad.csv"
refuses 'bad.csv:7: too many' imported three import "$dir/bad.csv"
sed 's/:15.001Z/:75.001Z/' "$dir/odd.csv" > "$dir/bad.csv"
refuses 'bad.csv:3: at: a time' imported three import "$dir/bad.csv"
sed 's/,h8,,/,h8,Z300,/' "$dir/odd.csv" > "$dir/bad.csv"
refuses 'bad.csv:2: device: h8 has no Z300' imported three import "$dir/bad.csv"
refuses 'no export of ours' imported three import "$dir/copy.db"
refuses 'there is no host' imported three export --host h9 --metric odd

# Somebody holds the lock: nothing is replaced.
(
	exec 9> "$dir/state/lock"
	flock -n 9 || fail "lock"
	refuses 'stop tocsind first' db restore "$dir/copy.db"
	refuses 'server' db prune --older-than 90d
	refuses 'stop tocsind first' db import "$dir/odd.csv"
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
