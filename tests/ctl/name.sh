#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

check "encode gives the file name" eq "$(shmfsctl name encode 'a/b%')" a%2Fb%25
check "of each key a line" eq "$(shmfsctl name encode a '' . ..)" 'a
%_
%2E
%2E%2E'
check "of stdin as one key" eq "$(printf 'a\nb\n' | shmfsctl name encode)" 'a%0Ab%0A'
check "empty stdin is the empty key" eq "$(shmfsctl name encode </dev/null)" %_
check "with -0 of many" eq "$(printf 'a\0b\nc\0\0' | shmfsctl name encode -0)" 'a
b%0Ac
%_'
check "decode gives the key, nothing added" \
	eq "$(shmfsctl name decode a%00%0A | od -An -c | tr -d ' ')" 'a\0\n'
check "of the line on stdin" eq "$(echo a%2Fb | shmfsctl name decode)" a/b
check "with -0 of many" \
	eq "$(printf 'a\nb%%0Ac\n' | shmfsctl name decode -0 | od -An -c | tr -d ' ')" 'a\0b\nc\0'
check "and of arguments" eq "$(shmfsctl name decode -0 x y%2F | tr '\0' '\n')" 'x
y/'
check "two names without -0 are an error" exits 2 shmfsctl name decode a b
check "two lines too" exits 2 sh -c 'printf "a\nb\n" | shmfsctl name decode'
check "no line too" exits 2 shmfsctl name decode </dev/null
head -c 4096 /dev/urandom >random
i=0
bad=0
while [ $i -lt 60 ]; do
	dd if=random of=key bs=1 skip=$((i * 67)) count=$i 2>/dev/null
	shmfsctl name encode <key | shmfsctl name decode | cmp -s - key || bad=$((bad + 1))
	i=$((i + 1))
done
check "random keys come back" eq $bad 0
for name in % %2 %zz %2f %41 . .. '' a/b %_x %00%; do
	check "'$name' is no name" exits 2 shmfsctl name decode "$name"
done
long=$(shmfsctl name encode "$(head -c 300 /dev/zero | tr '\0' l)")
check "a long key has a name of at most 255 bytes" test ${#long} -le 255
check "which says why it cannot be decoded" fails_with "hash" shmfsctl name decode "$long"
head -c 65536 /dev/zero >toolong
check "a key of 65,536 bytes is an error" exits 2 shmfsctl name encode <toolong
check "name wants encode or decode" exits 2 shmfsctl name recode a
check "a closed stdin is an error" exits 2 sh -c 'shmfsctl name encode <&-'
