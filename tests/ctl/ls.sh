#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq

shmfsctl create s.db
check "ls of an empty store prints nothing" eq "$(shmfsctl ls s.db)" ""
for k in user/1 user/2 user/10 'with space' 'per%cent' "quo'te"; do shmfsctl put s.db "$k" v; done
shmfsctl ls s.db | sort >got
check "keys are printed as they are" eq "$(cat got)" "per%cent
quo'te
user/1
user/10
user/2
with space"
check "--prefix selects" eq "$(shmfsctl ls --prefix=user/1 s.db | sort | tr '\n' ' ')" "user/1 user/10 "
check "an empty prefix selects all" eq "$(shmfsctl ls --prefix= s.db | wc -l)" 6
check "a prefix nobody has selects none" eq "$(shmfsctl ls --prefix=zzz s.db)" ""
check "each key can be got again" \
	eq "$(shmfsctl ls s.db | tr '\n' '\0' | xargs -0 -n1 shmfsctl get s.db)" vvvvvv
check "-0 is for xargs -0" eq "$(shmfsctl ls -0 s.db | xargs -0 -n1 shmfsctl get s.db)" vvvvvv
check "--name gives file names" \
	eq "$(shmfsctl ls --name s.db | sort | tr '\n' ' ')" \
	"per%25cent quo'te user%2F1 user%2F10 user%2F2 with space "
check "-l ends with the key" \
	eq "$(shmfsctl ls -l --prefix=user/2 s.db | awk '{ print $1, $2, $5 }')" "bytes 1 user/2"

# Keys no line can hold.
printf 'new\nline' >nl
printf 'nul\0byte' >nul
printf 'bad\377\376utf' >utf
for k in nl nul utf; do shmfsctl put --key-file s.db $k v; done
check "a key that is two lines is left out, and exit 2 says so" exits 2 shmfsctl ls s.db
check "(it says so)" fails_with "newline: 1; use --name" shmfsctl ls s.db
check "all others are printed" eq "$(shmfsctl ls s.db 2>/dev/null | wc -l)" 8
check "-0 leaves out a key with a NUL byte" fails_with "NUL byte: 1" shmfsctl ls -0 s.db
check "and prints one with a newline" \
	eq "$(shmfsctl ls -0 --prefix=new s.db | od -An -c | tr -d ' ')" 'new\nline\0'
check "a prefix without them is exit 0" shmfsctl ls --prefix=user s.db
check "--name prints each on a line" eq "$(shmfsctl ls --name s.db | wc -l)" 9
shmfsctl ls --name s.db | while read -r name; do
	shmfsctl get --name s.db "$name"
done >got
check "and each name gets its value" eq "$(cat got)" vvvvvvvvv
check "-0 --name ends names with NUL bytes" \
	eq "$(shmfsctl ls -0 --name s.db | tr '\0' '\n' | sort)" "$(shmfsctl ls --name s.db | sort)"

# JSON.
shmfsctl put s.db '' v
shmfsctl put s.db "$(printf 'ctl\001\037\177"\\\303\251')" v
check "--json is JSON" sh -c 'shmfsctl ls --json s.db | jq -e . >/dev/null'
check "one object a line" eq "$(shmfsctl ls --json s.db | wc -l)" 11
shmfsctl ls --json s.db | jq -r '.name' | sort >json.names
shmfsctl ls --name s.db | sort >names
check "its names are those of --name" cmp names json.names
check "a key that is UTF-8 is a string" \
	eq "$(shmfsctl ls --json s.db | jq -r 'select(.name == "new%0Aline").key')" "new
line"
check "a NUL byte too" \
	eq "$(shmfsctl ls --json s.db | jq 'select(.name == "nul%00byte").key')" '"nul\u0000byte"'
check "and the empty key" eq "$(shmfsctl ls --json s.db | jq -c 'select(.name == "%_").key')" '""'
check "control characters are escaped" \
	eq "$(shmfsctl ls --json --prefix=ctl s.db | jq -j .key | od -An -tx1 | tr -d ' \n')" \
	63746c011f7f225cc3a9
check "others are base64" eq "$(shmfsctl ls --json s.db |
	jq -r 'select(.key == null).key_base64' | base64 -d | od -An -c | tr -d ' ')" 'bad377376utf'
i=0
while [ $i -lt 8 ]; do
	head -c $i /dev/urandom >tail
	{ printf '\377'; cat tail; } >k
	shmfsctl put --key-file b64.db k v
	check "base64 of a key of $((i + 1)) bytes is right" \
		sh -c 'shmfsctl exists --key-file --json b64.db k | jq -r .key_base64 | base64 -d | cmp - k'
	i=$((i + 1))
done
for bad in -l -0 --name; do
	check "--json excludes $bad" exits 2 shmfsctl ls --json $bad s.db
done

# UTF-8, its forbidden forms: no string may hold them.
for seq in '\300\200' '\301\277' '\340\200\200' '\355\240\200' '\360\200\200\200' \
	'\364\220\200\200' '\365\200\200\200' '\200' '\303' '\342\202' '\377'; do
	# shellcheck disable=SC2059
	printf "$seq" >k
	rm -f u.db
	shmfsctl put --key-file u.db k v
	check "$seq is not UTF-8" eq "$(shmfsctl ls --json u.db | jq -c .key)" null
done
for seq in '\302\200' '\337\277' '\340\240\200' '\355\237\277' '\356\200\200' '\357\277\277' \
	'\360\220\200\200' '\364\217\277\277'; do
	# shellcheck disable=SC2059
	printf "$seq" >k
	rm -f u.db
	shmfsctl put --key-file u.db k v
	check "$seq is UTF-8" sh -c 'shmfsctl ls --json u.db | jq -j .key | cmp - k'
done

check "ls of no store is exit 2" exits 2 shmfsctl ls none.db
check "a full disk at stdout is exit 2" exits 2 sh -c '[ -w /dev/full ] || exit 2; shmfsctl ls s.db >/dev/full'
check "a closed stdout is exit 2" exits 2 sh -c 'shmfsctl ls s.db >&-'
check "the store as stdout is an error" exits 2 sh -c 'shmfsctl ls s.db >>s.db'
i=0
while [ $i -lt 300 ]; do
	echo $i
	i=$((i + 1))
done >wanted
while read -r k; do shmfsctl put many.db "$k" "$k"; done <wanted
check "300 keys are listed once each" \
	eq "$(shmfsctl ls many.db | sort -n)" "$(cat wanted)"
