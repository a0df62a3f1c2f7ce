# shellcheck shell=sh
# Sourced by the lint scripts, which are called as SCRIPT SRCDIR [BUILDDIR].
# Each prints file:line: message and exits 1 if it found anything.
LC_ALL=C
export LC_ALL

# all C files below SRCDIR, relative to it
c_files()
{
	(cd "$1" && for d in src include probes predict t contrib; do
		[ ! -d "$d" ] || find "$d" -type f -name '*.[ch]'
	done) | sort
}

# all text files that people write, relative to SRCDIR
text_files()
{
	(cd "$1" && {
		find . -maxdepth 1 -type f \( -name '*.md' -o -name '*.ac' \
			-o -name '*.am' -o -name '*.in' -o -name ChangeLog \
			-o -name bootstrap \) ! -name Makefile.in ! -name config.h.in
		for d in .ci m4 src include probes predict schema t contrib; do
			[ ! -d "$d" ] || find "$d" -type f \( -name '*.[ch]' \
				-o -name '*.md' -o -name '*.inc' -o -name '*.m4' \
				-o -name '*.sql' -o -name '*.sh' -o -name '*.awk' \
				-o -name '*.txt' -o -path '.ci/*' \) \
				! -path '*/seeds/*' ! -path '*/fixtures/*' \
				! -path '*/data/*' ! -name 'libtool.m4' ! -name 'lt*.m4'
		done
	}) | sed 's|^\./||' | sort
}
