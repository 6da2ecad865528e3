#!/bin/sh
# What the mount shows.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m

check "the root holds these" eq "$(ls m)" "cursors
keys
log
stat"
check "a new store has no keys" eq "$(ls -A m/keys)" ""
check "a key put by shmfsctl is a file" "$SHMFSCTL" put s.db greeting hello
check "the file holds the value and nothing else" eq "$(cat m/keys/greeting)" hello
echo world >m/keys/greeting
check "a file written is what shmfsctl gets" eq "$("$SHMFSCTL" get s.db greeting)" world
check "a removed file is a deleted key" rm m/keys/greeting
check "shmfsctl does not find it any more" not "$SHMFSCTL" exists s.db greeting

echo 1 >m/keys/one
names=$(awk '{ print $1 }' m/stat | sort)
check "stat has the names of shmfsctl stat" eq "$names" \
	"$("$SHMFSCTL" stat s.db | awk '{ print $1 }' | sort)"
check "every line of stat is a name and a value" not grep -qv '^[a-z_]* [0-9.e+-]*$' m/stat
check "stat counts the keys" eq "$(awk '$1 == "keys" { print $2 }' m/stat)" 1
check "stat is as long as its size says" eq "$(stat -c %s m/stat)" "$(wc -c <m/stat)"
check "the mount is of type fuse.shmfs" grep -q " $tmp/m fuse.shmfs " /proc/self/mounts
check "the store is its source" grep -q "^$tmp/s.db " /proc/self/mounts

unmount m
check "root=keys mounts the keys alone" mount_store s.db m -o root=keys
check "they are in the root then" eq "$(cat m/one)" 1
check "and nothing else is" eq "$(ls -A m)" one
echo 2 >m/two
check "a file made there is a key" eq "$("$SHMFSCTL" get s.db two)" 2
