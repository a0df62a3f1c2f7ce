# Small probes for compiler and linker flags: a flag is used only if the
# compiler takes it without a word.

# TC_CFLAG(VARIABLE, FLAG...): append each flag that compiles under -Werror
AC_DEFUN([TC_CFLAG], [
for tc_flag in $2; do
	AC_MSG_CHECKING([whether $CC takes $tc_flag])
	tc_save_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -Werror $tc_flag"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[]])],
		[AC_MSG_RESULT([yes]); $1="$$1 $tc_flag"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$tc_save_CFLAGS
done
])

# TC_LDFLAG(VARIABLE, FLAG...): append each flag that links under -Werror
AC_DEFUN([TC_LDFLAG], [
for tc_flag in $2; do
	AC_MSG_CHECKING([whether the linker takes $tc_flag])
	tc_save_LDFLAGS=$LDFLAGS
	tc_save_CFLAGS=$CFLAGS
	LDFLAGS="$LDFLAGS -Werror $tc_flag"
	CFLAGS="$CFLAGS -fPIC"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[]], [[]])],
		[AC_MSG_RESULT([yes]); $1="$$1 $tc_flag"],
		[AC_MSG_RESULT([no])])
	LDFLAGS=$tc_save_LDFLAGS
	CFLAGS=$tc_save_CFLAGS
done
])

# TC_NEED_FLAGS(WHAT, FLAGS): flags the user asked for; failing is an error
AC_DEFUN([TC_NEED_FLAGS], [
AC_MSG_CHECKING([whether $CC can do $1])
tc_save_CFLAGS=$CFLAGS
tc_save_LDFLAGS=$LDFLAGS
CFLAGS="$CFLAGS $2"
LDFLAGS="$LDFLAGS $2"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[]], [[]])],
	[AC_MSG_RESULT([yes])],
	[AC_MSG_RESULT([no])
	 AC_MSG_ERROR([--enable-$1 needs a compiler and linker that take: $2])])
CFLAGS=$tc_save_CFLAGS
LDFLAGS=$tc_save_LDFLAGS
])

# TC_MAYBE_LIB(NAME, VARIABLE, MODULE): --with-NAME=auto|yes|no through
# pkg-config; sets HAVE_VARIABLE for make, -DHAVE_VARIABLE=1 in the flags
AC_DEFUN([TC_MAYBE_LIB], [
AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=auto|yes|no],
	[use $3 (default: auto, used if found)])], [], [with_$1=auto])
tc_have=no
AS_IF([test "x$with_$1" != xno], [
	PKG_CHECK_MODULES([$2], [$3], [tc_have=yes], [
		AS_IF([test "x$with_$1" = xyes],
			[AC_MSG_ERROR([--with-$1=yes, but $3 was not found])])])])
AS_IF([test "x$tc_have" = xyes],
	[$2_CFLAGS="$$2_CFLAGS -DHAVE_$2=1"], [$2_CFLAGS=; $2_LIBS=])
with_$1=$tc_have
AM_CONDITIONAL([HAVE_$2], [test "x$tc_have" = xyes])
])
