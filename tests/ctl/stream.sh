#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# 100 MiB through a pipe: exact, and not in memory.

head -c 104857600 /dev/urandom >big
sum=$(cksum <big)
check "100 MiB go in by a pipe" sh -c 'cat big | shmfsctl put s.db big'
check "and come back" eq "$(shmfsctl get s.db big | cksum)" "$sum"
check "their size is known" eq "$(shmfsctl exists -l s.db big | awk '{ print $2 }')" 104857600
# A limit on what malloc may have; the mapping of the store is not data.
if sanitized; then
	skip "put and get do not hold them in memory" "a sanitizer takes more"
	shmfsctl put s.db again <big
else
	check "put does not hold them in memory" \
		sh -c 'ulimit -d 20000 && cat big | shmfsctl put s.db again'
	check "nor does get" sh -c 'ulimit -d 20000 && shmfsctl get s.db again | cmp - big'
fi
(cat big; sleep 2) | shmfsctl put s.db killed &
sleep 0.7
check "nobody sees a value that is under way" exits 1 shmfsctl exists s.db killed
wait
check "when it is complete it is there" shmfsctl exists s.db killed
(head -c 50000000 big; sleep 5) | sh -c 'echo $$ >pid; exec shmfsctl put s.db never' &
check "(it is under way)" eventually test -s pid
sleep 1
kill -9 "$(cat pid)"
check "a put that was killed leaves nothing" exits 1 shmfsctl exists s.db never
check "and the store sound" shmfsctl check s.db
