/* SPDX-License-Identifier: MIT */
/*
 * floor 3: the superblock: making a store, and telling one from any other file.
 *
 * Order	creation: an "unfinished" magic before anything else reaches the file, everything,
 *	flush, the first checkpoint, and the true magic last.  A kill or a power cut before that
 *	leaves a file that says of itself that it is to be created again.
 * Locks	GATE, for writing.
 */
#ifndef SFS_SUPER_H
#define SFS_SUPER_H

#include "handle.h"

enum sfs_super_state { SFS_SUPER_EMPTY = 1, SFS_SUPER_GOOD = 0 };

/* SFS_SUPER_GOOD; _EMPTY: to be created; SHMFS_E_NOT_STORE, SHMFS_E_VERSION, -EUCLEAN.
 * Reads the file, not the mapping; writes nothing. */
SFS_HIDDEN int sfs_super_probe(const struct sfs_file *f);

/* Make the store in s->file, mapped and empty.  -ENOSPC -EFBIG -EINVAL */
SFS_HIDDEN int sfs_super_create(struct shmfs *s, const struct shmfs_options *o);

/* Are the options' values within their ranges?  -EINVAL with a message */
SFS_HIDDEN int sfs_options_check(const struct shmfs_options *o);

/* Do they agree with the store's own?  SHMFS_E_OPTION with a message naming both */
SFS_HIDDEN int sfs_options_match(const struct shmfs *s, const struct shmfs_options *o);

/* Put one line into the caller's message buffer, if there is one. */
SFS_HIDDEN void sfs_explain(const struct shmfs_options *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
