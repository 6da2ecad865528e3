/* SPDX-License-Identifier: MIT */
/* floor 2: runs (run.h). */
#include "run.h"

#include "huge.h"
#include "lock.h"
#include "log.h"
#include "pin.h"

static a64 *chain_of(struct shmfs *s, unsigned lease)
{
	return (a64 *)sfs_at(s, SFS_AT_FILL) + (lease & SFS_LEASES);
}

int sfs_run_alloc(struct shmfs *s, uint64_t vlen, uint64_t *first)
{
	a64 *chain = chain_of(s, s->lease);
	struct sfs_seg *e;
	int64_t backed;
	int rc = sfs_seg_alloc(s, sfs_run_segments(vlen), SFS_SEG_BIG, SFS_TO_STORE, first);

	if (rc)
		return rc;
	/* where record and key will be; the value is written through the file */
	backed = sfs_huge_back(&s->file, *first << SFS_SEG_SHIFT, SFS_RUN_VALUE, SFS_RUN_VALUE);
	if (backed < 0) {
		rc = (int)backed;
		sfs_seg_free(s, *first);
	} else {
		sfs_set((a64 *)sfs_at(s, *first << SFS_SEG_SHIFT), 0);
		e = sfs_seg(s, *first);
		sfs_release(&e->lease, s->lease);
		sfs_release(&e->stamp, sfs_relaxed(chain));
		sfs_commit(chain, *first);
	}
	sfs_seg_taken(s);
	return rc;
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

static void leave_chain(struct shmfs *s, uint64_t first)
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
}

void sfs_run_unlink(struct shmfs *s, uint64_t first)
{
	sfs_seg_moves(s);
	leave_chain(s, first);
	sfs_release(&sfs_seg(s, first)->lease, 0);
}

void sfs_run_entrust(struct shmfs *s, uint64_t first, unsigned lease)
{
	struct sfs_seg *e = sfs_seg(s, first);

	sfs_seg_moves(s);
	sfs_release(&e->stamp, sfs_relaxed(chain_of(s, lease)));
	sfs_release(&e->lease, (uint16_t)lease);
	sfs_commit(chain_of(s, lease), first);
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

/* The number of the log segment a run was made for. */
static bool log_number(struct shmfs *s, uint64_t first, uint64_t *n)
{
	const struct sfs_record *r = sfs_at(s, sfs_run_record(first, sizeof(*n)));

	if (sfs_relaxed((const a64 *)sfs_at(s, first << SFS_SEG_SHIFT)) != sfs_offset(s, r) ||
	    r->space != SFS_LOGSEG || r->klen != sizeof(*n))
		return false;
	sfs_copy_out(n, r + 1, sizeof(*n));
	return true;
}

/* What a named run has beyond its value.  Nobody ever saw those parts, so they have no history
 * to wait for.  From the last one on, so that what a kill leaves is still behind the run. */
static void give_surplus(struct shmfs *s, uint64_t first)
{
	struct sfs_seg *e = sfs_seg(s, first);
	uint64_t have = sfs_relaxed(&e->live), need, end;
	struct sfs_hit hit;

	if (sfs_record_check(s, sfs_relaxed((const a64 *)sfs_at(s, first << SFS_SEG_SHIFT)), &hit))
		return;
	need = sfs_min(have, sfs_run_segments(hit.vlen));
	for (end = first + need; sfs_seg_ok(s, end) && sfs_relaxed(&sfs_seg(s, end)->kind) == SFS_SEG_CONT &&
	                         sfs_relaxed(&sfs_seg(s, end)->died) == 0;
	     end++)
		;
	if (need < have)
		sfs_commit(&e->live, (uint32_t)need);
	while (end-- > first + need) {
		sfs_set(&s->live->idle, sfs_relaxed(&s->live->idle) + 1);
		sfs_release(&sfs_seg(s, end)->backed, 0);
		sfs_release(&sfs_seg(s, end)->kind, SFS_SEG_FREE);
	}
}

/* A run that nothing names: free it, unless somebody may yet write into it. */
static void let_go(struct shmfs *s, uint64_t first, unsigned lease)
{
	bool log = false;
	unsigned holder = 0;
	uint64_t n;

	if (log_number(s, first, &n)) {
		log = true;
		if (n < sfs_relaxed(&sfs_log(s)->head) >> SFS_LOG_SHIFT)
			holder = sfs_log_holder(s, n, lease);
	}
	if (holder) {
		sfs_run_entrust(s, first, holder);
		return;
	}
	sfs_seg_free(s, first);
	/* after the free: it tells recovery that no key need lead here */
	sfs_release(&sfs_seg(s, first)->lease, 0);
	/* who waits in it for a frame has to look where the segment is now */
	if (log && !sfs_pinned(s, sfs_relaxed(&s->live->freed)))
		sfs_release(&s->live->reused, sfs_relaxed(&s->live->freed));
}

void sfs_run_settle(struct shmfs *s, uint64_t first)
{
	unsigned lease = sfs_relaxed(&sfs_seg(s, first)->lease);

	sfs_seg_moves(s);
	sfs_commit(&s->live->drop[0], first);
	leave_chain(s, first);
	if (sfs_run_named(s, sfs_relaxed(&s->live->root.word), first)) {
		give_surplus(s, first);
		sfs_release(&sfs_seg(s, first)->lease, 0);
	} else {
		let_go(s, first, lease);
	}
	sfs_commit(&s->live->drop[0], 0);
}

void sfs_run_redo(struct shmfs *s)
{
	for (int i = 0; i < 2; i++) {
		uint64_t first = sfs_relaxed(&s->live->drop[i]);

		if (first && sfs_seg_ok(s, first) && sfs_relaxed(&sfs_seg(s, first)->kind) == SFS_SEG_BIG &&
		    sfs_relaxed(&sfs_seg(s, first)->died) == 0)
			sfs_run_settle(s, first);
		sfs_commit(&s->live->drop[i], 0);
	}
}

void sfs_run_reap(struct shmfs *s, unsigned lease)
{
	a64 *chain = chain_of(s, lease);

	for (uint64_t i = 0; sfs_run_filled_by(s, sfs_relaxed(chain), lease) && i < SFS_GROUP_SEGS; i++)
		sfs_run_settle(s, sfs_relaxed(chain));
	sfs_commit(chain, 0);
}

void sfs_run_reap_log(struct shmfs *s)
{
	uint64_t first = sfs_relaxed(chain_of(s, s->lease)), next, n;

	for (; sfs_run_filled_by(s, first, s->lease); first = next) {
		next = sfs_relaxed(&sfs_seg(s, first)->stamp);
		if (log_number(s, first, &n) && n + 1 != s->log_segment &&
		    n < sfs_relaxed(&sfs_log(s)->head) >> SFS_LOG_SHIFT)
			sfs_run_settle(s, first);
	}
}

void sfs_run_reap_all(struct shmfs *s)
{
	for (unsigned lease = 1; lease <= SFS_LEASES; lease++)
		if (lease != s->lease && sfs_relaxed(chain_of(s, lease)) && sfs_lease_free(s, lease))
			sfs_run_reap(s, lease);
}
