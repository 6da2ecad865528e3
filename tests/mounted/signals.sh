#!/bin/sh
# Ending by a signal.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls

for signal in TERM INT HUP; do
	mkdir -p m
	"$SHMFS" s.db m -f &
	pid=$!
	cleanup "kill -9 $pid 2>/dev/null"
	eventually mounted m
	echo old >m/keys/staged
	echo old >m/keys/untouched
	head -c 400000 /dev/zero >m/keys/long
	"$calls" open 3 m/keys/staged w,trunc write 3 new open 4 m/keys/long w,append write 4 end \
		open 5 m/keys/untouched w,trunc sh "kill -$signal $pid" sleep 2000 >/dev/null 2>&1 &
	user=$!
	wait $pid
	check "SIG$signal ends it with 0" eq $? 0
	check "it is unmounted" not mounted m
	check "what was staged is published" eq "$("$SHMFSCTL" get s.db staged)" new
	check "also what was appended to a long value" eq "$("$SHMFSCTL" get s.db long | tail -c 3)" end
	check "what was truncated and not written is as it was" eq "$("$SHMFSCTL" get s.db untouched)" old
	check "the store is well" "$SHMFSCTL" check s.db
	wait $user
done

mount_store s.db m
pid=$(daemon_of m)
echo k >m/keys/k
check "a daemon in the background ends, too" kill -TERM "$pid"
check "and unmounts" eventually not mounted m
check "the store is closed: it can be copied and opened" sh -c '
	sleep 0.5; cp s.db copy.db && "$SHMFSCTL" get copy.db k'
