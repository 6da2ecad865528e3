/* SPDX-License-Identifier: MIT */
/* floor 0: has the process one thread, so that its own locks need no locked instruction? */
#ifndef SFS_ALONE_H
#define SFS_ALONE_H

#include <stdbool.h>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>

static inline bool sfs_alone(void)
{
	return __libc_single_threaded;
}
#else
static inline bool sfs_alone(void)
{
	return false;
}
#endif

#endif
