#!/bin/sh
# Readers beside writers never see parts of two values.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
torn=$top_builddir/tests/mounted/torn
guard_seconds=$((120 + 14 * ${TORN_SECONDS:-2}))
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


printf a >m/keys/t
STORE=s.db try "short values put by a direct client" 200 2 2 put
printf a >m/keys/t
STORE=s.db try "values of several pages put by a direct client" 300000 1 2 put

# Between changes the kernel reads from pages: each change comes as that goes on.
printf a >m/keys/t
sleep 1
PAUSE_MS=1050 TORN_SECONDS=${TORN_SECONDS:-8} try "values that rest a while, moved over" 9000 1 2 rename
printf a >m/keys/t
PAUSE_MS=1050 TORN_SECONDS=${TORN_SECONDS:-8} try "values that rest a while, truncated and written" 9000 1 2 trunc
printf a >m/keys/t
STORE=s.db PAUSE_MS=1050 TORN_SECONDS=${TORN_SECONDS:-8} try "values that rest a while, put directly" 9000 1 2 put

# Who holds a file open may be between asking how long it is and reading it: shmfs(7).
# That is as rare as that a reader is interrupted just there: without parking (src/fs/park.h) every truncation
# tears a read, or every second one.
printf a >m/keys/t
HOLD=200 EACH=3 TORN_SECONDS=${TORN_SECONDS:-5} try "few reads of one held open are torn by who truncates" 200 1 1 trunc
printf a >m/keys/t
HOLD=200 SLOW_MS=30 TORN_SECONDS=${TORN_SECONDS:-5} try "and few by who truncates and takes its time to write" 200 1 1 trunc
printf a >m/keys/t
STORE=s.db HOLD=200 TORN_SECONDS=${TORN_SECONDS:-5} try "few reads of one held open are torn by puts" 200 1 1 put
