#!/bin/sh
# The models of tests/spin, all their states; and that each of their bugs is found, so that a
# model that proves nothing does not go by.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires spin gcc

# explore MODEL BUG [FLAG...]: builds and runs it; its words in ./out.
explore() {
	spin_model=$top_srcdir/tests/spin/$1.pml
	shift
	spin -a -DBUG="$@" "$spin_model" >out 2>&1 &&
		gcc -w -DSAFETY -DCOLLAPSE -DMEMLIM=1000 "$optimize" -o pan pan.c >>out 2>&1 &&
		./pan -m100000 >out 2>&1
}

complete() {
	grep -q 'errors: 0$' out && ! grep -qE 'max search depth|Search not completed' out
}

holds() {
	optimize=-O2
	explore "$@" && complete || {
		cat out
		return 1
	}
}

# What pan -e says of an error: an assertion, or a state that nothing leaves.
breaks() {
	optimize=-O0
	explore "$@"
	grep -qE 'assertion violated|invalid end state \(' out || {
		cat out
		return 1
	}
}

states() {
	echo "# $(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' out) states"
}

check "one owner at a time, no work half done, no sleeper left, whoever is killed" holds lock 0
states
check "the same with two processes, each killed, each locking twice" \
	holds lock 0 -DPROCESSES=2 -DKILLS=2 -DROUNDS=2
states
check "no reader uses overwritten bytes, nor does a pin lose them" holds reclaim 0
states
check "what a watcher has cached, and not been told of, is what is stored" holds watch 0
states

for bug in 1 2 3 4 5 6 7 8 9 10; do
	check "the model of the lock finds its bug $bug" breaks lock $bug
done
for bug in 1 2 3 4 5 6 7 8 9; do
	check "the model of reclamation finds its bug $bug" breaks reclaim $bug
done
for bug in 1 2 3 4 5 6 7 8 9 10; do
	check "the model of watching finds its bug $bug" breaks watch $bug -DPUTS=1
done
