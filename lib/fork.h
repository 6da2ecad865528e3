/* SPDX-License-Identifier: MIT */
/*
 * floor 1: handles and fork().  A child inherits the descriptor, and with it the lease:
 * while the child keeps it open, a killed parent would look alive.  So the child closes it
 * at once and its copy of the handle is dead.
 */
#ifndef SFS_FORK_H
#define SFS_FORK_H

#include "handle.h"

SFS_HIDDEN void sfs_fork_watch(struct shmfs *s);
SFS_HIDDEN void sfs_fork_forget(struct shmfs *s);

#endif
