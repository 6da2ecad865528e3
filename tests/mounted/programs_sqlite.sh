#!/bin/sh
# SQLite with its database in keys/.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse sqlite3
mount_store s.db m
. "$top_srcdir/tests/mounted/same.sh"

make_table='create table t(a integer primary key, b text); begin;
	with recursive c(x) as (select 1 union all select x+1 from c where x<3000)
	insert into t select x, hex(x) from c; commit;'
for mode in delete truncate persist memory off; do
	same "sqlite3, journal_mode=$mode" "sqlite3 base 'pragma journal_mode=$mode; $make_table' &&
		sqlite3 base 'update t set b = b || a where a % 3 = 0; delete from t where a % 5 = 0;
		begin; delete from t; rollback; select count(*), sum(length(b)) from t; pragma integrity_check; vacuum;
		select count(*) from t;'; rm -f base*"
done
same "a long database" "sqlite3 base 'pragma cache_size=10; $make_table
	insert into t(b) select randomblob(100) from t, t limit 0;
	insert into t(b) select printf(\"%0500d\", a) from t; create index i on t(b);
	select count(*) from t where b > \"5\";
	pragma integrity_check' && sqlite3 base .dump | cksum; rm -f base"
same "a backup, and a dump loaded" "sqlite3 base '$make_table' && sqlite3 base '.backup copy' &&
	sqlite3 base .dump | sqlite3 third &&
	sqlite3 copy 'select sum(a) from t' && sqlite3 third 'select sum(a) from t'; rm -f base copy third"
# Killed between its journal and its commit, the next one rolls back.
same "a hot journal is rolled back" "sqlite3 base '$make_table' &&
	(echo 'pragma cache_spill=1; pragma cache_size=2; begin;
	update t set b = 0;'; echo '.shell kill -9 \$PPID'; echo '.shell sleep 1'
	echo 'commit;') | sqlite3 base 2>/dev/null
	sqlite3 base 'select count(*) from t where b = 0; pragma integrity_check'; rm -f base*"
same "processes take turns" "sqlite3 base 'create table t(n); insert into t values(0)'
	for p in 1 2 3 4; do
	(i=0; while [ \$i -lt 10 ]; do i=\$((i + 1))
	sqlite3 -cmd '.timeout 60000' base 'update t set n = n + 1' || echo failed; done) & done
	wait; sqlite3 base 'select n from t; pragma integrity_check'; rm -f base*"

# A direct client never sees half a transaction: the database of one page is a value.
sqlite3 m/keys/base 'create table t(n); insert into t values(0)'
(
	i=0
	while [ $i -lt 100 ]; do
		i=$((i + 1))
		sqlite3 m/keys/base 'update t set n = n + 1'
	done
) &
pid=$!
good=0
bad=0
while kill -0 $pid 2>/dev/null; do
	# a copy without its journal is whole only between two transactions: it has to be of one page
	"$SHMFSCTL" get s.db base >copy.db
	case $(sqlite3 "file:copy.db?immutable=1" 'select count(*) from t' 2>&1) in
	1) good=$((good + 1)) ;;
	*) bad=$((bad + 1)) ;;
	esac
done
wait $pid
check "the value of a small database is one at any time" [ $bad = 0 -a $good -gt 0 ]
echo "# $good copies"
check "and all was counted" eq "$(sqlite3 m/keys/base 'select n from t')" 100

# WAL takes shared memory that is mapped from a file beside the database.
"$top_builddir/tests/mounted/calls" open 3 m/keys/map rw,creat write 3 mapped fsync 3 map 3 sw >mapped
if [ -s mapped ]; then
	check "without shared mappings WAL is refused, and the journal stays" eq \
		"$(sqlite3 m/keys/base 'pragma journal_mode=wal' 2>&1 | grep -cE '^(delete|.*disk I/O error.*)$')" 1
	check "the database is well" eq "$(sqlite3 m/keys/base 'pragma integrity_check')" ok
	exit
fi
same "WAL" "sqlite3 base 'pragma journal_mode=wal; $make_table select count(*) from t;
	update t set b = a; pragma wal_checkpoint(truncate); select count(*) from t;
	pragma integrity_check'; rm -f base*"
same "WAL: a reader beside a writer" "sqlite3 base 'pragma journal_mode=wal; $make_table'
	(echo 'begin; select count(*) from t;'; sleep 1; echo 'select count(*) from t;
	commit; select count(*) from t;') |
	sqlite3 base & sleep 0.4; sqlite3 base 'insert into t(b) values(1)'; wait
	sqlite3 base 'pragma integrity_check; pragma journal_mode=delete'; rm -f base*"
same "WAL: processes take turns" "sqlite3 base 'pragma journal_mode=wal; create table t(n); insert into t values(0)'
	for p in 1 2 3 4; do
	(i=0; while [ \$i -lt 10 ]; do i=\$((i + 1))
	sqlite3 -cmd '.timeout 60000' base 'update t set n = n + 1' || echo failed; done) & done
	wait; sqlite3 base 'select n from t; pragma integrity_check'; rm -f base*"
