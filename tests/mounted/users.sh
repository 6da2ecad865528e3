#!/bin/sh
# Who may do what: the kernel checks the permissions of the store file.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse root setpriv
chmod 755 "$tmp"
as() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
umask 077
mount_store s.db m -o allow_other
echo secret >m/keys/k
check "a store file of mode 600 shows files of mode 600" eq "$(stat -c %a m/keys/k)" 600
check "others cannot read them" fails_with "Permission denied" as cat m/keys/k
check "nor enter the directory" fails_with "Permission denied" as ls m/keys
unmount m
chmod 644 s.db
mount_store s.db m -o allow_other
check "with 644 others can read" eq "$(as cat m/keys/k)" secret
check "but not write" fails_with "Permission denied" as sh -c 'echo x >m/keys/k'
check "nor make files" fails_with "Permission denied" as sh -c 'echo x >m/keys/new'
check "nor remove them" fails_with "Permission denied" as rm -f m/keys/k
unmount m
mount_store s.db m -o allow_other,mode=666
check "with mode=666 they can" as sh -c 'echo theirs >m/keys/k'
check "and make files" as sh -c 'echo x >m/keys/new'
check "chmod of what is not theirs is refused" not as chmod 600 m/keys/k
unmount m
mount_store s.db m
check "without allow_other they cannot look at all" fails_with "Permission denied" as ls m
