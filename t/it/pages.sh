#!/bin/sh
# The pages that programs write of themselves: manual pages without a fault,
# completions that bash can read and that complete.
cd "${top_builddir:-.}" || exit 1
failed=0
count=0

good()
{
	count=$((count + 1))
	if ! "$@"; then
		echo "pages: $*" >&2
		failed=$((failed + 1))
	fi
}

for page in tocsin.1 check_tocsin.1 tocsin-agent.8 tocsind.8 tocsin-smartd.8; do
	good test -s $page
	if command -v mandoc > /dev/null; then
		good mandoc -T lint -W warning $page
	fi
done

# What does not arrive is an error, not a page.
refuses_full_disk()
{
	! "./$1" --help > /dev/full 2>&1
}

if [ -c /dev/full ]; then
	for program in tocsin check_tocsin tocsin-agent tocsind tocsin-smartd; do
		good refuses_full_disk $program
	done
fi

# completes WORDS..., the last one begun: prints what it could be
completes()
{
	program=$1
	bash -c '
		. "contrib/completion/$1"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_"${1//-/_}"
		printf "%s\n" "${COMPREPLY[@]}"
	' completion "$@" || echo "$program: failed"
}

finds()
{
	want=$1
	shift
	completes "$@" | grep -qx -- "$want"
}

if command -v bash > /dev/null; then
	good finds explain tocsin exp
	good finds --fail tocsin risk --f
	good finds --role tocsin --json token --r
	good finds --max-age check_tocsin --max
	good finds --check-config tocsind --ch
	good finds --replay tocsin-smartd --re
	good finds --smart-interval tocsin-agent --smart
fi
echo "pages: $count checked, $failed failed"
[ $failed -eq 0 ]
