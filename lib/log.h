/* SPDX-License-Identifier: MIT */
/*
 * floor 2: the log: frames, and the 16 MiB segments that hold them.
 *
 * Owns	the log page, the records of space LOGSEG (one run each, its value the frames), the
 *	totals in a run's first page, the table of holds.
 *	logseg.c finds, makes and backs segments; logcut.c trims; logwrite.c appends; logread.c
 *	reads; logmark.c knows what is a frame's position; logfind.c the bounds, and what is in between.
 *
 * A frame is 16-aligned and never crosses a segment:
 *	head word {len 32 | state 2 | - 6 | lease 16 | -}, payload, pad, tail word {len 32 | crc 32}
 *	total = (len + 31) & ~15, so that either word tells where the frame begins and ends
 * state: EMPTY 0, RESERVED 1 (len is that of all the bytes reserved), DONE 2, PAD 3.
 *
 * Invariant	head words go EMPTY -> RESERVED -> DONE | PAD only; from `head`, frames chain without
 *	gaps up to the first EMPTY (I7).  `tail` and `commit` are hints that may lag: no EMPTY word
 *	before tail, no RESERVED one before commit.  `commit` only moves on; `tail` may be set
 *	back by who was slow to store it: a search for the end starts at the greater of the two.
 *	A word once DONE or PAD stays so: a handle remembers what it made so itself (sfs_own), and
 *	moves `commit` over that, and counts it, without another look.
 *	Nothing at or above `backed` is touched, by readers neither: the disk may have no space
 *	for it, and it may hold what the run was used for before.  It is zeroed, then backed.
 * Order	append: CAS head word EMPTY -> RESERVED (who wins owns the bytes), tail; payload, tail
 *	word; head word DONE by a seq_cst exchange: COMMIT; then `waiters` is looked at, which who
 *	sleeps has set before it looked at the word.
 *	The exchange publishes payload and tail word to readers, who load the head word with acquire;
 *	to the handle itself it allows sfs_own, plain words noted after it, which a kill forgets.
 *	A kill before the CAS leaves nothing; after it a hole of known length and owner, which any
 *	writer, once the lease is dead, turns into a PAD (it reads the word again after the probe:
 *	the owner may have finished and left), and a reader skips; after DONE the frame is there.
 *	trim: the redo record, head, the trimmed totals, the segment's record; what a kill
 *	leaves is completed by who takes the lock next, but for the record, which the next trim
 *	deletes.
 * Locks	none to append; the writer lock to add or trim a segment, to raise `backed`, and
 *	to pad for the dead: so nobody writes to a segment that was trimmed meanwhile.
 *	A handle's own threads reserve one after the other (appender), so that its *hold*, the
 *	segment it may be about to reserve in, is one number.  With no other thread (alone.h) the
 *	lock is not taken: there is nobody to keep out.  A trimmed segment that a live
 *	lease holds goes to that lease's chain of runs (run.h) instead of being freed, since its
 *	holder, stopped between two instructions, may yet compare-and-swap a word of it.
 */
#ifndef SFS_LOG_H
#define SFS_LOG_H

#include "commit.h"

#define SFS_LOG_SEG (UINT64_C(1) << SFS_LOG_SHIFT)
#define SFS_LOG_STEP (UINT64_C(256) << 10) /* `backed` is raised by this much */

enum sfs_frame_state { SFS_FRAME_EMPTY = 0, SFS_FRAME_RESERVED = 1, SFS_FRAME_DONE = 2, SFS_FRAME_PAD = 3 };

/* In the first page of a log segment's run. */
struct sfs_totals {
	a64 bytes;
	a64 frames; /* and SFS_TOTALS_VALID, stored last */
};
#define SFS_AT_TOTALS 16
#define SFS_TOTALS_VALID (UINT64_C(1) << 63)

static inline struct sfs_logpage *sfs_log(const struct shmfs *s)
{
	return sfs_at(s, SFS_AT_LOG);
}

static inline a64 *sfs_log_hold(const struct shmfs *s, unsigned lease)
{
	return (a64 *)sfs_at(s, SFS_AT_HOLDS) + lease;
}

static inline uint64_t sfs_frame_total(uint64_t len)
{
	return (len + 31) & ~UINT64_C(15);
}

static inline uint64_t sfs_frame_word(uint64_t len, enum sfs_frame_state state, unsigned lease)
{
	return len | (uint64_t)state << 32 | (uint64_t)lease << 40;
}

static inline enum sfs_frame_state sfs_frame_state(uint64_t word)
{
	return word >> 32 & 3;
}

/* Bytes from this head word to the next. */
static inline uint64_t sfs_frame_span(uint64_t word)
{
	uint64_t len = word & UINT32_MAX;

	return sfs_frame_state(word) == SFS_FRAME_RESERVED ? len : sfs_frame_total(len);
}

static inline uint64_t sfs_log_in(uint64_t position)
{
	return position & (SFS_LOG_SEG - 1);
}

/* Can a frame begin here?  The hints of a damaged store may say anything. */
static inline bool sfs_log_position_ok(uint64_t position)
{
	return position % 16 == 0 && position <= INT64_MAX;
}

/* Where the run begins whose frames are at `value_at`. */
static inline uint64_t sfs_log_run(uint64_t value_at)
{
	return sfs_seg_of(value_at) << SFS_SEG_SHIFT;
}

/* Where the frames of segment n begin in the file, seen from a root.  -ENOENT, -EUCLEAN */
SFS_HIDDEN int sfs_log_find(struct shmfs *s, uint64_t root, uint64_t n, uint64_t *at);

static inline int sfs_log_find_live(struct shmfs *s, uint64_t n, uint64_t *at)
{
	return sfs_log_find(s, sfs_acquire(&s->live->root.word), n, at);
}

/* The same for a writer that is about to reserve; makes the segment if need be, and holds
 * it.  appender is held.  -ENOSPC -EFBIG -EUCLEAN */
SFS_HIDDEN int sfs_log_enter_slow(struct shmfs *s, uint64_t n, uint64_t *at);

static inline int sfs_log_enter(struct shmfs *s, uint64_t n, uint64_t *at)
{
	*at = s->log_at;
	return sfs_likely(sfs_relaxed(&s->log_segment) == n + 1) ? 0 : sfs_log_enter_slow(s, n, at);
}

/* Allocate everything below `end`, in segment n whose frames are at `at`. */
SFS_HIDDEN int sfs_log_back_slow(struct shmfs *s, uint64_t at, uint64_t end);

static inline int sfs_log_back(struct shmfs *s, uint64_t at, uint64_t end)
{
	return sfs_likely(end <= sfs_acquire(&sfs_log(s)->backed)) ? 0 : sfs_log_back_slow(s, at, end);
}

/* What to do about the reservation of a dead owner. */
enum sfs_dead {
	SFS_DEAD_STOP,   /* nothing: it ends the way */
	SFS_DEAD_PAD,    /* pad it; may wait for the writer lock */
	SFS_DEAD_LOCKED, /* pad it; the writer lock is held */
};

/* Move `commit` over settled frames, towards `until`; where it is now. */
SFS_HIDDEN uint64_t sfs_log_settle(struct shmfs *s, uint64_t until, enum sfs_dead dead);

/* Is there a reservation, of somebody who lives? */
SFS_HIDDEN bool sfs_log_owned(struct shmfs *s, uint64_t position);

/* Behind the last frame that anybody has reserved. */
SFS_HIDDEN uint64_t sfs_log_tail(struct shmfs *s);

/* Payload bytes and frames of a segment that is all before the end. */
SFS_HIDDEN int sfs_log_totals(struct shmfs *s, uint64_t at, uint64_t *bytes, uint64_t *frames);

/* Count, and keep the totals of, segments before n that have none yet.  appender is held. */
SFS_HIDDEN void sfs_log_keep_totals(struct shmfs *s, uint64_t n);

/* Forget the segments before the one this position is in.  The writer lock is held. */
SFS_HIDDEN int sfs_log_cut(struct shmfs *s, uint64_t position);

/* Complete the trim that a killed writer began.  The writer lock is held. */
SFS_HIDDEN void sfs_log_redo(struct shmfs *s);

/* A live lease, other than `except`, that may be about to reserve in segment n; 0 = none. */
SFS_HIDDEN unsigned sfs_log_holder(struct shmfs *s, uint64_t n, unsigned except);

/* Pad what the dead holder of our lease had reserved.  The writer lock is held. */
SFS_HIDDEN void sfs_log_inherit(struct shmfs *s);

/* Wake who waits for frames. */
SFS_HIDDEN void sfs_log_wake(struct shmfs *s);

#endif
