#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires cmp od

# Each byte value in key and value.  printf in a shell cannot hold a NUL, a file can.
i=0
: >bytes
while [ $i -lt 256 ]; do
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $i)" >one
	cat one >>bytes
	shmfsctl put --key-file s.db one <one
	i=$((i + 1))
done
bad=0
i=0
while [ $i -lt 256 ]; do
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $i)" >one
	shmfsctl get --key-file s.db one | cmp -s - one || bad=$((bad + 1))
	shmfsctl get --name s.db "$(shmfsctl name encode <one)" | cmp -s - one || bad=$((bad + 1))
	i=$((i + 1))
done
check "each of the 256 bytes is a key and a value" eq $bad 0
check "and there are 256 keys" eq "$(shmfsctl ls --name s.db | sort -u | wc -l)" 256

shmfsctl put --key-file s.db bytes <bytes
check "a key and a value of all bytes come back" \
	sh -c 'shmfsctl get --key-file s.db bytes | cmp - bytes'
check "a key from stdin is the same" \
	sh -c 'shmfsctl get --key-file s.db - <bytes | cmp - bytes'
: >nothing
shmfsctl put s.db '' empty
check "the empty key is the empty file" eq "$(shmfsctl get --key-file s.db nothing)" empty
check "and the name %_" eq "$(shmfsctl get --name s.db %_)" empty

shmfsctl put s.db 'a/b%c' 1
check "a name decodes to its key" eq "$(shmfsctl get --name s.db a%2Fb%25c)" 1
check "put takes a name" shmfsctl put --name s.db x%2Fy 2
check "which is the key" eq "$(shmfsctl get s.db x/y)" 2
check "mv takes names" shmfsctl mv --name s.db x%2Fy x%2Fz
check "add takes a name" eq "$(shmfsctl add --name s.db n%2F1 3)" 3
check "exists takes a name" shmfsctl exists --name s.db x%2Fz
check "del takes a name" shmfsctl del --name s.db x%2Fz
check "which is gone" exits 1 shmfsctl exists s.db x/z
for bad in % %2 %2f %zz %41 a/b . .. '' '%_x'; do
	check "'$bad' is no name" exits 2 shmfsctl get --name s.db "$bad"
done

head -c 65535 /dev/zero | tr '\0' k >max
shmfsctl put --key-file s.db max <max
check "a key of 65,535 bytes works" sh -c 'shmfsctl get --key-file s.db max | cmp - max'
check "and on the command line" eq "$(shmfsctl get s.db "$(cat max)" | wc -c | tr -d ' ')" 65535
echo >>max
check "one of 65,536 is an error" fails_with "too long" shmfsctl put --key-file s.db max 1
check "of status 2" exits 2 shmfsctl get --key-file s.db max
check "also on the command line" exits 2 shmfsctl put s.db "$(cat max)x" 1

# A key whose name has a hash in it is found by a walk.
long=$(head -c 300 /dev/zero | tr '\0' l)
shmfsctl put s.db "$long" long
name=$(shmfsctl ls --name --prefix=lll s.db)
check "a long key has a name with a hash" sh -c "echo '$name' | grep -q '^%~lll.*~[0-9A-F]\{32\}\$'"
check "get finds it by that" eq "$(shmfsctl get --name s.db "$name")" long
check "exists finds it" shmfsctl exists --name s.db "$name"
check "put replaces it by that" shmfsctl put --name s.db "$name" longer
check "(and did)" eq "$(shmfsctl get s.db "$long")" longer
check "mv moves it by that" shmfsctl mv --name s.db "$name" short
check "get does not find it then" exits 1 shmfsctl get --name s.db "$name"
check "exists neither" exits 1 shmfsctl exists --name s.db "$name"
check "del neither" exits 1 shmfsctl del --name s.db "$name"
check "put cannot make a key by such a name" exits 2 shmfsctl put --name s.db "$name" x
check "nor can mv" exits 2 shmfsctl mv --name s.db short "$name"
check "nor can add" exits 2 shmfsctl add --name s.db "$name" 1

check "--name and --key-file exclude each other" \
	exits 2 shmfsctl get --name --key-file s.db max
check "a missing key file is an error" fails_with "cannot read the key" \
	shmfsctl get --key-file s.db missing
check "a directory is an error" exits 2 shmfsctl get --key-file s.db .
check "key and value cannot both be stdin" exits 2 shmfsctl put --key-file s.db - <bytes
check "a key that starts with - goes after --" shmfsctl put -- s.db -k 1
check "(and comes back)" eq "$(shmfsctl get s.db -- -k)" 1
check "the store is sound" shmfsctl check s.db
