#!/bin/sh
# Several mounts of one store, beside direct clients; mounts that only read.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
mount_store s.db m2

echo one >m/keys/k
check "what one mount writes the other reads" eq "$(cat m2/keys/k)" one
echo two >m2/keys/k
check "and back" eq "$(cat m/keys/k)" two
has_size() { [ "$(stat -c %s "$1" 2>/dev/null)" = "$2" ]; }
reads() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
# What is known of a key, or of its absence, may be behind by the time it takes to be told.
echo longer >m2/keys/k
check "sizes too" eventually has_size m/keys/k 7
check "a key removed in one is gone in the other" eq "$(rm m2/keys/k && ls -A m/keys)" ""
check "one that is not there is not" test ! -e m/keys/new
echo x >m2/keys/new
check "until it is made" eventually reads m/keys/new x
check "one renamed has its new name" eq "$(mv m2/keys/new m2/keys/newer && ls m/keys)" newer
check "a directory open in one sees what the other makes" eq \
	"$("$calls" opendir m/keys sh "rm m2/keys/newer; echo 1 >m2/keys/other" readdir readdir)" "other
end"
"$SHMFSCTL" put s.db direct 1
check "both see a direct client" eq "$(cat m/keys/direct m2/keys/direct)" 11

mount_store s.db ro -o ro
check "a mount with ro reads" eq "$(cat ro/keys/direct)" 1
check "and follows" eq "$(echo 2 >m/keys/direct && cat ro/keys/direct)" 2
for call in "open 3 ro/keys/direct w" "open 3 ro/keys/x w,creat" "unlink ro/keys/direct" \
	"rename ro/keys/direct ro/keys/y 0" "truncate ro/keys/direct 0" \
	"setxattr ro/keys/direct user.shmfs.type string"; do
	check "${call%% *} there is EROFS" eq "$("$calls" $call)" EROFS
done
unmount m
unmount m2
check "it reads on when the writers are gone" eq "$(cat ro/keys/direct)" 2
unmount ro
chmod 444 s.db
if [ "$(id -u)" = 0 ]; then
	skip "without permission to write, ro still mounts" "root may write anything"
else
	check "without permission to write, mounting fails" exits 2 "$SHMFS" s.db m
	check "and ro still mounts" mount_store s.db m -o ro
fi
