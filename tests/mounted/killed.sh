#!/bin/sh
# A daemon that is killed.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m
echo kept >m/keys/k
kill -9 "$(daemon_of m)"
dead() { ls m 2>&1 | grep -q "not connected"; }
check "leaves a mount point that says so" eventually dead
check "mounting again says how to clear it: exit 32" exits 32 "$SHMFS" s.db m
check "by fusermount3" fails_with "fusermount3 -u $tmp/m" "$SHMFS" s.db m
check "which clears it" fusermount3 -u m
check "the store has what was written" eq "$("$SHMFSCTL" get s.db k)" kept
check "and is well" "$SHMFSCTL" check s.db
check "it mounts again" mount_store s.db m
check "and shows it" eq "$(cat m/keys/k)" kept
