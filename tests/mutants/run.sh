#!/bin/sh
# The library, broken on purpose, one way after another: a test must notice each.
#
#	tests/run.sh ../tests/mutants/run.sh [MUTANT...]
#
# A mutant is a patch to lib/ whose head says
#
#	what it breaks
#	Kills: TEST [ARGUMENT...]	the test that must fail
#	Rebuild: FILE...		objects to compile besides the patched .c files, for a header
#	Hangs: SECONDS			the test waits for ever: how long to let it
#	Slow: yes			only with MUTANTS=all, as in make check-torture
#
# It is applied to a copy of the sources, what it changes is compiled into a copy of the archive, and
# the one test is linked with that.  A mutant that survives, or does not apply any more, is a failure.
# The "reference before hash" of the first design is not here: a slot of 8 bytes holds both, and
# is stored at once.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires gcc patch make ar
sanitized && skip_all "takes a plain build"

mutants=$top_srcdir/tests/mutants
archive=$top_builddir/lib/.libs/libsfs.a
[ -z "${TORTURE_SECONDS:-}" ] || : "${MUTANTS:=all}"
: "${MUTANTS:=quick}"

# make_prints VARIABLE...: their values in this build's Makefile, a line each
make_prints() {
	for variable in "$@"; do
		printf '%s=$(%s)\n' "$variable" "$variable"
	done | sed 's/^\([^=]*\)=\(.*\)$/\t@echo "\1: \2"/' >rules
	{
		printf 'include Makefile\nmutants-print:\n'
		cat rules
	} | make -s -C "$top_builddir" -f - mutants-print | sed 's/^[^:]*: //'
}

make -s -C "$top_builddir" Makefile >built 2>&1 # or what it prints gets in between
compile=$(make_prints CC DEFS DEFAULT_INCLUDES AM_CPPFLAGS CPPFLAGS lib_libsfs_la_CFLAGS CFLAGS |
	tr '\n' ' ')
link=$(make_prints CC AM_CFLAGS CFLAGS LDFLAGS | tr '\n' ' ')
libraries="$(make_prints CUNIT_LIBS LIBS | tr '\n' ' ') -lm -lpthread"

[ -n "$(make_prints harness)" ] || skip_all "needs CUnit"
cp -r "$top_srcdir/lib" pristine
chmod -R u+w pristine
: >table

field() {
	sed -n "/^--- /q; s/^$1: //p" "$2"
}

now() {
	date +%s%N
}

# objects_of TEST: its object files, from the list that was asked for once
objects_of() {
	sed -n "s,^$1: ,,p" objects
}

# build_test TEST: linked with ./mutant.a, as ./test
build_test() {
	(
		root=$PWD
		cd "$top_builddir" || exit
		# shellcheck disable=SC2046,SC2086
		$link -o "$root/test" $(cd "$root" && objects_of "$1") tests/unit/.libs/libharness.a \
			tests/.libs/librig.a "$root/mutant.a" $libraries
	)
}

# run_test ARGUMENT...: ./test; its output in ./said
run_test() {
	shift
	SHMFS_TEST_DIR=$PWD timeout -k 1 "${limit:-60}" ./test "$@" >said 2>&1
}

# recompile FILE...: from ./lib into ./mutant.a
recompile() {
	for source in "$@"; do
		object=libsfs_la-${source%.c}.o
		(
			root=$PWD
			cd "$top_builddir" || exit
			# shellcheck disable=SC2086
			$compile -w -I"$root/lib" -c -o "$root/$object" "$root/lib/$source"
		) && ar r mutant.a "$object" || return
	done
}

# try MUTANT: is it caught?
try() {
	patch=$mutants/$1.patch
	kills=$(field Kills "$patch")
	limit=$(field Hangs "$patch")
	rm -rf lib
	cp -r pristine lib
	cp "$archive" mutant.a
	started=$(now)
	patch -s -p1 --no-backup-if-mismatch -F0 <"$patch" || return
	# shellcheck disable=SC2046
	recompile $(sed -n 's,^+++ b/lib/\(.*\.c\).*,\1,p' "$patch") $(field Rebuild "$patch") || return
	build_test "${kills%% *}" || return
	eval "run_test $kills" && {
		echo "it survives: $kills"
		return 1
	}
	echo "$1 | $kills | $((($(now) - started) / 10000000))" | sed 's/\(..\)$/.\1/' >>table
}

if [ $# = 0 ]; then
	for patch in "$mutants"/*.patch; do
		[ "$MUTANTS" != all ] && [ -n "$(field Slow "$patch")" ] ||
			set -- "$@" "$(basename "$patch" .patch)"
	done
fi

# What kills must not be dead itself.
passes() {
	limit=
	cp "$archive" mutant.a
	for test in "$@"; do
		build_test "${test%% *}" && eval "run_test $test" || {
			cat said
			return 1
		}
	done
}
for mutant in "$@"; do
	field Kills "$mutants/$mutant.patch"
done | sort -u >tests
for test in $(sed 's/ .*//' tests | sort -u); do
	echo "$test: $(make_prints "$(echo "$test" | tr / _)_OBJECTS")"
done >objects
# shellcheck disable=SC2046
make -s -C "$top_builddir" $(sed 's/.*: //' objects) tests/librig.la tests/unit/libharness.la \
	lib/libsfs.la >built 2>&1 || cat built
while read -r test; do
	check "the library as it is passes $test" passes "$test"
done <tests

for mutant in "$@"; do
	check "$(sed -n 1p "$mutants/$mutant.patch"), and a test notices" try "$mutant"
done
echo "# mutant | test that kills it | seconds"
sed 's/^/# /' table
