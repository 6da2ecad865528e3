#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/docs/session.sh"
requires awk sed

man_examples "$top_srcdir/man/shmfs-dump.5" >session
check "shmfs-dump(5) has examples" test "$(grep -c '^\$ ' session)" -gt 8
run_session session
