/* SPDX-License-Identifier: MIT */
/*
 * floor 3: repair (shmfs_repair).
 *
 * The tree is mended where it is damaged and kept where it is not; only what damage hides is looked for
 * in the segments.  (So one flipped bit does not bring back every deleted key; and a lost root is
 * but the largest hole.  An older checkpoint is not gone back to: nothing kept its pages from reuse.)
 *
 * Owns	everything: GATE for writing, no other handle is open.
 * Invariant	until the commit nothing that a root in the file reaches is modified, and no segment of the
 *	file as it was is taken into use (grow_only): s->live is a copy in memory, its epoch is one
 *	that owns no page, so that each is copied before it is changed, and all that is written goes to the
 *	end of the file.  Three things are changed in place, each a step towards what is wanted
 *	whatever happens next: what a dead writer left is finished (redo), a damaged frame becomes a
 *	padding, an epoch that is still to come is cleared.
 * Order	mend, salvage, log, recount; then the commit: session id 0, superblock, log page, live page,
 *	(volatile: the checkpoints go), tables, session id; check; checkpoint.  A kill before the
 *	live page's root leaves the old store, to be repaired again.  After it the new tree is the live
 *	page's; and a checkpoint, if there is one, is still the old store, of which the tables
 *	keep all that it reaches (died = the new epoch).
 * Locks	GATE; a lease, so that what asks for the owner of a lock finds one.
 * Distrust	everything: the tables' kinds, live page, log page, names, slots, records.  Whatever is kept
 *	was looked at; and at the end the whole store is checked as by shmfs_check().
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lock.h"
#include "meta.h"
#include "oflock.h"
#include "open.h"
#include "recover.h"
#include "repair.h"
#include "session.h"
#include "super.h"
#include "sync.h"

void sfs_problem(struct sfs_repair *r, uint64_t offset, const char *format, ...)
{
	char text[120];
	va_list args;

	r->result->problems++;
	if (!r->report)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->report(r->arg, offset, text);
}

int sfs_list_add(struct sfs_list *l, const void *item, size_t size)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		void *items = realloc(l->items, room * size);

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->room = room;
	}
	memcpy((uint8_t *)l->items + l->n++ * size, item, size);
	return 0;
}

/* ---- how far ---------------------------------------------------------------------------------- */

void sfs_repair_part(struct sfs_repair *r, uint64_t bytes)
{
	r->done += r->part;
	r->part = bytes;
}

void sfs_repair_more(struct sfs_repair *r, uint64_t bytes)
{
	r->todo += bytes;
}

int sfs_repair_told(struct sfs_repair *r, double share)
{
	const struct shmfs_check_result *result = r->result;
	uint64_t done = r->done + (uint64_t)((share < 1 ? share : 1) * (double)r->part);

	return result->progress && result->progress(result->progress_arg, done, sfs_max(done, r->todo))
	               ? -ECANCELED
	               : 0;
}

/* A store that is good takes two walks of the tree and one of the log; another is checked at the end. */
static void measure(struct sfs_repair *r)
{
	uint64_t file = r->nseg << SFS_SEG_SHIFT;

	r->log_bytes = r->log.known ? sfs_min(file, r->log.commit - r->log.head) : 0;
	r->map_bytes = file - r->log_bytes;
	sfs_repair_more(r, 2 * r->map_bytes + r->log_bytes);
	if (r->changing)
		sfs_repair_more(r, r->map_bytes + r->log_bytes);
}

/* ---- beginning to change something ------------------------------------------------------------ */

/* Later than whatever a page, a segment or a checkpoint was made in. */
static uint64_t new_epoch(struct sfs_repair *r)
{
	uint64_t epoch = sfs_relaxed(&r->live.epoch);
	struct sfs_meta m;

	if (epoch >= SFS_SANE)
		epoch = 1;
	if (sfs_meta_newest(r->s, &m) && m.epoch < SFS_SANE)
		epoch = sfs_max(epoch, m.epoch);
	return epoch + 1;
}

static int new_head(struct shmfs *s, int head, enum sfs_kind kind, uint64_t start)
{
	uint64_t n;
	int rc = sfs_seg_alloc(s, 1, kind, SFS_TO_STORE, &n);

	if (rc)
		return rc;
	if (head == SFS_INDEX_HEAD)
		sfs_zero(sfs_at(s, n << SFS_SEG_SHIFT), SFS_PAGE);
	sfs_set(&s->live->head[head], (n << SFS_SEG_SHIFT) + start);
	return 0;
}

/* Metadata and tables, which a copy may have turned into holes. */
static int back_metadata(struct sfs_repair *r)
{
	struct shmfs *s = r->s;
	int rc = sfs_file_back(&s->file, 0, SFS_METADATA_BYTES);

	for (uint64_t n = SFS_FIRST_SEG; rc == 0 && n < r->nseg; n = (n | 127) + 1)
		rc = sfs_file_back(&s->file, sfs_offset(s, sfs_seg(s, n)) & ~(SFS_PAGE - 1), SFS_PAGE);
	return rc;
}

int sfs_repair_change(struct sfs_repair *r)
{
	struct sfs_live *live = &r->live;
	uint64_t freed = sfs_relaxed(&live->freed), seq = sfs_relaxed(&live->seq);
	int rc;

	if (r->changing)
		return 0;
	r->changing = true;
	sfs_repair_more(r, r->map_bytes + r->log_bytes); /* measure() may be still to come */
	sfs_set(&live->epoch, new_epoch(r));
	sfs_set(&live->freed, (freed < SFS_SANE ? freed : 0) + 1);
	sfs_set(&live->seq, seq < SFS_SANE ? seq : 0);
	sfs_set(&live->nseg, r->nseg);
	sfs_set(&live->state, sfs_should_be_volatile(r->s) ? SFS_STATE_VOLATILE : 0);
	sfs_set(&live->intent.node, 0);
	sfs_set(&live->op.kind, SFS_OP_NONE);
	sfs_set(&live->taking, 0);
	for (int i = 0; i < 2; i++) {
		sfs_set(&live->drop[i], 0);
		sfs_set(&live->spare[i], 0);
	}
	sfs_set(&live->cursor, SFS_FIRST_SEG);
	sfs_set(&live->pick, SFS_FIRST_SEG);
	sfs_set(&live->victim, 0);
	rc = back_metadata(r);
	if (rc == 0)
		rc = new_head(r->s, SFS_DATA_HEAD, SFS_SEG_DATA, SFS_DATA_START);
	return rc ? rc : new_head(r->s, SFS_INDEX_HEAD, SFS_SEG_INDEX, SFS_PAGE);
}

/* ---- the commit -------------------------------------------------------------------------------- */

static void write_log(struct sfs_repair *r)
{
	struct sfs_logpage *log = sfs_log(r->s);

	sfs_zero(log, SFS_PAGE);
	sfs_set(&log->trimmed_bytes, r->log.trimmed_bytes);
	sfs_set(&log->trimmed_frames, r->log.trimmed_frames);
	sfs_set(&log->head, r->log.head);
	sfs_set(&log->tail, r->log.commit);
	sfs_set(&log->commit, r->log.commit);
	sfs_commit(&log->backed, r->log.commit); /* known from here on */
}

static void write_live(struct sfs_repair *r)
{
	const a64 *from = (const a64 *)&r->live;
	a64 *to = (a64 *)r->real;
	struct sfs_meta m;
	bool durable = sfs_meta_newest(r->s, &m) && !sfs_is_volatile(r->s);

	sfs_set(&r->live.boot[0], 0);
	sfs_set(&r->live.boot[1], 0);
	sfs_set(&r->live.lock, 0);
	sfs_set(&r->live.sync_lock, 0);
	sfs_set(&r->live.reused, sfs_relaxed(&r->live.freed));
	sfs_set(&r->live.durable, durable ? m.epoch : 0);
	sfs_set(&r->live.frozen, durable ? m.epoch : 0);
	sfs_set(&r->live.seq, sfs_max(sfs_relaxed(&r->live.seq), r->last_seq));
	sfs_set(&r->live.last_time, sfs_max(sfs_relaxed(&r->live.last_time), r->last_time));
	sfs_set(&r->live.moves, sfs_relaxed(&r->live.moves) + 1);
	sfs_set(&r->live.changes, sfs_relaxed(&r->live.changes) + 1);
	for (size_t i = 0; i < sizeof(r->live) / sizeof(*from); i++)
		sfs_commit(to + i, sfs_relaxed(from + i));
}

static int commit(struct sfs_repair *r)
{
	struct shmfs *s = r->s;
	struct sfs_meta m;

	sfs_commit(&r->real->boot[0], 0);
	/* a turn or an epoch that leaves no room for the next one */
	if (sfs_meta_newest(s, &m) && (m.turn >= SFS_SANE || m.epoch >= SFS_SANE))
		sfs_meta_clear(s);
	if (r->super_damaged)
		sfs_copy_in(sfs_at(s, SFS_AT_SUPER), &r->super, sizeof(r->super));
	sfs_zero(sfs_at(s, SFS_AT_FILL), SFS_METADATA_BYTES - SFS_AT_FILL);
	write_log(r);
	write_live(r);
	s->live = r->real;
	s->super = sfs_at(s, SFS_AT_SUPER);
	if (sfs_should_be_volatile(s)) {
		int rc = sfs_volatile_begin(s);

		if (rc)
			return rc;
	}
	sfs_recount_write(r);
	s->grow_only = false;
	sfs_session_begin(s);
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------------------- */

/* Nobody else may have it open. */
static int alone(struct shmfs *s)
{
	return sfs_writer_present(s) || sfs_oflock_holder(s->file.fd, F_WRLCK, SFS_BYTE_READER, 1) >= 0 ? -EBUSY : 0;
}

/* The file as a store would have it: whole segments, seven of them at least. */
static int map(struct sfs_repair *r)
{
	struct shmfs *s = r->s;
	uint64_t size = sfs_file_refresh(&s->file), least = SFS_MIN_SEGS << SFS_SEG_SHIFT, whole;
	int rc;

	whole = sfs_max((size + SFS_SEG - 1) & ~(SFS_SEG - 1), least - 2 * SFS_SEG);
	if (size < whole)
		sfs_problem(r, size, "the file was cut");
	rc = sfs_file_grow(&s->file, whole);
	if (rc == 0)
		rc = sfs_file_map(&s->file);
	if (rc)
		return rc;
	r->real = sfs_at(s, SFS_AT_LIVE);
	r->nseg = whole >> SFS_SEG_SHIFT;
	r->visits_most = whole / SFS_PAGE * 4 + 4096;
	r->wide = r->super;
	r->wide.max_size = 0;
	s->super = &r->wide;
	s->seed = r->super.seed;
	s->live = r->real;
	r->claim = calloc(r->nseg, 1);
	return r->claim ? sfs_session_id(s->file.fd, s->session) : -ENOMEM;
}

static int mend(struct sfs_repair *r)
{
	struct shmfs *s = r->s;
	int rc = sfs_lease_take(s);

	if (rc)
		return rc;
	r->ours = sfs_same_session(s);
	if (r->ours)
		sfs_open_inherit(s);
	rc = sfs_relive(r);
	if (rc)
		return rc;
	s->live = &r->live;
	s->grow_only = true;
	measure(r);
	rc = sfs_retree(r);
	if (rc == 0 && r->last_seq > sfs_relaxed(&r->live.seq))
		sfs_problem(r, SFS_AT_LIVE, "a record is newer than the last put");
	if (rc == 0)
		rc = sfs_salvage(r);
	sfs_set(&r->live.seq, sfs_max(sfs_relaxed(&r->live.seq), r->last_seq));
	if (rc == 0)
		rc = sfs_relog(r);
	if (rc == 0)
		rc = sfs_recursor(r);
	if (rc == 0)
		rc = sfs_recount(r);
	if (rc || r->changing)
		return rc;
	sfs_recount_compare(r);
	if (r->result->problems == 0)
		return 0;
	rc = sfs_repair_change(r);
	sfs_repair_more(r, r->map_bytes);
	return rc ? rc : sfs_recount(r);
}

static int checked(void *arg, uint64_t done, uint64_t total)
{
	return sfs_repair_told(arg, total ? (double)done / (double)total : 1);
}

/* Is it good now?  What is not is told. */
static int verify(struct sfs_repair *r)
{
	struct shmfs_check_result after = {
		.struct_size = sizeof(after),
		.progress = checked,
		.progress_arg = r,
	};
	int rc = sfs_sync(r->s); /* without a checkpoint it is not */

	sfs_repair_part(r, r->map_bytes + r->log_bytes);
	if (rc == 0)
		rc = shmfs_check(r->s, &after, r->report, r->arg);

	r->result->segments = after.segments;
	return rc ? rc : after.problems ? -EUCLEAN : 0;
}

static int repair(struct sfs_repair *r, const char *path)
{
	struct shmfs *s = r->s;
	bool made;
	int rc = sfs_open_file(s, path, SHMFS_RDWR, NULL, &made), closed;

	if (rc == 0)
		rc = alone(s);
	if (rc == 0)
		rc = sfs_relive_super(r);
	if (rc == 0)
		rc = map(r);
	if (rc == 0)
		rc = mend(r);
	if (rc == 0 && r->changing) {
		rc = sfs_handle_result(s, commit(r));
		if (rc == 0)
			rc = verify(r);
		closed = sfs_close_last(s);
		rc = rc ? rc : closed;
	}
	r->result->keys = r->count;
	r->result->bytes = r->bytes;
	r->result->index_pages = r->pages;
	return sfs_handle_result(s, rc);
}

int shmfs_repair(const char *path, struct shmfs_check_result *result, shmfs_check_fn *report, void *arg)
{
	struct sfs_repair *r;
	int rc;

	if (!path || !result || result->struct_size != sizeof(*result))
		return -EINVAL;
	*result = (struct shmfs_check_result){
		.struct_size = sizeof(*result),
		.progress = result->progress,
		.progress_arg = result->progress_arg,
	};
	r = aligned_alloc(64, (sizeof(*r) + 63) & ~(size_t)63);
	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	r->result = result;
	r->report = report;
	r->arg = arg;
	r->s = sfs_handle_new();
	rc = -ENOMEM;
	if (r->s) {
		r->s->writable = true;
		rc = repair(r, path);
	}
	if (r->s)
		sfs_handle_free(r->s);
	free(r->holes.items);
	free(r->suspects.items);
	free(r->found.items);
	free(r->lost.items);
	free(r->logs.items);
	free(r->cursors.items);
	free(r->claim);
	free(r->live_bytes);
	free(r->kind);
	free(r);
	return rc;
}
