#!/bin/sh
# A full disk through the mount: FULL_ROUNDS times (5, or for TORTURE_SECONDS) a tmpfs of 64 MiB is
# filled with files and frames, its daemon killed meanwhile, and emptied again.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse root
mkdir disk m
mount -t tmpfs -o size=64M tmpfs disk 2>/dev/null || skip_all "cannot mount a tmpfs"
cleanup "eventually umount '$tmp/disk' 2>/dev/null"
store=$tmp/disk/s.db
guard_seconds=800 # for tiny values on a full disk, each of which makes room first
head -c 8000000 /dev/urandom >random

again() { unmount m && mount_store "$store" m; }

# fill FIRST: keys FIRST.. of many sizes, then of ever smaller ones, to the last byte, and a frame
# beside each, until the shell is told that nothing goes any more.
fill() {
	i=$1
	for size in 1500000 100000 10000 1000 100 1; do
		while n=$((i * 7919 % size + 1)) && head -c $n random >m/keys/k$i; do
			echo $i $n >>stored
			if echo "frame $i" >>m/log; then echo "frame $i" >>frames; fi
			i=$((i + 1))
		done
	done 2>>err
}

# What was acknowledged is there.
intact() {
	while read -r i n; do
		head -c $n random | cmp - m/keys/k$i || return
	done <stored
	# a frame of a writer that was killed may be there
	"$SHMFSCTL" tail "$store" 2>/dev/null | sort >log.now
	sort frames | comm -23 - log.now | sed 's/$/ is lost/' | tee lost
	[ ! -s lost ]
}

round() {
	: >stored
	: >frames
	: >err
	mount_store "$store" m || return
	fill 0 &
	filler=$!
	sleep "0.$((round % 4))"
	kill -9 "$(daemon_of m)"
	wait $filler
	again || return
	intact || return
	: >err
	fill 10000
	grep -q "No space left" err || { echo "nobody was told"; cat err; return 1; }
	head -c 70000000 /dev/zero >disk/ballast 2>/dev/null
	if head -c 3000000 random >m/keys/more 2>/dev/null; then echo "3 MB more fitted in"; return 1; fi
	rm -f m/keys/more
	intact || return
	rm m/keys/k* || return
	rm disk/ballast
	unmount m
	"$SHMFSCTL" check "$store"
}

# the first one fills an empty disk; the others what was deleted
seconds=${TORTURE_SECONDS:-0}
rounds=${FULL_ROUNDS:-5}
round=0
began=$(date +%s)
while [ $round = 0 ] || { [ "$seconds" -gt 0 ] && [ $(($(date +%s) - began)) -lt "$seconds" ]; } ||
	{ [ "$seconds" = 0 ] && [ $round -lt "$rounds" ]; }; do
	round >"$tmp/out" 2>&1 || {
		fail "round $round on a full disk: nothing is lost, all can be deleted" "$(tail -n 20 "$tmp/out")"
		exit
	}
	round=$((round + 1))
done
pass "$round times a disk is filled through the mount, its daemon killed: nothing is lost, all can be deleted"

head -c 70000000 /dev/zero >disk/ballast 2>/dev/null
truncate -s -65536 disk/ballast
check "a store is not created with 64 KiB free" fails_with "space" "$SHMFSCTL" create disk/new.db
check "nor by a mount" not "$SHMFS" disk/new.db m
check "and leaves no file" not test -e disk/new.db
