#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/docs/session.sh"
requires fuse
cleanup "unmount '$tmp/mnt'"

man_examples "$top_srcdir/man/shmfs.7" >session
check "shmfs(7) has examples" test -s session
run_session session
