/* SPDX-License-Identifier: MIT */
/*
 * floor 2: the two checkpoints.
 *
 * Invariant	the slot of the newest durable checkpoint is never written (I8): turns alternate
 *	between the slots, and a checkpoint is made durable before the next one is begun.
 * Order	crc 0, fields, crc.  A kill or a power cut in between leaves a slot whose crc is wrong;
 *	the other one is whole.
 * Locks	sync_lock to write; none to read.
 */
#ifndef SFS_META_H
#define SFS_META_H

#include "handle.h"

/* The newest valid checkpoint; false if there is none. */
SFS_HIDDEN bool sfs_meta_newest(struct shmfs *s, struct sfs_meta *m);

/* Write it into the slot of its turn. */
SFS_HIDDEN void sfs_meta_write(struct shmfs *s, struct sfs_meta *m);

/* Make both slots invalid. */
SFS_HIDDEN void sfs_meta_clear(struct shmfs *s);

/* Was this segment in use by the tree of this epoch? */
static inline bool sfs_seg_alive_at(const struct sfs_seg *e, uint64_t epoch)
{
	unsigned kind = sfs_relaxed(&e->kind);
	uint64_t died = sfs_relaxed(&e->died);

	return (kind == SFS_SEG_DATA || kind == SFS_SEG_INDEX || kind == SFS_SEG_BIG) &&
	       sfs_relaxed(&e->born) <= epoch && (died == 0 || died > epoch);
}

/* Sum of what the tables say of the segments alive at an epoch; never 0.  If it is what
 * the checkpoint noted, the table's live counts are those of the checkpoint. */
SFS_HIDDEN uint32_t sfs_table_crc(struct shmfs *s, uint64_t nseg, uint64_t epoch);

#endif
