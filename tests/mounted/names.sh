#!/bin/sh
# Key names: every byte, and too long ones.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m

i=1
bad=0
while [ $i -lt 256 ]; do
	oct=$(printf '\\%03o' $i)
	key=$(printf "a${oct}b_")
	key=${key%_}
	"$SHMFSCTL" put s.db "$key" "value $i" || bad=$((bad + 1))
	i=$((i + 1))
done
check "a key can have every byte" eq $bad 0
check "and each has a file" eq "$(ls m/keys | wc -l)" 255
bad=0
for file in m/keys/*; do
	name=${file#m/keys/}
	case $(cat "$file") in
	"value "*) ;;
	*) bad=$((bad + 1)) ;;
	esac
done
check "that can be read" eq $bad 0
check "no file name has a control character" eq "$(ls m/keys | grep -c '[[:cntrl:]]')" 0
check "a slash is %2F" eq "$(cat m/keys/a%2Fb)" "value 47"
check "a percent sign is %25" eq "$(cat m/keys/a%25b)" "value 37"
check "a byte that is no UTF-8 is %FF" eq "$(cat m/keys/a%FFb)" "value 255"
echo ok >m/keys/%FF%00%0A
check "such a name can be made" eq "$(cat m/keys/%FF%00%0A)" ok
echo umlaut >m/keys/ä€𝄞
check "UTF-8 stays as it is" eq "$("$SHMFSCTL" get s.db ä€𝄞)" umlaut
echo empty >m/keys/%_
check "the empty key is %_" eq "$("$SHMFSCTL" get s.db '')" empty
echo dot >m/keys/%2E
echo dots >m/keys/%2E%2E
check "the key . is %2E" eq "$("$SHMFSCTL" get s.db .)" dot
check "and .. is %2E%2E" eq "$("$SHMFSCTL" get s.db ..)" dots
for name in %41 %2f %zz % %2 a%_ %5F; do
	check "$name is no key's name: EINVAL" eq "$("$calls" open 3 "m/keys/$name" w,creat)" EINVAL
	check "and not found" eq "$("$calls" open 3 "m/keys/$name" r)" ENOENT
done
check "as a new name neither" eq "$("$calls" rename m/keys/a%2Fb m/keys/%41 0)" EINVAL

rm m/keys/*
check "rm keys/* removes them all" eq "$(ls -A m/keys)" ""

long=$(printf '%0255d' 0)
echo 255 >"m/keys/$long"
check "a name of 255 bytes is a key" eq "$("$SHMFSCTL" get s.db "$long")" 255
check "one of 256 is ENAMETOOLONG" eq "$("$calls" open 3 "m/keys/${long}0" w,creat)" ENAMETOOLONG
rm "m/keys/$long"
key=$(printf '%0300d' 7)
"$SHMFSCTL" put s.db "$key" first
name=$(ls m/keys)
check "a longer key appears under a hashed name" eq "${name%%0*}" "%~"
check "that name is 235 bytes long" eq "${#name}" 235
check "it can be read" eq "$(cat "m/keys/$name")" first
echo second >"m/keys/$name"
check "and overwritten" eq "$("$SHMFSCTL" get s.db "$key")" second
echo third >>"m/keys/$name"
check "and appended to" eq "$("$SHMFSCTL" get s.db "$key")" "second
third"
check "its attribute tells the key" eq "$("$calls" getxattr "m/keys/$name" user.shmfs.key 999)" "$key"
check "shmfsctl name agrees" eq "$("$SHMFSCTL" name encode "$key")" "$name"
unmount m
mount_store s.db m
check "it is found without a listing" eq "$(cat "m/keys/$name")" "second
third"
check "it can be renamed to a short one" mv "m/keys/$name" m/keys/short
check "but not made" eq "$("$calls" open 3 "m/keys/$name" w,creat)" ENAMETOOLONG
check "nor renamed to" eq "$("$calls" rename m/keys/short "m/keys/$name" 0)" ENAMETOOLONG
"$SHMFSCTL" put s.db "$key" again
check "it can be removed" rm "m/keys/$name"
check "and is gone" eq "$(ls m/keys)" short

rm m/keys/*
head -c 60000 /dev/zero | tr '\000' k >key
"$SHMFSCTL" put --key-file s.db key longest
check "a key of 60,000 bytes has a file" eq "$(cat m/keys/*)" longest
echo changed >"m/keys/$(ls m/keys)"
check "that can be written" eq "$("$SHMFSCTL" get --key-file s.db key)" changed
check "and its attribute has all of it" eq \
	"$(getfattr --only-values -n user.shmfs.key m/keys/* 2>/dev/null | cksum)" "$(cksum <key)"
