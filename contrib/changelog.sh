#!/bin/sh
# changelog.sh VERSION [SINCE]: the ChangeLog trailers of the commits since SINCE
# (default: the last tag, or all), as a section of ChangeLog on stdout.
version=${1:?usage: changelog.sh VERSION [SINCE]}
since=${2:-$(git describe --tags --abbrev=0 2> /dev/null)}
echo "$version"
for kind in added changed fixed removed; do
	git log --reverse --format='%(trailers:key=ChangeLog,valueonly,unfold)' \
		${since:+"$since.."} | sed -n "s/^$kind /  $kind   /p"
done
