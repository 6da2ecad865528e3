/* SPDX-License-Identifier: MIT */
/*
 * Being told of changes (lib/watch.c, lib/commit.c, lib/api_watch.c): one key, its interest bit, a ring of
 * which only the number of entries matters; writers under the lock, and a watcher with two threads: one
 * that asks, reads and fills its cache, one that hears and drops.
 *
 *	write	lock; op line; store; if there are watchers: fence; clear the bit; if it was set
 *		tell; op line cleared; unlock
 *	ask	placeholder; set the bit unless it is set; fence; read; fill, if the placeholder is there
 *	hear	drop what is cached, and the placeholder
 *	redo	who finds the lock held by the dead: store again, clear the bit, tell whatever it was
 *
 * The writers' stores go through store buffers, drained in order at any later time (x86), or by a fence
 * or an atomic operation.  A writer may be killed between any two steps.
 * Proved: when all has been heard, what is cached is what is stored; and that comes to pass (no
 * invalid end state).
 *
 * BUG: 1 no fence   2 told before the bit is cleared   3 told before the store   4 the watcher comes
 *      without the lock   5 reads before it sets the bit   6 fills though it heard   7 redo does not tell
 *      8 redo tells only if the bit is set   9 the watcher does not look for the dead
 *      10 the op line is cleared before it is told
 */
#ifndef BUG
#define BUG 0
#endif
#define WRITERS 2
#define KILLS 2
#define ASKS 2
#ifndef PUTS
#define PUTS 2 /* of each writer */
#endif
#define NONE 255

mtype = { SLOT, OP, HEAD, LOCK };
chan buffer[WRITERS] = [6] of { mtype, byte };

byte slot, head;    /* what is stored; changes told */
bool want, watchers, op;
byte lock;          /* 1 + the writer, WRITERS + 1: the watcher */
byte op_value;      /* armed before op, and not changed while it is */
bool kill[WRITERS], dead[WRITERS];
byte over;          /* writers that are, or are dead */
bool joined, asked; /* the watcher; and will not ask again */
bool placeholder;
byte cached = NONE;

/* The other end of the store buffers. */
active proctype memory()
{
	byte i, v;
	mtype what;

end:
	do
	:: atomic {
		if
		:: buffer[0]?what, v
		:: buffer[1]?what, v
		fi;
		if
		:: what == SLOT -> slot = v
		:: what == OP -> op = v
		:: what == HEAD -> head = v
		:: what == LOCK -> lock = v
		fi;
		v = 0; what = 0
	}
	od
}

#define DRAINED empty(buffer[me])

inline tell() { buffer[me]!HEAD, head + 1 }

/* Clear the bit; told says whether it was set. */
inline withdraw()
{
	told = want;
	if
	:: told -> atomic { DRAINED -> told = want; want = false }
	:: else
	fi
}

inline redo()
{
	if
	:: op ->
		buffer[me]!SLOT, op_value;
		if
		:: watchers && BUG != 7 ->
			atomic { DRAINED };
			withdraw();
			if
			:: told || BUG != 8 -> tell()
			:: else
			fi
		:: else
		fi;
		buffer[me]!OP, false
	:: else
	fi
}

inline take()
{
	if
	:: atomic { lock == 0 -> lock = me + 1 }
	:: atomic { lock == 2 - me && dead[1 - me] && empty(buffer[1 - me]) -> lock = me + 1 };
		redo()
	fi;
	atomic { DRAINED }
}

inline put()
{
	op_value = slot + 1;
	buffer[me]!OP, true;
	if
	:: BUG == 3 && watchers -> withdraw(); if :: told -> tell() :: else fi
	:: else
	fi;
	buffer[me]!SLOT, op_value;
	if
	:: BUG == 10 -> buffer[me]!OP, false
	:: else
	fi;
	if
	:: watchers && BUG != 3 ->
		if
		:: BUG != 1 -> atomic { DRAINED }
		:: else
		fi;
		if
		:: BUG != 2 -> withdraw(); if :: told -> tell() :: else fi
		:: else -> told = want; if :: told -> tell(); withdraw() :: else fi
		fi
	:: else
	fi;
	buffer[me]!OP, false;
	buffer[me]!LOCK, 0
}

active [WRITERS] proctype writer()
{
	byte me, puts;
	bool told;

	me = _pid - 1; /* `memory` is 0 */
	{
		do
		:: puts < PUTS -> take(); put(); puts++
		:: puts == PUTS -> break
		od;
		atomic { DRAINED -> over++ }
	} unless {
		atomic { kill[me] -> dead[me] = true; over++ }
	}
}

active proctype killer()
{
	byte kills;

	do
	:: kills < KILLS ->
		kills++;
		if
		:: kill[0] = true
		:: kill[1] = true
		fi
	:: break
	od
}

#define ORPHANED (lock > 0 && lock <= WRITERS && dead[lock - 1] && empty(buffer[lock - 1]))

/* As redo(), of the watcher, whose own store buffer is left out. */
inline finish()
{
	if
	:: op ->
		slot = op_value;
		if
		:: watchers && BUG != 7 -> want = false; head++
		:: else
		fi;
		op = false
	:: else
	fi
}

/* The thread that asks. */
active proctype asker()
{
	byte asks, v;

	if
	:: BUG == 4
	:: atomic { BUG != 4 && lock == 0 -> lock = WRITERS + 1 }
	:: atomic { BUG != 4 && ORPHANED -> lock = WRITERS + 1 }; finish()
	fi;
	watchers = true;
	if
	:: BUG != 4 -> lock = 0
	:: else
	fi;
	joined = true;
	do
	:: atomic { asks < ASKS && cached == NONE -> placeholder = true; asks++ };
		if
		:: BUG == 5 -> v = slot
		:: else
		fi;
		if
		:: !want -> want = true
		:: else
		fi;
		if
		:: BUG != 5 -> v = slot
		:: else
		fi;
		atomic {
			if
			:: placeholder || BUG == 6 -> cached = v; placeholder = false
			:: else
			fi;
			v = 0
		}
	:: break
	od;
	asked = true
}

/* The thread that hears, and after a while looks for the dead. */
active proctype hearer()
{
	byte place;

	joined;
	do
	:: atomic { place != head -> place++; cached = NONE; placeholder = false }
	:: atomic { BUG != 9 && ORPHANED -> lock = WRITERS + 1 };
		finish();
		lock = 0
	:: atomic {
		over == WRITERS && asked && lock == 0 && place == head && empty(buffer[0]) && empty(buffer[1]) ->
		assert(cached == NONE || cached == slot);
		break
	}
	od
}
