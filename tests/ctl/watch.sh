#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq mkfifo od

# watching NAME ARGUMENT...: in the background, its output in NAME, once it has begun: it lists the
# keys that are there, and one is.
watching() {
	watch_name=$1
	shift
	rm -f "$watch_name"
	shmfsctl watch --list "$@" >"$watch_name" 2>"$watch_name.err" &
	watcher=$!
	eventually test -s "$watch_name" || sed 's/^/# /' "$watch_name.err"
}

# Its exit status, after a signal.
ended() {
	kill -"$1" $watcher
	wait $watcher
}

lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

store() {
	rm -f s.db
	shmfsctl create s.db
	shmfsctl put s.db a 0
}

check "watch makes no store" exits 2 shmfsctl watch none.db
check "(none is there)" not test -e none.db
check "-n takes a number" exits 2 shmfsctl watch -n x none.db
check "--json and -0 exclude each other" exits 2 shmfsctl watch --json -0 none.db

# ---- all keys ------------------------------------------------------------------------

store
watching out s.db
shmfsctl put s.db a 1
shmfsctl put s.db 'b c' 1
shmfsctl put s.db a 2
shmfsctl del s.db a
shmfsctl mv s.db 'b c' d
shmfsctl add s.db n 5 >/dev/null
shmfsctl append s.db frame
shmfsctl cursor s.db create worker
shmfsctl put s.db last 1
eventually lines out 9
check "a watcher counts" eq "$(shmfsctl stat --json s.db | jq .watchers)" 1
check "SIGTERM ends it in peace" exits 0 ended TERM
check "it has told every change, and nothing else" eq "$(cat out)" "exists a
changed a
created b c
changed a
deleted a
created d
deleted b c
created n
created last"
check "and nothing of errors" eq "$(cat out.err)" ""
check "it is no watcher any more" eq "$(shmfsctl stat --json s.db | jq .watchers)" 0

# A key that holds a newline, or bytes that are no text.
store
printf 'x\ny' >key
watching out s.db
shmfsctl put --key-file s.db key 1
eventually lines out 2
ended TERM
check "a key that would look like two is told as everything" eq "$(cat out)" "exists a
everything"
watching out -0 s.db
shmfsctl put --key-file s.db key 2
shmfsctl del --key-file s.db key
eventually sh -c '[ "$(tr -dc "\0" <out | wc -c)" = 4 ]'
ended TERM
check "-0 tells it" eq "$(tail -c 24 out | tr '\0' '|')" "changed x
y|deleted x
y|"
watching out --name s.db
shmfsctl put --key-file s.db key 2
eventually lines out 2
ended TERM
check "--name tells its name" eq "$(tail -n 1 out)" "created x%0Ay"
printf 'x\377' >bytes
watching out --json s.db
shmfsctl del --key-file s.db key
shmfsctl put --key-file s.db bytes 1
eventually lines out 4
ended TERM
check "json is an object a line" eq "$(tail -n 2 out | jq -c .)" \
	'{"change":"deleted","key":"x\ny","name":"x%0Ay"}
{"change":"created","key":null,"key_base64":"eP8=","name":"x%FF"}'

# ---- some keys -------------------------------------------------------------------------

store
watching out s.db a new
shmfsctl put s.db other 1
shmfsctl put s.db new 1
eventually lines out 2
shmfsctl put s.db a 1
eventually lines out 3
shmfsctl del s.db new
eventually lines out 4
shmfsctl del s.db other
shmfsctl put s.db a 2
eventually lines out 5
check "SIGHUP ends it in peace" exits 0 ended HUP
check "of keys that are named it tells, and of no others" eq "$(cat out)" "exists a
created new
changed a
deleted new
changed a"
watching out --name s.db a x%0Ay
shmfsctl put --key-file s.db key 1
eventually lines out 2
ended TERM
check "keys may be given as names" eq "$(tail -n 1 out)" "created x%0Ay"

# ---- counting, and ends -----------------------------------------------------------------

store
watching out -n 2 s.db a
shmfsctl put s.db a 1
eventually lines out 2
shmfsctl put s.db a 2
check "-n stops after so many changes" wait $watcher
check "(no more)" eq "$(cat out)" "exists a
changed a
changed a"
check "-n 0 does not wait" eq "$(shmfsctl watch -n 0 s.db)" ""
mkfifo pipe
shmfsctl watch s.db >pipe 2>err &
watcher=$!
: <pipe
check "it ends when nobody reads" wait $watcher
check "(in silence)" eq "$(cat err)" ""

# ---- too many ----------------------------------------------------------------------------

# dump_of N: of N keys
dump_of() {
	shmfsctl dump s.db | sed -n '1,/^option	no_sync/p'
	seq "$1" | sed 's/.*/string	k&	v/'
}

store
dump_of 4000 >few.dump
dump_of 5000 >many.dump
watching named s.db a k7
named=$watcher
watching out s.db
kill -STOP $watcher $named
shmfsctl load --merge --edited s.db few.dump
kill -CONT $watcher $named
eventually lines out 4001
eventually lines named 2
check "what a stopped one missed it tells behind" eq "$(sort -u out | wc -l)" 4001
kill -STOP $watcher $named
shmfsctl load --merge --edited s.db many.dump
kill -CONT $watcher $named
eventually lines out 4002
eventually lines named 3
shmfsctl put s.db end 1
eventually lines out 4003
ended TERM
check "but if it is too much it says so, and goes on" eq "$(tail -n 2 out)" "everything
created end"
watcher=$named
ended TERM
check "of keys that are named it tells how they are" eq "$(cat named)" "exists a
created k7
changed k7"
# ---- who may not write ---------------------------------------------------------------------

if has_nobody; then
	store
	shmfsctl put s.db last 1 # which watches, so that the store stays open
	chmod 755 .
	chmod 444 s.db
	watching out s.db last
	writer=$watcher
	# $1: output, then arguments
	reading() {
		setpriv --reuid=65534 --regid=65534 --clear-groups "$SHMFSCTL" watch --list "$@" &
		watcher=$!
	}
	reading s.db >all 2>err
	all=$watcher
	reading s.db a >named 2>>err
	named=$watcher
	if eventually test -s all && eventually test -s named; then
		shmfsctl put s.db a 1
		eventually lines all 3
		eventually lines named 2
		check "it counts as no watcher" eq "$(shmfsctl stat --json s.db | jq .watchers)" 1
		watcher=$all
		check "SIGTERM ends it, too" exits 0 ended TERM
		watcher=$named
		ended TERM
		check "who may only read is told of everything" eq "$(tail -n +3 all | sort -u)" everything
		check "and of keys that are named as others are" eq "$(cat named)" "exists a
changed a"
	else
		kill $all $named
		skip "who may only read is told of everything" "needs a build and a directory for everybody"
	fi
	watcher=$writer
	ended TERM
else
	skip "who may only read is told of everything" "needs root, and setpriv"
fi
