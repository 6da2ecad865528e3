/* SPDX-License-Identifier: MIT */
/*
 * floor 2: the index as its one writer changes it: copy-on-write, splits, redo.
 *
 * Owns	the tree's pages, their names, live->intent.
 * Invariant	a page whose entry epoch is not the live one is never modified, it is replaced
 *	(I2), so whatever a checkpoint reaches is immutable.  At most one multi-word update is
 *	in flight, and the intent describes it (I9).
 * Order	a new page is written, then swung into its parent.  Per entry: word, then epoch; a
 *	kill between the two leaves a page that looks un-owned and is copied once more.
 *	More than one entry: the intent first, `node` last; a kill leaves some hashes on the old
 *	page and some on the new, both complete, and the next lock owner stores the rest (redo).
 * Locks	the writer lock.
 * Distrust	words read from pages: bounds, depth and kind are checked on the way down.
 */
#ifndef SFS_TREE_H
#define SFS_TREE_H

#include "heap.h"
#include "index.h"

/* The way from the root to a bucket.  step[0] is the root; the last one the bucket. */
struct sfs_path {
	unsigned depth; /* index of the last step */
	struct sfs_step {
		struct sfs_entry *entry; /* the first of the entries that hold this page */
		unsigned span;           /* how many do */
		uint64_t word;
	} step[SFS_LEVELS + 1];
};

/*
 * Walk down to the bucket for a hash.  own: copy every page of the way that an
 * earlier epoch owns, so that the bucket may be modified.  -ENOSPC, -EFBIG, -EUCLEAN
 */
SFS_HIDDEN int sfs_tree_descend(struct shmfs *s, uint64_t hash, bool own, enum sfs_purpose purpose,
                                struct sfs_path *path);

/* The bucket at the end of a path is full: split it, or a node above it to make room for the
 * split.  Descend again after it.  SHMFS_E_COLLIDE, and as above. */
SFS_HIDDEN int sfs_tree_split(struct shmfs *s, uint64_t hash, const struct sfs_path *path);

/* Move a page that the cleaner wants out of its segment: the page of step `at` is
 * replaced by a copy; everything above it must be owned. */
SFS_HIDDEN int sfs_tree_replace(struct shmfs *s, uint64_t hash, struct sfs_path *path, unsigned at,
                                enum sfs_purpose purpose);

/* Build an empty tree for this many keys; used by creation only. */
SFS_HIDDEN int sfs_tree_create(struct shmfs *s, uint64_t keys);

/* Finish a swing that a killed writer began. */
SFS_HIDDEN void sfs_tree_redo(struct shmfs *s);

static inline uint64_t sfs_path_bucket(const struct sfs_path *path)
{
	return path->step[path->depth].word;
}

#endif
