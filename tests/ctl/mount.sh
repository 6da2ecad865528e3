#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# The tool and the mount of one store say the same.
requires fuse getfattr
mount_store s.db m

for k in a 'a b' a/b 100% . .. '' 'new
line' "$(printf 'bad\377')" "$(printf '\303\251')"; do shmfsctl put s.db "$k" v; done
printf 'nul\0byte' >nul
shmfsctl put --key-file s.db nul v
long=$(head -c 300 /dev/zero | tr '\0' l)
shmfsctl put s.db "$long" v
check "ls --name prints the names in keys/" \
	eq "$(shmfsctl ls --name s.db | sort)" "$(ls -A m/keys | sort)"
check "a key with a hash in its name is the same one" eq "$(shmfsctl name encode "$long")" \
	"$(ls m/keys | grep '^%~')"

for n in 0 1e5 0.1 -2.5 1e21 9007199254740992 1e-7 5e-324; do
	shmfsctl put --type=number s.db n $n
	check "$n reads the same" eq "$(shmfsctl get s.db n)" "$(cat m/keys/n)"
done
printf '12\n' >m/keys/n
check "a number written through the mount counts" eq "$(shmfsctl add s.db n 1)" 13
check "add is seen there" eq "$(cat m/keys/n)" 13
check "the type is the same" \
	eq "$(getfattr --only-values -n user.shmfs.type m/keys/n)" "$(shmfsctl exists -l s.db n | awk '{ print $1 }')"
check "and the version" \
	eq "$(getfattr --only-values -n user.shmfs.version m/keys/n)" "$(shmfsctl exists -l s.db n | awk '{ print $3 }')"
check "and the time" \
	eq "$(date -u -d "@$(stat -c %Y m/keys/n)" +%FT%T+0000)" "$(TZ=UTC shmfsctl exists -l s.db n | awk '{ print $4 }')"

head -c 3000000 /dev/urandom >big
cp big m/keys/big
check "a file copied in is a value" sh -c 'shmfsctl get s.db big | cmp - big'
shmfsctl put s.db big2 <big
check "a value is a file" cmp big m/keys/big2
shmfsctl mv s.db big2 big3
check "mv renames the file" cmp big m/keys/big3
shmfsctl del s.db big3
check "del removes it" not test -e m/keys/big3
check "stat has the names of the file stat" \
	eq "$(shmfsctl stat s.db | cut -d' ' -f1)" "$(cut -d' ' -f1 m/stat)"
check "and the number of keys" eq "$(shmfsctl stat s.db | grep '^keys ')" "$(grep '^keys ' m/stat)"
check "check finds nothing beside a mount" shmfsctl check s.db
check "nor with --lock" shmfsctl check --lock s.db

for part in m m/log m/keys/n m/stat; do
	check "$part in place of the store: told which that is" \
		fails_with "the store of that mount is $tmp/s.db" shmfsctl ls $part
done
mount_store 'with space.db' m2
check "whatever its name is" fails_with "is '$tmp/with space.db'" shmfsctl check m2/log
