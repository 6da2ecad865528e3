/* SPDX-License-Identifier: MIT */
/* floor 2: segments (segment.h). */
#include "segment.h"

#include "huge.h"
#include "pin.h"

#define SCAN_MOST 4096
#define SEGS_OF_HUGE (SFS_HUGE >> SFS_SEG_SHIFT)
#define WHOLE (SFS_SEG >> SFS_BACK_SHIFT) /* `backed` of a segment that has all its space */

static void add(a64 *counter, uint64_t n)
{
	sfs_set(counter, sfs_relaxed(counter) + n);
}

/* Hints may lag behind after a kill: never below zero. */
static void subtract(a64 *counter, uint64_t n)
{
	uint64_t v = sfs_relaxed(counter);

	sfs_set(counter, v > n ? v - n : 0);
}

uint64_t sfs_seg_limit(const struct shmfs *s)
{
	uint64_t bytes = s->file.window;

	if (s->super->max_size)
		bytes = sfs_min(bytes, s->super->max_size);
	return bytes >> SFS_SEG_SHIFT;
}

/* I4, but for pins.  A segment that never was in use has no history. */
static bool reusable(struct shmfs *s, const struct sfs_seg *e, bool *history)
{
	uint64_t born = sfs_relaxed(&e->born), died = sfs_relaxed(&e->died);
	uint64_t durable = sfs_relaxed(&s->live->durable), frozen = sfs_relaxed(&s->live->frozen);

	*history = sfs_relaxed(&e->kind) != SFS_SEG_FREE;
	if (!*history)
		return true;
	return died != 0 && !(born <= durable && durable < died) && !(born <= frozen && frozen < died);
}

/*
 * Declare that what was freed with stamps up to this one is about to be overwritten,
 * then look whether a pin forbids it.  In this order: a reader that pins too late sees `reused`.
 * (The look before it only spares readers a `reused` raised in vain.)
 */
static bool claim(struct shmfs *s, uint64_t stamp)
{
	if (sfs_pinned(s, stamp))
		return false;
	if (sfs_relaxed(&s->live->reused) <= stamp)
		sfs_set(&s->live->reused, stamp + 1);
	atomic_thread_fence(memory_order_seq_cst);
	return !sfs_pinned(s, stamp);
}

/* What an idle segment must have. */
enum has { ANYTHING, SOME_SPACE, ALL_SPACE };

static bool is_backed(const struct sfs_seg *e, enum has has)
{
	unsigned kind = sfs_relaxed(&e->kind);

	if (has == ALL_SPACE)
		return (kind == SFS_SEG_DATA || kind == SFS_SEG_INDEX) && sfs_relaxed(&e->backed) == WHOLE;
	return has == ANYTHING || kind != SFS_SEG_FREE;
}

/* Look for n reusable segments in a row. */
static uint64_t find_idle(struct shmfs *s, uint64_t n, enum has has)
{
	uint64_t nseg = sfs_segments(s), at = sfs_relaxed(&s->live->cursor);
	uint64_t run = 0, stamp = 0, pinned = UINT64_MAX, scan = sfs_min(nseg, SCAN_MOST + n);
	bool history, any = false;

	if (s->grow_only || sfs_relaxed(&s->live->idle) < n)
		return 0;
	for (uint64_t seen = 0; seen < scan; seen++, at++) {
		if (at >= nseg) {
			at = SFS_FIRST_SEG;
			run = 0;
		}
		if (sfs_seg_reserved(at) || !sfs_seg_ok(s, at) || !is_backed(sfs_seg(s, at), has) ||
		    !reusable(s, sfs_seg(s, at), &history)) {
			run = 0;
			continue;
		}
		if (run == 0) {
			stamp = 0;
			any = false;
		}
		if (history) {
			any = true;
			stamp = sfs_max(stamp, sfs_relaxed(&sfs_seg(s, at)->stamp));
		}
		if (++run < n)
			continue;
		/* a stamp from nowhere would make every reader retry for ever */
		if (any && (stamp >= sfs_relaxed(&s->live->freed) || stamp >= pinned || !claim(s, stamp))) {
			pinned = sfs_min(pinned, stamp);
			run = 0;
			continue;
		}
		sfs_set(&s->live->cursor, at + 1);
		return at + 1 - n;
	}
	sfs_set(&s->live->cursor, at); /* a large store is searched a part at a time */
	return 0;
}

/* Lengthen the file to `end` segments, of which those from `start` on are about to be used. */
static int lengthen(struct shmfs *s, uint64_t start, uint64_t end)
{
	uint64_t nseg = sfs_relaxed(&s->live->nseg);
	int rc;

	if (end > sfs_seg_limit(s))
		return -EFBIG;
	rc = sfs_file_uncut(&s->file, nseg << SFS_SEG_SHIFT);
	if (rc == 0)
		rc = sfs_file_grow(&s->file, end << SFS_SEG_SHIFT);
	/* the page of the table where each new entry will be written, before the first touch */
	for (uint64_t i = start; rc == 0 && i < end; i = (i | 127) + 1)
		rc = sfs_file_back(&s->file, sfs_offset(s, sfs_seg(s, i)) & ~(SFS_PAGE - 1), SFS_PAGE);
	if (rc || end <= nseg)
		return rc;
	for (uint64_t i = nseg; i < end; i++)
		if (!sfs_seg_reserved(i))
			add(&s->live->idle, 1);
	sfs_release(&s->live->nseg, end);
	return 0;
}

/* Lengthen the file so that it ends with n free segments of one group. */
static int grow(struct shmfs *s, uint64_t n, uint64_t *first)
{
	uint64_t nseg = sfs_relaxed(&s->live->nseg), start = nseg, group_end, end;

	/* segments at the end that were never used serve too */
	while (!s->grow_only && start > SFS_FIRST_SEG && !sfs_seg_reserved(start - 1) && nseg - start < n &&
	       sfs_seg_ok(s, start - 1) && sfs_relaxed(&sfs_seg(s, start - 1)->kind) == SFS_SEG_FREE)
		start--;
	group_end = (start | (SFS_GROUP_SEGS - 1)) + 1;
	if (start + n > group_end)
		start = group_end;
	if (sfs_seg_reserved(start))
		start = (start & ~(SFS_GROUP_SEGS - 1)) + SFS_GROUP_RESERVED;
	*first = start;
	end = start + n;
	/* whole huge pages: what is too much is idle */
	if (s->file.volatile_fs)
		end = sfs_min((end + SEGS_OF_HUGE - 1) & ~(SEGS_OF_HUGE - 1), sfs_max(end, sfs_seg_limit(s)));
	return lengthen(s, start, end);
}

static void mark(struct shmfs *s, uint64_t n, enum sfs_kind kind, uint64_t run)
{
	struct sfs_seg *e = sfs_seg(s, n);

	/* a run may have been freed before it was filled */
	if (s->grow_only || sfs_relaxed(&e->kind) == SFS_SEG_BIG || sfs_relaxed(&e->kind) == SFS_SEG_CONT)
		sfs_release(&e->backed, 0);
	sfs_release(&e->live, kind == SFS_SEG_BIG ? (uint32_t)run : 0);
	sfs_release(&e->lease, 0);
	sfs_release(&e->stamp, 0);
	sfs_release(&e->born, sfs_epoch(s));
	sfs_release(&e->died, 0);
	sfs_release(&e->kind, kind);
}

/* Say what is being taken, so that a kill before it is in anybody's hands leaks nothing. */
static void note_taking(struct shmfs *s, uint64_t first, uint64_t n)
{
	sfs_seg_moves(s);
	sfs_commit(&s->live->taking, first | n << 32);
}

/* Mark n segments for this kind.  They are noted as being taken. */
static void take_these(struct shmfs *s, uint64_t first, uint64_t n, enum sfs_kind kind)
{
	note_taking(s, first, n);
	for (uint64_t i = n; i-- > 1;)
		mark(s, first + i, SFS_SEG_CONT, 0);
	mark(s, first, kind, n);
	subtract(&s->live->idle, n);
	if (kind == SFS_SEG_DATA || kind == SFS_SEG_INDEX)
		add(&s->live->used, 1);
}

/* Find or make n segments, leaving the spares alone. */
static int take(struct shmfs *s, uint64_t n, enum sfs_kind kind, uint64_t *first)
{
	int rc = 0;

	*first = find_idle(s, n, ANYTHING);
	if (!*first)
		rc = grow(s, n, first);
	if (rc == 0)
		take_these(s, *first, n, kind);
	return rc;
}

/* Make this idle segment a spare, with all its space. */
static int make_spare(struct shmfs *s, uint64_t n, a64 *spare)
{
	int rc;

	take_these(s, n, 1, SFS_SEG_SPARE);
	rc = sfs_seg_back(s, n, (n + 1) << SFS_SEG_SHIFT);
	if (rc) {
		/* not a part of it either: others, together, may make a whole */
		sfs_release(&sfs_seg(s, n)->backed, 0);
		sfs_release(&sfs_seg(s, n)->kind, SFS_SEG_FREE);
		add(&s->live->idle, 1);
		if (!sfs_is_volatile(s))
			sfs_file_punch(&s->file, n << SFS_SEG_SHIFT, SFS_SEG);
	} else {
		sfs_release(spare, n << SFS_SEG_SHIFT);
	}
	sfs_seg_taken(s);
	return rc;
}

int sfs_seg_keep_spares(struct shmfs *s)
{
	for (int i = 0; i < 2; i++) {
		uint64_t n = 0;
		int rc = -ENOSPC;

		if (sfs_likely(sfs_relaxed(&s->live->spare[i])))
			continue;
		for (int has = ALL_SPACE; has >= ANYTHING && rc == -ENOSPC; has--) {
			n = find_idle(s, 1, (enum has)has);
			if (n)
				rc = make_spare(s, n, &s->live->spare[i]);
		}
		if (!n) {
			rc = grow(s, 1, &n);
			if (rc == 0)
				rc = make_spare(s, n, &s->live->spare[i]);
		}
		if (rc)
			return rc;
	}
	return 0;
}

static int take_spare(struct shmfs *s, enum sfs_kind kind, enum sfs_purpose purpose, uint64_t *first)
{
	if (purpose == SFS_TO_FREE && (!sfs_relaxed(&s->live->spare[0]) || !sfs_relaxed(&s->live->spare[1])))
		return -ENOSPC;
	for (int i = 0; i < 2; i++) {
		uint64_t n = sfs_seg_of(sfs_relaxed(&s->live->spare[i]));

		if (!n)
			continue;
		note_taking(s, n, 1);
		sfs_release(&s->live->spare[i], 0);
		if (!sfs_seg_ok(s, n) || sfs_relaxed(&sfs_seg(s, n)->kind) != SFS_SEG_SPARE)
			return -EUCLEAN;
		mark(s, n, kind, 1);
		sfs_seg_taken(s);
		add(&s->live->used, 1);
		*first = n;
		return 0;
	}
	return -ENOSPC;
}

int sfs_seg_alloc(struct shmfs *s, uint64_t n, enum sfs_kind kind, enum sfs_purpose purpose,
                  uint64_t *first)
{
	int rc = sfs_seg_keep_spares(s);

	/* a volatile store copies no pages, so deletes need no space */
	if (rc == 0 || sfs_is_volatile(s))
		rc = take(s, n, kind, first);
	if (rc == 0 && kind != SFS_SEG_BIG)
		sfs_seg_taken(s);
	if (rc == 0 && kind != SFS_SEG_BIG && purpose == SFS_TO_STORE) {
		/* its first page, before anything is promised; a spare has all of it */
		rc = sfs_seg_back(s, *first, (*first << SFS_SEG_SHIFT) + SFS_PAGE);
		if (rc)
			sfs_seg_free(s, *first);
	} else if (rc == 0 && kind != SFS_SEG_BIG) {
		rc = sfs_seg_back(s, *first, (*first + 1) << SFS_SEG_SHIFT);
		if (rc)
			sfs_seg_free(s, *first);
	}
	if (rc && rc != -EUCLEAN && purpose != SFS_TO_STORE && n == 1)
		return take_spare(s, kind, purpose, first);
	return rc;
}

int sfs_seg_extend(struct shmfs *s, uint64_t n, uint64_t want)
{
	uint64_t have = sfs_relaxed(&sfs_seg(s, n)->live), nseg = sfs_segments(s);
	int rc = 0;

	if ((n & (SFS_GROUP_SEGS - 1)) + want > SFS_GROUP_SEGS)
		return -EAGAIN;
	for (uint64_t i = n + have; i < n + want && i < nseg; i++)
		if (!sfs_seg_ok(s, i) || sfs_relaxed(&sfs_seg(s, i)->kind) != SFS_SEG_FREE)
			return -EAGAIN;
	if (n + want > nseg)
		rc = lengthen(s, n + have, n + want);
	if (rc)
		return rc;
	note_taking(s, n + have, want - have);
	for (uint64_t i = want; i-- > have;)
		mark(s, n + i, SFS_SEG_CONT, 0);
	sfs_commit(&sfs_seg(s, n)->live, (uint32_t)want);
	sfs_seg_taken(s);
	subtract(&s->live->idle, want - have);
	return 0;
}

void sfs_seg_taken(struct shmfs *s)
{
	sfs_commit(&s->live->taking, 0);
}

/* Is segment n in somebody's hands: a run's part or, being filled, in its lease's chain; a spare; or
 * one that the cleaner comes by? */
static bool in_hands(struct shmfs *s, uint64_t n)
{
	const struct sfs_seg *e = sfs_seg(s, n), *head;
	uint64_t h = n;

	switch (sfs_relaxed(&e->kind)) {
	case SFS_SEG_BIG:
		return sfs_relaxed(&e->lease) &&
		       sfs_relaxed((a64 *)sfs_at(s, SFS_AT_FILL) + (sfs_relaxed(&e->lease) & SFS_LEASES)) == n;
	case SFS_SEG_CONT:
		while (sfs_seg_ok(s, h) && sfs_relaxed(&sfs_seg(s, h)->kind) == SFS_SEG_CONT)
			h--;
		head = sfs_seg_ok(s, h) ? sfs_seg(s, h) : e;
		return sfs_relaxed(&head->kind) == SFS_SEG_BIG && sfs_relaxed(&head->died) == 0 &&
		       h + sfs_relaxed(&head->live) > n;
	case SFS_SEG_SPARE:
		return sfs_relaxed(&s->live->spare[0]) == n << SFS_SEG_SHIFT ||
		       sfs_relaxed(&s->live->spare[1]) == n << SFS_SEG_SHIFT;
	}
	return true;
}

void sfs_seg_redo(struct shmfs *s)
{
	uint64_t w = sfs_relaxed(&s->live->taking), first = w & UINT32_MAX, end = first + (w >> 32);

	if (!w)
		return;
	/* from the head on: a part is in hands if its head is */
	for (uint64_t n = first; n < end && sfs_seg_ok(s, n); n++) {
		struct sfs_seg *e = sfs_seg(s, n);

		if (sfs_relaxed(&e->died) || in_hands(s, n))
			continue;
		sfs_release(&e->backed, 0);
		sfs_release(&e->kind, SFS_SEG_FREE);
		add(&s->live->idle, 1);
	}
	sfs_seg_taken(s);
}

void sfs_seg_free(struct shmfs *s, uint64_t n)
{
	struct sfs_seg *e = sfs_seg(s, n);
	unsigned kind = sfs_relaxed(&e->kind);
	uint64_t run = kind == SFS_SEG_BIG ? sfs_relaxed(&e->live) : 1;
	uint64_t most = sfs_relaxed(&s->file.size) >> SFS_SEG_SHIFT;
	uint64_t stamp = sfs_relaxed(&s->live->freed), epoch = sfs_epoch(s);

	if (s->grow_only || sfs_relaxed(&e->died))
		return;
	run = sfs_min(run, most > n ? most - n : 1);
	add(&s->live->idle, run);
	for (uint64_t i = run; i-- > 0;) {
		struct sfs_seg *part;

		if (i && (!sfs_seg_ok(s, n + i) || sfs_relaxed(&sfs_seg(s, n + i)->kind) != SFS_SEG_CONT))
			continue;
		part = sfs_seg(s, n + i);
		sfs_release(&part->stamp, stamp);
		sfs_release(&part->died, epoch);
	}
	sfs_release(&s->live->freed, stamp + 1);
	if (kind == SFS_SEG_DATA || kind == SFS_SEG_INDEX) {
		subtract(&s->live->used, 1);
		subtract(&s->live->live, sfs_relaxed(&e->live));
	}
}

void sfs_seg_drop_spares(struct shmfs *s, uint64_t from)
{
	for (int i = 0; i < 2; i++) {
		uint64_t n = sfs_seg_of(sfs_relaxed(&s->live->spare[i]));

		if (n < from || !sfs_seg_ok(s, n) || sfs_relaxed(&sfs_seg(s, n)->kind) != SFS_SEG_SPARE)
			continue;
		note_taking(s, n, 1);
		sfs_release(&s->live->spare[i], 0);
		sfs_release(&sfs_seg(s, n)->kind, SFS_SEG_FREE);
		sfs_seg_taken(s);
		add(&s->live->idle, 1);
	}
}

void sfs_seg_punch(struct shmfs *s, bool whole)
{
	uint64_t nseg = sfs_segments(s);

	for (uint64_t n = SFS_FIRST_SEG; n < nseg; n++) {
		struct sfs_seg *e = sfs_seg(s, n);
		uint64_t stamp = sfs_relaxed(&e->stamp);
		bool history;

		if (sfs_seg_reserved(n) || !sfs_seg_ok(s, n) || !reusable(s, e, &history) ||
		    (!whole && sfs_relaxed(&e->backed) == WHOLE) ||
		    (!history && sfs_relaxed(&e->backed) == 0))
			continue;
		if (history && (stamp >= sfs_relaxed(&s->live->freed) || !claim(s, stamp)))
			continue;
		sfs_release(&e->backed, 0);
		sfs_release(&e->kind, SFS_SEG_FREE);
		sfs_file_punch(&s->file, n << SFS_SEG_SHIFT, SFS_SEG);
	}
}

int sfs_seg_back(struct shmfs *s, uint64_t n, uint64_t end)
{
	struct sfs_seg *e = sfs_seg(s, n);
	uint64_t start = n << SFS_SEG_SHIFT, steps = sfs_relaxed(&e->backed), target;
	int64_t got;

	if (sfs_likely(end <= start + (steps << SFS_BACK_SHIFT)))
		return 0;
	target = (end - start + (1u << SFS_BACK_SHIFT) - 1) >> SFS_BACK_SHIFT;
	if (target > WHOLE)
		return -EUCLEAN;
	target = sfs_min(WHOLE, sfs_max(target, steps + SFS_BACK_BATCH));
	got = sfs_huge_back(&s->file, start + (steps << SFS_BACK_SHIFT), (target - steps) << SFS_BACK_SHIFT,
	                    (WHOLE - steps) << SFS_BACK_SHIFT);
	if (got < 0)
		return (int)got;
	sfs_release(&e->backed, (uint8_t)(steps + ((uint64_t)got >> SFS_BACK_SHIFT)));
	return 0;
}

void sfs_seg_add(struct shmfs *s, uint64_t offset, uint64_t size)
{
	struct sfs_seg *e = sfs_seg(s, sfs_seg_of(offset));

	sfs_set(&e->live, sfs_relaxed(&e->live) + (uint32_t)size);
	add(&s->live->live, size);
}

void sfs_seg_drop(struct shmfs *s, uint64_t offset, uint64_t size)
{
	uint64_t n = sfs_seg_of(offset);
	struct sfs_seg *e = sfs_seg(s, n);
	uint32_t live = sfs_relaxed(&e->live);

	if (s->grow_only)
		return;
	if (sfs_relaxed(&e->kind) == SFS_SEG_BIG) {
		if (sfs_relaxed(&e->lease) == 0) /* else entrusted to somebody, who frees it (run.h) */
			sfs_seg_free(s, n);
		subtract(&s->live->big, size);
		return;
	}
	sfs_set(&e->live, live > size ? live - (uint32_t)size : 0);
	subtract(&s->live->live, size);
	if (live <= size && !sfs_seg_active(s, n))
		sfs_seg_free(s, n);
}
