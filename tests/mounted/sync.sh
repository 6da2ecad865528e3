#!/bin/sh
# Syncing: at fsync, and by itself.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
value() { awk -v name="$1" '$1 == name { print $2 }' m/stat; }
mount_store s.db m -o sync_interval=0
if [ "$(value is_volatile)" = 1 ]; then
	skip "syncing" "the store is on a file system that keeps nothing"
	exit
fi
before=$(value epoch_durable)
echo 1 >m/keys/k
check "a write is not a sync" eq "$(value epoch_durable)" "$before"
check "fsync syncs" eq "$("$calls" open 3 m/keys/k w,append write 3 x fsync 3)" ""
check "there is a later checkpoint then" [ "$(value epoch_durable)" -gt "$before" ]
before=$(value epoch_durable)
check "sync(1) of a file syncs" sh -c "echo 2 >m/keys/k && sync m/keys/k"
check "and of the directory" sh -c "echo 3 >m/keys/k && sync m/keys"
check "there is a later checkpoint again" [ "$(value epoch_durable)" -gt "$before" ]
unmount m
mount_store s.db m -o sync_interval=0.2
before=$(value epoch_durable)
echo 4 >m/keys/k
later() { [ "$(value epoch_durable)" -gt "$before" ]; }
check "sync_interval syncs by itself" eventually later
unmount m
mount_store s.db m -o ro
check "fsync of a read-only mount does nothing" eq "$("$calls" open 3 m/keys/k r fsync 3)" ""
