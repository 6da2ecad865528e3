#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

for k in a b c d e f; do shmfsctl put s.db $k $k; done
check "del deletes" shmfsctl del s.db a
check "which is gone" exits 1 shmfsctl exists s.db a
check "deleting a missing key is exit 1" exits 1 shmfsctl del s.db a
check "and says which" fails_with "no such key: a" shmfsctl del s.db a
check "several go at once" shmfsctl del s.db b c
check "a missing one among them is exit 1" exits 1 shmfsctl del s.db x d
check "the others are gone" exits 1 shmfsctl exists s.db d
version() { shmfsctl exists -l s.db "$1" | awk '{ print $3 }'; }
v=$(version e)
check "--if-version is exit 1 at another version" exits 1 shmfsctl del --if-version=999999 s.db e
check "and says which it is" fails_with "has version $v" shmfsctl del --if-version=999999 s.db e
check "which deletes nothing" shmfsctl exists s.db e
check "--if-version deletes that version" shmfsctl del --if-version="$v" s.db e
check "(it is gone)" exits 1 shmfsctl exists s.db e
check "and of a missing key is exit 1" exits 1 shmfsctl del --if-version="$v" s.db e
check "--if-version takes one key" exits 2 shmfsctl del --if-version=1 s.db e f
check "--if-version=x is an error" exits 2 shmfsctl del --if-version=x s.db f
check "del wants a KEY" exits 2 shmfsctl del s.db
check "del makes no store" exits 2 shmfsctl del none.db a
check "(none was made)" not test -e none.db
check "what was not named is there" eq "$(shmfsctl ls s.db)" f
