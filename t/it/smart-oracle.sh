#!/bin/sh
# tocsin-smartd --decode over recorded drives, against what smartctl and
# libatasmart said about them (TOCSIN_SHARED/data/smart/oracle), and against the
# skdump installed here. Skipped where the recordings are not.
set -u
data=${TOCSIN_SHARED:-${top_srcdir:-.}/../shared}/data/smart
helper=${top_builddir:-.}/tocsin-smartd
if [ ! -r "$data/oracle/smartctl-json.tsv" ]; then
	echo "skipped: no recordings in $data"
	exit 77
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# file TAB object, one line each
decode_all()
{
	cut -f1 "$data/oracle/smartctl-json.tsv" | sed 1d
	cut -f1 "$data/oracle/skdump.tsv" | sed '1d; s,^,libatasmart-blobs/,'
}
decode_all | while read -r f; do
	if object=$("$helper" --decode "$data/$f"); then
		printf '%s\t%s\n' "$f" "$object"
	else
		echo "$f: not decoded" >> "$tmp/failed"
	fi
done > "$tmp/decoded"

cat > "$tmp/lib.awk" <<'AWK'
function value(object, key,   at, rest)
{
	at = index(object, "\"" key "\":")
	if (!at) {
		wrong(key, "present", "missing")
		return ""
	}
	rest = substr(object, at + length(key) + 3)
	if (rest ~ /^"/) {
		rest = substr(rest, 2)
		return substr(rest, 1, index(rest, "\"") - 1)
	}
	sub(/[,}].*/, "", rest)
	return rest == "null" ? "" : rest
}
function wrong(key, want, got)
{
	printf("%s: %s: oracle '%s', we '%s'\n", $1, key, want, got)
	bad = 1
}
function same(key, want,   got)
{
	got = value(object, key)
	checks++
	if (got != want && !(got != "" && want != "" && got + 0 == want + 0 &&
			     got ~ /^[-0-9.e+]+$/))
		wrong(key, want, got)
}
function failing_ids(object,   n, part, i, id, out)
{
	n = split(object, part, "{\"id\":")
	for (i = 2; i <= n; i++) {
		id = part[i]
		sub(/,.*/, "", id)
		if (part[i] ~ /"when_failed":"(now|past)"/)
			out = out (out == "" ? "" : ",") id
	}
	return out
}
AWK

cat > "$tmp/json.awk" <<'AWK'
BEGIN { FS = "\t" }
NR == FNR { objects[$1] = $2; next }
FNR == 1 { for (i = 1; i <= NF; i++) col[$i] = i; next }
{
	object = objects[$1]
	is_log = $1 ~ /nvme-smart-log/
	same("protocol", is_log ? "NVMe" : $col["protocol"])
	same("model", $col["model"])
	same("smart_passed", tolower($col["passed"]))
	same("reallocated_sectors", $col["r5"])
	same("reported_uncorrectable", $col["r187"])
	same("pending_sectors", $col["r197"])
	same("offline_uncorrectable", $col["r198"])
	same("crc_errors", $col["r199"])
	warn = $col["nvme_crit"]
	if (warn ~ /^{/) {
		sub(/.*'value': /, "", warn)
		sub(/[,}].*/, "", warn)
	}
	same("critical_warning", warn)
	same("media_errors", $col["nvme_media_err"])
	if ($col["nvme_used"] != "") {
		same("wear_ratio", $col["nvme_used"] / 100)
		same("spare_ratio", $col["nvme_spare"] / 100)
	}
	same("grown_defects", $col["scsi_gdl"])
	same("uncorrected_errors", $col["scsi_uncorr"])
	# nvme-cli counts kelvins
	same("temperature_celsius", is_log ? $col["temp"] - 273 : $col["temp"])
	# where smartctl leaves the hours out, attribute 9 or the log has them
	if ($col["poh"] != "")
		same("power_on_hours", $col["poh"])
	ids = $col["when_failed_ids"]
	gsub(/;/, ",", ids)
	if (failing_ids(object) != ids)
		wrong("when_failed", ids, failing_ids(object))
}
END { print checks " values of smartctl compared"; exit bad }
AWK

cat > "$tmp/blob.awk" <<'AWK'
BEGIN { FS = "\t" }
NR == FNR { objects[$1] = $2; next }
FNR == 1 { for (i = 1; i <= NF; i++) col[$i] = i; next }
{
	object = objects["libatasmart-blobs/" $1]
	same("protocol", "ATA")
	same("smart_passed", $col["status"] == "GOOD" ? "true" : "false")
	number = "^[0-9]+$"
	bad_sectors = value(object, "reallocated_sectors")
	pending = value(object, "pending_sectors")
	if (bad_sectors != "" || pending != "")
		bad_sectors += pending
	want = $col["bad"] ~ number ? $col["bad"] : ""
	if (want != bad_sectors)
		wrong("bad sectors", want, bad_sectors)
	want = $col["temp_mK"]
	same("temperature_celsius", want ~ number ? (want - 273150) / 1000 : "")
	want = $col["power_on_ms"]
	# half minutes, which libatasmart 0.19 does not know of this one
	if (want ~ number || $1 !~ /^SAMSUNG_MP0/)
		same("power_on_hours", want ~ number ? int(want / 3600000) : "")
	checks++
}
END { print checks " values of libatasmart compared"; exit bad }
AWK

rc=0
if [ -s "$tmp/failed" ]; then
	cat "$tmp/failed"
	rc=1
fi
awk -f "$tmp/lib.awk" -f "$tmp/json.awk" "$tmp/decoded" \
	"$data/oracle/smartctl-json.tsv" || rc=1
awk -f "$tmp/lib.awk" -f "$tmp/blob.awk" "$tmp/decoded" \
	"$data/oracle/skdump.tsv" || rc=1

# the same questions to the libatasmart of this machine
if command -v skdump > /dev/null; then
	for f in "$data"/libatasmart-blobs/*--*; do
		printf '%s\t%s\t%s\t%s\t%s\t\n' "$(basename "$f")" \
			"$(skdump --status --load="$f" 2> /dev/null)" \
			"$(skdump --bad --load="$f" 2> /dev/null)" \
			"$(skdump --temperature --load="$f" 2> /dev/null)" \
			"$(skdump --power-on --load="$f" 2> /dev/null)"
	done > "$tmp/rows"
	{
		echo 'file status bad temp_mK power_on_ms ' | tr ' ' '\t'
		cat "$tmp/rows"
	} > "$tmp/skdump.tsv"
	awk -f "$tmp/lib.awk" -f "$tmp/blob.awk" "$tmp/decoded" \
		"$tmp/skdump.tsv" || rc=1
fi
exit $rc
