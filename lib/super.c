/* SPDX-License-Identifier: MIT */
/* floor 3: the superblock (super.h). */
#define _GNU_SOURCE
#include "super.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "crc32c.h"
#include "recover.h"
#include "sync.h"
#include "tree.h"

#define GARBAGE_DEFAULT 400

static uint32_t seal(const struct sfs_super *super)
{
	return sfs_crc32c(0, super, offsetof(struct sfs_super, crc));
}

int sfs_super_probe(const struct sfs_file *f)
{
	struct sfs_super super = {0};
	ssize_t n = pread(f->fd, &super, sizeof(super), 0);

	if (n < 0)
		return -errno;
	if (n == 0)
		return SFS_SUPER_EMPTY;
	if ((size_t)n >= sizeof(super.magic) && !memcmp(super.magic, SFS_MAGIC_UNFINISHED, 8))
		return SFS_SUPER_EMPTY;
	if ((size_t)n < sizeof(super.magic) || memcmp(super.magic, SFS_MAGIC, 8) != 0)
		return SHMFS_E_NOT_STORE;
	if ((size_t)n < sizeof(super))
		return -EUCLEAN;
	if (super.version > SFS_FORMAT_VERSION)
		return SHMFS_E_VERSION;
	if (super.crc != seal(&super) || super.version != SFS_FORMAT_VERSION ||
	    super.seg_shift != SFS_SEG_SHIFT || super.log_shift != SFS_LOG_SHIFT || super.garbage < 100 ||
	    super.garbage > 900 || f->size < (SFS_MIN_SEGS - 2) << SFS_SEG_SHIFT)
		return -EUCLEAN;
	return SFS_SUPER_GOOD;
}

static int fill_super(struct sfs_super *super, const struct shmfs_options *o)
{
	struct timespec now;
	struct {
		uint64_t seed;
		uint8_t uuid[16];
	} random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	if (o && o->seed)
		random.seed = o->seed;
	random.seed += !random.seed; /* 0 could not be asked for again */
	clock_gettime(CLOCK_REALTIME, &now);
	*super = (struct sfs_super){
		.magic = SFS_MAGIC,
		.version = SFS_FORMAT_VERSION,
		.flags = o ? o->flags : 0,
		.seg_shift = SFS_SEG_SHIFT,
		.log_shift = SFS_LOG_SHIFT,
		.garbage = o && o->garbage != 0 ? (uint32_t)(o->garbage * 1000 + 0.5) : GARBAGE_DEFAULT,
		.seed = random.seed,
		.created_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
		.log_limit = o ? o->log_limit : 0,
		.max_size = o ? o->max_size : 0,
		.size = o ? o->size : 0,
	};
	memcpy(super->uuid, random.uuid, sizeof(super->uuid));
	super->crc = seal(super);
	return 0;
}

/* The first segments, taken before there is an allocator. */
static int first_segments(struct shmfs *s)
{
	static const enum sfs_kind kinds[] = {SFS_SEG_DATA, SFS_SEG_INDEX, SFS_SEG_SPARE, SFS_SEG_SPARE};
	struct sfs_live *live = s->live;

	for (uint64_t i = 0; i < 4; i++) {
		uint64_t n = SFS_FIRST_SEG + i;
		struct sfs_seg *e = sfs_seg(s, n);
		int rc;

		sfs_set(&e->kind, kinds[i]);
		sfs_set(&e->born, 1);
		rc = sfs_seg_back(s, n, kinds[i] == SFS_SEG_SPARE ? (n + 1) << SFS_SEG_SHIFT
		                                                   : (n << SFS_SEG_SHIFT) + SFS_PAGE);
		if (rc)
			return rc;
	}
	sfs_set(&live->used, 2);
	sfs_set(&live->head[0], (UINT64_C(3) << SFS_SEG_SHIFT) + SFS_DATA_START);
	sfs_set(&live->head[1], (UINT64_C(4) << SFS_SEG_SHIFT) + SFS_PAGE);
	sfs_set(&live->spare[0], UINT64_C(5) << SFS_SEG_SHIFT);
	sfs_set(&live->spare[1], UINT64_C(6) << SFS_SEG_SHIFT);
	return 0;
}

/* Allocate what `size` asks for: free segments that are backed already. */
static int preallocate(struct shmfs *s, uint64_t size)
{
	uint64_t target = (size + SFS_SEG - 1) >> SFS_SEG_SHIFT, nseg = sfs_relaxed(&s->live->nseg);
	int rc;

	if (target > sfs_seg_limit(s))
		return -EFBIG;
	rc = target > nseg ? sfs_file_grow(&s->file, target << SFS_SEG_SHIFT) : 0;
	for (uint64_t n = nseg; rc == 0 && n < target; n++) {
		if (sfs_seg_reserved(n))
			continue;
		rc = sfs_file_back(&s->file, sfs_offset(s, sfs_seg(s, n)) & ~(SFS_PAGE - 1), SFS_PAGE);
		if (rc == 0)
			rc = sfs_seg_back(s, n, (n + 1) << SFS_SEG_SHIFT);
		if (rc == 0)
			sfs_set(&s->live->idle, sfs_relaxed(&s->live->idle) + 1);
	}
	if (rc == 0 && target > nseg)
		sfs_release(&s->live->nseg, target);
	return rc;
}

static int build(struct shmfs *s, const struct shmfs_options *o)
{
	struct sfs_live *live = s->live;
	int rc = sfs_file_grow(&s->file, SFS_MIN_SEGS << SFS_SEG_SHIFT);

	if (rc == 0)
		rc = sfs_file_back(&s->file, 0, SFS_METADATA_BYTES);
	if (rc == 0)
		rc = sfs_file_back(&s->file, sfs_offset(s, sfs_seg(s, 0)), SFS_PAGE);
	if (rc)
		return rc;
	sfs_set(&live->epoch, 1);
	sfs_set(&live->nseg, SFS_MIN_SEGS);
	sfs_set(&live->cursor, SFS_FIRST_SEG);
	sfs_set(&live->pick, SFS_FIRST_SEG);
	rc = first_segments(s);
	if (rc == 0)
		rc = preallocate(s, o ? o->size : 0);
	if (rc == 0)
		rc = sfs_tree_create(s, o ? o->keys : 0);
	return rc;
}

int sfs_super_create(struct shmfs *s, const struct shmfs_options *o)
{
	struct sfs_super *super = sfs_at(s, SFS_AT_SUPER), made;
	int rc = fill_super(&made, o);

	if (rc == 0)
		rc = sfs_file_cut(&s->file, 0);
	if (rc == 0)
		rc = sfs_file_write(&s->file, 0, SFS_MAGIC_UNFINISHED, sizeof(super->magic));
	/* else the length could reach the disk before it: zeros, which are not ours to overwrite */
	if (rc == 0)
		rc = sfs_file_flush(&s->file);
	if (rc)
		return rc;
	s->seed = made.seed;
	s->super = &made; /* until the true one is there */
	rc = build(s, o);
	if (rc == 0)
		memcpy(&super->version, &made.version, sizeof(made) - offsetof(struct sfs_super, version));
	s->super = super;
	if (rc)
		return rc;
	sfs_session_begin(s);
	rc = sfs_should_be_volatile(s) ? sfs_volatile_begin(s) : sfs_sync(s);
	if (rc)
		return rc;
	memcpy(super->magic, SFS_MAGIC, sizeof(super->magic));
	return sfs_file_flush(&s->file);
}
