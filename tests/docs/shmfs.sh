#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/docs/session.sh"
requires fuse
cleanup "unmount '$tmp/mnt'"

man_examples "$top_srcdir/man/shmfs.1" >session
run_session session

# The manual, the program's own help and its table of options name the same.
shmfs -h | sed -n 's/^  -o \([a-z_]*\).*/\1/p' >options
shmfs -h | grep -oE 'gid=' | tr -d = >>options
check "shmfs -h names options" test "$(wc -l <options)" -gt 15
while read -r option; do
	check "the manual has $option" grep -qw "^\.\(It \)\?Cm.* $option" "$top_srcdir/man/shmfs.1"
done <options
check "no line of shmfs -h is longer than 80 columns" eq "$(shmfs -h | awk 'length > 80')" ""
