# Sourced by tests behind lib.sh: the same work in keys/ of a mount and on tmpfs, compared.
#
#	same SENTENCE COMMANDS	for sh, in an empty directory: what they print, how they end, and the
#				files they leave must be the same in both

plain=$tmp/plain
mkdir "$plain"
[ ! -w /dev/shm ] || {
	rmdir "$plain"
	plain=$(mktemp -d /dev/shm/shmfs-plain-XXXXXX)
	cleanup "rm -rf '$plain'"
}

# Names, sizes and sums of what a directory holds.
left_in() {
	find "$1" -mindepth 1 -printf '%y %s %P\n' | sort
	find "$1" -type f -exec cksum {} + | sed "s|$1/||" | sort
}

run_in() {
	find "$1" -mindepth 1 -delete
	(cd "$1" && timeout 60 sh -c "$3" sh "$top_builddir/tests/mounted/calls" "$tmp") >"$2.out" 2>"$2.err"
	echo "exit status $?" >>"$2.out"
	left_in "$1" >>"$2.out"
}

same() {
	run_in "$tmp/m/keys" "$tmp/mount" "$2"
	run_in "$plain" "$tmp/tmpfs" "$2"
	if cmp -s "$tmp/mount.out" "$tmp/tmpfs.out"; then
		pass "$1"
	else
		fail "$1" "$(diff "$tmp/tmpfs.out" "$tmp/mount.out"; head -n 5 "$tmp/mount.err")"
	fi
}

# Same as same, if COMMAND is there.
same_with() {
	if command -v "$1" >/dev/null; then
		same "$2" "$3"
	else
		skip "$2" "needs $1"
	fi
}
