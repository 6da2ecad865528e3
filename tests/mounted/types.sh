#!/bin/sh
# Numbers, and the attributes of a key.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse getfattr setfattr
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
n=m/keys/n
type_of() { getfattr --only-values -n user.shmfs.type "$1" 2>/dev/null; }

"$SHMFSCTL" put --type=number s.db n 42
check "a number reads as decimal and a newline" eq "$(od -An -c $n)" '   4   2  \n'
check "its size is that of the text" eq "$(stat -c %s $n)" 3
for pair in 0.1:0.1 1e300:1e+300 -3:-3 100000:100000 9007199254740992:9007199254740992 \
	0.30000000000000004:0.30000000000000004; do
	echo "${pair%:*}" >$n
	check "${pair%:*} reads as ${pair#*:}" eq "$(cat $n)" "${pair#*:}"
done
check "it stays a number" eq "$(type_of $n)" number
for word in hello "" " 1" 0x10 nan inf "1 2" 1e999; do
	echo 7 >$n
	check "'$word' is no number: EINVAL at the write" eq \
		"$("$calls" open 3 $n w,trunc write 3 "$word
" close 3 sh "cat $n")" "EINVAL
7"
done
check "echo fails" not sh -c "echo hello >$n"
: >$n
check "a number cannot be emptied: it stays" eq "$(cat $n)" 7
check "truncate says so" eq "$("$calls" truncate $n 0)" EINVAL
check "appending must make a number" eq "$("$calls" open 3 $n w,append write 3 5)" EINVAL
echo 8 >$n
check "shmfsctl sees the number" eq "$("$SHMFSCTL" get s.db n)" 8
check "and adds to it" eq "$("$SHMFSCTL" add s.db n 0.5 >/dev/null; cat $n)" 8.5

echo text >m/keys/t
check "a new file is bytes" eq "$(type_of m/keys/t)" bytes
check "its type can be set" setfattr -n user.shmfs.type -v string m/keys/t
check "to string" eq "$(type_of m/keys/t)" string
echo other >m/keys/t
check "writing keeps the type" eq "$(type_of m/keys/t)" string
echo more >>m/keys/t
check "appending too" eq "$(type_of m/keys/t)" string
check "a text is no number" fails_with "nvalid argument" setfattr -n user.shmfs.type -v number m/keys/t
echo 12 >m/keys/t
check "a number's text is one" setfattr -n user.shmfs.type -v number m/keys/t
check "and is 8 bytes then" eq "$("$SHMFSCTL" ls --json s.db 2>/dev/null | grep -c .; type_of m/keys/t)" \
	"$("$SHMFSCTL" ls --json s.db 2>/dev/null | grep -c .; echo number)"
check "back to bytes it is its text" setfattr -n user.shmfs.type -v bytes m/keys/t
check "as it read" eq "$(cat m/keys/t)" 12
check "an unknown type is EINVAL" eq "$("$calls" setxattr m/keys/t user.shmfs.type float)" EINVAL
check "the three attributes are listed" eq "$(getfattr -m - m/keys/t | grep -c '^user.shmfs')" 3
check "user.shmfs.key is the key" eq "$("$calls" getxattr m/keys/t user.shmfs.key 99)" t
before=$("$calls" getxattr m/keys/t user.shmfs.version 99)
echo x >m/keys/t
check "the version grows with every put" [ "$("$calls" getxattr m/keys/t user.shmfs.version 99)" -gt "$before" ]
check "an attribute that is not there is ENODATA" eq "$("$calls" getxattr m/keys/t user.other 99)" ENODATA
check "a buffer too small is ERANGE" eq "$("$calls" getxattr m/keys/t user.shmfs.type 2)" ERANGE
check "a buffer of 0 asks for the size" eq "$("$calls" getxattr m/keys/t user.shmfs.type 0)" 5
check "others cannot be set" eq "$("$calls" setxattr m/keys/t user.shmfs.version 1)" EOPNOTSUPP
check "directories have none" eq "$("$calls" getxattr m/keys user.shmfs.type 99)" ENODATA
