/* SPDX-License-Identifier: MIT */
/*
 * floor 3: the parts of opening and closing that repair shares (open.c).
 *
 * Locks	whoever calls these holds GATE for writing, but for those that take it.
 */
#ifndef SFS_OPEN_H
#define SFS_OPEN_H

#include "handle.h"

/* Lock, or unlock, the gate. */
SFS_HIDDEN int sfs_gate(struct shmfs *s, short type);

/* Open the file, or make it (*made), and pass the gate. */
SFS_HIDDEN int sfs_open_file(struct shmfs *s, const char *path, int flags, const struct shmfs_options *o,
                             bool *made);

/* Settle what the dead holder of our lease left: locks, and runs being filled. */
SFS_HIDDEN void sfs_open_inherit(struct shmfs *s);

/* Nobody else writes: checkpoint, and give back the unused end of the file. */
SFS_HIDDEN int sfs_close_last(struct shmfs *s);

#endif
