#!/bin/sh
# What a key cannot be, and what is accepted without effect.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
k=m/keys/k
echo value >$k

check "mkdir in keys is EPERM" eq "$("$calls" mkdir m/keys/d)" EPERM
check "symlink in keys is EPERM" eq "$("$calls" symlink x m/keys/l)" EPERM
check "mknod in keys is EPERM" eq "$("$calls" mknod m/keys/n)" EPERM
check "link in keys is EPERM" eq "$("$calls" link $k m/keys/l)" EPERM
check "making a file in the root is EPERM" eq "$("$calls" open 3 m/f w,creat)" EPERM
check "making a directory there is EPERM" eq "$("$calls" mkdir m/d)" EPERM
check "removing stat is EPERM" eq "$("$calls" unlink m/stat)" EPERM
check "removing keys is EPERM" eq "$("$calls" rmdir m/keys)" EPERM
check "renaming keys is EPERM" eq "$("$calls" rename m/keys m/k2 0)" EPERM
check "writing to stat is EPERM" eq "$("$calls" open 3 m/stat w)" EPERM
check "truncating stat is EPERM" eq "$("$calls" truncate m/stat 0)" EPERM
check "punching a hole is EOPNOTSUPP" eq "$("$calls" open 3 $k rw fallocate 3 3 0 2)" EOPNOTSUPP
check "collapsing is EOPNOTSUPP" eq "$("$calls" open 3 $k rw fallocate 3 8 0 2)" EOPNOTSUPP
check "a directory is not a file" eq "$("$calls" open 3 m/keys w)" EISDIR
check "a file is not a directory" eq "$("$calls" open 3 $k/x r)" ENOTDIR

check "chmod is accepted" chmod 0600 $k
check "chown is accepted" chown 12:34 $k
check "touch -d is accepted" touch -d 2001-01-01 $k
check "and without effect" eq "$(stat -c '%u %g %a' $k)" "$(stat -c '%u %g %a' s.db)"
check "nothing of all that changed the value" eq "$(cat $k)" value
unmount m
mount_store s.db m -o strict
check "chmod is EPERM with strict" fails_with "Operation not permitted" chmod 0600 $k
check "chown too" fails_with "Operation not permitted" chown 12:34 $k
check "touch -d too" fails_with "Operation not permitted" touch -d 2001-01-01 $k
check "truncating works all the same" truncate -s 3 $k
check "and so does writing" eq "$(echo more >>$k && cat $k)" valmore
