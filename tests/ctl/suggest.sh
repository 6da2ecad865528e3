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
check "the error is one line" eq "$(shmfsctl putt 2>&1 | wc -l)" 1
check "and exit 2" exits 2 shmfsctl putt

# Colours: on a terminal, unless NO_COLOR is set.
requires script
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
