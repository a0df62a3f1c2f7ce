#!/bin/sh
# The template of contrib/ is built with pkg-config alone and passes the kit.
set -eu
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
dir=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-template.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cp "$top_srcdir"/contrib/plugin-template/* "$dir"
chmod -R u+w "$dir"
# not installed yet: the header is where the sources are
PKG_CONFIG_PATH=$top_builddir
export PKG_CONFIG_PATH
unset MAKEFLAGS MFLAGS MAKELEVEL
make -C "$dir" check CFLAGS='-O1 -Wall -Wextra -Werror' \
	PKG_CONFIG="pkg-config --define-variable=includedir=$top_srcdir/include" \
	TOCSIN="$top_builddir/tocsin" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
grep -q '^good.*metrics' "$dir/log"
grep -q ' 0 wrong$' "$dir/log"
# and a defect is an error
if "$top_builddir/tocsin" plugin test "$dir/nobody.so" > "$dir/log" 2>&1; then
	cat "$dir/log"
	exit 1
fi
grep -q 'nobody.so' "$dir/log"
