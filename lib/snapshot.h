/* SPDX-License-Identifier: MIT */
/*
 * floor 3: snapshots: handles that read the store as it was at one moment.
 *
 * Invariant	nothing a snapshot reaches is modified, since its pages are of an earlier epoch than
 *	the live one (I2), or reused, since its stamp is pinned (I4).
 * Order	of a handle that may write: note, pin, next epoch, under the writer lock (sync.h).
 *	Of one that may not: the newest meta, pin, the newest meta again: as long as it is the
 *	newest nothing it reaches is reused.
 *	A kill drops the pin with the descriptor; the epoch that went on costs page copies.
 * Locks	none while it reads.
 */
#ifndef SFS_SNAPSHOT_H
#define SFS_SNAPSHOT_H

#include "handle.h"

/* As shmfs_snapshot(); table: as sfs_sync_freeze(). */
SFS_HIDDEN int sfs_snapshot(struct shmfs *s, struct shmfs **out, struct sfs_seg **table);

#endif
