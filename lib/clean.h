/* SPDX-License-Identifier: MIT */
/*
 * floor 2: the cleaner.  Space of dead records is won back by moving the live ones of a segment
 * away, a little at every put.
 *
 * Invariant	a block is live iff looking up its own name (a record's key, an index page's
 *	prefix) leads back to it (I6).  So no list of free space is kept, nothing can get out
 *	of step with it, and a walk cannot loop.
 * Order	copy, then one store makes the index lead to the copy.  A kill leaves a dead copy.
 *	`victim` is a hint: the next lock owner starts afresh.
 * Locks	the writer lock.
 * Distrust	blocks: one that is malformed ends the walk and its segment is left alone.
 */
#ifndef SFS_CLEAN_H
#define SFS_CLEAN_H

#include "tree.h"

/* If more of the space is dead than the store tolerates, walk up to `budget` bytes. */
SFS_HIDDEN void sfs_clean(struct shmfs *s, uint64_t budget);

/* Walk this segment for up to `budget` bytes.  0: go on later; 1: it is empty, or none to be cleaned;
 * negative: it cannot be. */
SFS_HIDDEN int sfs_clean_slice(struct shmfs *s, uint64_t n, uint64_t budget);

/* Count again what is alive in a segment, which recovery cannot know.  False: it is none that can be
 * cleaned, or damaged. */
SFS_HIDDEN bool sfs_clean_recount(struct shmfs *s, uint64_t n, uint32_t *live);

/*
 * Empty the emptiest segment, whatever the share; on the spares if need be.  To store, on a disk, only
 * if one spare is enough for sure: the other, and what was emptied, are for deletes.
 * False: no segment has anything to give.
 */
SFS_HIDDEN bool sfs_clean_segment(struct shmfs *s, enum sfs_purpose purpose);

#endif
