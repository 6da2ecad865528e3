/* SPDX-License-Identifier: MIT */
/* floor 2: the two heaps (heap.h). */
#include "heap.h"

static const struct {
	enum sfs_kind kind;
	uint64_t start; /* of the first block in a segment */
} heaps[2] = {
	[SFS_DATA_HEAD] = {SFS_SEG_DATA, SFS_DATA_START},
	[SFS_INDEX_HEAD] = {SFS_SEG_INDEX, SFS_PAGE},
};

/* End the walk of a segment at the head.  Space never allocated reads as zero: a terminator. */
static void terminate(struct shmfs *s, uint64_t segment, uint64_t at)
{
	uint64_t backed = (uint64_t)sfs_relaxed(&sfs_seg(s, segment)->backed) << SFS_BACK_SHIFT;
	struct sfs_record *r = sfs_at(s, at);

	if (at + sizeof(*r) <= (segment << SFS_SEG_SHIFT) + backed)
		sfs_set((a64 *)&r->seq, 0);
}

/* Is it in, or at the end of, a segment that holds blocks? */
static bool head_ok(struct shmfs *s, uint64_t at)
{
	uint64_t n = sfs_seg_of(at - 1);

	return at % 8 == 0 && at >= SFS_SEG && !sfs_seg_reserved(n) && sfs_seg_ok(s, n);
}

int sfs_heap_next(struct shmfs *s, int head, enum sfs_purpose purpose)
{
	uint64_t at = sfs_relaxed(&s->live->head[head]), old = sfs_seg_of(at - 1), n;
	int rc = head_ok(s, at) ? sfs_seg_alloc(s, 1, heaps[head].kind, purpose, &n) : -EUCLEAN;

	if (rc)
		return rc;
	if (head == SFS_DATA_HEAD)
		terminate(s, old, at);
	else
		sfs_zero(sfs_at(s, n << SFS_SEG_SHIFT), SFS_PAGE);
	sfs_commit(&s->live->head[head], (n << SFS_SEG_SHIFT) + heaps[head].start);
	/* an active segment is not freed when its last block dies, so look now */
	if (sfs_relaxed(&sfs_seg(s, old)->live) == 0)
		sfs_seg_free(s, old);
	return 0;
}

/* Disk space for what is going to be stored in the active segment n, up to `end`. */
static int back(struct shmfs *s, uint64_t n, uint64_t end, enum sfs_purpose purpose)
{
	uint64_t backed = (uint64_t)sfs_relaxed(&sfs_seg(s, n)->backed) << SFS_BACK_SHIFT;
	int rc = 0;

	if (sfs_likely(end <= (n << SFS_SEG_SHIFT) + backed))
		return 0;
	if (purpose == SFS_TO_STORE && !sfs_is_volatile(s))
		rc = sfs_seg_keep_spares(s);
	return rc ? rc : sfs_seg_back(s, n, end);
}

int sfs_heap_room(struct shmfs *s, int head, uint64_t size, enum sfs_purpose purpose, uint64_t *offset)
{
	for (int tries = 0; tries < 3; tries++) {
		uint64_t at = sfs_relaxed(&s->live->head[head]), n = sfs_seg_of(at - 1);
		int rc = -ENOSPC;

		if (!head_ok(s, at))
			return -EUCLEAN;
		if (at + size <= (n + 1) << SFS_SEG_SHIFT) {
			rc = back(s, n, at + size, purpose);
			if (rc == 0) {
				*offset = at;
				return 0;
			}
			/* no disk space behind the head: a segment that was in use before has it */
		}
		rc = sfs_heap_next(s, head, purpose);
		if (rc)
			return rc;
	}
	return -ENOSPC;
}

void sfs_heap_keep(struct shmfs *s, int head, uint64_t offset, uint64_t size)
{
	sfs_seg_add(s, offset, size);
	sfs_commit(&s->live->head[head], offset + size);
}
