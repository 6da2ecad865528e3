#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# SHMFS_STORE: where it counts, and that no command line changes its meaning by it.

shmfsctl put other.db a other
export SHMFS_STORE=s.db
check "create makes it" shmfsctl create
check "(this file)" test -s s.db
check "put needs @, as its VALUE may be left out" shmfsctl put @ a default
check "get does not" eq "$(shmfsctl get a)" default
check "@ is it for get too" eq "$(shmfsctl get @ a)" default
check "a STORE that is given is another" eq "$(shmfsctl get other.db a)" other
check "the value may come from stdin" sh -c 'echo text | shmfsctl put b'
check "add" eq "$(shmfsctl add n 2)" 2
check "ls" eq "$(shmfsctl ls | sort | tr '\n' ' ')" "a b n "
check "with options around" eq "$(shmfsctl ls --prefix=a --name)" a
check "exists" shmfsctl exists a
check "mv" shmfsctl mv a c
check "del" shmfsctl del c
check "(it is gone)" exits 1 shmfsctl exists c
check "append of stdin" sh -c 'printf "one\ntwo\n" | shmfsctl append'
check "append of a FRAME needs @" shmfsctl append @ three
check "tail" eq "$(shmfsctl tail | tr '\n' ' ')" "one two three "
check "cursor create" shmfsctl cursor create w -1
check "cursor show" eq "$(shmfsctl cursor show w | cut -d' ' -f2)" 1
check "cursor list" eq "$(shmfsctl cursor list | cut -d' ' -f5)" w
check "cursor with @" eq "$(shmfsctl cursor @ list | cut -d' ' -f5)" w
check "cursor of another store" eq "$(shmfsctl cursor other.db list)" ""
check "trim" shmfsctl trim begin
check "stat" sh -c 'shmfsctl stat | grep -qx "keys 2"'
check "check" shmfsctl check
check "sync" shmfsctl sync
check "copy" shmfsctl copy copy.db
check "compact" shmfsctl compact
check "dump" sh -c 'shmfsctl dump | head -n 1 | grep -qx "shmfs-dump 1"'
check "dump to a file needs @" shmfsctl dump @ d
check "load" sh -c 'SHMFS_STORE=new.db shmfsctl load <d && shmfsctl exists new.db b'
check "name has no STORE" eq "$(shmfsctl name encode a)" a

# What could be meant in two ways means what it means without the variable, and makes nothing.
for line in "put greeting hello" "append hello" "dump d.text" "load d.text" "del k1 k2" "import d.json" "export d.json"; do
	# shellcheck disable=SC2086
	check "$line is told to write @" fails_with "write @" shmfsctl $line </dev/null
done
check "and made no store" eq "$(ls)" "copy.db
d
new.db
other.db
s.db"
check "where the store is there, it is that store" sh -c 'echo x | shmfsctl put other.db k'
check "(it got the key)" eq "$(shmfsctl get other.db k)" x
unset SHMFS_STORE
check "without the variable a store is made as ever" shmfsctl put new2.db k v
check "and @ is an error" fails_with "SHMFS_STORE" shmfsctl get @ a
check "a file of that name has another" shmfsctl put ./@ k v
check "too few operands are an error" fails_with "too few operands" shmfsctl get a
check "empty it is as if it were not set" fails_with "too few operands" env SHMFS_STORE= shmfsctl get a
check "the store before a command of cursor is missed" fails_with "STORE comes before" shmfsctl cursor show w
