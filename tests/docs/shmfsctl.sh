#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/docs/session.sh"
requires jq gzip seq xargs

man_examples "$top_srcdir/man/shmfsctl.1" >session
check "shmfsctl(1) has examples" test "$(grep -c '^\$ ' session)" -gt 10
run_session session
