/* SPDX-License-Identifier: MIT */
/*
 * floor 2: what a checkpoint has that the one before has not, so that one flush serves for both.
 *
 * A checkpoint must not be believed before all it reaches is on the disk.  Two flushes, the meta between
 * them, see to that for any checkpoint.  A small one brings a proof along instead: where the bytes
 * are that were written since the last, and their sum.  Then bytes and meta may go to the disk
 * together, in any order: who finds the meta after a power cut sums them, and if one is missing
 * takes the checkpoint before, which is untouched as long as this one is not known to be durable (I4).
 *
 * Invariant	the bytes do not change while anybody may ask for them: records, index pages of a frozen
 *	epoch with their names, and settled frames (I2, I7).
 *	Everything else that recovery asks was on the disk with the checkpoint before: the tables,
 *	since no segment changed hands (sfs_seg_moves()); runs, since
 *	none was published.  Else there is no delta.
 * Distrust	the ranges of a damaged meta: bounded, and inside the file, before they are read.
 */
#ifndef SFS_DELTA_H
#define SFS_DELTA_H

#include "handle.h"

/* Where the bytes are that m has and `last`, which is durable, has not; none if two flushes are needed. */
SFS_HIDDEN void sfs_delta_note(struct shmfs *s, const struct sfs_meta *last, struct sfs_meta *m);

/* Sum them. */
SFS_HIDDEN void sfs_delta_seal(struct shmfs *s, struct sfs_meta *m);

static inline bool sfs_delta_any(const struct sfs_meta *m)
{
	uint64_t any = 0;

	for (int i = 0; i < SFS_DELTAS; i++)
		any |= m->delta[i].size;
	return any != 0;
}

/* Are they all there?  True where there are none. */
SFS_HIDDEN bool sfs_delta_kept(struct shmfs *s, const struct sfs_meta *m);

#endif
