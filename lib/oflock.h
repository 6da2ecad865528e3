/* SPDX-License-Identifier: MIT */
/*
 * floor 1: locks on bytes of the file, held by a descriptor ("open file description
 * locks", fcntl(2)).  The kernel drops them when the last process that holds the
 * descriptor is gone, whatever killed it: that is all we know of another process.
 */
#ifndef SFS_OFLOCK_H
#define SFS_OFLOCK_H

#include <fcntl.h>

#include "bytes.h"

/* type: F_RDLCK, F_WRLCK or F_UNLCK.  wait: until it can be had.
 * -EAGAIN: somebody else has it. */
SFS_HIDDEN int sfs_oflock_set(int fd, short type, int64_t at, int64_t n, bool wait);

/* The first byte in [at, at + n) whose lock, held through another descriptor, conflicts
 * with `type`; -1 if none does. */
SFS_HIDDEN int64_t sfs_oflock_holder(int fd, short type, int64_t at, int64_t n);

/* How many separate locks others hold in the range. */
SFS_HIDDEN uint64_t sfs_oflock_count(int fd, int64_t at, int64_t n);

#endif
