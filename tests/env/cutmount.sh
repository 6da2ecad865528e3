#!/bin/sh
# The store's file is cut under a mount: EIO, and the daemon lives to unmount.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls

# Whatever is asked of the mount ends soon, by success or one of these.
asked() {
	timeout 10 sh -c "$1" >/dev/null 2>err
	status=$?
	[ $status -lt 124 ] || echo "'$1' at $2: status $status"
	grep -v -e 'Input/output error' -e 'I/O error' -e 'No such file' -e 'Structure needs cleaning' err |
		sed "s|^|'$1' at $2: |"
}

all_of_it() {
	for command in "cat m/keys/k" "cat m/keys/big" "ls m/keys" "ls -l m/keys" "stat m/keys/k" "stat m/log" \
		"echo new >m/keys/k" "echo new >m/keys/other" "echo more >>m/log" "cat m/log" \
		"rm m/keys/k" "mv m/keys/big m/keys/small" "mkdir m/cursors/d" "cat m/cursors/c/next" \
		"cat m/cursors/c/position" "sync m/keys/k" "cat m/stat" "ls -R m"; do
		asked "$command" "$1"
	done
}

n=0
for length in 0 4096 8192 1048576 1052672 3145728 "0 31457280" "5242880 31457280"; do
	n=$((n + 1))
	mkdir m$n
	rm -f m
	ln -s m$n m
	"$SHMFS" s$n.db m$n -f 2>said &
	pid=$!
	cleanup "kill -9 $pid 2>/dev/null; unmount '$tmp/m$n'"
	eventually mounted m$n
	mount_guard "$tmp/m$n"
	echo old >m/keys/k
	head -c 3000000 /dev/zero >m/keys/big
	echo frame >>m/log
	mkdir m/cursors/c
	timeout 60 "$calls" open 3 m/cursors/c/wait r read 3 9 read 3 9 >waited.$n 2>&1 &
	waiter=$!
	for to in $length; do
		truncate -s "$to" s$n.db
	done
	check "cut to $length: whatever is asked ends, by success or an error that says so" eq \
		"$(all_of_it "$length")" ""
	check "the daemon lives" kill -0 $pid
	case $length in 5*" "*) kill $waiter 2>/dev/null ;; esac # nobody can notice, so it may wait still
	check "it unmounts" eventually fusermount3 -u m$n
	wait $pid
	status=$?
	wait $waiter
	waited=$?
	case $length in
	5*" "*) check "and ends by itself" [ $status = 0 -o $status = 2 ] ;; # nobody can notice
	*)
		check "and ends by itself, with 2, saying why" sh -c "[ $status = 2 ] && grep -q 's$n.db: ' said"
		check "who waited for a frame waits no more" [ $waited -lt 124 ]
		;;
	esac
	case $length in
	"0 31457280")
		check "nothing was written to the zeros" cmp -n 31457280 s$n.db /dev/zero
		;;
	*" "*) ;;
	*) check "the file is as long as it was cut" eq "$(stat -c %s s$n.db)" "$length" ;;
	esac
done
