/* SPDX-License-Identifier: MIT */
/*
 * floor 3: shmfs_compact: what is alive together, low in the file.
 *
 * Order	pass 1, from the end of the file: count each segment's live bytes again and empty those
 *	with something to win.  Pass 2: the highest segments move into the lowest gaps, block by
 *	block, as the cleaner does; then runs as a whole, as a put of the same value would.  Then the space of idle segments is given back; the
 *	last close cuts the file.  Every step is one the cleaner or a put also takes: a kill leaves
 *	what theirs would.
 *	On a durable store what was freed can be taken again only after a sync, so there is one
 *	whenever that may help.
 * Locks	the writer lock, a slice at a time.
 * Distrust	a malformed segment is left where it is, and a log segment that an appender holds.
 */
#include "clean.h"
#include "heap.h"
#include "log.h"
#include "pin.h"
#include "room.h"
#include "run.h"
#include "sync.h"
#include "writer.h"

#define SLICE (UINT64_C(64) << 10)
#define DENSE (SFS_SEG - SFS_SEG / 16) /* not worth the move */
#define SYNC_EVERY 64                  /* emptied segments */

struct compact {
	struct shmfs *s;
	shmfs_progress_fn *progress;
	void *arg;
	uint64_t done, total;
	unsigned emptied;
};

static int step(struct compact *c)
{
	c->done++;
	return c->progress && c->progress(c->arg, c->done, sfs_max(c->done, c->total)) ? -ECANCELED : 0;
}

/* Allocation looks for idle segments below n. */
static void look_below(struct shmfs *s, uint64_t n)
{
	if (sfs_relaxed(&s->live->cursor) >= n)
		sfs_set(&s->live->cursor, SFS_FIRST_SEG);
}

static int empty(struct compact *c, uint64_t n)
{
	struct shmfs *s = c->s;
	unsigned round = 0;
	int rc;

	do {
		sfs_writer_lock(s);
		look_below(s, n);
		rc = sfs_clean_slice(s, n, SLICE);
		sfs_writer_unlock(s);
		if (rc < 0 && rc != -EUCLEAN && sfs_make_room(s, rc, round++, SFS_TO_FREE))
			rc = 0;
	} while (rc == 0);
	if (rc < 0)
		return rc == -EUCLEAN ? 0 : rc;
	return ++c->emptied % SYNC_EVERY ? 0 : sfs_sync(s);
}

/* ---- pass 1 ------------------------------------------------------------------------------ */

static int gather(struct compact *c)
{
	for (uint64_t n = sfs_segments(c->s); n-- > SFS_FIRST_SEG;) {
		uint32_t live;
		bool sparse;
		int rc;

		sfs_writer_lock(c->s);
		sparse = n < sfs_segments(c->s) && sfs_clean_recount(c->s, n, &live) && live < DENSE;
		sfs_writer_unlock(c->s);
		rc = sparse ? empty(c, n) : 0;
		if (rc == 0)
			rc = step(c);
		if (rc)
			return rc;
	}
	return sfs_sync(c->s);
}

/* ---- pass 2 ------------------------------------------------------------------------------ */

static bool in_use(struct shmfs *s, uint64_t n)
{
	return sfs_seg_ok(s, n) && sfs_relaxed(&sfs_seg(s, n)->kind) != SFS_SEG_FREE &&
	       sfs_relaxed(&sfs_seg(s, n)->died) == 0;
}

static bool run_part(struct shmfs *s, uint64_t n)
{
	unsigned kind = sfs_seg_ok(s, n) ? sfs_relaxed(&sfs_seg(s, n)->kind) : SFS_SEG_FREE;

	return (kind == SFS_SEG_BIG || kind == SFS_SEG_CONT) && in_use(s, n);
}

/* Where the segments that are no runs would end, if they stood as low as the runs let them. */
static uint64_t tight_end(struct shmfs *s)
{
	uint64_t nseg = sfs_segments(s), singles = 0, n;

	for (n = SFS_FIRST_SEG; n < nseg; n++)
		singles += in_use(s, n) && !run_part(s, n);
	for (n = SFS_FIRST_SEG; singles && n < nseg; n++)
		singles -= !sfs_seg_reserved(n) && !run_part(s, n);
	return n;
}

/* The heads and the spares go on below; where they were becomes ordinary. */
static int move_heads(struct shmfs *s, uint64_t end)
{
	int rc = 0;

	for (int head = 0; rc == 0 && head < 2; head++) {
		look_below(s, 0);
		if (sfs_seg_of(sfs_relaxed(&s->live->head[head]) - 1) >= end)
			rc = sfs_heap_next(s, head, SFS_TO_STORE);
	}
	look_below(s, 0);
	sfs_seg_drop_spares(s, end);
	return rc == -ENOSPC || rc == -EFBIG ? 0 : rc;
}

/* Is it a run that nobody is filling, and if it is a log segment's that nobody may append to or has
 * pinned?  The writer lock is held. */
static bool movable_run(struct shmfs *s, uint64_t n, struct sfs_hit *hit)
{
	const struct sfs_seg *e;
	uint64_t log;

	if (!sfs_seg_ok(s, n))
		return false;
	e = sfs_seg(s, n);
	if (sfs_relaxed(&e->kind) != SFS_SEG_BIG || sfs_relaxed(&e->died) || sfs_relaxed(&e->lease) ||
	    !sfs_run_named(s, sfs_relaxed(&s->live->root.word), n) ||
	    sfs_record_check(s, sfs_relaxed((const a64 *)sfs_at(s, n << SFS_SEG_SHIFT)), hit))
		return false;
	if (hit->record->space != SFS_LOGSEG || hit->klen != sizeof(log))
		return hit->record->space == SFS_USER;
	memcpy(&log, sfs_record_key(hit->record), sizeof(log));
	return !sfs_log_holder(s, log, 0) && !sfs_pinned(s, sfs_relaxed(&s->live->freed));
}

/* Bytes of the record, of which a log segment's end where nobody has written yet. */
static uint64_t record_bytes(struct shmfs *s, const struct sfs_hit *hit)
{
	uint64_t log, size = sfs_record_size(hit->klen, hit->vlen), backed = sfs_relaxed(&sfs_log(s)->backed);

	if (hit->record->space != SFS_LOGSEG)
		return size;
	memcpy(&log, sfs_record_key(hit->record), sizeof(log));
	log <<= SFS_LOG_SHIFT;
	return size - SFS_LOG_SEG + (backed > log ? sfs_min(backed - log, SFS_LOG_SEG) : 0);
}

/* Make the index lead to a copy of the run.  The writer lock is held; *moved: it does. */
static int publish_copy(struct shmfs *s, uint64_t n, uint64_t to, uint64_t seq, bool *moved)
{
	uint64_t delta = (to - n) << SFS_SEG_SHIFT, hash, ref;
	struct sfs_path path;
	struct sfs_hit hit;
	a64 *slot;
	int rc;

	*moved = false;
	if (!movable_run(s, n, &hit) || hit.record->seq != seq)
		return 0;
	ref = hit.ref + delta;
	hash = sfs_hash(s->seed, hit.record->space, sfs_record_key(hit.record), hit.klen);
	rc = sfs_tree_descend(s, hash, true, SFS_TO_STORE, &path);
	if (rc)
		return rc;
	slot = sfs_bucket_slot(s, sfs_path_bucket(&path), hash, hit.ref);
	if (!slot)
		return -EUCLEAN;
	sfs_set((a64 *)sfs_at(s, to << SFS_SEG_SHIFT), ref);
	sfs_seg_moves(s);
	sfs_release(&sfs_seg(s, to)->born, sfs_epoch(s));
	sfs_commit(&s->live->drop[1], n);
	sfs_commit(slot, (sfs_relaxed(slot) & ~SFS_SLOT_REF) | ref >> 3); /* COMMIT */
	sfs_run_settle(s, to);
	sfs_run_settle(s, n);
	sfs_commit(&s->live->drop[1], 0);
	*moved = true;
	return 0;
}

static int copy_run(struct shmfs *s, uint64_t n, uint64_t to, const struct sfs_hit *hit)
{
	uint64_t at = hit->ref + ((to - n) << SFS_SEG_SHIFT);

	if (hit->record->space == SFS_LOGSEG)
		sfs_copy_in(sfs_at(s, (to << SFS_SEG_SHIFT) + SFS_AT_TOTALS),
		            sfs_at(s, (n << SFS_SEG_SHIFT) + SFS_AT_TOTALS), sizeof(struct sfs_totals));
	return sfs_file_write_in(&s->file, at, sfs_at(s, hit->ref), record_bytes(s, hit));
}

/* Copy a run to a lower place, if there is one.  A value cannot change meanwhile; if it is freed and its
 * place taken again, the record there has another version, or there is none.  A log segment is
 * copied under the lock, so that nobody begins to append to it. */
static int move_run(struct compact *c, uint64_t n)
{
	struct shmfs *s = c->s;
	uint64_t to = 0, seq = 0;
	struct sfs_hit hit;
	bool moved = false, log = false;
	int rc = -EAGAIN;

	sfs_writer_lock(s);
	if (movable_run(s, n, &hit)) {
		seq = hit.record->seq;
		log = hit.record->space == SFS_LOGSEG;
		look_below(s, 0);
		rc = sfs_run_alloc(s, hit.vlen, &to);
		if (rc == 0 && to > n) {
			sfs_run_settle(s, to);
			rc = -EAGAIN;
		}
	}
	if (rc) {
		sfs_writer_unlock(s);
		return rc == -EAGAIN || rc == -ENOSPC || rc == -EFBIG ? 0 : rc;
	}
	if (!log)
		sfs_writer_unlock(s);
	rc = copy_run(s, n, to, &hit);
	if (!log)
		sfs_writer_lock(s);
	if (rc == 0)
		rc = publish_copy(s, n, to, seq, &moved);
	if (!moved)
		sfs_run_settle(s, to);
	sfs_writer_unlock(s);
	return rc == -ENOSPC ? 0 : rc;
}

static int lower(struct compact *c)
{
	struct shmfs *s = c->s;
	uint64_t end, nseg = sfs_segments(s);
	int rc;

	sfs_writer_lock(s);
	end = tight_end(s);
	rc = move_heads(s, end);
	sfs_writer_unlock(s);
	for (uint64_t n = nseg; rc == 0 && n-- > end;) {
		rc = run_part(s, n) ? 0 : empty(c, n);
		if (rc == 0)
			rc = step(c);
	}
	if (rc == 0)
		rc = sfs_sync(s);
	/* each as low as it fits, which makes room for the next */
	for (uint64_t n = SFS_FIRST_SEG; rc == 0 && n < nseg; n++) {
		if (sfs_seg_ok(s, n) && sfs_relaxed(&sfs_seg(s, n)->kind) == SFS_SEG_BIG)
			rc = move_run(c, n);
		if (rc == 0)
			rc = step(c);
	}
	return rc ? rc : sfs_sync(s);
}

static int compact(struct compact *c)
{
	uint64_t nseg = sfs_segments(c->s), end = tight_end(c->s);
	int rc;

	c->total = 2 * (nseg - SFS_FIRST_SEG) + (nseg > end ? nseg - end : 0);
	rc = sfs_sync(c->s);
	if (rc == 0)
		rc = gather(c);
	if (rc == 0)
		rc = lower(c);
	sfs_writer_lock(c->s);
	sfs_seg_punch(c->s, true);
	sfs_writer_unlock(c->s);
	return rc;
}

int shmfs_compact(struct shmfs *s, shmfs_progress_fn *progress, void *arg)
{
	struct compact c = {.s = s, .progress = progress, .arg = arg};
	int rc = sfs_handle_writable(s);

	if (rc == 0 && sfs_pinned(s, sfs_relaxed(&s->live->freed)))
		rc = -EBUSY; /* nothing could be taken again: the file would grow */
	return rc ? rc : sfs_handle_result(s, compact(&c));
}
