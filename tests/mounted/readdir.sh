#!/bin/sh
# Reading the directory of keys.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m

i=0
while [ $i -lt 3000 ]; do
	echo "key$i"
	i=$((i + 1))
done >list
xargs -n 1 -P 4 sh -c 'echo >"m/keys/$1"' - <list
check "every key is listed once" eq "$(ls -f m/keys | grep ^key | sort | cksum)" "$(sort list | cksum)"
check "ls -l has a line for each" eq "$(ls -l m/keys | grep -c key)" 3000
check "find finds them all" eq "$(find m/keys -type f | wc -l)" 3000
check "seekdir goes back to where telldir was" eq \
	"$("$calls" opendir m/keys readdir telldir readdir readdir seekdir readdir readdir |
		awk '{ n[NR] = $0 } END { print n[2] == n[4] && n[3] == n[5] }')" 1
check "rewinddir begins again" eq \
	"$("$calls" opendir m/keys readdir readdir rewinddir readdir | sed -n '1p;3p' | uniq | wc -l)" 1
check "a key made meanwhile appears after rewinddir" eq \
	"$("$calls" opendir m/keys readdir sh "echo >m/keys/zzz" rewinddir readdir | wc -l)" 2
check "removing while listing removes all" eq "$(find m/keys -type f -delete; ls -A m/keys | wc -l)" 0
