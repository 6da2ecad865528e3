/* SPDX-License-Identifier: MIT */
/*
 * floor 1: the mapped file: one descriptor, one window of address space.
 *
 * Owns	the descriptor and the mapping.
 * Invariant	the window never moves and never shrinks; the file grows under it.
 * Distrust	the length: another process may have cut the file.  Every offset taken from
 *	the file passes sfs_file_inside() before it is followed, and a page that went away
 *	meanwhile is caught by the guard (guard.c), which sets `gone`.
 */
#ifndef SFS_FILE_H
#define SFS_FILE_H

#include <sys/types.h>

#include "bytes.h"

struct sfs_file {
	uint8_t *base;
	uint64_t window; /* bytes of address space */
	a64 size;        /* last known length of the file */
	a64 plain;       /* for plain.h: a page may begin below SFS_SEG + this; 0: look closer */
	_Atomic bool plainly; /* may plain.h be believed? */
	int fd;
	bool writable;
	bool volatile_fs; /* tmpfs, ramfs: nothing to flush to */
	uint32_t huge_failed; /* attempts in a row (huge.h) */
	uint32_t huge_pause;  /* blocks to leave out before the next */
	_Atomic bool gone; /* the file was cut, or its disk filled up, under the mapping */
};

/*
 * Open `path`; flags as open(2).  *created tells whether this call made the file.
 * -errno of open(2), -EINVAL not a regular file, SHMFS_E_REMOTE.
 */
SFS_HIDDEN int sfs_file_open(struct sfs_file *f, const char *path, int flags, mode_t mode);

/* Reserve the window and map the file into it.  -ENOMEM */
SFS_HIDDEN int sfs_file_map(struct sfs_file *f);

SFS_HIDDEN void sfs_file_close(struct sfs_file *f);

/* In the child of fork(): let go of the parent's file. */
SFS_HIDDEN void sfs_file_forked(struct sfs_file *f);

/* Is the path still this file?  (It may have been unlinked or replaced since.) */
SFS_HIDDEN bool sfs_file_is(const struct sfs_file *f, const char *path);

/* From now on, or no longer, gets may believe `plain`. */
SFS_HIDDEN void sfs_file_plainly(struct sfs_file *f, bool may);

/* Ask the file system for the length. */
SFS_HIDDEN uint64_t sfs_file_refresh(struct sfs_file *f);

/* Did others lengthen it beyond our window?  Then what cannot be seen looks like damage. */
SFS_HIDDEN bool sfs_file_outgrown(const struct sfs_file *f);

/* Was it cut below `size`, which it had?  Then it is gone, and must not be made long again: -EIO. */
SFS_HIDDEN int sfs_file_uncut(struct sfs_file *f, uint64_t size);

/* Lengthen the file with a hole.  -EFBIG, -ENOSPC */
SFS_HIDDEN int sfs_file_grow(struct sfs_file *f, uint64_t size);

/* Shorten it. */
SFS_HIDDEN int sfs_file_cut(struct sfs_file *f, uint64_t size);

/*
 * Allocate [at, at + n) of the file, so that touching it cannot fail; what is there stays.
 * -ENOSPC; -EIO if the file is not as long.  On a file system without fallocate(2), as posix_fallocate(3) does it.
 */
SFS_HIDDEN int sfs_file_back(struct sfs_file *f, uint64_t at, uint64_t n);

/* Write without the mapping, for bytes nobody can see yet: a full disk is an
 * error here, where a store would fault.  -ENOSPC, -EFBIG, -EIO */
SFS_HIDDEN int sfs_file_write(struct sfs_file *f, uint64_t at, const void *data, uint64_t n);

/* The same, within the file: never lengthens one that was cut.  -EIO */
SFS_HIDDEN int sfs_file_write_in(struct sfs_file *f, uint64_t at, const void *data, uint64_t n);

/* Give the disk space of [at, at + n) back; it reads as zeros.  Best effort. */
SFS_HIDDEN void sfs_file_punch(struct sfs_file *f, uint64_t at, uint64_t n);

/* Is [at, at + n) a hole for sure, or allocated and never written?  Then it reads as zeros. */
SFS_HIDDEN bool sfs_file_blank(struct sfs_file *f, uint64_t at, uint64_t n);

/* Is all of [at, at + n) in memory for sure, so that there is nothing to back?  Told of tmpfs only:
 * elsewhere data may be no more than promised. */
SFS_HIDDEN bool sfs_file_has(struct sfs_file *f, uint64_t at, uint64_t n);

/* Everything written through the mapping is on disk.  -EIO */
SFS_HIDDEN int sfs_file_flush(struct sfs_file *f);

/* ..., of these pages only; what else is changed meanwhile is not waited for.  -EIO */
SFS_HIDDEN int sfs_file_flush_part(struct sfs_file *f, uint64_t at, uint64_t n);

/* Does [at, at + n) lie in the file, now that the file system was asked for its length? */
SFS_HIDDEN bool sfs_file_inside_now(struct sfs_file *f, uint64_t at, uint64_t n);

/* Does [at, at + n) lie in the file?  Asks the file system only when it seems not to. */
static inline bool sfs_file_inside(struct sfs_file *f, uint64_t at, uint64_t n)
{
	uint64_t size = sfs_relaxed(&f->size);

	return sfs_likely(at <= size && n <= size - at) || sfs_file_inside_now(f, at, n);
}

#endif
