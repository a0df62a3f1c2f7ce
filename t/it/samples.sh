#!/bin/sh
# The samples of contrib, as their own programs read them.
if ! command -v promtool > /dev/null || ! command -v amtool > /dev/null; then
	echo "samples: no promtool and amtool here: skipped"
	exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "${top_srcdir:-.}"/contrib/prometheus/*.yml "$scratch" || exit 1
echo secret > "$scratch/tocsin.token"
failed=0

good()
{
	"$@" > "$scratch/said" 2>&1 && return 0
	echo "samples: $*" >&2
	cat "$scratch/said" >&2
	failed=$((failed + 1))
}

good promtool check config "$scratch/prometheus.yml"
good promtool check rules "$scratch/tocsin.rules.yml"
good promtool test rules "$scratch/tocsin.rules.test.yml"
good amtool check-config "${top_srcdir:-.}/contrib/alertmanager/alertmanager.yml"
echo "samples: 4 checked, $failed failed"
[ $failed -eq 0 ]
