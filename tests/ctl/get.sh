#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

shmfsctl put s.db a 1
check "get prints the value" eq "$(shmfsctl get s.db a)" 1
check "a missing key is exit 1" exits 1 shmfsctl get s.db b
check "and says so" fails_with "s.db: no such key: b" shmfsctl get s.db b
check "and prints nothing" eq "$(shmfsctl get s.db b 2>/dev/null)" ""
check "a key in an error is quoted, on one line" eq "$(shmfsctl get s.db 'x
y' 2>&1)" "shmfsctl: s.db: no such key: \$'x\\ny'"
long=$(head -c 60000 /dev/zero | tr '\0' k)
check "a long key is cut" test "$(shmfsctl get s.db "$long" 2>&1 | wc -c)" -lt 300
check "a missing store is exit 2" exits 2 shmfsctl get none.db a
check "and is not made" not test -e none.db
check "and the error says what makes one" fails_with "shmfsctl create" shmfsctl get none.db a
check "get wants a KEY" exits 2 shmfsctl get s.db
check "and only one" exits 2 shmfsctl get s.db a b

# Every way of losing what is printed.
head -c 5000000 /dev/urandom >big
shmfsctl put s.db big <big
for key in a big; do
	if [ -w /dev/full ]; then
		check "a full disk at stdout is exit 2 ($key)" \
			exits 2 sh -c "shmfsctl get s.db $key >/dev/full"
	fi
	check "a closed stdout is exit 2 ($key)" exits 2 sh -c "shmfsctl get s.db $key >&-"
done
check "a reader that goes away ends it by SIGPIPE" \
	eq "$( (shmfsctl get s.db big; echo $? >status) | head -c 10 >/dev/null; cat status)" 141
check "or, ignored, with exit 2" \
	eq "$( (trap '' PIPE; shmfsctl get s.db big 2>/dev/null; echo $? >status) |
		head -c 10 >/dev/null; cat status)" 2
check "a slow reader gets all of it" \
	eq "$(shmfsctl get s.db big | (sleep 0.3; cksum))" "$(cksum <big)"
check "the store as stdout is an error" exits 2 sh -c 'shmfsctl get s.db a >>s.db'
check "the store is sound" shmfsctl check s.db

# A large value stays whole while it is replaced and its space is wanted.
(i=0; while [ $i -lt 20 ]; do
	head -c 3000000 /dev/urandom | shmfsctl put s.db other
	head -c 5000000 /dev/zero | shmfsctl put s.db big
	i=$((i + 1))
done) &
writer=$!
torn=0
while kill -0 $writer 2>/dev/null; do
	shmfsctl get s.db big >got || torn=$((torn + 1))
	cmp -s got big || [ "$(tr -d '\0' <got | wc -c) $(wc -c <got)" = "0 5000000" ] ||
		torn=$((torn + 1))
done
wait
check "a large value is never torn by a writer" eq $torn 0
