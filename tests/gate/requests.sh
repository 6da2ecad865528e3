#!/bin/sh
# No use of a mount asks the daemon more often than it did when this was written.
#
# Every request is a round trip through the kernel, of microseconds.  The daemon shows them with
# -d; those the kernel sends later, of its own accord, are not counted.  The limits are for Linux 6;
# one more is allowed, for other kernels and programs.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse awk

mount_shown s.db m

asked() {
	grep 'opcode:' requests | grep -cvE 'RELEASE|RELEASEDIR|FORGET|INTERRUPT'
}

# at_most N COMMAND...
at_most() {
	test_most=$1
	shift
	test_before=$(asked)
	"$@" || return
	test_got=$(($(asked) - test_before))
	echo "# $test_got requests: $*" >>told
	[ $test_got -le $((test_most + 1)) ] || {
		echo "$test_got requests, $test_most were enough:"
		sed -n 's/.*opcode: \([A-Z?]*\).*/\1/p' requests | tail -n $test_got
		return 1
	}
}

put() {
	echo "$2" >"m/keys/$1"
}

get() {
	cat "m/keys/$1" >got
}

append() {
	echo "$1" >>m/log
}

exist() {
	[ -e "m/keys/$1" ]
}

list() {
	ls -f m/keys >got
}

check "a new key is written" at_most 8 put a 1
check "a key is overwritten" at_most 7 put a 2
check "a key is overwritten again" at_most 5 put a 3
check "a key is read" at_most 4 get a
check "that a key is there is seen" at_most 1 exist a
check "that it is still there is seen" at_most 0 exist a
check "that a key is not there is seen" at_most 1 not exist b
check "that it is still not there is seen" at_most 0 not exist b
sleep 1.1 # what changed a moment ago is not read from pages
get a
get a
check "a key is read again" at_most 1 get a
check "a line is appended to the log" at_most 4 append line
check "another line is appended" at_most 3 append line
check "the keys are listed" at_most 3 list
check "a key is renamed" at_most 2 mv -T m/keys/a m/keys/c
check "a key is deleted" at_most 3 rm m/keys/c
cat told
