#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# What a mistyped word was meant to be.

says() {
	check "\"$2\" suggests $1" fails_with "did you mean $1?" sh -c "shmfsctl $2"
}
silent() {
	check "\"$1\" suggests nothing" eq "$(sh -c "shmfsctl $1" 2>&1 | grep -c 'did you mean')" 0
}
shmfsctl put s.db a 1
says put "putt s.db"
says get "gte s.db a"
says append "apend s.db"
says compact "compcat s.db"
says cursor "curs s.db"
says check "chekc s.db"
says ls "help l"
silent "frobnicate s.db"
silent "x s.db"
silent "s.db get a"
check "a verb behind the store is told to come first" \
	fails_with "the verb comes first: shmfsctl get" shmfsctl s.db get a
says --prefix "ls --prefx=a s.db"
says --if-absent "put --if-abscent s.db a b"
says --format "tail --fromat=%d s.db"
silent "ls --zzz s.db"
says show "cursor s.db shwo w"
says list "cursor s.db lst"
says ls "LS s.db"

# Stores near by: what begins as one.
mkdir dir
shmfsctl create dir/store.db
echo text >dir/stone.db
says dir/store.db "ls dir/stroe.db"
says dir/store.db "check dir/STORE.DB"
silent "ls dir/stone"
silent "ls dir/none.of.them"
silent "ls none/store.db"
check "a path that is there is not guessed at" fails_with "not a shmfs store" shmfsctl ls dir/stone.db
check "the variable is told of" fails_with "SHMFS_STORE names it" env SHMFS_STORE=none.db shmfsctl ls

# Cursors.
shmfsctl cursor s.db create worker
shmfsctl cursor s.db create 'other one'
says worker "cursor s.db show wroker"
says worker "tail --from=cursor:work s.db"
says "'other one'" "cursor s.db set 'othr one' end"
check "else where to look is told" fails_with "cursor STORE list" shmfsctl cursor s.db show nothing

# What is no dump and no JSON.
shmfsctl dump s.db dump
shmfsctl export s.db json 2>/dev/null >&2
check "load names the verb for JSON" fails_with "\`shmfsctl import\`" shmfsctl load x.db json
check "and that for a store" fails_with "\`shmfsctl copy\`" shmfsctl load x.db s.db
check "import too" fails_with "\`shmfsctl copy\`" shmfsctl import x.db s.db
check "and that for a dump" fails_with "\`shmfsctl load\`" shmfsctl import x.db dump
check "(none was made)" not test -e x.db

check "the error is one line" eq "$(shmfsctl putt 2>&1 | wc -l)" 1
check "and exit 2" exits 2 shmfsctl putt

# Keys: for somebody at a terminal, who can read the question.
requires script
shmfsctl put s.db greeting hello
shmfsctl put s.db 'with space' hello
at_terminal() { script -qec "$1" /dev/null </dev/null; }
check "a mistyped key suggests one" sh -c "script -qec 'shmfsctl get s.db greting' /dev/null </dev/null |
	grep -q 'no such key: greting; did you mean greeting?'"
check "quoted as the shell needs it" eq "$(at_terminal 'shmfsctl del s.db with-space' | grep -c "mean 'with space'?")" 1
check "what is like none does not" eq "$(at_terminal 'shmfsctl get s.db other' | grep -c mean)" 0
check "nor does it elsewhere, where nobody is asked" eq "$(shmfsctl get s.db greting 2>&1)" \
	"shmfsctl: s.db: no such key: greting"

# Colours: on a terminal, unless NO_COLOR is set.
on_terminal() { script -qec "$1" /dev/null </dev/null | tr -d '\r' | grep -c "$(printf '\033')"; }
export TERM=xterm
unset NO_COLOR
check "an error has a colour on a terminal" eq "$(on_terminal 'shmfsctl putt')" 1
check "not with NO_COLOR" eq "$(NO_COLOR=1 on_terminal 'shmfsctl putt')" 0
check "an empty NO_COLOR is none" eq "$(NO_COLOR='' on_terminal 'shmfsctl putt')" 1
check "nor on a dumb terminal" eq "$(TERM=dumb on_terminal 'shmfsctl putt')" 0
check "nor in a pipe" eq "$(shmfsctl putt 2>&1 | grep -c "$(printf '\033')")" 0
check "so has the count of problems" eq "$(on_terminal 'shmfsctl check s.db')" 1
check "not with NO_COLOR either" eq "$(NO_COLOR=1 on_terminal 'shmfsctl check s.db')" 0
check "nor in a pipe either" eq "$(shmfsctl check s.db | grep -c "$(printf '\033')")" 0
