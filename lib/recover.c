/* SPDX-License-Identifier: MIT */
/* floor 3: recovery (recover.h). */
#define _GNU_SOURCE
#include "recover.h"

#include <time.h>

#include "meta.h"
#include "log.h"
#include "pin.h"
#include "run.h"

#define SEQ_GAP (UINT64_C(1) << 32)

bool sfs_should_be_volatile(const struct shmfs *s)
{
	return s->file.volatile_fs || (s->super->flags & SHMFS_OPT_NO_SYNC);
}

void sfs_session_begin(struct shmfs *s)
{
	sfs_commit(&s->live->boot[1], s->session[1]);
	sfs_commit(&s->live->boot[0], s->session[0]);
}

int sfs_volatile_begin(struct shmfs *s)
{
	/* said first: a store without a checkpoint that is not volatile is a damaged one */
	atomic_fetch_or(&s->live->state, SFS_STATE_VOLATILE);
	sfs_meta_clear(s);
	sfs_set(&s->live->durable, 0);
	sfs_set(&s->live->frozen, 0);
	/* A reader may have pinned the checkpoint for a snapshot: then its pages are copied before
	 * they are modified.  (It pins, then looks whether the meta is still there.) */
	atomic_thread_fence(memory_order_seq_cst);
	if (sfs_pinned(s, sfs_relaxed(&s->live->freed)))
		sfs_release(&s->live->epoch, sfs_epoch(s) + 1);
	/* on a disk the metas must be gone before anything they reach is overwritten */
	return sfs_file_flush(&s->file);
}

/* What a copy may have turned into holes: the metadata and the tables. */
static int back_metadata(struct shmfs *s, uint64_t nseg)
{
	int rc = sfs_file_back(&s->file, 0, SFS_METADATA_BYTES);

	for (uint64_t n = SFS_FIRST_SEG; rc == 0 && n < nseg; n = (n | 127) + 1)
		rc = sfs_file_back(&s->file, sfs_offset(s, sfs_seg(s, n)) & ~(SFS_PAGE - 1), SFS_PAGE);
	return rc;
}

static void count(struct shmfs *s, const struct sfs_seg *e)
{
	struct sfs_live *live = s->live;

	if (sfs_relaxed(&e->kind) == SFS_SEG_BIG) {
		sfs_set(&live->big, sfs_relaxed(&live->big) + ((uint64_t)sfs_relaxed(&e->live) << SFS_SEG_SHIFT));
	} else {
		sfs_set(&live->used, sfs_relaxed(&live->used) + 1);
		sfs_set(&live->live, sfs_relaxed(&live->live) + sfs_relaxed(&e->live));
	}
}

/* Does the run lie in the file, with its parts where they belong? */
static bool whole_run(struct shmfs *s, uint64_t n, uint64_t nseg)
{
	uint64_t run = sfs_relaxed(&sfs_seg(s, n)->live);

	if (run == 0 || run > nseg - n)
		return false;
	for (uint64_t i = 1; i < run; i++)
		if (sfs_relaxed(&sfs_seg(s, n + i)->kind) != SFS_SEG_CONT)
			return false;
	return true;
}

/* Was the run published at the checkpoint?  One that was being filled then has a lease still, or
 * was given up later; a lookup for each of the others would take its time. */
static bool in_use(struct shmfs *s, const struct sfs_meta *m, uint64_t n)
{
	const struct sfs_seg *e = sfs_seg(s, n);

	return (sfs_relaxed(&e->lease) == 0 && sfs_relaxed(&e->died) == 0) ||
	       sfs_run_named(s, m->root_word, n);
}

/* Every entry: in use by the checkpoint, or free. */
static void rebuild_table(struct shmfs *s, const struct sfs_meta *m, uint64_t nseg)
{
	bool trusted = m->table_crc && m->table_crc == sfs_table_crc(s, m->nseg, m->epoch);
	uint64_t run_end = 0;

	for (uint64_t n = SFS_FIRST_SEG; n < nseg; n++) {
		struct sfs_seg *e = sfs_seg(s, n);
		bool alive;

		if (!sfs_seg_ok(s, n))
			continue;
		sfs_set(&e->backed, 0); /* a copy has holes where we had space */
		alive = n < m->nseg && sfs_seg_alive_at(e, m->epoch);
		if (alive && sfs_relaxed(&e->kind) == SFS_SEG_BIG) {
			alive = whole_run(s, n, m->nseg) && in_use(s, m, n);
			if (alive)
				run_end = n + sfs_relaxed(&e->live);
		}
		if (alive || n < run_end) {
			sfs_set(&e->died, 0);
			if (!trusted && sfs_relaxed(&e->kind) != SFS_SEG_BIG && alive)
				sfs_set(&e->live, (uint32_t)SFS_SEG);
			if (alive)
				count(s, e);
		} else {
			sfs_release(&e->kind, SFS_SEG_FREE);
			sfs_set(&s->live->idle, sfs_relaxed(&s->live->idle) + 1);
		}
		/* after the kind: should the power fail again, they say what to ask */
		sfs_release(&e->lease, 0);
		sfs_set(&e->stamp, 0);
	}
}

/* Versions given after the checkpoint are not given again, nor those given after an earlier
 * recovery from the same one: no store gives one in a nanosecond. */
static uint64_t seq_after(const struct sfs_meta *m)
{
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return m->seq + SEQ_GAP + (now_ns > m->time_ns ? now_ns - m->time_ns : 0);
}

static void rebuild_live(struct shmfs *s, const struct sfs_meta *m, uint64_t nseg)
{
	struct sfs_live *live = s->live;

	sfs_zero(live, sizeof(*live));
	sfs_zero(sfs_at(s, SFS_AT_LOG), SFS_PAGE);
	sfs_zero(sfs_at(s, SFS_AT_WATCH), SFS_METADATA_BYTES - SFS_AT_WATCH);
	sfs_set(&live->root.word, m->root_word);
	sfs_set(&live->root.epoch, m->root_epoch);
	sfs_set(&live->freed, m->freed);
	sfs_set(&live->reused, m->freed);
	sfs_set(&live->nseg, nseg);
	sfs_set(&live->epoch, m->epoch + 1);
	sfs_set(&live->frozen, m->epoch);
	sfs_set(&live->durable, m->epoch);
	sfs_set(&live->head[0], m->head[0]);
	sfs_set(&live->head[1], m->head[1]);
	sfs_set(&live->seq, seq_after(m));
	sfs_set(&live->count, m->count);
	sfs_set(&live->last_time, m->last_time);
	sfs_set(&live->changes, m->changes);
	sfs_set(&live->buckets, m->buckets);
	sfs_set(&live->sync_ns, m->time_ns);
	sfs_set(&live->moves, m->moves + 1); /* the tables are about to be put right */
	sfs_set(&live->cursor, SFS_FIRST_SEG);
	sfs_set(&live->pick, SFS_FIRST_SEG);
}

/* The log ends at the checkpoint's tail.  What was appended behind it lies at or above `backed`,
 * so nobody looks at it, and it is zeroed when it is backed again; the totals of that segment,
 * and of one made behind it, may count it. */
static int rebuild_log(struct shmfs *s, const struct sfs_meta *m)
{
	struct sfs_logpage *log = sfs_at(s, SFS_AT_LOG);
	uint64_t n = m->log_tail >> SFS_LOG_SHIFT, at;
	int rc;

	if (m->log_tail % 16 || m->log_head > m->log_tail)
		return -EUCLEAN;
	for (; (rc = sfs_log_find(s, m->root_word, n, &at)) == 0; n++)
		sfs_set((a64 *)sfs_at(s, sfs_log_run(at) + SFS_AT_TOTALS + 8), 0);
	if (rc != -ENOENT || (sfs_log_in(m->log_tail) && n == m->log_tail >> SFS_LOG_SHIFT))
		return -EUCLEAN;
	sfs_set(&log->head, m->log_head);
	sfs_set(&log->tail, m->log_tail);
	sfs_set(&log->commit, m->log_tail);
	sfs_set(&log->trimmed_bytes, m->trimmed_bytes);
	sfs_set(&log->trimmed_frames, m->trimmed_frames);
	sfs_set(&log->backed, m->log_tail);
	return 0;
}

int sfs_recover(struct shmfs *s)
{
	uint64_t bytes = sfs_file_refresh(&s->file), nseg = bytes >> SFS_SEG_SHIFT;
	bool was_volatile = sfs_is_volatile(s) || (s->super->flags & SHMFS_OPT_NO_SYNC);
	struct sfs_meta m;
	int rc;

	if (!sfs_meta_newest(s, &m))
		return was_volatile ? SHMFS_E_NOT_CLOSED : -EUCLEAN;
	if (m.nseg < SFS_MIN_SEGS - 2 || nseg < m.nseg || !sfs_file_inside(&s->file, m.head[0], 0) ||
	    !sfs_file_inside(&s->file, m.head[1], 0))
		return -EUCLEAN;
	rc = back_metadata(s, nseg);
	if (rc)
		return rc;
	/* not this session's any more, should we be killed on the way */
	sfs_commit(&s->live->boot[0], 0);
	rebuild_live(s, &m, nseg);
	rebuild_table(s, &m, nseg);
	return rebuild_log(s, &m);
}
