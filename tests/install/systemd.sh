#!/bin/sh
# The units are what systemd takes, and run the program that make install installs.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires systemd-analyze
[ -n "$SHMFS" ] || skip_all "needs shmfs, configured --without-fuse"

bindir=$(sed -n 's/^bindir = //p' "$top_builddir/Makefile")
prefix=$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")
unit=$top_builddir/contrib/systemd/shmfs@.service
case $bindir in "\${exec_prefix}/bin") bindir=$prefix/bin ;; esac
check "the service runs the installed program" grep -q "^ExecStart=$bindir/shmfs -f " "$unit"

# What is installed need not be there yet: this build in its place.
sed "s|$bindir/shmfs|$SHMFS|" "$unit" >shmfs@.service
cp "$top_srcdir"/contrib/systemd/srv-store.* .
# Other units of this machine have their own faults.
complaints() {
	SYSTEMD_LOG_TARGET=console systemd-analyze verify --man=no "./$1" 2>&1 | grep -e shmfs -e srv-store
}
for file in shmfs@.service srv-store.mount srv-store.automount; do
	check "systemd has no complaint about $file" eq "$(complaints $file)" ""
done
sed 's/^Type=notify/Type=notifies/; s/^ExecStart=/&-f /' shmfs@.service >wrong@.service
check "(it would complain)" not eq "$(SYSTEMD_LOG_TARGET=console \
	systemd-analyze verify --man=no ./wrong@.service 2>&1 | grep wrong@)" ""

# The example's name is that of its directory.
where=$(sed -n 's/^Where=//p' srv-store.mount)
check "the mount unit is named by its directory" \
	eq "$(systemd-escape -p --suffix=mount "$where")" srv-store.mount
check "and the automount is for the same" eq "$(sed -n 's/^Where=//p' srv-store.automount)" "$where"
