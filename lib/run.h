/* SPDX-License-Identifier: MIT */
/*
 * floor 2: runs.  A record above SFS_SMALL has segments of its own, filled outside the lock.
 *
 * Owns	BIG and CONT segments, the fill table (lease -> chain of runs being filled).
 * Invariant	a run with a lease is not reachable, or its owner died just after the commit.
 * Order	alloc: lease, next, then the fill table, under the writer lock.  Publish: record,
 *	`born`, the commit, then the lease is cleared and the chain mended.  A kill in between
 *	leaves a run in the chain of a dead lease; whoever inherits the lease, or makes room,
 *	keeps it if its key names it and frees it if not.
 *	A run that changes hands, or loses its name, is noted in `drop` before and until after,
 *	so that the next owner of the lock settles it: by whether its key names it now.
 * Locks	the writer lock, but for writing into a run, which nobody else sees.
 */
#ifndef SFS_RUN_H
#define SFS_RUN_H

#include "commit.h"

/* Bytes of value that n segments hold. */
static inline uint64_t sfs_run_room(uint64_t segments)
{
	return (segments << SFS_SEG_SHIFT) - SFS_RUN_VALUE;
}

static inline uint64_t sfs_run_segments(uint64_t vlen)
{
	return (vlen + SFS_RUN_VALUE + SFS_SEG - 1) >> SFS_SEG_SHIFT;
}

/* Where the record of a run with this key starts. */
static inline uint64_t sfs_run_record(uint64_t first, uint64_t klen)
{
	return (first << SFS_SEG_SHIFT) + SFS_RUN_VALUE - sfs_align8(klen) - sizeof(struct sfs_record);
}

/* A run for a value of this size, in our lease's chain.  -ENOSPC -EFBIG */
SFS_HIDDEN int sfs_run_alloc(struct shmfs *s, uint64_t vlen, uint64_t *first);

/* Nobody fills this run any more: if its key names it, keep what the value needs of it; if not free it,
 * or entrust it to who may yet write into it. */
SFS_HIDDEN void sfs_run_settle(struct shmfs *s, uint64_t first);

/* Settle the chain of a lease whose holder is dead. */
SFS_HIDDEN void sfs_run_reap(struct shmfs *s, unsigned lease);

/* Settle the chains of all dead leases. */
SFS_HIDDEN void sfs_run_reap_all(struct shmfs *s);

/* A published run that is about to be deleted, but which the holder of this lease may still
 * write into: it goes to that lease's chain, and is freed when the lease or its hold ends. */
SFS_HIDDEN void sfs_run_entrust(struct shmfs *s, uint64_t first, unsigned lease);

/* Settle the runs of trimmed log segments that are entrusted to us and that we no longer hold. */
SFS_HIDDEN void sfs_run_reap_log(struct shmfs *s);

/* Is n the head of an unpublished run of this lease? */
SFS_HIDDEN bool sfs_run_filled_by(struct shmfs *s, uint64_t n, unsigned lease);

/* Take a run out of its lease's chain. */
SFS_HIDDEN void sfs_run_unlink(struct shmfs *s, uint64_t first);

/* Settle what a killed writer had in hand. */
SFS_HIDDEN void sfs_run_redo(struct shmfs *s);

/* Does the key of the run's record lead back to it? */
SFS_HIDDEN bool sfs_run_named(struct shmfs *s, uint64_t root, uint64_t first);

#endif
