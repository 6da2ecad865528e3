/* SPDX-License-Identifier: MIT */
/*
 * Reclamation (lib/segment.c, lib/pin.c, lib/moment.h): one writer publishes values in segments,
 * frees the old one with a stamp, and takes freed ones back; readers look without a lock.
 *
 *	free	unpublish; stamp, died; freed + 1
 *	take	reused = stamp + 1; fence; is it pinned?  overwrite
 *	read	stamp = freed; follow the root; use the bytes; they count if reused <= stamp
 *	pin	stamp = freed; lock the byte PIN + stamp; follow the root, use the bytes, unpin
 *
 * The writer's stores go through a store buffer, drained in order at any later time (x86), or by
 * the fence.  It may be killed before `freed` is raised: the next free then shares the stamp.
 * Proved: bytes that were used and validated are those that were published; bytes used under
 * a pin are, validated or not; `reused` never passes `freed`, where every reader would retry for ever.
 *
 * BUG: 1 `reused` not raised   2 raised after the overwrite   3 pins not asked for
 *      4 no fence   5 freed + 1 before the unpublishing   6 the reader does not validate
 *      7 the stamp is loaded after the root   8 the pin is set after the lookup
 *      9 reuse though the stamp is not below `freed`
 */
#ifndef BUG
#define BUG 0
#endif
#define SEGMENTS 3
#define VALUES 4 /* published, one after the other */
#define READS 2
#define NONE 255

mtype = { FIRST, SECOND, ROOT, FREED, REUSED };
chan buffer = [5] of { mtype, byte, byte };

byte first[SEGMENTS], second[SEGMENTS]; /* a value is two words */
byte root_at, root_value;               /* where it is; and what, which readers do not know */
byte freed, reused;
byte pins[VALUES + 1];                  /* the kernel: read locks on PIN + i */

/* The other end of the store buffer. */
active proctype memory()
{
	byte at, v;
	mtype what;

end:
	do
	:: atomic {
		buffer?what, at, v;
		if
		:: what == FIRST -> first[at] = v
		:: what == SECOND -> second[at] = v
		:: what == ROOT -> root_at = at; root_value = v
		:: what == FREED -> freed = v
		:: what == REUSED -> reused = v; assert(reused <= freed)
		fi;
		at = 0; v = 0; what = 0
	}
	od
}

inline is_pinned(at_most)
{
	d_step {
		i = 0;
		pinned = false;
		do
		:: i <= at_most -> pinned = pinned || pins[i] > 0; i++
		:: else -> break
		od;
		i = 0
	}
}

active proctype writer()
{
	byte stamps[SEGMENTS];
	byte i, at, old, value, now_freed, now_reused;
	bool pinned, killed;

	d_step {
		stamps[0] = NONE; /* in use: the value 0 */
		stamps[1] = 0;
		stamps[2] = 0;
		/* 1 and 2 never were in use: as if freed and taken back before the first reader */
		now_freed = 1;
		freed = 1;
	};
	do
	:: value < VALUES - 1 ->
		value++;
		/* a segment that was freed, and is not pinned */
		if
		:: at = 0 :: at = 1 :: at = 2
		fi;
		if
		:: stamps[at] == NONE || (stamps[at] >= now_freed && BUG != 9) -> goto next
		:: else
		fi;
		if
		:: now_reused <= stamps[at] && BUG != 1 && BUG != 2 ->
			now_reused = stamps[at] + 1;
			buffer!REUSED, 0, now_reused
		:: else
		fi;
		if
		:: BUG != 4 -> empty(buffer)
		:: else
		fi;
		if
		:: BUG != 3 ->
			is_pinned(stamps[at]);
			if
			:: pinned -> goto next
			:: else
			fi
		:: else
		fi;
		buffer!FIRST, at, value;
		buffer!SECOND, at, value;
		if
		:: BUG == 2 && now_reused <= stamps[at] ->
			now_reused = stamps[at] + 1;
			buffer!REUSED, 0, now_reused
		:: else
		fi;
		stamps[at] = NONE;
		if
		:: BUG == 5 -> buffer!FREED, 0, now_freed + 1; buffer!ROOT, at, value
		:: else -> buffer!ROOT, at, value
		fi;
		stamps[old] = now_freed;
		old = at;
		if
		:: true -> now_freed++; buffer!FREED, 0, now_freed
		:: BUG != 5 && !killed -> killed = true /* who comes next goes on */
		fi;
next:
		pinned = false;
		at = 0
	:: else -> break
	od
}

active proctype reader()
{
	byte n, stamp, at, value, one, two;

	do
	:: n < READS ->
		n++;
		if
		:: BUG != 7 -> stamp = freed
		:: else
		fi;
		d_step { at = root_at; value = root_value };
		if
		:: BUG == 7 -> stamp = freed
		:: else
		fi;
		one = first[at];
		two = second[at];
		d_step {
			assert(!(reused <= stamp || BUG == 6) || (one == value && two == value));
			stamp = 0; at = 0; value = 0; one = 0; two = 0
		}
	:: else -> break
	od
}

active proctype pinning_reader()
{
	byte n, stamp, at, value;

	stamp = freed;
	if
	:: BUG != 8 -> pins[stamp]++
	:: else
	fi;
	do
	:: n < READS ->
		n++;
		d_step { at = root_at; value = root_value };
		if
		:: BUG == 8 && n == 1 -> pins[stamp]++
		:: else
		fi;
		assert(first[at] == value);
		assert(second[at] == value);
		d_step { assert(first[at] == value); at = 0; value = 0 }
	:: else -> break
	od;
	pins[stamp]--
}
