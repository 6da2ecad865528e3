#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

same() { # FILE KEY: the value is what the file holds
	shmfsctl get s.db "$2" >got && cmp "$1" got
}

check "put makes a missing store" shmfsctl put s.db a hello
printf hello >want
check "a value is stored exactly, no newline added" same want a
check "a value is replaced" shmfsctl put s.db a ''
: >want
check "by an empty one" same want a
check "put takes the empty key" shmfsctl put s.db '' 'empty key'
printf 'empty key' >want
check "and get finds it" same want ''

printf 'from stdin\n' >want
shmfsctl put s.db b <want
check "without VALUE it comes from stdin, exactly" same want b
shmfsctl put s.db c </dev/null
: >want
check "and may be empty" same want c
printf x | shmfsctl put s.db d y
printf y >want
check "stdin is not read when there is a VALUE" same want d
shmfsctl put s.db dash -
printf -- - >want
check "a VALUE - is a dash" same want dash

shmfsctl put s.db n -5
check "a VALUE that is a negative number needs no --" eq "$(shmfsctl get s.db n)" -5
shmfsctl put s.db n -.5
check "nor does -.5" eq "$(shmfsctl get s.db n)" -.5
shmfsctl put s.db -- n --json
check "any other goes after --" eq "$(shmfsctl get s.db n)" --json
shmfsctl put s.db n -7 --type=string
check "options may follow" eq "$(shmfsctl exists --json s.db n | grep -c '"type":"string"')" 1
check "an unknown option is an error" fails_with "goes after --" shmfsctl put s.db n -x
check "and changes nothing" eq "$(shmfsctl get s.db n)" -7

for size in 1 4095 65536 1048575 1048576 1048577 3000000; do
	head -c $size /dev/urandom >want
	shmfsctl put s.db big <want
	check "$size bytes from a file come back" same want big
	# shellcheck disable=SC2002 # a pipe is the point
	cat want | shmfsctl put s.db big2
	check "$size bytes from a pipe come back" same want big2
done

# Conditions.
check "--if-absent stores a new key" shmfsctl put --if-absent s.db new 1
check "--if-absent is exit 1 for a present key" exits 1 shmfsctl put --if-absent s.db new 2
check "and says which" fails_with "the key is there: new" shmfsctl put --if-absent s.db new 2
check "and changes nothing" eq "$(shmfsctl get s.db new)" 1
check "--if-present is exit 1 for a missing key" exits 1 shmfsctl put --if-present s.db none 2
check "--if-present stores a present key" shmfsctl put --if-present s.db new 3
version() { shmfsctl exists -l s.db "$1" | awk '{ print $3 }'; }
v=$(version new)
check "--if-version stores at that version" shmfsctl put --if-version="$v" s.db new 4
check "--if-version is exit 1 at another" exits 1 shmfsctl put --if-version="$v" s.db new 5
check "and says which it is" \
	fails_with "has version $(version new)" shmfsctl put --if-version="$v" s.db new 5
check "and changes nothing" eq "$(shmfsctl get s.db new)" 4
check "--if-version=0 is exit 1 for a present key" exits 1 shmfsctl put --if-version=0 s.db new 5
check "--if-version=0 stores a missing one" shmfsctl put --if-version=0 s.db newer 5
check "--if-version=7 of a missing key is exit 1" exits 1 shmfsctl put --if-version=7 s.db none 5
check "a condition holds for a streamed value too" \
	exits 1 shmfsctl put --if-absent s.db new <want
check "which changes nothing" eq "$(shmfsctl get s.db new)" 4
check "two conditions are an error" exits 2 shmfsctl put --if-absent --if-version=1 s.db new 5
for bad in x -1 1x '' 99999999999999999999; do
	check "--if-version=$bad is an error" exits 2 shmfsctl put s.db new 5 "--if-version=$bad"
done

check "a type that does not exist is an error" \
	fails_with "no such type" shmfsctl put --type=float s.db new 5
check "too few operands are an error" exits 2 shmfsctl put s.db
check "too many are an error" exits 2 shmfsctl put s.db a b c
check "a directory as stdin is an error" exits 2 sh -c 'shmfsctl put s.db a <.'
check "a closed stdin is an error" exits 2 sh -c 'shmfsctl put s.db a <&-'
check "the store as stdin is an error" exits 2 sh -c 'shmfsctl put s.db a <s.db'
: >want
check "and the value is as it was" same want a
check "the store is sound" shmfsctl check s.db
