#!/bin/sh
# The guard of lib.sh: a mount that hangs is aborted and reported, and a daemon is never left behind.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse timeout

# inner NAME SECONDS: a test of its own, from standard input, with a guard of so long; its lines are in
# NAME.said.
inner() {
	{
		echo '. "$top_srcdir/tests/lib.sh"'
		echo "guard_seconds=$2"
		cat
	} >"$1.sh"
	SHMFS_TEST_DIR=$tmp timeout -k 5 60 sh "$1.sh" >"$1.said" 2>"$1.err"
}

no_daemon_of() {
	not daemon_of "$(cat "$1")"
}

inner stopped 2 <<'END'
mount_store s.db m
echo v >m/keys/k
pid=$(daemon_of m)
echo "$tmp/m" >../stopped.dir
kill -STOP "$pid"
check "a key is read" cat m/keys/other
echo "# goes on"
END
check "a test on a mount that hangs fails, and soon" eq $? 1
check "what hung has failed" grep -q '^not ok - a key is read' stopped.said
check "and the test went on" grep -q '^# goes on' stopped.said
check "it is reported" grep -q '^not ok - no mount hangs' stopped.said
check "with what the daemon's threads were doing" grep -q '^# .*shmfs T (stopped)' stopped.said
if mountpoint -q /sys/fs/fuse/connections; then
	check "and how many requests were waiting" grep -q 'with [1-9][0-9]* requests waiting' stopped.said
else
	skip "and how many requests were waiting" "needs fusectl at /sys/fs/fuse/connections"
fi
check "the daemon is gone" eventually no_daemon_of stopped.dir
check "and the mount" not mounted "$(cat stopped.dir)"

inner held 50 <<'END'
mount_store s.db m
echo line >>m/log
echo "$tmp/m" >../held.dir
tail -n0 -f m/log >/dev/null &
pid=$!
echo $pid >../held.pid
opened() { ls -l /proc/$pid/fd | grep -q "$tmp/m/log"; }
eventually opened
check "the log is read" cat m/log
END
check "a test that leaves a file of the mount open fails" eq $? 1
check "saying so" sh -c 'grep "^not ok - nothing is open any more in m" held.said || {
	cat held.said held.err
	exit 1
}'
check "its daemon ends all the same" eventually no_daemon_of held.dir
kill "$(cat held.pid)"

inner well 50 <<'END'
mount_store s.db m
echo v >m/keys/k
check "a key is read" cat m/keys/k
END
check "a test whose mount is well does not notice" eq $? 0
