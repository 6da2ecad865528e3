#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/docs/session.sh"
requires jq gzip seq xargs

man_examples "$top_srcdir/man/shmfsctl.1" >session
check "shmfsctl(1) has examples" test "$(grep -c '^\$ ' session)" -gt 10
run_session session

# The lines of JSON are what import takes, and export writes.
sed -n '/^\.\\" json$/,/^\.Ed$/p' "$top_srcdir/man/shmfsctl.1" | sed '/^\./d' | sort >lines
check "shmfsctl(1) has lines of JSON" test "$(wc -l <lines)" -ge 2
shmfsctl import lines.db lines
check "which come back as they are" eq "$(shmfsctl export lines.db 2>/dev/null | sort)" "$(cat lines)"
