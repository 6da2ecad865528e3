#!/bin/sh
# What the kernel caches, it does not ask for again.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse awk
calls=$top_builddir/tests/mounted/calls

mount_shown s.db m

# asked COMMAND...: what of the daemon, without what the kernel sends later
asked() {
	test_before=$(grep -c 'opcode:' requests)
	"$@" >got 2>&1
	sed -n 's/.*opcode: \([A-Z?]*\).*/\1/p' requests | tail -n "+$((test_before + 1))" |
		grep -vE 'RELEASE|FORGET|INTERRUPT' | tr '\n' ' '
}
# libfuse before 3.12 cannot tell the kernel that a file which is read needs no FLUSH
no_flush() {
	sed 's/FLUSH //'
}
put() {
	echo "$2" >"m/keys/$1"
}
append() {
	echo "$2" >>"m/keys/$1"
}
exist() {
	[ -e "m/keys/$1" ]
}

put k value
"$SHMFSCTL" put s.db k2 value
stat m/keys/k m/keys/k2 >/dev/null
check "a key is looked at without a request" eq "$(asked stat m/keys/k)" ""
check "so it is after a while" eq "$(sleep 1.2 && asked stat m/keys/k)" ""
exist absent
check "a key that is absent is looked for without a request" eq "$(asked exist absent)" ""
cat m/keys/k >/dev/null
cat m/keys/k >/dev/null
check "a key is read with one" eq "$(asked cat m/keys/k | no_flush)" "OPEN "
check "and right" eq "$(cat got)" value
check "from an open file it is read, without a request" eq \
	"$("$calls" open 5 m/keys/k r pread 5 0 99 sh "grep -c opcode: requests >n1" pread 5 0 99 \
		pread 5 2 99 sh "grep -c opcode: requests >n2")" "value
value
lue"
check "that is, none" cmp n1 n2

"$SHMFSCTL" put s.db other x
"$SHMFSCTL" del s.db other
stat m/keys/k >/dev/null
check "what others do to other keys changes nothing of that" eq "$(asked cat m/keys/k | no_flush)" "OPEN "
put k first
check "an overwrite takes five, one of which the kernel asks before it truncates" eq \
	"$(asked put k second)" "OPEN GETXATTR FLUSH WRITE FLUSH "
append k2 more
check "an append to a key takes four" eq "$(asked append k2 more)" "OPEN FLUSH WRITE FLUSH "
exec 5>>m/log
echo first >&5
log() {
	echo line >&5
}
check "an append to the log that is open takes one" eq "$(asked log | no_flush)" "WRITE "
exec 5>&-

# READDIRPLUS
i=0
while [ $i -lt 20 ]; do
	i=$((i + 1))
	"$SHMFSCTL" put s.db "listed$i" $i
done
ls -l m/keys >/dev/null
check "what was listed with its attributes is looked at without a request" eq \
	"$(asked stat m/keys/listed7)" ""
