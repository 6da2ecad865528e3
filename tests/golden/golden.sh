#!/bin/sh
# Stores of format version 1, made once by make.sh: every later version reads them, read-only and
# read-write, and finds in them what was there.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq xz cmp
. "$top_srcdir/tests/golden/facts.sh"
golden=$top_srcdir/tests/golden
export PYTHONDONTWRITEBYTECODE=1

unpack() { xz -dc "$golden/$1.xz" >"$1"; }

# holds STORE NAME: what is in the store is what NAME.dump and NAME.facts say
holds() {
	shmfsctl dump "$1" now.dump && cmp now.dump "$2.dump" &&
		{ shmfsctl check "$1" >now.check || { cat now.check; false; }; }
}

# Whose session is in the live page?  Ours: as if it had been killed here, a moment ago.
revive() {
	python3 - "$1" "$top_srcdir/contrib/reader" <<-'X'
		import os, struct, sys
		sys.path.insert(0, sys.argv[2])
		from shmfs_store import session_id
		fd = os.open(sys.argv[1], os.O_RDWR)
		os.pwrite(fd, struct.pack('<QQ', *session_id(fd)), 0x1020)
	X
}

# reads STORE NAME WHAT: all the ways there are; STORE.db is as it comes
reads() {
	store=$1.db
	unpack "$2.dump"
	unpack "$2.facts"
	cp "$store" before
	facts "$store" >now.facts
	check "$3: keys, versions, times and positions are what they were" cmp now.facts "$2.facts"
	check "$3: a reader finds no fault in it" sh -c "chmod a-w $store; shmfsctl check $store"
	if command -v python3 >/dev/null; then
		python3 "$top_srcdir/contrib/reader/shmfs_reader.py" dump "$store" >now.dump
		check "$3: the reader in Python dumps the same" cmp now.dump "$2.dump"
	else
		skip "$3: the reader in Python dumps the same" "no python3"
	fi
	chmod u+w "$store"
	[ "$(id -u)" = 0 ] || check "$3: nobody who reads changed a byte" cmp "$store" before

	check "$3: its dump is what it was" holds "$store" "$2"
	shmfsctl copy "$store" "$1.copy"
	check "$3: a copy dumps the same" holds "$1.copy" "$2"
	shmfsctl put "$store" 'a new key' "$(seq 1000)"
	check "$3: a writer puts a key" eq "$(shmfsctl get "$store" 'a new key')" "$(seq 1000)"
	shmfsctl del "$store" 'a new key'
	facts "$store" >now.facts
	check "$3: and deletes it; all others are as they were" cmp now.facts "$2.facts"
	check "$3: no byte counted wrong" shmfsctl check --lock "$store"
	check "$3: it is compacted" shmfsctl compact "$store"
	check "$3: and holds the same" holds "$store" "$2"
	shmfsctl load loaded.db "$2.dump" 2>/dev/null # it tells of cursors that lost frames
	shmfsctl dump loaded.db now.dump
	kept='^\(bytes\|string\|number\|option\|frame\|+\)'
	check "$3: the dump is loaded, and keys and frames dump the same" \
		eq "$(grep -a "$kept" now.dump | cksum)" "$(grep -a "$kept" "$2.dump" | cksum)"
	rm -f loaded.db "$1.copy"
}

unpack closed.db
check "a closed store is of format version 1" \
	eq "$(od -An -tx1 -N12 closed.db | tr -d ' ')" 73686d66730d0a0101000000
reads closed closed "a closed store"

unpack volatile.db
reads volatile volatile "a volatile store"
check "with what it was made with" grep -q "^option	log_full	refuse" volatile.dump

unpack killed.db
reads killed killed "a copy of a killed store"

if command -v python3 >/dev/null; then
	unpack killed.db
	revive killed.db
	reads killed live "a killed store"
	check "which is more than its last sync" not cmp -s live.dump killed.dump
else
	skip "a killed store" "no python3"
fi

unpack open.db
if command -v python3 >/dev/null; then
	check "the reader in Python refuses a copy of a volatile store that was open" \
		fails_with "no checkpoint" python3 "$top_srcdir/contrib/reader/shmfs_reader.py" ls open.db
fi
check "a copy of a volatile store that was open is refused" \
	fails_with "no checkpoint" shmfsctl ls open.db
check "to a writer too" fails_with "no checkpoint" shmfsctl put open.db a b
