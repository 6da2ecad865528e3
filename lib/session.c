/* SPDX-License-Identifier: MIT */
/* floor 1: the session id (session.h). */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"

int sfs_session_id(int fd, uint64_t id[2])
{
	struct {
		char boot[40];
		uint64_t device, inode, born_s, born_ns, generation;
	} from = {0};
	struct statx st;
	XXH128_hash_t hash;
	long generation = 0;
	int boot = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (boot < 0)
		return errno == ENOENT ? -ENODEV : -errno; /* no /proc: no such file would be that of the store */
	if (read(boot, from.boot, sizeof(from.boot)) < 36) {
		close(boot);
		return -EIO;
	}
	close(boot);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return -errno;
	from.device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	from.inode = st.stx_ino;
	/* an inode number alone is reused: birth time and, where offered, generation are not */
	if (st.stx_mask & STATX_BTIME) {
		from.born_s = (uint64_t)st.stx_btime.tv_sec;
		from.born_ns = st.stx_btime.tv_nsec;
	}
	if (ioctl(fd, FS_IOC_GETVERSION, &generation) == 0)
		from.generation = (uint64_t)generation;
	hash = XXH3_128bits(&from, sizeof(from));
	id[0] = hash.low64 | 1; /* never 0, which no session has */
	id[1] = hash.high64;
	return 0;
}
