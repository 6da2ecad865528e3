#!/bin/sh
# The arrow of HACKING.md: every file of lib/ says "floor N" in its first comment, and
# includes only what stands on its own floor or below; src/ knows <shmfs.h> alone.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

cd "$top_srcdir/lib" || exit 1
floor() { sed -n 's/.*floor \([0-9]\).*/\1/p; 5q' "$1" | head -n 1; }
included() { sed -n 's/^#include "\(.*\)".*/\1/p' "$1"; }

for file in *.[ch]; do
	[ "$file" != shmfs.h ] || continue
	mine=$(floor "$file")
	[ -n "$mine" ] || echo "lib/$file does not say its floor"
	for header in $(included "$file"); do
		case $header in shmfs.h | config.h) continue ;; esac
		[ "$(floor "$header")" -le "${mine:-9}" ] || echo "lib/$file includes lib/$header"
	done
done >"$tmp/up" 2>&1
check "nothing in lib/ calls up" eq "$(cat "$tmp/up")" ""

for file in ../src/*/*.[ch]; do
	[ -e "$file" ] || continue
	for header in $(included "$file"); do
		[ "$header" = config.h ] || [ -e "${file%/*}/$header" ] ||
			echo "${file#../} includes $header"
	done
done >"$tmp/across"
check "src/ uses nothing of lib/ but <shmfs.h>" eq "$(cat "$tmp/across")" ""
