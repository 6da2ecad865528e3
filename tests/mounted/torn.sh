#!/bin/sh
# Readers beside writers never see parts of two values.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
torn=$top_builddir/tests/mounted/torn
mount_store s.db m
mount_store s.db m2

try() { # SENTENCE BYTES WRITERS READERS HOW
	said=$("$torn" m/keys/t "${TORN_SECONDS:-2}" $2 $3 $4 $5)
	status=$?
	echo "# $said"
	check "$1" [ $status = 0 ]
	rm -f m/keys/t*
}
try "short values truncated and written" 200 2 2 trunc
try "short values moved over" 200 2 2 rename
try "values of several pages truncated and written" 300000 2 2 trunc
try "values of several pages moved over" 300000 2 2 rename
try "values of several MiB truncated and written" 6000000 1 2 trunc
try "values of several MiB moved over" 6000000 1 2 rename

(
	end=$(($(date +%s) + 3))
	while [ "$(date +%s)" -lt $end ]; do
		for letter in a b c; do
			printf '%05000d' 0 | tr 0 $letter | "$SHMFSCTL" put s.db t
		done
	done
) &
printf a >m/keys/t
said=$("$torn" m2/keys/t 2 5000 0 2 none)
status=$?
echo "# $said"
check "values put by a direct client" [ $status = 0 ]
wait $!
