/* SPDX-License-Identifier: MIT */
/*
 * log_size: where the log begins and ends, in bytes of a file.
 */
#ifndef FS_LOG_SIZE_H
#define FS_LOG_SIZE_H

#include "fs.h"

struct fs_log_handle;

struct fs_log_size {
	uint64_t base; /* payload appended before the file's first byte */
	uint64_t size;
	struct timespec changed; /* seen to */
};

int fs_log_open(struct fs *fs);
void fs_log_close(struct fs *fs);

/* How long the file is now. */
int fs_log_measure(struct fs *fs, struct fs_log_size *out);

/* The base stays where it is, and is *base, until dropped as often as held. */
int fs_log_hold(struct fs *fs, uint64_t *base);
void fs_log_drop(struct fs *fs);

/* Step over a frame; *size is that of its payload.  Errors as shmfs_reader_view(). */
int fs_log_step(struct shmfs_reader *r, uint64_t *size);

/* Read from a position that was stored.  -ESTALE: trimmed; -ERANGE: it is none */
int fs_log_reader(struct fs *fs, uint64_t position, struct shmfs_reader **out);

#endif
