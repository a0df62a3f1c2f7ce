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
# reads the kernel's log: what that costs is said in the unit
exposure tocsin-agent.service 22
exposure tocsin-smartd@.service 13
# What the agent's unit gives is what the kernel's log asks for, and no more.
agent=contrib/systemd/tocsin-agent.service
for line in CapabilityBoundingSet=CAP_SYSLOG AmbientCapabilities=CAP_SYSLOG \
    DevicePolicy=closed 'DeviceAllow=/dev/kmsg r'; do
	grep -qx "$line" "$agent" || {
		echo "units: the agent's unit lacks $line" >&2
		failed=1
	}
done
if grep -Eq '^(ProtectKernelLogs|PrivateDevices|PrivateUsers)=' "$agent"; then
	echo "units: the agent's unit hides /dev/kmsg again" >&2
	failed=1
fi

# as NOBODY [CAPABILITY]: the first record of the log
first_record()
{
	setpriv --reuid=65534 --clear-groups --no-new-privs \
		--bounding-set="-all$1" --inh-caps="-all$1" \
		--ambient-caps="-all$1" dd if=/dev/kmsg iflag=nonblock \
		bs=8192 count=1 status=none 2> /dev/null | head -c 1
}
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv > /dev/null ||
    [ -z "$(dd if=/dev/kmsg iflag=nonblock bs=8192 count=1 status=none \
	2> /dev/null | head -c 1)" ]; then
	echo "units: no kernel log that could be tried here"
elif [ -z "$(first_record ,+syslog)" ]; then
	echo "units: CAP_SYSLOG alone does not open the kernel's log" >&2
	failed=1
elif [ "$(cat /proc/sys/kernel/dmesg_restrict)" = 1 ] &&
    [ -n "$(first_record '')" ]; then
	echo "units: the kernel's log is open to all in spite of itself" >&2
	failed=1
else
	echo "R-030: the kernel's log is read with CAP_SYSLOG and nothing else"
fi
echo "units: 4 verified, 3 measured, failed: $failed"
exit $failed
