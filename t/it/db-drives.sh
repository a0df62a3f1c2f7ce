#!/bin/sh
# What tocsin db export --format backblaze writes is what tocsin import read,
# and what it reads again.
set -eu
build=${top_builddir:-.}
TOCSIN=$build/tocsin
dir=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-drives-XXXXXX")
trap 'rm -rf "$dir"' EXIT INT TERM

fail()
{
	echo "FAIL: $*"
	exit 1
}

{
	echo 'date,serial_number,model,failure,smart_5_raw,smart_197_raw'
	for day in 01 02 03 04 05; do
		echo "2025-03-$day,Z1,\"ST4000DM000, \"\"b\"\"\",0,0,0"
		echo "2025-03-$day,Z2,ST4000DM000,0,${day#0},281474976710655"
	done
	echo '2025-03-07,Z2,ST4000DM000,0,,24'
} > "$dir/in.csv"

export_to()	# STATE FILE OPTION...
{
	state=$1
	file=$2
	shift 2
	"$TOCSIN" db export --format backblaze --state-dir "$state" "$@" \
		> "$file" || fail "export"
}

import_into()	# STATE FILE
{
	"$TOCSIN" import "$2" --host nas1 --state-dir "$1" > "$dir/out" 2>&1 ||
		fail "import: $(cat "$dir/out")"
}

import_into "$dir/one" "$dir/in.csv"
export_to "$dir/one" "$dir/out.csv"
sort "$dir/in.csv" > "$dir/want"
sort "$dir/out.csv" | cmp - "$dir/want" || {
	diff "$dir/want" "$dir/out.csv" || :
	fail "not what was imported"
}
import_into "$dir/two" "$dir/out.csv"
export_to "$dir/two" "$dir/again.csv"
cmp "$dir/out.csv" "$dir/again.csv" || fail "the second time it differs"

export_to "$dir/one" "$dir/some.csv" --host nas1 --from 2025-03-03T00:00:00Z \
	--to 2025-03-05T00:00:00Z
[ "$(wc -l < "$dir/some.csv")" -eq 5 ] || fail "$(cat "$dir/some.csv")"
export_to "$dir/one" "$dir/none.csv" --host nobody
[ "$(wc -l < "$dir/none.csv")" -eq 1 ] || fail "drives of nobody"
