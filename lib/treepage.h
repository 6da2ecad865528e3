/* SPDX-License-Identifier: MIT */
/* floor 2: what the tree's files share among themselves. */
#ifndef SFS_TREEPAGE_H
#define SFS_TREEPAGE_H

#include "tree.h"

/* Room for an index page and its name; not yet kept (heap.h). */
SFS_HIDDEN int sfs_page_new(struct shmfs *s, uint64_t hash, unsigned depth, bool node,
                            enum sfs_purpose purpose, uint64_t *page);

/* Make the step's entries lead to w0 (first half) and w1 (second half). */
SFS_HIDDEN void sfs_tree_swing(struct shmfs *s, const struct sfs_step *step, uint64_t w0, uint64_t w1);

#endif
