#!/bin/sh
# A directory mounted on demand, as systemd does for srv-store.automount: whoever looks into it waits for
# the mount, but for the process group of the one who has it mounted.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires root fuse python3 unshare umount
grep -qw autofs /proc/filesystems || skip_all "needs a kernel with autofs"

cat >demand.py <<'X'
import atexit, ctypes, fcntl, os, select, struct, subprocess, sys
store, where, shmfs = sys.argv[1:]
READY, FAIL = 0x9360, 0x9361
libc = ctypes.CDLL(None, use_errno=True)
os.setpgid(0, 0)
packets, kernel = os.pipe()
options = f'fd={kernel},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct'
if libc.mount(b'demand', where.encode(), b'autofs', 0, options.encode()):
    print('autofs:', os.strerror(ctypes.get_errno()))
    sys.exit(77)
os.close(kernel)
point = os.open(where, os.O_RDONLY)
looks = subprocess.Popen(['cat', where + '/keys/a'], stdout=subprocess.PIPE, start_new_session=True)
atexit.register(looks.kill)
if not select.select([packets], [], [], 20)[0]:
    sys.exit('nobody was told that somebody looks')
token = struct.unpack_from('@iiI', os.read(packets, 304))[2]
try:
    done = subprocess.run([shmfs, store, where], timeout=20).returncode
except subprocess.TimeoutExpired:
    done = 'waits for itself'
fcntl.ioctl(point, FAIL if done else READY, ctypes.c_ulong(token).value)
print(done, looks.communicate()[0].decode())
os.close(point)
subprocess.run(['umount', where])
subprocess.run(['umount', where])
X
mkdir m
shmfsctl put s.db a looked
unshare -m python3 demand.py "$tmp/s.db" "$tmp/m" "$SHMFS" >said 2>said.err
[ $? != 77 ] || skip_all "$(cat said)"
sed 's/^/# /' said.err
check "mounting on demand does not wait for itself, and who looked sees the store" eq "$(cat said)" "0 looked"
