#!/bin/sh
# System calls by which programs copy and wait: sendfile, splice, copy_file_range, inotify; tail -f.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m
. "$top_srcdir/tests/mounted/same.sh"
head -c 3000000 /dev/urandom >long

py() { # SENTENCE PROGRAM
	same_with python3 "$1" "python3 - \"\$2/long\" <<'END'
import os, sys
def take(call, source, to, *more):
    while call(to, source, *more):
        pass
$2
END"
}
py "sendfile into a file" '
a = os.open(sys.argv[1], os.O_RDONLY); b = os.open("k", os.O_WRONLY | os.O_CREAT)
take(lambda to, source: os.sendfile(to, source, None, 1 << 20), a, b)'
py "sendfile out of one, from the middle" 'import shutil
shutil.copyfile(sys.argv[1], "k")
a = os.open("k", os.O_RDONLY); b = os.open("k2", os.O_WRONLY | os.O_CREAT)
print(os.sendfile(b, a, 1000, 5000)); os.close(b); print(os.path.getsize("k2"))'
py "copy_file_range within, in and out" 'import shutil
shutil.copyfile(sys.argv[1], "k")
a = os.open("k", os.O_RDONLY); b = os.open("k2", os.O_RDWR | os.O_CREAT)
while os.copy_file_range(a, b, 1 << 20): pass
print(os.copy_file_range(a, b, 100, 0, 50), os.fstat(b).st_size)
c = os.open(os.environ.get("TMPDIR", "/tmp"), os.O_TMPFILE | os.O_RDWR)
try:
    while os.copy_file_range(b, c, 1 << 20, None): pass
except OSError as e: # from one file system to another: the program copies itself
    assert e.errno == 18'
py "splice through a pipe" '
a = os.open(sys.argv[1], os.O_RDONLY); b = os.open("k", os.O_WRONLY | os.O_CREAT)
r, w = os.pipe()
while True:
    n = os.splice(a, w, 65536) if hasattr(os, "splice") else os.write(w, os.read(a, 65536))
    if not n: break
    while n: n -= os.splice(r, b, n) if hasattr(os, "splice") else os.write(b, os.read(r, n))'
py "preadv, pwritev, holes read as zeros" 'f = os.open("k", os.O_RDWR | os.O_CREAT)
print(os.pwritev(f, [b"one", b"two"], 10)); bufs = [bytearray(8), bytearray(9)]
print(os.preadv(f, bufs, 0), bufs)'
py "mmap, read only and private" 'import mmap, shutil
shutil.copyfile(sys.argv[1], "k")
with open("k", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    print(m[:] == open(sys.argv[1], "rb").read())
    p = mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE); p[0:3] = b"abc"; print(p[0:3])'
py "posix_fallocate, fsync, fdatasync, O_SYNC, sync" '
f = os.open("k", os.O_RDWR | os.O_CREAT | os.O_SYNC)
os.posix_fallocate(f, 0, 5000); print(os.fstat(f).st_size)
os.write(f, b"x"); os.fsync(f); os.fdatasync(f); os.sync()'
py "lockf: a range locked is refused to another process" 'import fcntl
open("k", "w").close()
f = open("k", "r+"); fcntl.lockf(f, fcntl.LOCK_EX, 10, 0)
if not (child := os.fork()):
    g = open("k", "r+")
    fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 20)
    try:
        fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5); print("both")
    except OSError as e: print(e.errno)
    sys.stdout.flush(); os._exit(0)
os.wait()'

# ---- watching -----------------------------------------------------------------------

# What is done through this mount is told, as on tmpfs.
same_with inotifywait "inotify: made, written, moved, removed" '
	inotifywait -q -m -t 20 -e create,close_write,move,delete,modify \
	--format "%e %f" . >"$2/events" 2>"$2/inotify.err" & pid=$!
	i=0; until [ -n "$(grep -s inotify /proc/$pid/fdinfo/*)" ] || [ $i = 100 ]; do sleep 0.05; i=$((i + 1)); done
	sleep 0.3
	echo x >k; echo y >>k; mv k k2; rm k2; sleep 0.5; kill $pid; wait $pid 2>/dev/null; uniq "$2/events"'
same "tail -f of a key that others append to" ': >k; tail -s 0.05 -f k >"$2/tailed" & pid=$!
	for i in 1 2 3 4 5; do echo "line $i" >>k; sleep 0.1; done
	i=0; until grep -q "line 5" "$2/tailed" || [ $i = 100 ]; do sleep 0.05; i=$((i + 1)); done
	kill $pid; wait $pid 2>/dev/null; cat "$2/tailed"'
rm -f m/keys/*
"$SHMFSCTL" put s.db direct "one
"
tail -c +1 -s 0.05 -f m/keys/direct >tailed 2>tailed.err &
pid=$!
cleanup "kill $pid 2>/dev/null"
eventually grep -q one tailed
"$SHMFSCTL" put s.db direct "one
two
"
check "tail -f sees what a direct client makes longer" eventually grep -q two tailed
kill $pid
