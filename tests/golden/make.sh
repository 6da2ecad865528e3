#!/bin/sh
# Makes the golden stores, from the build directory, before the first release of a format version:
#
#	tests/run.sh ../tests/golden/make.sh ../tests/golden
#
# After that release they stay as they are: golden.sh holds every later version to them.  A new version of
# the format gets stores of its own, beside these.
#
# NAME.db.xz is the store, NAME.dump.xz its dump, NAME.facts.xz what facts.sh says.  killed.db was killed
# with work after its last sync: killed.dump is of a copy, live.dump of the session it was killed in.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq xz
. "$top_srcdir/tests/golden/facts.sh"
out=$(cd "$OLDPWD" && cd "${1:?where to?}" && pwd) || exit 2

# shellcheck disable=SC2086
"$LIBTOOL" --quiet --tag=CC --mode=link "$CC" $CFLAGS -I"$top_srcdir/lib" \
	"$top_srcdir/tests/golden/make.c" -o make "$top_builddir/lib/libshmfs.la" || exit 2

tell() { # STORE NAME: its dump and facts
	facts "$1" >"$2.facts" && shmfsctl dump "$1" "$2.dump" && xz -9e "$2.facts" "$2.dump" &&
		cp "$2.facts.xz" "$2.dump.xz" "$out"
}
keep() { # NAME: a copy of the store, and what is in that
	cp --sparse=always "$1.db" copy.db && xz -9e -k -c copy.db >"$out/$1.db.xz"
}

check "closed.db is made" ./make closed closed.db
check "it is kept" keep closed
check "with what it holds" tell closed.db closed

./make killed killed.db
check "killed.db was killed" eq $? 137
[ "$(shmfsctl stat --json killed.db | jq .is_volatile)" = 0 ] ||
	fail "it is durable" "SHMFS_TEST_DIR must not be on tmpfs"
check "it is kept" keep killed
check "with what a copy holds" tell copy.db killed
check "and what its session holds" tell killed.db live

check "volatile.db is made" ./make volatile volatile.db
check "it is kept" keep volatile
check "with what it holds" tell volatile.db volatile

./make open open.db
check "open.db was killed" eq $? 137
check "it is kept" keep open
ls -l "$out"
