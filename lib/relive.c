/* SPDX-License-Identifier: MIT */
/* floor 3: repair: superblock and live page (repair.h). */
#define _GNU_SOURCE
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "crc32c.h"
#include "log.h"
#include "meta.h"
#include "recover.h"
#include "repair.h"
#include "super.h"

#define SEQ_GAP (UINT64_C(1) << 32)
#define GARBAGE_DEFAULT 400
#define FLAGS (SHMFS_OPT_NO_SYNC | SHMFS_OPT_ALWAYS_WAKE | SHMFS_OPT_LOG_REFUSE)

/* ---- superblock ------------------------------------------------------------------------- */

static bool sealed(const struct sfs_super *super)
{
	return super->crc == sfs_crc32c(0, super, offsetof(struct sfs_super, crc)) &&
	       super->version == SFS_FORMAT_VERSION && super->seg_shift == SFS_SEG_SHIFT &&
	       super->log_shift == SFS_LOG_SHIFT && super->garbage >= 100 && super->garbage <= 900;
}

/* The checksum says which byte it was, if it was one. */
static bool mend_byte(struct sfs_super *super)
{
	uint8_t *byte = (uint8_t *)super;
	uint32_t sum = sfs_crc32c(0, super, offsetof(struct sfs_super, crc)), differ = sum ^ super->crc;

	for (size_t i = sizeof(super->magic); i < offsetof(struct sfs_super, crc); i++) {
		uint8_t was = byte[i];

		for (unsigned with = 1; with < 256; with++) {
			byte[i] = (uint8_t)(was ^ with);
			if (sealed(super))
				return true;
		}
		byte[i] = was;
	}
	/* or it is in the checksum itself */
	for (int i = 0; i < 4; i++)
		if ((differ & ~(0xffu << i * 8)) == 0) {
			super->crc = sum;
			return sealed(super);
		}
	return false;
}

/* What is out of its range gets its default; the seed, if it is not the one, costs a new tree. */
static void mend_fields(struct sfs_super *super, uint64_t size)
{
	super->version = SFS_FORMAT_VERSION;
	super->flags &= FLAGS;
	super->seg_shift = SFS_SEG_SHIFT;
	super->log_shift = SFS_LOG_SHIFT;
	super->reserved = 0;
	if (super->garbage < 100 || super->garbage > 900)
		super->garbage = GARBAGE_DEFAULT;
	if (super->max_size && super->max_size < size)
		super->max_size = 0;
	if (super->size > size)
		super->size = 0;
	if (super->seed == 0 && getrandom(&super->seed, sizeof(super->seed), 0) < 0)
		super->seed = (uint64_t)getpid();
	super->crc = sfs_crc32c(0, super, offsetof(struct sfs_super, crc));
}

int sfs_relive_super(struct sfs_repair *r)
{
	struct sfs_super *super = &r->super;
	const struct sfs_file *f = &r->s->file;
	int rc = sfs_super_probe(f);

	if (rc == SFS_SUPER_EMPTY)
		return -ENODATA;
	if (rc == SHMFS_E_NOT_STORE || (rc < 0 && rc != -EUCLEAN && rc != SHMFS_E_VERSION))
		return rc;
	if (pread(f->fd, super, sizeof(*super), 0) < 0)
		return -errno;
	if (rc == SFS_SUPER_GOOD || sealed(super)) /* and the file is short */
		return 0;
	if (mend_byte(super)) {
		sfs_problem(r, SFS_AT_SUPER, "the superblock had one damaged byte");
	} else if (rc == SHMFS_E_VERSION) {
		return rc;
	} else {
		mend_fields(super, sfs_relaxed(&f->size));
		r->seed_guessed = true;
		sfs_problem(r, SFS_AT_SUPER, "the superblock is damaged: options may be lost");
	}
	r->super_damaged = true;
	return 0;
}

/* ---- the live page ------------------------------------------------------------------------ */

static bool log_known(struct sfs_repair *r)
{
	return r->log.head % SFS_LOG_SEG == 0 && r->log.commit % 16 == 0 && r->log.head <= r->log.commit &&
	       r->log.commit <= r->log.backed && r->log.backed < SFS_SANE;
}

static void log_of_live(struct sfs_repair *r)
{
	const struct sfs_logpage *log = sfs_log(r->s);

	r->log.head = sfs_relaxed(&log->head);
	r->log.commit = sfs_relaxed(&log->commit);
	r->log.tail = sfs_relaxed(&log->tail);
	r->log.backed = sfs_relaxed(&log->backed);
	r->log.trimmed_bytes = sfs_relaxed(&log->trimmed_bytes);
	r->log.trimmed_frames = sfs_relaxed(&log->trimmed_frames);
	r->log.known = log_known(r);
	r->log.blank = r->log.head == 0 && r->log.commit == 0 && r->log.backed == 0;
	if (!r->log.known || r->log.tail > r->log.backed || sfs_relaxed(&log->cut_to))
		sfs_problem(r, SFS_AT_LOG, "the log page is damaged");
}

static void live_of_meta(struct sfs_repair *r, const struct sfs_meta *m)
{
	struct sfs_live *live = &r->live;

	memset(live, 0, sizeof(*live));
	sfs_set(&live->root.word, m->root_word);
	sfs_set(&live->root.epoch, m->root_epoch);
	sfs_set(&live->freed, m->freed);
	sfs_set(&live->reused, m->freed);
	sfs_set(&live->epoch, m->epoch);
	sfs_set(&live->head[0], m->head[0]);
	sfs_set(&live->head[1], m->head[1]);
	sfs_set(&live->seq, m->seq + SEQ_GAP);
	sfs_set(&live->count, m->count);
	sfs_set(&live->last_time, m->last_time);
	sfs_set(&live->changes, m->changes);
	sfs_set(&live->moves, m->moves);
	sfs_set(&live->sync_ns, m->time_ns);
	sfs_set(&live->nseg, m->nseg);
	r->log.head = m->log_head;
	r->log.commit = r->log.tail = r->log.backed = m->log_tail;
	r->log.trimmed_bytes = m->trimmed_bytes;
	r->log.trimmed_frames = m->trimmed_frames;
	r->log.known = log_known(r);
	if (!r->log.known)
		sfs_problem(r, SFS_AT_META, "the checkpoint's log positions are damaged");
}

static bool root_plausible(struct sfs_repair *r, uint64_t word)
{
	return sfs_word_depth(word) == 0 && sfs_word_plausible(r, word);
}

static void check_head(struct sfs_repair *r, int head, uint64_t start)
{
	uint64_t at = sfs_relaxed(&r->live.head[head]), n = sfs_seg_of(at - 1);

	if (at % 8 || at < SFS_SEG || !sfs_seg_ok(r->s, n) || at < (n << SFS_SEG_SHIFT) + start)
		sfs_problem(r, SFS_AT_LIVE, "the head of the %s segments is damaged", head ? "INDEX" : "DATA");
}

/* Fields that nothing else tells of. */
static void check_live(struct sfs_repair *r)
{
	const struct sfs_live *live = &r->live;

	check_head(r, SFS_DATA_HEAD, SFS_DATA_START);
	check_head(r, SFS_INDEX_HEAD, SFS_PAGE);
	if (sfs_relaxed(&live->nseg) > r->nseg)
		sfs_problem(r, SFS_AT_LIVE, "the file has %llu segments, not %llu", (unsigned long long)r->nseg,
		            (unsigned long long)sfs_relaxed(&live->nseg));
	if (sfs_relaxed(&live->reused) > sfs_relaxed(&live->freed) || sfs_relaxed(&live->freed) >= SFS_SANE ||
	    sfs_relaxed(&live->epoch) >= SFS_SANE || sfs_relaxed(&live->seq) >= SFS_SANE)
		sfs_problem(r, SFS_AT_LIVE, "the live page's counters are damaged");
	if (r->ours && sfs_relaxed(&r->real->state) != (sfs_should_be_volatile(r->s) ? SFS_STATE_VOLATILE : 0))
		sfs_problem(r, SFS_AT_LIVE, "a flush failed, or the state of the store is damaged");
	for (int i = 0; r->ours && i < 2; i++) {
		uint64_t at = sfs_relaxed(&live->spare[i]);

		if (at && (at % SFS_SEG || !sfs_seg_ok(r->s, sfs_seg_of(at)) ||
		           sfs_relaxed(&sfs_seg(r->s, sfs_seg_of(at))->kind) != SFS_SEG_SPARE))
			sfs_problem(r, SFS_AT_LIVE, "a spare segment is none");
	}
}

int sfs_relive(struct sfs_repair *r)
{
	struct shmfs *s = r->s;
	bool has_live = root_plausible(r, sfs_relaxed(&r->real->root.word));
	struct sfs_meta m;
	bool has_meta = sfs_meta_newest(s, &m);

	if (has_meta && (m.epoch >= SFS_SANE || m.seq >= SFS_SANE || m.turn >= SFS_SANE ||
	                 !root_plausible(r, m.root_word))) {
		sfs_problem(r, SFS_AT_META, "the newest checkpoint makes no sense");
		has_meta = false;
	} else if (!has_meta && !(r->ours && sfs_is_volatile(s))) {
		sfs_problem(r, SFS_AT_META, "no valid checkpoint");
	}
	if (!has_live && r->ours)
		sfs_problem(r, SFS_AT_LIVE, "the root is damaged");
	if (has_meta && !(r->ours && has_live)) {
		live_of_meta(r, &m);
	} else {
		/* of another session it may be half written: every page and record is looked at */
		sfs_copy_out(&r->live, r->real, sizeof(r->live));
		log_of_live(r);
	}
	check_live(r);
	return 0;
}
