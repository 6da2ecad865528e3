/* SPDX-License-Identifier: MIT */
/*
 * floor 1: handles and fork().  A child inherits the descriptor and the mapping, either of which
 * holds the open file, and with it the lease: a killed parent would look alive as long as the
 * child lives.  So the mapping is not inherited (file.c), the child closes the descriptor at once,
 * and its copy of the handle is dead.
 */
#ifndef SFS_FORK_H
#define SFS_FORK_H

#include "handle.h"

SFS_HIDDEN void sfs_fork_watch(struct shmfs *s);
SFS_HIDDEN void sfs_fork_forget(struct shmfs *s);

#endif
