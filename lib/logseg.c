/* SPDX-License-Identifier: MIT */
/* floor 2: the segments of the log (log.h): find, make, back. */
#include "log.h"

#include "cursor.h"
#include "huge.h"
#include "lock.h"
#include "run.h"
#include "writer.h"

static struct sfs_key segment_key(const struct shmfs *s, const uint64_t *n)
{
	return sfs_key(s, SFS_LOGSEG, n, sizeof(*n));
}

int sfs_log_find(struct shmfs *s, uint64_t root, uint64_t n, uint64_t *at)
{
	struct sfs_key key = segment_key(s, &n);
	struct sfs_hit hit;
	int rc = sfs_index_find(s, root, &key, &hit);

	if (rc)
		return rc;
	*at = hit.ref + sizeof(struct sfs_record) + sfs_align8(hit.klen);
	return hit.vlen == SFS_LOG_SEG && *at % SFS_PAGE == 0 ? 0 : -EUCLEAN;
}

/* ---- making ------------------------------------------------------------------------- */

/* Was segment n trimmed?  Then whoever asks is late: `commit` has passed the head since.
 * -EAGAIN, -EUCLEAN.  The writer lock is held. */
static int trimmed(struct shmfs *s, uint64_t n)
{
	uint64_t head = sfs_relaxed(&sfs_log(s)->head);

	if (n >= head >> SFS_LOG_SHIFT)
		return 0;
	return sfs_relaxed(&sfs_log(s)->commit) < head ? -EUCLEAN : -EAGAIN;
}

static int publish(struct shmfs *s, uint64_t n, uint64_t first)
{
	struct sfs_put put = {
		.draft = {.key = segment_key(s, &n), .vlen = SFS_LOG_SEG, .type = SFS_LOGSEG_TYPE},
		.condition = SHMFS_IF_ABSENT,
		.run = sfs_run_record(first, sizeof(n)),
	};
	int rc;

	sfs_set((a64 *)sfs_at(s, first << SFS_SEG_SHIFT), put.run);
	rc = sfs_commit_put(s, &put);
	sfs_run_settle(s, first);
	return rc;
}

/* Retention: may segment n be made, and what goes for it?  The writer lock is held. */
static int make_way(struct shmfs *s, uint64_t n)
{
	uint64_t limit = s->super->log_limit, segments = (limit + SFS_LOG_SEG - 1) >> SFS_LOG_SHIFT;
	uint64_t head = sfs_relaxed(&sfs_log(s)->head), oldest;

	segments = sfs_max(segments, 2);
	if (!limit || n - (head >> SFS_LOG_SHIFT) < segments)
		return 0;
	oldest = (n + 1 - segments) << SFS_LOG_SHIFT;
	if ((s->super->flags & SHMFS_OPT_LOG_REFUSE) && sfs_cursor_behind(s, oldest))
		return SHMFS_E_LOG_FULL;
	return sfs_log_cut(s, oldest);
}

/* The writer lock is held, and segment n is not there. */
static int make(struct shmfs *s, uint64_t n)
{
	struct sfs_totals *t;
	uint64_t first;
	int rc = make_way(s, n);

	if (rc == 0)
		rc = sfs_run_alloc(s, SFS_LOG_SEG, &first);
	if (rc)
		return rc;
	t = sfs_at(s, (first << SFS_SEG_SHIFT) + SFS_AT_TOTALS);
	sfs_set(&t->frames, 0);
	return publish(s, n, first);
}

int sfs_log_enter_slow(struct shmfs *s, uint64_t n, uint64_t *at)
{
	int rc;

	sfs_log_keep_totals(s, n);
	s->own.to = 0; /* those of another segment */
	/* found and held under the lock that trimming takes */
	sfs_writer_lock(s);
	rc = trimmed(s, n);
	if (rc == 0)
		rc = sfs_log_find_live(s, n, at);
	if (rc == -ENOENT) {
		rc = make(s, n);
		if (rc == 0)
			rc = sfs_log_find_live(s, n, at);
	}
	if (rc == 0) {
		sfs_release(sfs_log_hold(s, s->lease), n + 1);
		sfs_set(&s->log_segment, n + 1);
		s->log_at = *at;
		sfs_run_reap_log(s);
	}
	sfs_writer_unlock(s);
	return rc;
}

/* Space that reads as zeros, for bytes that nobody looks at yet; as sfs_huge_back(). */
static int64_t back_blank(struct shmfs *s, uint64_t at, uint64_t n, uint64_t most)
{
	bool blank = sfs_file_blank(&s->file, at, n);
	int64_t got = sfs_file_has(&s->file, at, n) ? (int64_t)n : sfs_huge_back(&s->file, at, n, most);

	if (got > 0 && !blank)
		sfs_zero(sfs_at(s, at), n); /* a huge page is made of blanks only */
	return got;
}

int sfs_log_back_slow(struct shmfs *s, uint64_t at, uint64_t end)
{
	struct sfs_logpage *log = sfs_log(s);
	uint64_t backed, segment_end = ((end - 1) | (SFS_LOG_SEG - 1)) + 1;
	int64_t got = 0;

	sfs_writer_lock(s);
	backed = sfs_relaxed(&log->backed);
	if (end > backed) {
		uint64_t start = sfs_max(backed, segment_end - SFS_LOG_SEG);
		uint64_t to = sfs_min((end + SFS_LOG_STEP - 1) & ~(SFS_LOG_STEP - 1), segment_end);

		got = sfs_is_volatile(s) ? 0 : sfs_seg_keep_spares(s);
		if (got == 0)
			got = back_blank(s, at + sfs_log_in(start), to - start, segment_end - start);
		if (got > 0)
			sfs_release(&log->backed, start + (uint64_t)got);
	}
	sfs_writer_unlock(s);
	return got < 0 ? (int)got : 0;
}
