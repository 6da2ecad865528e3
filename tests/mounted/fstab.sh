#!/bin/sh
# mount -t fuse.shmfs and /etc/fstab, through mount.fuse3.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse root unshare mount.fuse3 mount

# mount(8) looks for shmfs where programs are installed: there is one, for this test alone.
mkdir m
# the line that shmfs(1) has, for here, and with more options
sed -n "s|^/srv/store.db /mnt/store \\(fuse.shmfs .*\\) 0 0\$|$tmp/fstab.db $tmp/m \\1,noauto,log_limit=64M,mode=640 0 0|p" \
	"$top_srcdir/man/shmfs.1" >fstab
check "shmfs(1) has a line of fstab" test -s fstab
cat >inside.sh <<'END'
cleanup_mounts() { umount m 2>/dev/null || umount -l m 2>/dev/null; }
trap cleanup_mounts EXIT
mount -t tmpfs -o mode=755 none /usr/local/sbin || exit 77
printf '#!/bin/sh\nexec "%s" "$@"\n' "$SHMFS" >/usr/local/sbin/shmfs
chmod 755 /usr/local/sbin/shmfs
options() { sed -n "s|.* $tmp/m fuse.shmfs \([^ ]*\) .*|\1|p" /proc/self/mounts; }

mount -t fuse.shmfs "$tmp/s.db" "$tmp/m" -o allow_other,noatime,nosuid && echo mounted
options | tr , '\n' | grep -xE 'allow_other|noatime|nosuid|rw' | sort | tr '\n' ' '
echo value >m/keys/k && "$SHMFSCTL" get s.db k
umount m && echo unmounted
mount -t fuse.shmfs -r "$tmp/s.db" "$tmp/m" && { { echo x >m/keys/k; } 2>/dev/null || echo read-only; }
umount m
mount -T fstab "$tmp/m" && echo from fstab
stat -c %a m/log
awk '$1 == "log_limit" { print $2 }' m/stat
umount m
mount -T fstab -a
[ -n "$(options)" ] || echo noauto is left alone
sed -i s/,noauto// fstab
mount -T fstab -a && options | grep -c rw
umount m
mount -t fuse.shmfs none/s.db "$tmp/m" 2>said || grep -c 'none/s.db: No such file or directory' said
END
chmod 755 .
export tmp
unshare -m sh inside.sh >said.out 2>said.err
[ $? != 77 ] || skip_all "needs a tmpfs over /usr/local/sbin"
cat said.err | sed 's/^/# /'
line() { sed -n "$1p" said.out; }
check "mount -t fuse.shmfs mounts" eq "$(line 1)" mounted
check "with the options mount(8) knows" eq "$(line 2)" "allow_other noatime nosuid rw value"
check "umount unmounts" eq "$(line 3)" unmounted
check "mount -r mounts to read" eq "$(line 4)" read-only
check "a line of fstab is enough" eq "$(line 5)" "from fstab"
check "with options of shmfs in it" eq "$(line 6) $(line 7)" "640 67108864"
check "mount -a does not mount what is noauto" eq "$(line 8)" "noauto is left alone"
check "and what is not" eq "$(line 9)" 1
check "a failure is said" eq "$(line 10)" 1
