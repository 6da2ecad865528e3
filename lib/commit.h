/* SPDX-License-Identifier: MIT */
/*
 * floor 2: commits.  Put, delete and rename, each published by the store of one slot.
 *
 * Owns	live->op, `count`, `changes`.
 * Order	record, head; then the op line, kind last; then the slot: COMMIT, new for
 *	every reader; then the count; then watchers are told (watch.h); then the op line is
 *	cleared.  A kill before the op line
 *	leaves dead bytes; after it, the next lock owner completes the operation (redo), so
 *	that it is whole or absent, the count is right and nobody is left untold.  The old record is written off
 *	last: a kill before that leaves `live` too high, which the cleaner corrects.
 * Locks	the writer lock, taken by the caller.
 */
#ifndef SFS_COMMIT_H
#define SFS_COMMIT_H

#include "record.h"
#include "tree.h"

struct sfs_put {
	struct sfs_draft draft;
	uint32_t condition; /* SHMFS_IF_* or 0 */
	uint64_t version;   /* in: for IF_VERSION; out: the new or, refused, the present one */
	uint64_t time_ns;   /* out */
	uint64_t run;       /* offset of a record prepared in a run of its own; 0: append */
};

/* -EEXIST -ENOENT -ESTALE the condition, SHMFS_E_COLLIDE, -ENOSPC -EFBIG -EUCLEAN */
SFS_HIDDEN int sfs_commit_put(struct shmfs *s, struct sfs_put *put);

/* condition: IF_VERSION or 0.  -ENOENT -ESTALE -ENOSPC -EUCLEAN */
SFS_HIDDEN int sfs_commit_del(struct shmfs *s, const struct sfs_key *key, uint32_t condition,
                              uint64_t *version);

/* Put `put`, whose key is the destination, and delete `from`, at once, if `from` still has this
 * version.  -ENOENT -ESTALE -EEXIST and as above */
SFS_HIDDEN int sfs_commit_rename(struct shmfs *s, const struct sfs_key *from, uint64_t version,
                                 struct sfs_put *put);

/* Finish the commit a killed writer began. */
SFS_HIDDEN void sfs_commit_redo(struct shmfs *s);

#endif
