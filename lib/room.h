/* SPDX-License-Identifier: MIT */
/*
 * floor 3: putting with perseverance: when the disk is full, space that is dead but not
 * yet free is won back, and the put tried again.
 */
#ifndef SFS_ROOM_H
#define SFS_ROOM_H

#include "commit.h"

/*
 * After -ENOSPC or -EFBIG, with no lock held: clean a segment and make what died reusable.
 * False: nothing more to gain, the error stands.  Count `round` from 0.  To free, not to
 * store, is worth the last spare.
 */
SFS_HIDDEN bool sfs_make_room(struct shmfs *s, int rc, unsigned round, enum sfs_purpose purpose);

/* sfs_commit_put() under the lock, the cleaner's share of work, and room made as needed. */
SFS_HIDDEN int sfs_put(struct shmfs *s, struct sfs_put *put);

#endif
