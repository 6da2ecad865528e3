#!/bin/sh
# Who may do what: the kernel checks the permissions of the store file.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse nobody
as() { nobody "$@"; }
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
unmount m
chmod 666 s.db
mount_store s.db m -o allow_other
check "with a store file of mode 666 they do all of it" as sh -c '
	cd m && echo 1 >keys/mine && echo 2 >>keys/mine &&
	mv keys/mine keys/yours && sed -i s/1/one/ keys/yours && [ "$(cat keys/yours)" = "one
2" ] && rm keys/yours && ls -l keys >/dev/null && echo line >>log && tail -n 1 log &&
	mkdir cursors/theirs && echo begin >cursors/theirs/position && cat cursors/theirs/next &&
	rmdir cursors/theirs'
unmount m

# ---- mounting without privileges -------------------------------------------------------------
#
# With a /dev/fuse that they may open, in a namespace where nobody else sees it.
mkdir home
chown 65534:65534 home
cat >inside.sh <<'END'
mount -t tmpfs -o mode=755 none /mnt && mknod -m 666 /mnt/fuse c 10 229 &&
	: <>/mnt/fuse && mount --bind /mnt/fuse /dev/fuse && umount -l /mnt || exit 77
exec setpriv --reuid=65534 --regid=65534 --clear-groups sh "$@"
END
private() { # FILE: as the user, with that node; 77: it cannot be made
	unshare -m sh inside.sh "$1" >said 2>&1
}
cat >plain.sh <<'END'
cd home && mkdir -p m && "$SHMFS" s.db m || exit 1
trap 'fusermount3 -u m' EXIT
id -u
echo value >m/keys/k && cat m/keys/k && stat -c '%u %a' m/keys/k
"$SHMFS" s.db m -o allow_other 2>&1 | grep -c user_allow_other
END
cat >namespace.sh <<'END'
cd home || exit 1
unshare -Urm sh -c 'mkdir -p m2 && "$SHMFS" s.db m2 && cat m2/keys/k && echo more >m2/keys/more &&
	mkdir m2/cursors/c && umount m2 && "$SHMFSCTL" get s.db more' || exit
END
chmod 644 ./*.sh
private plain.sh
case $? in
77) skip "somebody without privileges mounts, by fusermount3" "no device node can be made here" ;;
*) check "somebody without privileges mounts, by fusermount3" eq "$(head -n 3 said)" "65534
value
65534 600" ;;
esac
if ! nobody unshare -Urm true 2>/dev/null; then
	skip "or in a user namespace, by itself" "user namespaces are not allowed"
else
	private namespace.sh
	case $? in
	77) skip "or in a user namespace, by itself" "no device node can be made here" ;;
	*) check "or in a user namespace, by itself" eq "$(cat said)" "value
more" ;;
	esac
fi
