#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires script bash
# What ls prints on a terminal can be pasted into a shell.

printf 'nul\0byte' >nul
printf 'nul\0 $by\047te' >nul2
for k in plain 'with space' "quo'te" 'new
line' "$(printf 'esc\033[31m')" "$(printf 'c1\302\233')" "$(printf 'bad\377')" 'dollar$x`y`' 'back\slash' \
	'tilde~' '*' '' "$(printf '\303\251t\303\251')" "$(printf 'oct\0011')"; do
	shmfsctl put s.db "$k" v
done
shmfsctl put --key-file s.db nul v
shmfsctl put --key-file s.db nul2 v
script -qec 'shmfsctl ls s.db' /dev/null </dev/null | tr -d '\r' >shown
check "each key is a line" eq "$(wc -l <shown)" 16
check "no control character is shown" \
	eq "$(tr -d '\n' <shown | grep -cP '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]')" 0
check "a plain key is not quoted" grep -qx plain shown
check "nor is one in UTF-8" grep -qx "$(printf '\303\251t\303\251')" shown
check "a space is quoted" grep -qx "'with space'" shown
check "the empty key is ''" grep -qx "''" shown
check "a key with a NUL byte is given by name" grep -qx -e "--name nul%00byte" shown
sed 's/^/shmfsctl get s.db /' shown >pasted
check "each line pasted into bash gets the value" eq "$(bash pasted 2>&1)" vvvvvvvvvvvvvvvv
script -qec 'shmfsctl ls --name s.db' /dev/null </dev/null | tr -d '\r' |
	sed 's/^/shmfsctl get --name s.db /' >pasted
check "and with --name" eq "$(bash pasted 2>&1)" vvvvvvvvvvvvvvvv
