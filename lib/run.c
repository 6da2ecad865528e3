/* SPDX-License-Identifier: MIT */
/* floor 2: runs (run.h). */
#include "run.h"

#include "lock.h"

static a64 *chain_of(struct shmfs *s, unsigned lease)
{
	return (a64 *)sfs_at(s, SFS_AT_FILL) + lease;
}

int sfs_run_alloc(struct shmfs *s, uint64_t vlen, uint64_t *first)
{
	a64 *chain = chain_of(s, s->lease);
	struct sfs_seg *e;
	int rc = sfs_seg_alloc(s, sfs_run_segments(vlen), SFS_SEG_BIG, SFS_TO_STORE, first);

	if (rc)
		return rc;
	/* where record and key will be; the value is written through the file */
	rc = sfs_file_back(&s->file, *first << SFS_SEG_SHIFT, SFS_RUN_VALUE);
	if (rc) {
		sfs_seg_free(s, *first);
		return rc;
	}
	sfs_set((a64 *)sfs_at(s, *first << SFS_SEG_SHIFT), 0);
	e = sfs_seg(s, *first);
	sfs_release(&e->lease, s->lease);
	sfs_release(&e->stamp, sfs_relaxed(chain));
	sfs_commit(chain, *first);
	return 0;
}

bool sfs_run_filled_by(struct shmfs *s, uint64_t n, unsigned lease)
{
	const struct sfs_seg *e;

	if (!n || !sfs_seg_ok(s, n))
		return false;
	e = sfs_seg(s, n);
	return sfs_relaxed(&e->kind) == SFS_SEG_BIG && sfs_relaxed(&e->lease) == lease &&
	       sfs_relaxed(&e->died) == 0;
}

void sfs_run_unlink(struct shmfs *s, uint64_t first)
{
	struct sfs_seg *e = sfs_seg(s, first);
	unsigned lease = sfs_relaxed(&e->lease);
	a64 *at = chain_of(s, lease);

	for (uint64_t n, i = 0; sfs_run_filled_by(s, n = sfs_relaxed(at), lease) && i < SFS_GROUP_SEGS; i++) {
		if (n == first) {
			sfs_commit(at, sfs_relaxed(&e->stamp));
			break;
		}
		at = &sfs_seg(s, n)->stamp;
	}
	sfs_release(&e->lease, 0);
}

void sfs_run_entrust(struct shmfs *s, uint64_t first, unsigned lease)
{
	struct sfs_seg *e = sfs_seg(s, first);

	sfs_release(&e->stamp, sfs_relaxed(chain_of(s, lease)));
	sfs_release(&e->lease, (uint16_t)lease);
	sfs_commit(chain_of(s, lease), first);
}

void sfs_run_free(struct shmfs *s, uint64_t first)
{
	sfs_run_unlink(s, first);
	sfs_seg_free(s, first);
}

void sfs_run_published(struct shmfs *s, uint64_t first, uint64_t vlen)
{
	struct sfs_seg *e = sfs_seg(s, first);
	uint64_t have = sfs_relaxed(&e->live), need = sfs_run_segments(vlen);

	sfs_run_unlink(s, first);
	/* nobody ever saw the surplus, so it has no history to wait for */
	if (need < have)
		sfs_commit(&e->live, (uint32_t)need);
	for (uint64_t i = need; i < have; i++) {
		if (!sfs_seg_ok(s, first + i) || sfs_relaxed(&sfs_seg(s, first + i)->kind) != SFS_SEG_CONT)
			break;
		sfs_release(&sfs_seg(s, first + i)->backed, 0);
		sfs_release(&sfs_seg(s, first + i)->kind, SFS_SEG_FREE);
		sfs_set(&s->live->idle, sfs_relaxed(&s->live->idle) + 1);
	}
}

bool sfs_run_named(struct shmfs *s, uint64_t root, uint64_t first)
{
	uint64_t start = first << SFS_SEG_SHIFT, ref = sfs_relaxed((const a64 *)sfs_at(s, start)), bucket;
	struct sfs_hit hit;
	uint64_t hash;

	if (ref % 8 || ref < start + 8 || ref > start + SFS_RUN_VALUE || sfs_record_check(s, ref, &hit))
		return false;
	hash = sfs_hash(s->seed, hit.record->space, sfs_record_key(hit.record), hit.klen);
	return sfs_index_bucket(s, root, hash, &bucket) == 0 && sfs_bucket_slot(s, bucket, hash, ref);
}

void sfs_run_reap(struct shmfs *s, unsigned lease)
{
	uint64_t n;

	for (uint64_t i = 0; sfs_run_filled_by(s, n = sfs_relaxed(chain_of(s, lease)), lease); i++) {
		if (i == SFS_GROUP_SEGS)
			break;
		if (sfs_run_named(s, sfs_relaxed(&s->live->root.word), n))
			sfs_run_unlink(s, n);
		else
			sfs_run_free(s, n);
	}
	sfs_commit(chain_of(s, lease), 0);
}

void sfs_run_reap_all(struct shmfs *s)
{
	for (unsigned lease = 1; lease <= SFS_LEASES; lease++)
		if (lease != s->lease && sfs_relaxed(chain_of(s, lease)) && sfs_lease_free(s, lease))
			sfs_run_reap(s, lease);
}
