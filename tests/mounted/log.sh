#!/bin/sh
# The log as a file: what may be done to it, and what not.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m

check "a new log is empty" eq "$(cat m/log; stat -c %s m/log)" 0
echo one >>m/log
printf two >>m/log
check "it reads as what was appended, nothing added" eq "$(cat m/log)" "one
two"
check "its size is that of the payload" eq "$(stat -c %s m/log)" 7
frames() { awk '$1 == "log_frames" { print $2 }' m/stat; }
check "one write is one frame" eq "$(frames)" 2
"$calls" open 3 m/log w,append write 3 a write 3 b pwrite 3 0 c
check "also of one open file, whatever the offset" eq "$(frames) $(tail -c 3 m/log)" "5 abc"
dd if=/dev/zero of=m/log bs=1000 count=3 oflag=append conv=notrunc 2>/dev/null
check "as many frames as writes" eq "$(frames)" 8
check "stat counts the bytes" eq "$(awk '$1 == "log_bytes" { print $2 }' m/stat)" 3010
mount_store s.db m2
echo other >>m2/log
check "another mount appends to the same log" eq "$(tail -c 6 m/log)" other
check "its size follows" eq "$(stat -c %s m/log)" 3016

check "the longest frame is 1044480 bytes" eq "$("$calls" open 3 m/log w,append fill 3 1044480 x)" ""
check "which is one frame" eq "$(frames)" 10
before=$(frames)
check "one more is EMSGSIZE" eq "$("$calls" open 3 m/log w,append fill 3 1044481 x)" EMSGSIZE
check "what the kernel splits too" fails_with "Message too long" \
	dd if=/dev/zero of=m/log bs=4M count=1 oflag=append conv=notrunc
check "and nothing of it has landed" eq "$(frames)" "$before"

check "writing without O_APPEND is EPERM" eq "$("$calls" open 3 m/log w)" EPERM
check "for reading and writing too" eq "$("$calls" open 3 m/log rw)" EPERM
check "truncating when opened is EPERM" eq "$("$calls" open 3 m/log w,append,trunc)" EPERM
check "so > is refused" fails_with "ermitted" sh -c 'echo x >m/log'
check "truncate is EPERM" eq "$("$calls" truncate m/log 0)" EPERM
check "ftruncate is EPERM" eq "$("$calls" open 3 m/log w,append ftruncate 3 0)" EPERM
check "fallocate is EPERM" eq "$("$calls" open 3 m/log w,append fallocate 3 0 0 9)" EPERM
check "unlink is EPERM" eq "$("$calls" unlink m/log)" EPERM
check "rename is EPERM" eq "$("$calls" rename m/log m/log2 0)" EPERM
check "renaming it into keys is EPERM" eq "$("$calls" rename m/log m/keys/log 0)" EPERM
check "renaming over it is EPERM" eq "$("$calls" rename m/stat m/log 0)" EPERM
check "none of that changed it" eq "$(frames) $(head -c 3 m/log)" "$before one"
check "appending and reading one descriptor works" eq \
	"$("$calls" open 3 m/log rw,append write 3 end pread 3 0 3)" one
check "fsync succeeds" eq "$("$calls" open 3 m/log w,append write 3 x fsync 3)" ""
check "so does O_SYNC" eq "$("$calls" open 3 m/log w,append,sync write 3 x)" ""
check "poll finds it ready" eq "$("$calls" open 3 m/log r poll 3 1000)" in

# Appends of many processes: none is lost, none is torn.
echo >>m/log
before=$(frames)
writers=
for writer in 1 2 3 4; do
	(i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo "<$writer $i>"; done >>m/log) &
	writers="$writers $!"
done
# shellcheck disable=SC2086
wait $writers
check "appends of many processes are all there" eq "$(($(frames) - before))" 800
check "each whole" eq "$(tail -c 8000 m/log | grep -ac '^<[1-4] [0-9]*>$')" 800
check "in the order of each" eq "$(tail -c 8000 m/log | sed -n 's/^<2 \(.*\)>$/\1/p')" "$(seq 200)"
unmount m2
unmount m
check "the store is well" "$SHMFSCTL" check s.db

mount_store s.db m -o ro
check "a mount with ro reads it" eq "$(head -c 3 m/log)" one
check "and does not append" eq "$("$calls" open 3 m/log w,append)" EROFS
unmount m

# A full log that refuses: as long as a cursor needs its oldest part.
mount_store full.db m -o log_limit=32M,log_full=refuse
mkdir m/cursors/slow
check "a full log is ENOSPC" fails_with "No space left" \
	dd if=/dev/zero of=m/log bs=1000000 count=40 oflag=append conv=notrunc
kept=$(awk '$1 == "log_frames" { print $2 }' m/stat)
echo end >m/cursors/slow/position
check "and takes more when the cursor has moved on" sh -c 'echo more >>m/log'
check "it had kept all until then" [ "$kept" -ge 32 ]
