# Probes for compiler and linker flags, one flag at a time.

# SFS_CC_FLAG(VARIABLE, FLAG): append FLAG to VARIABLE if the C compiler takes it silently.
AC_DEFUN([SFS_CC_FLAG], [
	AS_VAR_PUSHDEF([cached], [sfs_cv_cc_$2])
	AC_CACHE_CHECK([whether $CC accepts $2], [cached], [
		sfs_saved=$CFLAGS
		# Clang only warns of a flag it does not know; -Wno-x is taken by gcc unseen.
		CFLAGS="$CFLAGS -Werror m4_bpatsubst([$2], [^-Wno-], [-W])"
		AC_LINK_IFELSE([AC_LANG_PROGRAM()],
			[AS_VAR_SET([cached], [yes])], [AS_VAR_SET([cached], [no])])
		CFLAGS=$sfs_saved
	])
	AS_VAR_IF([cached], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([cached])
])

# SFS_LD_FLAG(VARIABLE, FLAG): append FLAG to VARIABLE if a program links with it.
AC_DEFUN([SFS_LD_FLAG], [
	AS_VAR_PUSHDEF([cached], [sfs_cv_ld_$2])
	AC_CACHE_CHECK([whether the linker accepts $2], [cached], [
		sfs_saved=$LDFLAGS
		LDFLAGS="$LDFLAGS $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM()],
			[AS_VAR_SET([cached], [yes])], [AS_VAR_SET([cached], [no])])
		LDFLAGS=$sfs_saved
	])
	AS_VAR_IF([cached], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([cached])
])

# SFS_VERSION_SCRIPT: does the linker take --version-script?  Sets have_version_script.
AC_DEFUN([SFS_VERSION_SCRIPT], [
	AC_CACHE_CHECK([whether the linker accepts a version script],
		[sfs_cv_version_script], [
		sfs_saved=$LDFLAGS
		printf 'T_1 { global: sfs_probe; local: *; };\n' > conftest.map
		LDFLAGS="$LDFLAGS -shared -fPIC -Wl,--version-script=conftest.map"
		AC_LINK_IFELSE([AC_LANG_SOURCE([int sfs_probe(void); int sfs_probe(void) { return 0; }])],
			[sfs_cv_version_script=yes], [sfs_cv_version_script=no])
		rm -f conftest.map
		LDFLAGS=$sfs_saved
	])
	have_version_script=$sfs_cv_version_script
])

# SFS_SANITIZER(NAME, FLAG, TEXT): an --enable-NAME option that adds FLAG to SAN_FLAGS.
AC_DEFUN([SFS_SANITIZER], [
	AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$3])], [], [enable_$1=no])
	AS_VAR_IF([enable_$1], [no], [], [
		sfs_before=$SAN_FLAGS
		SFS_LD_FLAG([SAN_FLAGS], [$2])
		AS_IF([test "$SAN_FLAGS" = "$sfs_before"],
			[AC_MSG_ERROR([--enable-$1: this compiler cannot link with $2])])
		sanitizers="$sanitizers $1"
	])
])
