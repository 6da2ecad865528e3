#!/bin/sh
# The consumer's loop, to the letter as README.md and the manual have it.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db mnt
printf '%s\n' one two poison after | while read -r frame; do echo "$frame" >>mnt/log; done

handle() {
	echo "$1" >>handled
	[ "$1" != "$bad" ]
}

for page in README.md man/shmfs.1 man/shmfs.7; do
	awk '/^ *while f=\$\(cat mnt\// { on = 1 } on { print } /done$/ { on = 0 }' "$top_srcdir/$page" >loop
	check "$page has a loop" test -s loop -a "$(wc -l <loop)" -le 2
	rm -f handled
	mkdir mnt/cursors/w1
	bad=poison
	. ./loop
	check "which handles frame by frame, to one that fails" eq "$(cat handled)" "one
two
poison"
	bad=after
	. ./loop
	check "and begins with that when it is started again" eq "$(tail -n 2 handled)" "poison
after"
	check "(it stands there)" eq "$(cat mnt/cursors/w1/next)" after
	rmdir mnt/cursors/w1
done
