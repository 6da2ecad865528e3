# Sourced by the tests of this folder, after tests/lib.sh: a daemon on a disk of their making.

# mount_on_disk SYMPTOM OPTIONS: mounts s.db on m by a daemon whose flushes are those of flush.c; its
# process is $pid, what it says is in the file "said".  Where flushes mean nothing the test ends.
mount_on_disk() {
	sanitized && skip_all "a sanitizer must be loaded first"
	# shellcheck disable=SC2086
	$CC -shared -fPIC -o flush.so flush.c || skip_all "cannot make a library to load"
	mkdir m
	# libtool's wrapper finds the program; the library is for that one only
	LD_PRELOAD=$tmp/flush.so "$SHMFS" s.db m -f -o "$2" 2>said &
	pid=$!
	cleanup "kill -9 $pid 2>/dev/null; unmount '$tmp/m'"
	eventually mounted m
	mount_guard "$tmp/m"
	[ "$(awk '$1 == "is_volatile" { print $2 }' m/stat)" != 1 ] || {
		skip "$1" "the store is on a file system that keeps nothing"
		exit
	}
}
