#!/bin/sh
# Cursors are directories.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
c=m/cursors

check "a new store has none" eq "$(ls -A $c)" ""
echo one >>m/log
check "mkdir makes one" mkdir $c/w1
check "at the oldest frame" eq "$(cat $c/w1/position; cat $c/w1/next)" "0
one"
check "making it again is EEXIST" eq "$("$calls" mkdir $c/w1)" EEXIST
check "it shows position, next and lag" eq "$(ls -A $c/w1)" "lag
next
position"
check "wait is there all the same" test -r $c/w1/wait
check "of many who make it one wins" eq \
	"$(for i in 1 2 3 4 5 6 7 8; do mkdir $c/race 2>/dev/null && echo won & done; wait)" won
check "two are listed" eq "$(ls $c)" "race
w1"
check "links count them" eq "$(stat -c %h $c)" 4
check "find meets their files" eq "$(find $c -name position | sort)" "$c/race/position
$c/w1/position"
check "reading all of them moves none" sh -c "cp -r m copy && grep -r . m >/dev/null;
	tar cf /dev/null m 2>/dev/null; [ \$(cat $c/w1/position) = 0 ]"

for file in position next wait lag; do
	check "unlinking $file is EPERM" eq "$("$calls" unlink $c/w1/$file)" EPERM
	check "renaming $file is EPERM" eq "$("$calls" rename $c/w1/$file $c/w1/x 0)" EPERM
done
check "making a file there is EPERM" eq "$("$calls" open 3 $c/w1/x w,creat)" EPERM
check "a directory too" eq "$("$calls" mkdir $c/w1/x)" EPERM
check "a file in cursors is EPERM" eq "$("$calls" open 3 $c/x w,creat mknod $c/y symlink a $c/z)" "EPERM
EPERM
EPERM"
for file in next wait lag; do
	check "$file cannot be written" eq "$("$calls" open 3 $c/w1/$file w)" EPERM
done
check "unlink of a cursor is EISDIR" eq "$("$calls" unlink $c/w1)" EISDIR

echo end >$c/w1/position
at=$(cat $c/w1/position)
check "mv renames it" mv $c/w1 $c/w2
check "it stands where it stood" eq "$(cat $c/w2/position)" "$at"
check "the old name is gone" not test -e $c/w1
check "a name that is taken is EEXIST" eq "$("$calls" rename $c/w2 $c/race 0)" EEXIST
check "exchanging is EINVAL" eq "$("$calls" rename $c/w2 $c/race 2)" EINVAL
check "moving it elsewhere is EPERM" eq "$("$calls" rename $c/w2 m/keys/w2 0 rename $c/w2 m/w2 0)" "EPERM
EPERM"
check "an open file follows the new name" eq \
	"$("$calls" open 3 $c/w2/position r rename $c/w2 $c/w3 0 pread 3 0 99)" "$at"
check "rmdir forgets it, though it has files" rmdir $c/w3
check "it is gone" eq "$(ls $c)" race
check "and again is ENOENT" eq "$("$calls" rmdir $c/w3)" ENOENT
check "files of one that is gone are ESTALE" eq \
	"$("$calls" mkdir $c/x open 3 $c/x/position r open 4 $c/x/next r rmdir $c/x pread 3 0 9 read 4 9)" "ESTALE
ESTALE"

# Names: as those of keys.
check "a name is encoded as a key's" eq \
	"$("$calls" mkdir $c/%2F mkdir "$c/a b" mkdir $c/%2E rmdir $c/%2F rmdir "$c/a b" rmdir $c/%2E)" ""
check "another spelling is EINVAL" eq "$("$calls" mkdir $c/%41 mkdir $c/% mkdir $c/%2f)" "EINVAL
EINVAL
EINVAL"
check "no cursor has an empty name" eq "$("$calls" mkdir $c/%_)" EINVAL
long=$(printf '%0255d' 0)
check "255 bytes are a name" eq "$("$calls" mkdir $c/$long open 3 $c/$long/position r rmdir $c/$long)" ""
check "256 are not" eq "$("$calls" mkdir $c/0$long)" ENAMETOOLONG
check "nobody makes a name of the long kind" eq \
	"$("$calls" mkdir "$c/%~$(printf '%0200d' 0)~00112233445566778899aabbccddeeff")" ENAMETOOLONG
check "a hundred cursors are listed once each" eq \
	"$(i=0; while [ $i -lt 100 ]; do i=$((i + 1)); mkdir $c/c$i; done; ls $c | sort -u | wc -l) $(ls $c | wc -l)" "101 101"
check "all of them can be removed" sh -c "rmdir $c/*"

mkdir $c/kept
unmount m
mount_store s.db m
check "cursors stay" eq "$(ls $c)" kept
unmount m
mount_store s.db m -o ro
check "with ro they are read" eq "$(cat $c/kept/next)" one
check "and not made, moved or removed" eq \
	"$("$calls" mkdir $c/x rmdir $c/kept rename $c/kept $c/x 0 open 3 $c/kept/position w)" "EROFS
EROFS
EROFS
EROFS"
