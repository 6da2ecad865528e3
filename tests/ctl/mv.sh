#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

shmfsctl put --type=string s.db a 1
shmfsctl put s.db b 2
check "mv moves a value" shmfsctl mv s.db a c
check "to the new key" eq "$(shmfsctl get s.db c)" 1
check "from the old one" exits 1 shmfsctl exists s.db a
check "with its type" eq "$(shmfsctl exists -l s.db c | awk '{ print $1 }')" string
check "mv replaces" shmfsctl mv s.db c b
check "(and did)" eq "$(shmfsctl ls s.db) $(shmfsctl get s.db b)" "b 1"
shmfsctl put s.db d 3
check "--no-replace is exit 1 if TO is there" exits 1 shmfsctl mv --no-replace s.db d b
check "and says so" fails_with "the key is there: b" shmfsctl mv --no-replace s.db d b
check "and changes nothing" eq "$(shmfsctl get s.db d)$(shmfsctl get s.db b)" 31
check "--no-replace moves if it is not" shmfsctl mv --no-replace s.db d e
check "a missing FROM is exit 1" exits 1 shmfsctl mv s.db none x
check "and says so" fails_with "no such key: none" shmfsctl mv s.db none x
check "to itself it stays" shmfsctl mv s.db e e
check "(it did)" eq "$(shmfsctl get s.db e)" 3
head -c 3000000 /dev/urandom >big
shmfsctl put s.db big <big
shmfsctl mv s.db big bigger
check "a large value moves whole" sh -c 'shmfsctl get s.db bigger | cmp - big'
check "mv makes no store" exits 2 shmfsctl mv none.db a b
check "(none was made)" not test -e none.db
check "mv wants two keys" exits 2 shmfsctl mv s.db e
check "both keys from stdin are an error" exits 2 shmfsctl mv --key-file s.db - -
check "the store is sound" shmfsctl check s.db
