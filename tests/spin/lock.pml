/* SPDX-License-Identifier: MIT */
/*
 * The lock word (lib/lock.c): owner's lease, waiters, generation in one word that changes only by
 * compare-and-swap; a sleeper behind a futex; leases that the kernel drops with their holder.
 *
 * A process may be killed between any two steps, and another one starts in its place, which may get
 * the same lease.  Proved: at most one live process owns the lock; who finds it free finds nothing
 * half done under it; nobody sleeps for ever (an invalid end state).
 *
 * A sleeper's time-out (2 ms) is possible only while the owner is dead, or if one who was about to
 * wake it died.  Every other wake-up must come by FUTEX_WAKE.
 * Generations do not wrap here, as 2^47 of them do not there.
 *
 * BUG: 1 the heir of a lease takes the lock by a store   2 the thief does not ask the kernel
 *      3 the generation stays   4 the thief takes it by a store   5 unlock does not wake
 *      6 who sleeps does not set `waiters`   7 futex() does not compare the word
 *      8 nobody looks for dead owners   9 who steals it does not redo
 *      10 thief and heir forget that others sleep
 */
#ifndef BUG
#define BUG 0
#endif
#ifndef PROCESSES
#define PROCESSES 3
#define KILLS 1
#define ROUNDS 1 /* of lock and unlock, per process */
#endif

#define OWNER(w) ((w) & 3)
#define WAITERS(w) (((w) >> 2) & 1)
#define GENERATION(w) (((w) >> 3) + (BUG != 3))
#define OURS(w) (GENERATION(w) << 3 | (BUG == 10 -> 0 : WAITERS(w) << 2) | lease)
#define DEAD(w) (OWNER(w) != 0 && !held[OWNER(w)])

short word;
bool held[PROCESSES + 1]; /* the kernel: this lease byte is write-locked */
bool asleep[PROCESSES];   /* the kernel: queued on the futex */
bool orphan[PROCESSES];   /* who was about to wake it died */
bool kill[PROCESSES];
byte kills;
byte inside;              /* live processes that think they own the lock */
bool half_done;           /* the owner was killed under it */

inline own() { word = OURS(w); inside++; mine = true; w = 0; assert(inside == 1) }

inline redo() { half_done = false }

inline work()
{
	atomic { assert(!half_done); half_done = true };
	half_done = false
}

/* One by one: who is woken may run before the next is. */
inline wake_all()
{
	asleep[0] = false;
	asleep[1] = false;
	asleep[PROCESSES - 1] = false
}

inline drop()
{
	atomic {
		waking = (WAITERS(word) && BUG != 5);
		word = (word >> 3) << 3;
		inside--;
		mine = false
	};
	if
	:: waking -> wake_all(); waking = false
	:: !waking
	fi
}

inline open()
{
	atomic {
		lease = 1;
		do
		:: held[lease] -> lease++
		:: else -> held[lease] = true; break
		od
	};
	w = word;
	do
	:: atomic { OWNER(w) != lease -> w = 0; break }
	:: atomic {
		OWNER(w) == lease ->
		if
		:: word == w || BUG == 1 -> own()
		:: else -> w = word; goto again
		fi
	};
	redo();
	drop();
	break;
again:
	skip
	od
}

inline take()
{
	w = word;
	do
	:: atomic {
		OWNER(w) == 0 ->
		if
		:: word == w -> own(); break
		:: else -> w = word
		fi
	}
	:: atomic {
		OWNER(w) != 0 && !WAITERS(w) && BUG != 6 ->
		if
		:: word == w -> word = word | 4; w = word
		:: else -> w = word
		fi
	}
	:: OWNER(w) != 0 && (WAITERS(w) || BUG == 6) ->
		/* futex(): the compare and the queueing are one step */
		atomic { asleep[me] = (word == w || BUG == 7); orphan[me] = false };
		atomic {
			!asleep[me] || orphan[me] || (BUG != 8 && DEAD(word)) ->
			asleep[me] = false;
			orphan[me] = false
		};
		if
		:: atomic { word != w -> w = word }
		:: word == w ->
			if
			:: atomic { held[OWNER(w)] && BUG != 2 -> w = word }
			:: !held[OWNER(w)] || BUG == 2 ->
				atomic {
					if
					:: (word == w || BUG == 4) && BUG != 8 -> own(); stolen = true
					:: else -> w = word
					fi
				};
				if
				:: stolen ->
					if
					:: BUG != 9 -> redo()
					:: else
					fi;
					stolen = false;
					break
				:: !stolen
				fi
			fi
		fi
	od
}

/* What the kernel does for a killed process, and whom it leaves waiting. */
inline die()
{
	d_step {
		if
		:: waking -> orphan[0] = asleep[0]; orphan[1] = asleep[1];
			orphan[PROCESSES - 1] = asleep[PROCESSES - 1]
		:: else
		fi;
		inside = inside - mine;
		asleep[me] = false;
		orphan[me] = false;
		held[lease] = false; /* lease 0: had none */
		mine = false; waking = false; stolen = false;
		lease = 0; w = 0; rounds = 0;
		kill[me] = false
	}
}

active [PROCESSES] proctype process()
{
	byte me, lease, rounds;
	short w;
	bool mine, waking, stolen;

	me = _pid;
start:
	{
		open();
		do
		:: rounds < ROUNDS ->
			take();
			work();
			drop();
			rounds++
		:: rounds == ROUNDS -> break
		od;
		/* closed */
		atomic { held[lease] = false; lease = 0; rounds = 0 }
	} unless {
		kill[me] -> die(); goto start
	}
}

/* The processes are alike: with one kill it is as well the first that dies, with two the first two. */
active proctype killer()
{
	do
	:: atomic { kills < KILLS -> kill[0] = true; kills++ }
	:: atomic { kills < KILLS && KILLS > 1 -> kill[1] = true; kills++ }
	:: break
	od
}
