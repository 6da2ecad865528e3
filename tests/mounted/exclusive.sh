#!/bin/sh
# O_EXCL: of many that make a key one wins.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
mount_store s.db m2

check "an exclusive key is there at once, empty" eq \
	"$("$calls" open 3 m/keys/lock w,creat,excl sh "\"$SHMFSCTL\" get s.db lock | wc -c")" 0
check "a second one is EEXIST" eq "$("$calls" open 3 m/keys/lock w,creat,excl)" EEXIST
check "on another mount too" eq "$("$calls" open 3 m2/keys/lock w,creat,excl)" EEXIST
"$SHMFSCTL" put s.db theirs x
check "and for a key made by somebody else" eq "$("$calls" open 3 m/keys/theirs w,creat,excl)" EEXIST
check "what is written to it replaces the emptiness at once" eq \
	"$("$calls" open 3 m/keys/l2 w,creat,excl write 3 half sh "\"$SHMFSCTL\" get s.db l2" \
		write 3 done close 3 sh "\"$SHMFSCTL\" get s.db l2")" halfdone

contend() {
	set -C
	n=0
	while [ $n -lt 50 ]; do
		{ echo $2 >"$1/keys/lock$n"; } 2>/dev/null && echo $n
		n=$((n + 1))
	done
}
workers=
for worker in 1 2 3 4; do
	contend m $worker >"$tmp/won$worker" &
	workers="$workers $!"
	contend m2 $worker >"$tmp/won2$worker" &
	workers="$workers $!"
done
wait $workers
check "eight shells with noclobber take 50 locks, each once" eq \
	"$(cat "$tmp"/won* | sort -n | uniq -c | awk '$1 == 1' | wc -l)" 50
