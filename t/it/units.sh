#!/bin/sh
# The systemd units: understood by systemd, and as tight as promised.
cd "${top_builddir:-.}" || exit 1
if ! command -v systemd-analyze > /dev/null; then
	echo "units: no systemd-analyze here: skipped"
	exit 77
fi
units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
failed=0

# with programs that exist, whatever the prefix is
for unit in tocsind.service tocsin-agent.service tocsin-smartd@.service; do
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' \
		"contrib/systemd/$unit" > "$units/$unit"
done
cp "${top_srcdir:-.}/contrib/systemd/tocsin-smartd.socket" "$units"

# exposure UNIT LIMIT: in tenths
exposure()
{
	systemd-analyze security --no-pager --offline=yes --threshold="$2" \
		"$units/$1" > "$units/said" 2>&1 && return 0
	echo "units: $1 is more exposed than $2 tenths:" >&2
	tail -n 3 "$units/said" >&2
	failed=1
}

for unit in tocsind.service tocsin-agent.service tocsin-smartd@.service \
    tocsin-smartd.socket; do
	said=$(systemd-analyze verify --man=no "$units/$unit" 2>&1 |
		grep "tocsin")
	if [ -n "$said" ]; then
		printf 'units: %s\n' "$said" >&2
		failed=1
	fi
done
exposure tocsind.service 16
exposure tocsin-agent.service 16
exposure tocsin-smartd@.service 13
echo "units: 4 verified, 3 measured, failed: $failed"
exit $failed
