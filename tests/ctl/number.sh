#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

number() { shmfsctl put --type=number s.db n "$1" && shmfsctl get s.db n; }
for n in 0 1 -1 42 100000 1000000 9007199254740992 -9007199254740992 0.5 -0.25 3.14159 0.1 \
	1e+21 1.5e-07 1.7976931348623157e+308 5e-324 123456789.125; do
	check "$n is printed as it was put" eq "$(number $n)" "$n"
done
check "1e5 is printed as 100000" eq "$(number 1e5)" 100000
check "+7 is printed as 7" eq "$(number +7)" 7
check "007 is printed as 7" eq "$(number 007)" 7
check ".5 is printed as 0.5" eq "$(number .5)" 0.5
printf '12\n' | shmfsctl put --type=number s.db n
check "a number from echo may end in a newline" eq "$(shmfsctl get s.db n)" 12
check "a number takes 8 bytes" eq "$(shmfsctl exists -l s.db n | awk '{ print $1, $2 }')" "number 8"
shmfsctl get s.db n | od -An -c >out
check "get prints it with a newline" eq "$(tr -d ' ' <out)" '12\n'

for bad in '' x 1x '1 ' ' 1' 1,5 0x10 inf nan -inf 1e999 -- - 1e 1.2.3 --5; do
	check "'$bad' is no number" exits 2 shmfsctl put --type=number s.db n -- "$bad"
done
head -c 2000 /dev/zero | tr '\0' 1 >long
check "nor are 2000 digits" exits 2 shmfsctl put --type=number s.db n <long
check "nor is nothing" exits 2 shmfsctl put --type=number s.db n </dev/null
check "the error says so, in one line" \
	eq "$(shmfsctl put --type=number s.db n 'a
b' 2>&1 | wc -l)" 1
check "a bad number changes nothing" eq "$(shmfsctl get s.db n)" 12
check "a bad number makes no store" exits 2 shmfsctl put --type=number none.db n x
check "(none was made)" not test -e none.db

# add
check "add prints the sum" eq "$(shmfsctl add s.db n 3)" 15
check "and stores it" eq "$(shmfsctl get s.db n)" 15
check "add takes a negative number" eq "$(shmfsctl add s.db n -20)" -5
check "add takes -.5" eq "$(shmfsctl add s.db n -.5)" -5.5
check "add takes one after --" eq "$(shmfsctl add s.db -- n -1)" -6.5
check "a missing key counts as 0" eq "$(shmfsctl add s.db m 2.5)" 2.5
check "a missing store is made" eq "$(shmfsctl add new.db m 1)" 1
check "0.1 and 0.2 are what a double makes of them" \
	eq "$(shmfsctl add s.db f 0.1 && shmfsctl add s.db f 0.2)" "0.1
0.30000000000000004"
shmfsctl put s.db text 5
check "adding to bytes is an error" fails_with "not of type number" shmfsctl add s.db text 1
check "of status 2" exits 2 shmfsctl add s.db text 1
check "which changes nothing" eq "$(shmfsctl get s.db text)" 5
shmfsctl put --type=number s.db max 9007199254740992
check "a whole sum beyond 2^53 is an error" fails_with "2^53" shmfsctl add s.db max 2
check "which changes nothing" eq "$(shmfsctl get s.db max)" 9007199254740992
shmfsctl put --type=number s.db huge 1.7e308
check "an infinite sum is an error" exits 2 shmfsctl add s.db huge 1.7e308
for bad in '' x 1x nan inf 0x1 1e999; do
	check "adding '$bad' is an error" exits 2 shmfsctl add s.db n "$bad"
done
check "add wants three operands" exits 2 shmfsctl add s.db n

for i in 1 2 3 4; do
	(for k in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		shmfsctl add s.db count 1
	done >/dev/null) &
done
wait
check "four processes count together" eq "$(shmfsctl get s.db count)" 80
