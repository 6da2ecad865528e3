/* SPDX-License-Identifier: MIT */
/* floor 2: the log's segments, counted and forgotten (log.h). */
#include "log.h"

#include "lock.h"
#include "run.h"
#include "writer.h"

/* ---- totals ------------------------------------------------------------------------- */

static struct sfs_totals *totals_of(const struct shmfs *s, uint64_t at)
{
	return sfs_at(s, sfs_log_run(at) + SFS_AT_TOTALS);
}

/* Walk the frames of a segment.  What is reserved there has a dead owner. */
static int count(struct shmfs *s, uint64_t at, uint64_t *bytes, uint64_t *frames)
{
	uint64_t in = 0;

	*bytes = *frames = 0;
	while (in < SFS_LOG_SEG) {
		uint64_t w = sfs_acquire((a64 *)sfs_at(s, at + in));

		if (sfs_frame_state(w) == SFS_FRAME_EMPTY || sfs_frame_span(w) < 16 ||
		    sfs_frame_span(w) % 16 || sfs_frame_span(w) > SFS_LOG_SEG - in)
			return -EUCLEAN;
		if (sfs_frame_state(w) == SFS_FRAME_DONE) {
			*bytes += w & UINT32_MAX;
			*frames += 1;
		}
		in += sfs_frame_span(w);
	}
	return 0;
}

static bool kept(struct shmfs *s, uint64_t at)
{
	return sfs_acquire(&totals_of(s, at)->frames) & SFS_TOTALS_VALID;
}

int sfs_log_totals(struct shmfs *s, uint64_t at, uint64_t *bytes, uint64_t *frames)
{
	const struct sfs_totals *t = totals_of(s, at);
	uint64_t word = sfs_acquire(&t->frames);

	if (!(word & SFS_TOTALS_VALID))
		return count(s, at, bytes, frames);
	*frames = word & ~SFS_TOTALS_VALID;
	*bytes = sfs_relaxed(&t->bytes);
	return 0;
}

/* Segment n: as counted while it was appended to, if all of it is ours. */
static int tally(struct shmfs *s, uint64_t at, uint64_t n, uint64_t *bytes, uint64_t *frames)
{
	uint64_t start = n << SFS_LOG_SHIFT;

	if (s->own.from != start || s->own.to != start + SFS_LOG_SEG)
		return count(s, at, bytes, frames);
	*bytes = s->own.counts & UINT32_MAX;
	*frames = s->own.counts >> 32;
	return 0;
}

/* One segment, counted without the lock; kept if nothing changed meanwhile. */
static bool keep(struct shmfs *s, uint64_t n, uint64_t stamp)
{
	uint64_t at, again, bytes, frames;

	if (sfs_log_find_live(s, n, &at) || kept(s, at) ||
	    tally(s, at, n, &bytes, &frames))
		return false;
	sfs_writer_lock(s);
	if (sfs_valid(s, stamp) && sfs_log_find_live(s, n, &again) == 0 && again == at) {
		sfs_set(&totals_of(s, at)->bytes, bytes);
		sfs_release(&totals_of(s, at)->frames, frames | SFS_TOTALS_VALID);
	}
	sfs_writer_unlock(s);
	return true;
}

void sfs_log_keep_totals(struct shmfs *s, uint64_t n)
{
	uint64_t stamp = sfs_acquire(&s->live->freed);

	n = sfs_min(n, sfs_log_settle(s, n << SFS_LOG_SHIFT, SFS_DEAD_PAD) >> SFS_LOG_SHIFT);
	while (n > sfs_acquire(&sfs_log(s)->head) >> SFS_LOG_SHIFT && keep(s, n - 1, stamp))
		n--;
}

/* ---- trimming ------------------------------------------------------------------------- */

unsigned sfs_log_holder(struct shmfs *s, uint64_t n, unsigned except)
{
	if (except != s->lease && sfs_relaxed(&s->log_segment) == n + 1)
		return s->lease;
	for (unsigned lease = 1; lease <= SFS_LEASES; lease++)
		if (lease != s->lease && lease != except && sfs_acquire(sfs_log_hold(s, lease)) == n + 1 &&
		    !sfs_lease_free(s, lease))
			return lease;
	return 0;
}

/* Delete the record of a segment that is trimmed. */
static int delete_segment(struct shmfs *s, uint64_t n, uint64_t at)
{
	struct sfs_key key = sfs_key(s, SFS_LOGSEG, &n, sizeof(n));
	unsigned lease = sfs_log_holder(s, n, 0);
	uint64_t first = sfs_seg_of(at), none = 0;

	/* entrusted already, by who was killed before it deleted the record */
	if (sfs_relaxed(&sfs_seg(s, first)->lease))
		sfs_run_unlink(s, first);
	if (lease)
		sfs_run_entrust(s, first, lease);
	return sfs_commit_del(s, &key, 0, &none);
}

void sfs_log_redo(struct shmfs *s)
{
	struct sfs_logpage *log = sfs_log(s);

	if (!sfs_relaxed(&log->cut_to))
		return;
	sfs_set(&log->trimmed_bytes, sfs_relaxed(&log->cut_bytes));
	sfs_set(&log->trimmed_frames, sfs_relaxed(&log->cut_frames));
	sfs_release(&log->head, sfs_relaxed(&log->cut_to));
	sfs_commit(&log->cut_to, 0);
}

static int cut_segment(struct shmfs *s, uint64_t n)
{
	struct sfs_logpage *log = sfs_log(s);
	uint64_t at, bytes, frames;
	int rc = sfs_log_find_live(s, n, &at);

	if (rc == 0)
		rc = sfs_log_totals(s, at, &bytes, &frames);
	if (rc)
		return rc == -ENOENT ? -EUCLEAN : rc;
	sfs_set(&log->cut_bytes, sfs_relaxed(&log->trimmed_bytes) + bytes);
	sfs_set(&log->cut_frames, sfs_relaxed(&log->trimmed_frames) + frames);
	sfs_commit(&log->cut_to, (n + 1) << SFS_LOG_SHIFT);
	sfs_log_redo(s);
	return delete_segment(s, n, at);
}

int sfs_log_cut(struct shmfs *s, uint64_t position)
{
	uint64_t last = sfs_min(position, sfs_log_settle(s, position, SFS_DEAD_LOCKED)) >> SFS_LOG_SHIFT;
	uint64_t n = sfs_relaxed(&sfs_log(s)->head) >> SFS_LOG_SHIFT, at;
	int rc = 0;

	/* the last one trimmed may still be there: a kill, or a full disk */
	if (n && sfs_log_find_live(s, n - 1, &at) == 0)
		rc = delete_segment(s, n - 1, at);
	for (; rc == 0 && n < last; n++)
		rc = cut_segment(s, n);
	return rc;
}
