/* SPDX-License-Identifier: MIT */
/* floor 3: sync (sync.h). */
#define _GNU_SOURCE
#include "sync.h"

#include <stdlib.h>
#include <time.h>

#include "delta.h"
#include "logwrite.h"
#include "meta.h"
#include "pin.h"
#include "writer.h"

#define STUCK_MOST 20 /* looks at a frame that nobody settles: it may be another one by then */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What a flush returned. */
static int told(struct shmfs *s, int rc)
{
	if (rc)
		atomic_fetch_or(&s->live->state, SFS_STATE_IOERROR);
	return rc;
}

static int flush(struct shmfs *s)
{
	return told(s, sfs_file_flush(&s->file));
}

static int flush_meta(struct shmfs *s)
{
	return told(s, sfs_file_flush_part(&s->file, SFS_AT_META, 2 * SFS_PAGE));
}

/* Under the writer lock: what the live tree is now, and the log as its readers see it: a put
 * that is in the checkpoint may have been told of frames appended after the settling. */
static void note(struct shmfs *s, struct sfs_meta *m, uint64_t turn)
{
	const struct sfs_live *live = s->live;
	const struct sfs_logpage *log = sfs_at(s, SFS_AT_LOG);

	*m = (struct sfs_meta){
		.turn = turn,
		.epoch = sfs_epoch(s),
		.root_word = sfs_relaxed(&live->root.word),
		.root_epoch = sfs_relaxed(&live->root.epoch),
		.head = {sfs_relaxed(&live->head[0]), sfs_relaxed(&live->head[1])},
		.nseg = sfs_relaxed(&live->nseg),
		.freed = sfs_relaxed(&live->freed),
		.count = sfs_relaxed(&live->count),
		.seq = sfs_relaxed(&live->seq),
		.last_time = sfs_relaxed(&live->last_time),
		.changes = sfs_relaxed(&live->changes),
		.buckets = sfs_relaxed(&live->buckets),
		.log_head = sfs_relaxed(&log->head),
		.log_tail = sfs_log_settle(s, UINT64_MAX, SFS_DEAD_LOCKED),
		.trimmed_bytes = sfs_relaxed(&log->trimmed_bytes),
		.trimmed_frames = sfs_relaxed(&log->trimmed_frames),
		.moves = sfs_relaxed(&live->moves),
		.time_ns = now_ns(),
	};
}

static void set_durable(struct shmfs *s, const struct sfs_meta *m)
{
	sfs_writer_lock(s);
	sfs_release(&s->live->durable, m->epoch);
	sfs_set(&s->live->sync_ns, now_ns());
	sfs_writer_unlock(s);
}

/* Whoever wrote the newest meta may have died before its second flush. */
static int adopt(struct shmfs *s, const struct sfs_meta *newest)
{
	int rc = 0;

	if (newest->turn && newest->epoch > sfs_relaxed(&s->live->durable)) {
		rc = flush(s);
		if (rc == 0)
			set_durable(s, newest);
	}
	return rc;
}

static int write_checkpoint(struct shmfs *s, struct sfs_meta *m)
{
	int rc = sfs_file_uncut(&s->file, m->nseg << SFS_SEG_SHIFT);
	bool one_flush = sfs_delta_any(m);

	if (one_flush)
		sfs_delta_seal(s, m);
	else if (rc == 0)
		rc = flush(s);
	if (rc)
		return rc;
	sfs_meta_write(s, m);
	rc = one_flush ? flush(s) : flush_meta(s);
	if (rc == 0 && !sfs_is_volatile(s))
		set_durable(s, m);
	return rc;
}

/*
 * Wait until every frame reserved before now is settled, so that no completed frame ends up
 * behind the checkpoint's tail.  Not under the writer lock, for which a writer with an open
 * batch may be waiting.
 * -EUCLEAN: what stands in the way has no owner to wait for, so the log ends there, which keeps
 * nobody from a checkpoint of the map.
 */
static int settle_log(struct shmfs *s)
{
	const struct timespec step = {.tv_nsec = 100000};
	uint64_t tail = sfs_log_tail(s), at, before = 0;

	for (int stuck = 0; (at = sfs_log_settle(s, tail, SFS_DEAD_PAD)) < tail; before = at) {
		if (sfs_log_batch_open(s))
			return -EDEADLK;
		if (sfs_handle_writable(s))
			return -EIO;
		stuck = at != before || sfs_log_owned(s, at) ? 0 : stuck + 1;
		if (stuck == STUCK_MOST)
			return -EUCLEAN;
		nanosleep(&step, NULL);
	}
	return 0;
}

/*
 * Everything of a sync under sync_lock, for who came when `epoch` was the live one and the log
 * ended at `tail`.  What was done before that is in any checkpoint frozen since, and many who ask
 * at the same time share one.
 */
static int checkpoint(struct shmfs *s, uint64_t epoch, uint64_t tail)
{
	struct sfs_meta newest, m;
	bool any = sfs_meta_newest(s, &newest), nothing_new;
	int rc = adopt(s, &newest), log = 0;

	if (rc == 0 && any && newest.epoch >= epoch && newest.log_tail >= tail)
		return 0;
	if (rc == 0)
		rc = log = settle_log(s);
	if (rc && rc != -EUCLEAN)
		return rc;
	sfs_writer_lock(s);
	note(s, &m, newest.turn + 1);
	/* the first change after a checkpoint, the cleaner's too, copies the root */
	nothing_new = any && m.root_word == newest.root_word && m.root_epoch == newest.root_epoch &&
	              m.log_tail == newest.log_tail && m.log_head == newest.log_head;
	if (!nothing_new) {
		sfs_delta_note(s, &newest, &m);
		sfs_set(&s->live->frozen, m.epoch);
		sfs_release(&s->live->epoch, m.epoch + 1);
	}
	sfs_writer_unlock(s);
	rc = nothing_new ? 0 : write_checkpoint(s, &m);
	return rc ? rc : log;
}

static void take(struct shmfs *s)
{
	pthread_mutex_lock(&s->syncer);
	(void)sfs_lock_take(s, &s->live->sync_lock); /* stolen or not: adopt() sees to it */
}

/* Another process that waits would hardly ever be faster than the next thread of ours. */
static void drop(struct shmfs *s)
{
	const struct timespec turn = {.tv_nsec = 1000000};

	if (sfs_lock_drop(&s->live->sync_lock))
		nanosleep(&turn, NULL);
	pthread_mutex_unlock(&s->syncer);
}

static bool broken(const struct shmfs *s)
{
	return sfs_relaxed(&s->live->state) & SFS_STATE_IOERROR;
}

int sfs_sync(struct shmfs *s)
{
	uint64_t epoch, tail;
	int rc;

	if (broken(s))
		return -EIO;
	if (sfs_is_volatile(s))
		return 0;
	epoch = sfs_epoch(s);
	tail = sfs_log_tail(s);
	take(s);
	rc = broken(s) ? -EIO : checkpoint(s, epoch, tail);
	drop(s);
	return rc;
}

static struct sfs_seg *copy_table(struct shmfs *s, uint64_t nseg)
{
	struct sfs_seg *table = calloc(nseg, sizeof(*table));

	for (uint64_t n = 0; table && n < nseg; n++)
		if (sfs_seg_ok(s, n))
			sfs_copy_out(table + n, sfs_seg(s, n), sizeof(*table));
	return table;
}

int sfs_sync_freeze(struct shmfs *s, struct sfs_meta *m, struct sfs_seg **table)
{
	int rc = settle_log(s);

	if (rc)
		return rc;
	sfs_writer_lock(s);
	note(s, m, 0);
	m->nseg = sfs_segments(s);
	if (table)
		*table = copy_table(s, m->nseg);
	rc = table && !*table ? -ENOMEM : sfs_pin_at(s, m->freed);
	if (rc == 0)
		sfs_release(&s->live->epoch, m->epoch + 1);
	else if (table)
		free(*table);
	sfs_writer_unlock(s);
	return rc;
}

/* Everything of the last checkpoint under sync_lock. */
static int last_checkpoint(struct shmfs *s, uint64_t nseg)
{
	struct sfs_meta newest, m;
	int rc, log = 0;

	sfs_meta_newest(s, &newest);
	rc = adopt(s, &newest);
	if (rc == 0)
		rc = log = settle_log(s);
	if (rc && rc != -EUCLEAN)
		return rc;
	sfs_writer_lock(s);
	sfs_release(&s->live->nseg, nseg);
	note(s, &m, newest.turn + 1);
	m.table_crc = sfs_table_crc(s, nseg, m.epoch);
	if (newest.turn && newest.changes == m.changes && newest.log_tail == m.log_tail &&
	    newest.nseg == nseg && newest.table_crc == m.table_crc) {
		sfs_writer_unlock(s);
		return log; /* opened and closed again */
	}
	/* A volatile store keeps its epoch: the next open clears the metas before it changes
	 * anything in place that they reach. */
	if (!sfs_is_volatile(s)) {
		sfs_set(&s->live->frozen, m.epoch);
		sfs_release(&s->live->epoch, m.epoch + 1);
	}
	sfs_writer_unlock(s);
	rc = write_checkpoint(s, &m);
	return rc ? rc : log;
}

int sfs_sync_last(struct shmfs *s, uint64_t nseg)
{
	int rc;

	if (broken(s))
		return -EIO;
	take(s);
	rc = last_checkpoint(s, nseg);
	drop(s);
	return rc;
}
