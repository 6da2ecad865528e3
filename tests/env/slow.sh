#!/bin/sh
# A disk that takes long: who does not wait for it is not made to.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/env/preload.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls

cat >flush.c <<'END'
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int fdatasync(int fd)
{
	while (access(getenv("SLOW"), F_OK) == 0)
		usleep(10000);
	return (int)syscall(SYS_fdatasync, fd);
}
END
export SLOW="$tmp/slow"
mount_on_disk "a slow disk" sync_interval=0.2
cleanup "rm -f '$SLOW'"
# Threads that go before the others of the daemon, but for the watcher, which is before everybody.
hurried() {
	cat "/proc/$pid/task/"*/stat | awk '$19 < 0 && $41 == 0' | wc -l
}
head -c 300000 /dev/zero >m/keys/long
touch slow
echo new >m/keys/k
sleep 0.5 # the periodic sync is under way
check "while it flushes a key can be written and read" eq "$(echo more >m/keys/n && cat m/keys/k m/keys/n)" "new
more"
check "and what is staged is published after a second" eq \
	"$("$calls" open 3 m/keys/long w,append write 3 soon sleep 1800 \
		sh "\"$SHMFSCTL\" get s.db long | tail -c 4")" soon
if nice -n -1 true 2>/dev/null; then
	check "who flushes goes first where many run" eq "$(hurried)" 1
else
	skip "who flushes goes first where many run" "may not raise a priority"
fi
sync m/keys/k &
syncer=$!
sleep 0.3
check "who asks for a sync waits for it" kill -0 $syncer
rm slow
check "until it is done" wait $syncer
nobody_hurries() {
	[ "$(hurried)" = 0 ]
}
check "and then goes as before" eventually nobody_hurries
check "it unmounts" fusermount3 -u m
wait $pid
check "and ends well" eq $? 0
