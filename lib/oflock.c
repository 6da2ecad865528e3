/* SPDX-License-Identifier: MIT */
/* floor 1: locks on bytes of the file (oflock.h). */
#define _GNU_SOURCE
#include "oflock.h"

#include <errno.h>

int sfs_oflock_set(int fd, short type, int64_t at, int64_t n, bool wait)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = n};

	while (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) < 0) {
		if (errno == EACCES)
			return -EAGAIN;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static bool first_conflict(int fd, short type, int64_t at, int64_t n, struct flock *found)
{
	*found = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = n};
	/* a kernel that will not say is no proof that nobody is there */
	return fcntl(fd, F_OFD_GETLK, found) < 0 || found->l_type != F_UNLCK;
}

int64_t sfs_oflock_holder(int fd, short type, int64_t at, int64_t n)
{
	struct flock found;

	return first_conflict(fd, type, at, n, &found) ? found.l_start : -1;
}

uint64_t sfs_oflock_count(int fd, int64_t at, int64_t n)
{
	int64_t end = at + n;
	struct flock found;
	uint64_t count = 0;

	while (at < end && first_conflict(fd, F_WRLCK, at, end - at, &found)) {
		count++;
		if (found.l_type == F_WRLCK && found.l_start < at)
			break;
		at = sfs_max((uint64_t)at + 1, (uint64_t)(found.l_start + found.l_len));
	}
	return count;
}
