/* SPDX-License-Identifier: MIT */
/* floor 1: the mapped file (file.h). */
#define _GNU_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "format.h"
#include "guard.h"
#include "huge.h"
#include "shmfs.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define WINDOW_MOST (UINT64_C(1) << 42)
#define WINDOW_LEAST (UINT64_C(64) << 20)
#define CIFS_MAGIC 0xff534d42u
#define SMB2_MAGIC 0xfe534d42u

/* What the length is. */
static void learn(struct sfs_file *f, uint64_t size)
{
	uint64_t least = SFS_SEG + SFS_PAGE - 1;

	sfs_set(&f->size, size);
	sfs_set(&f->plain, sfs_relaxed(&f->plainly) && size > least ? size - least : 0);
}

void sfs_file_plainly(struct sfs_file *f, bool may)
{
	sfs_set(&f->plainly, may);
	learn(f, sfs_relaxed(&f->size));
}

static bool remote(uint64_t type)
{
	switch (type & 0xffffffff) {
	case NFS_SUPER_MAGIC:
	case V9FS_MAGIC:
	case CIFS_MAGIC:
	case SMB2_MAGIC:
	case SMB_SUPER_MAGIC:
	case AFS_SUPER_MAGIC:
	case CODA_SUPER_MAGIC:
		return true;
	}
	return false;
}

int sfs_file_open(struct sfs_file *f, const char *path, int flags, mode_t mode)
{
	struct stat st;
	struct statfs fs;
	int rc;

	/* O_NONBLOCK: a FIFO must not hang us before we can refuse it */
	f->fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
	if (f->fd < 0)
		return errno == ENXIO ? SHMFS_E_NOT_STORE : -errno; /* a socket */
	f->writable = (flags & O_ACCMODE) == O_RDWR;
	if (fstat(f->fd, &st) < 0 || fstatfs(f->fd, &fs) < 0)
		rc = -errno;
	else if (S_ISDIR(st.st_mode))
		rc = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		rc = SHMFS_E_NOT_STORE;
	else if (remote((uint64_t)fs.f_type))
		rc = SHMFS_E_REMOTE;
	else
		rc = 0;
	if (rc < 0) {
		close(f->fd);
		f->fd = -1;
		return rc;
	}
	f->volatile_fs = fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC;
	learn(f, (uint64_t)st.st_size);
	return 0;
}

/* On a multiple of a huge page, so that one of the file is one of the mapping. */
static void *map_aligned(const struct sfs_file *f, int prot)
{
	uint64_t room = f->window + SFS_HUGE;
	uint8_t *start = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *at;
	size_t before;

	if (start == MAP_FAILED)
		return MAP_FAILED;
	before = -(uintptr_t)start & (SFS_HUGE - 1);
	at = mmap(start + before, f->window, prot, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, f->fd, 0);
	if (at == MAP_FAILED) {
		munmap(start, room);
		return MAP_FAILED;
	}
	if (before)
		munmap(start, before);
	munmap(at + f->window, SFS_HUGE - before);
	return at;
}

/* The more handles there are, the less each reserves: 1024 in 118 of the 128 TiB of addresses.  But
 * room to grow to the fourfold. */
static uint64_t window_wanted(uint64_t size)
{
	unsigned n = sfs_guard_count();
	uint64_t window = WINDOW_MOST / (n < 16 ? 1 : n < 32 ? 4 : n < 128 ? 16 : 256);

	while (window < WINDOW_MOST && window / 4 < size)
		window *= 2;
	return window;
}

int sfs_file_map(struct sfs_file *f)
{
	int prot = f->writable ? PROT_READ | PROT_WRITE : PROT_READ;
	int rc;

	/* the whole window at once: what the file grows into appears by itself */
	for (f->window = window_wanted(sfs_relaxed(&f->size)); f->window >= WINDOW_LEAST; f->window /= 2) {
		void *at = map_aligned(f, prot);

		if (at == MAP_FAILED)
			continue;
		if (sfs_relaxed(&f->size) > f->window) {
			munmap(at, f->window);
			break;
		}
		f->base = at;
		/* a child's mapping would hold the open file, and with it all our locks, as long as it lives */
		rc = madvise(at, f->window, MADV_DONTFORK) < 0 ? -errno : sfs_guard_enter(f);
		if (rc < 0) {
			munmap(f->base, f->window);
			f->base = NULL;
		}
		return rc;
	}
	return -ENOMEM;
}

void sfs_file_close(struct sfs_file *f)
{
	if (f->base) {
		sfs_guard_leave(f);
		munmap(f->base, f->window);
		f->base = NULL;
	}
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void sfs_file_forked(struct sfs_file *f)
{
	if (f->base)
		sfs_guard_leave(f);
	f->base = NULL; /* the child has no such mapping */
	sfs_file_plainly(f, false);
	sfs_file_close(f);
}

bool sfs_file_is(const struct sfs_file *f, const char *path)
{
	struct stat a, b;

	return fstat(f->fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

uint64_t sfs_file_refresh(struct sfs_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return 0;
	if (f->base && (uint64_t)st.st_size > f->window)
		st.st_size = (off_t)f->window;
	learn(f, (uint64_t)st.st_size);
	return (uint64_t)st.st_size;
}

bool sfs_file_inside_now(struct sfs_file *f, uint64_t at, uint64_t n)
{
	uint64_t size = sfs_file_refresh(f);

	return at <= size && n <= size - at;
}

bool sfs_file_outgrown(const struct sfs_file *f)
{
	struct stat st;

	return f->base && fstat(f->fd, &st) == 0 && (uint64_t)st.st_size > f->window;
}

int sfs_file_uncut(struct sfs_file *f, uint64_t size)
{
	if (sfs_likely(sfs_file_refresh(f) >= size))
		return 0;
	sfs_set(&f->gone, true);
	return -EIO;
}

int sfs_file_grow(struct sfs_file *f, uint64_t size)
{
	struct rlimit limit;

	if (f->base && size > f->window)
		return -EFBIG;
	/* beyond this limit ftruncate() would also send SIGXFSZ, which kills */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur)
		return -EFBIG;
	if (sfs_file_refresh(f) >= size)
		return 0;
	if (ftruncate(f->fd, (off_t)size) < 0)
		return -errno;
	learn(f, size);
	return 0;
}

int sfs_file_cut(struct sfs_file *f, uint64_t size)
{
	if (ftruncate(f->fd, (off_t)size) < 0)
		return -errno;
	learn(f, size);
	return 0;
}

int sfs_file_back(struct sfs_file *f, uint64_t at, uint64_t n)
{
	int rc = sfs_file_uncut(f, at + n);

	if (rc)
		return rc;
	do
		rc = posix_fallocate(f->fd, (off_t)at, (off_t)n);
	while (rc == EINTR);
	if (rc)
		return rc == EDQUOT ? -ENOSPC : -rc;
	/*
	 * One call for all its page faults; older kernels fault them in one by one.  On a full ext4
	 * the fault itself may need a block, for the extent tree, and would be a SIGBUS: EFAULT here.
	 */
	if (f->base && madvise(f->base + at, n, MADV_POPULATE_WRITE) < 0 && errno == EFAULT)
		return -ENOSPC;
	return 0;
}

void sfs_file_punch(struct sfs_file *f, uint64_t at, uint64_t n)
{
	(void)fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n);
}

int sfs_file_write(struct sfs_file *f, uint64_t at, const void *data, uint64_t n)
{
	const uint8_t *p = data;
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && at + n > limit.rlim_cur)
		return -EFBIG;
	while (n) {
		ssize_t done = pwrite(f->fd, p, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == EDQUOT ? -ENOSPC : -errno;
		p += done;
		at += (uint64_t)done;
		n -= (uint64_t)done;
	}
	return 0;
}

int sfs_file_write_in(struct sfs_file *f, uint64_t at, const void *data, uint64_t n)
{
	int rc = sfs_file_uncut(f, at + n);

	return rc ? rc : sfs_file_write(f, at, data, n);
}

bool sfs_file_has(struct sfs_file *f, uint64_t at, uint64_t n)
{
	unsigned char page[64];

	if (!f->volatile_fs)
		return false;
	n += at % 4096;
	for (at -= at % 4096; n; at += sizeof(page) * 4096) {
		uint64_t here = sfs_min(n, sizeof(page) * 4096);

		if (mincore(f->base + at, here, page) < 0)
			return false;
		for (uint64_t i = 0; i < (here + 4095) / 4096; i++)
			if (!(page[i] & 1))
				return false;
		n -= here;
	}
	return true;
}

bool sfs_file_blank(struct sfs_file *f, uint64_t at, uint64_t n)
{
	off_t data = lseek(f->fd, (off_t)at, SEEK_DATA);

	return data < 0 ? errno == ENXIO : (uint64_t)data >= at + n;
}

int sfs_file_flush(struct sfs_file *f)
{
	if (f->volatile_fs)
		return 0;
	while (fdatasync(f->fd) < 0)
		if (errno != EINTR)
			return -EIO;
	return 0;
}

int sfs_file_flush_part(struct sfs_file *f, uint64_t at, uint64_t n)
{
	if (f->volatile_fs)
		return 0;
	while (msync(f->base + at, n, MS_SYNC) < 0)
		if (errno != EINTR)
			return -EIO;
	return 0;
}
