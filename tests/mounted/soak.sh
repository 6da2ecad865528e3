#!/bin/sh
# Mixed operations of many processes through two mounts and directly, with a checker: soak.h.
# 20 seconds, or TORTURE_SECONDS; SOAK_SEED repeats one.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
seconds=${TORTURE_SECONDS:-20}
guard_seconds=$((seconds + 120))
: "${SOAK_BOUND_MS:=1000}" # what a mount with a cache may be late by, on a machine with other work

# soak STORE SECONDS BOUND_MS OPTIONS
soak() {
	mount_store "$1" m -o "log_limit=64M,log_full=refuse$4" || return
	mount_store "$1" m2 ${4:+-o "${4#,}"} || return
	"$top_builddir/tests/mounted/soak" "$1" m m2 "$2" "$3" >said
	soak_status=$?
	# its cases are those of this test
	sed "/^#/!s/ - / -$5 /" said
	test_cases=$((test_cases + $(grep -c '^ok' said)))
	test_failed=$((test_failed + $(grep -c '^not ok' said)))
	[ $soak_status = 0 ] || grep -q '^not ok' said || fail "soak ends well$5" "exit status $soak_status"
	for dir in m m2; do
		echo "# $dir: $(awk '/^(VmRSS|VmHWM|Threads):/ { printf "%s %s ", $1, $2 }' \
			"/proc/$(daemon_of $dir)/status")"
	done
	unmount m
	unmount m2
	check "the store is well$5" "$SHMFSCTL" check "$1"
}

soak s.db $((seconds * 3 / 4)) "$SOAK_BOUND_MS" "" ""
soak strict.db $((seconds / 4)) 0 ,cache=strict " with cache=strict,"
