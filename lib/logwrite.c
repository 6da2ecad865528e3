/* SPDX-License-Identifier: MIT */
/* floor 2: appending to the log (log.h, logwrite.h). */
#define _GNU_SOURCE
#include "logwrite.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "alone.h"
#include "lock.h"
#include "writer.h"

#define SPINS 200      /* looks at another thread of ours, before a nap */
#define OWN_LEAST 1024 /* bytes that threads note as theirs: less is not worth the lock */
#define SETTLE_STEP 16 /* a shift: `commit` follows in steps of 64 KiB */

static a64 *word_at(const struct shmfs *s, uint64_t at, uint64_t position)
{
	return (a64 *)sfs_at(s, at + sfs_log_in(position));
}

/* ---- dead owners ---------------------------------------------------------------------- */

static bool reservation_ok(uint64_t w, uint64_t in)
{
	uint64_t total = sfs_frame_span(w);

	return total >= 16 && total % 16 == 0 && total <= SFS_LOG_SEG - in;
}

static void pad(a64 *word, uint64_t w)
{
	uint64_t total = w & UINT32_MAX;

	sfs_log_end_frame((uint8_t *)word, total, total - 16, 0);
	atomic_compare_exchange_strong(word, &w, sfs_frame_word(total - 16, SFS_FRAME_PAD, 0));
}

/*
 * A reservation whose lease nobody holds.  The probe says that the owner is gone, not that it
 * left the frame undone: it may have finished just before, so the swap is from the word seen.
 * And whoever comes to the probe may be so slow that the segment is trimmed and something
 * else by then: so the segment is found again, under the lock that trimming takes.
 */
static uint64_t pad_dead(struct shmfs *s, uint64_t position, uint64_t at, uint64_t w, enum sfs_dead dead)
{
	a64 *word = word_at(s, at, position);
	unsigned lease = w >> 40 & 0xffff;
	uint64_t again;

	if (lease == s->lease || !reservation_ok(w, sfs_log_in(position)) || !sfs_lease_free(s, lease))
		return w;
	if (dead == SFS_DEAD_PAD)
		sfs_writer_lock(s);
	if (position >= sfs_relaxed(&sfs_log(s)->head) &&
	    sfs_log_find_live(s, position >> SFS_LOG_SHIFT, &again) == 0 && again == at) {
		if (sfs_acquire(word) == w)
			pad(word, w);
		w = sfs_acquire(word);
	}
	if (dead == SFS_DEAD_PAD)
		sfs_writer_unlock(s);
	return w;
}

/* ---- hints ------------------------------------------------------------------------------ */

/*
 * Step over frames from a hint on, while their state is at least this; where it ended.  A word
 * counts only if its segment was not reused until it was read.
 */
static uint64_t advance(struct shmfs *s, uint64_t from, uint64_t until, enum sfs_frame_state least,
                        enum sfs_dead dead)
{
	uint64_t n = UINT64_MAX, at = 0, stamp = 0;

	while (sfs_log_position_ok(from) && from < until && from < sfs_acquire(&sfs_log(s)->backed)) {
		uint64_t w;

		if (from >> SFS_LOG_SHIFT != n) {
			n = from >> SFS_LOG_SHIFT;
			stamp = sfs_acquire(&s->live->freed);
			if (sfs_log_find_live(s, n, &at))
				break;
		}
		w = sfs_acquire(word_at(s, at, from));
		if (sfs_frame_state(w) == SFS_FRAME_RESERVED && dead != SFS_DEAD_STOP)
			w = pad_dead(s, from, at, w, dead);
		if (sfs_frame_state(w) < least || !reservation_ok(w, sfs_log_in(from)) || !sfs_valid(s, stamp))
			break;
		from += sfs_frame_span(w);
	}
	return from;
}

/* Move `commit`; without a look at what is known to be done. */
static uint64_t settle(struct shmfs *s, uint64_t until, enum sfs_dead dead, uint64_t done_from,
                       uint64_t done_to)
{
	a64 *hint = &sfs_log(s)->commit;
	uint64_t at = sfs_acquire(hint), to = at;

	if (to < done_from)
		to = advance(s, to, sfs_min(done_from, until), SFS_FRAME_DONE, dead);
	if (to >= done_from)
		to = advance(s, sfs_max(to, done_to), until, SFS_FRAME_DONE, dead);
	while (at < to && !atomic_compare_exchange_weak(hint, &at, to))
		;
	return sfs_max(at, to);
}

uint64_t sfs_log_settle(struct shmfs *s, uint64_t until, enum sfs_dead dead)
{
	return settle(s, until, dead, 0, 0);
}

bool sfs_log_owned(struct shmfs *s, uint64_t position)
{
	uint64_t at, w;
	unsigned lease;

	if (!sfs_log_position_ok(position) || sfs_log_find_live(s, position >> SFS_LOG_SHIFT, &at))
		return false;
	w = sfs_acquire(word_at(s, at, position));
	lease = w >> 40 & 0xffff;
	return sfs_frame_state(w) == SFS_FRAME_RESERVED && reservation_ok(w, sfs_log_in(position)) &&
	       (lease == s->lease || !sfs_lease_free(s, lease));
}

/* Where to look for the end: `tail`, unless somebody slow has set it back. */
static uint64_t tail_hint(struct shmfs *s)
{
	return sfs_max(sfs_acquire(&sfs_log(s)->tail), sfs_acquire(&sfs_log(s)->commit));
}

static void raise_tail(struct shmfs *s, uint64_t to)
{
	a64 *tail = &sfs_log(s)->tail;

	if (sfs_relaxed(tail) < to)
		sfs_release(tail, to);
}

uint64_t sfs_log_tail(struct shmfs *s)
{
	return advance(s, tail_hint(s), UINT64_MAX, SFS_FRAME_RESERVED, SFS_DEAD_STOP);
}

void sfs_log_inherit(struct shmfs *s)
{
	uint64_t from = sfs_acquire(&sfs_log(s)->commit), n = UINT64_MAX, at = 0;

	while (sfs_log_position_ok(from) && from < sfs_acquire(&sfs_log(s)->backed)) {
		a64 *word;
		uint64_t w;

		if (from >> SFS_LOG_SHIFT != n) {
			n = from >> SFS_LOG_SHIFT;
			if (sfs_log_find_live(s, n, &at))
				break;
		}
		word = word_at(s, at, from);
		w = sfs_acquire(word);
		if (sfs_frame_state(w) == SFS_FRAME_EMPTY || !reservation_ok(w, sfs_log_in(from)))
			break;
		if (sfs_frame_state(w) == SFS_FRAME_RESERVED && (w >> 40 & 0xffff) == s->lease)
			pad(word, w);
		from += sfs_frame_span(w);
	}
}

/* ---- reserving ------------------------------------------------------------------------ */

/*
 * The handle's threads, one after the other: held for a few dozen instructions, or while a
 * segment is made.  Letting go is one store, since nobody waits to be woken.
 */
SFS_OUTLINE void appender_take(struct shmfs *s)
{
	const struct timespec nap = {.tv_nsec = 20000};

	for (unsigned tries = 0; sfs_unlikely(atomic_exchange_explicit(&s->appender, true, memory_order_acquire));)
		while (sfs_relaxed(&s->appender))
			if (++tries < SPINS)
				sfs_relax();
			else
				nanosleep(&nap, NULL);
}

static inline void appender_lock(struct shmfs *s)
{
	if (sfs_unlikely(!sfs_alone()))
		appender_take(s);
}

static inline void appender_unlock(struct shmfs *s)
{
	sfs_release(&s->appender, false);
}

/* These are done, and ours.  appender is held. */
static inline void own(struct shmfs *s, const struct sfs_reservation *r)
{
	if (sfs_unlikely(s->own.to != r->position)) {
		s->own.from = r->position;
		s->own.counts = 0;
	}
	s->own.to = r->position + r->total;
	s->own.counts += r->counts;
}

SFS_OUTLINE void own_locked(struct shmfs *s, const struct sfs_reservation *r)
{
	appender_lock(s);
	own(s, r);
	appender_unlock(s);
}

static inline void reserved(struct shmfs *s, uint64_t position, uint64_t at, struct sfs_reservation *r)
{
	raise_tail(s, position + r->total);
	r->position = position;
	r->at = sfs_at(s, at + sfs_log_in(position));
}

/* One try at the tail; r->total bytes or, at the end of a segment, what is left of it. */
static int reserve_at(struct shmfs *s, uint64_t tail, struct sfs_reservation *r)
{
	uint64_t left = SFS_LOG_SEG - sfs_log_in(tail), total = sfs_min(r->total, left), at, w;
	struct sfs_reservation rest = {.total = left};
	int rc = sfs_log_position_ok(tail) ? sfs_log_enter(s, tail >> SFS_LOG_SHIFT, &at) : -EUCLEAN;

	if (rc == 0)
		rc = sfs_log_back(s, at, tail + total);
	if (rc)
		return rc;
	w = 0;
	if (!atomic_compare_exchange_strong(word_at(s, at, tail), &w,
	                                    sfs_frame_word(total, SFS_FRAME_RESERVED, s->lease))) {
		if (!reservation_ok(w, sfs_log_in(tail)))
			return -EUCLEAN;
		raise_tail(s, tail + sfs_frame_span(w));
		return -EAGAIN;
	}
	if (total == r->total) {
		reserved(s, tail, at, r);
		return 0;
	}
	reserved(s, tail, at, &rest);
	pad(word_at(s, at, tail), sfs_frame_word(left, SFS_FRAME_RESERVED, s->lease));
	own(s, &rest);
	return -EAGAIN;
}

SFS_OUTLINE int reserve_slow(struct shmfs *s, struct sfs_reservation *r)
{
	int rc;

	do
		rc = reserve_at(s, tail_hint(s), r);
	while (rc == -EAGAIN);
	appender_unlock(s);
	return rc;
}

/* At the first try, in the segment at hand, below `backed`: the same in a few instructions. */
int sfs_log_reserve(struct shmfs *s, struct sfs_reservation *r)
{
	uint64_t tail, empty = 0;

	if (sfs_unlikely(r->total > SFS_LOG_SEG))
		return -EMSGSIZE;
	appender_lock(s);
	tail = tail_hint(s);
	if (sfs_unlikely((tail >> SFS_LOG_SHIFT) + 1 != sfs_relaxed(&s->log_segment) || tail % 16 ||
	                 r->total > SFS_LOG_SEG - sfs_log_in(tail) ||
	                 tail + r->total > sfs_acquire(&sfs_log(s)->backed) ||
	                 !atomic_compare_exchange_strong(word_at(s, s->log_at, tail), &empty,
	                                                 sfs_frame_word(r->total, SFS_FRAME_RESERVED, s->lease))))
		return reserve_slow(s, r);
	reserved(s, tail, s->log_at, r);
	appender_unlock(s);
	return 0;
}

/* ---- done ---------------------------------------------------------------------------- */

void sfs_log_wake(struct shmfs *s)
{
	struct sfs_logpage *log = sfs_log(s);

	atomic_exchange(&log->waiters, 0);
	atomic_fetch_add(&log->wake, 1);
	syscall(SYS_futex, (uint32_t *)(void *)&log->wake, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Wake who waits; every 64 KiB, `commit` follows. */
SFS_OUTLINE void after(struct shmfs *s, uint64_t position, uint64_t end)
{
	uint64_t from, to;

	if (atomic_load(&sfs_log(s)->waiters) || (s->super->flags & SHMFS_OPT_ALWAYS_WAKE))
		sfs_log_wake(s);
	if (position >> SETTLE_STEP == end >> SETTLE_STEP)
		return;
	appender_lock(s);
	from = s->own.from;
	to = s->own.to;
	appender_unlock(s);
	settle(s, end, SFS_DEAD_PAD, from, to);
}

void sfs_log_done(struct shmfs *s, const struct sfs_reservation *r, uint64_t word)
{
	struct sfs_logpage *log = sfs_log(s);
	uint64_t end = r->position + r->total;

	atomic_exchange((a64 *)r->at, word); /* COMMIT; and before the look at waiters */
	if (sfs_likely(r->counts && sfs_alone()))
		own(s, r);
	else if (r->counts && r->total >= OWN_LEAST)
		own_locked(s, r);
	if (sfs_unlikely(atomic_load(&log->waiters) || (s->super->flags & SHMFS_OPT_ALWAYS_WAKE) ||
	                 r->position >> SETTLE_STEP != end >> SETTLE_STEP))
		after(s, r->position, end);
}

bool sfs_log_batch_open(struct shmfs *s)
{
	bool ours = false;

	pthread_mutex_lock(&s->batch_mutex);
	for (const struct sfs_open_batch *b = s->batches; b; b = b->next)
		ours |= pthread_equal(b->thread, pthread_self()) != 0;
	pthread_mutex_unlock(&s->batch_mutex);
	return ours;
}
