/* SPDX-License-Identifier: MIT */
/* What the log is compared with.  Frames are LOG_SIZE bytes. */
#ifndef SHMFS_BENCH_LOG_PEERS_H
#define SHMFS_BENCH_LOG_PEERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LOG_SIZE = 64 };

/*
 * The floor: a region in a mapped file, taken by one atomic addition, a length behind which
 * the frame is complete.  It does not grow or go round, and who is killed midway blocks
 * every reader for good.
 */
struct log_floor {
	uint64_t size;
	_Alignas(64) _Atomic uint64_t tail;
	_Alignas(64) uint8_t frames[];
};

/* For n frames; with its pages, if asked. */
struct log_floor *log_floor_new(const char *path, uint64_t n, bool populate);
void log_floor_free(struct log_floor *f);
/* Forget all frames: their memory is used again. */
void log_floor_clear(struct log_floor *f);
/* count frames, which become visible from the first to the last. */
void log_floor_append(struct log_floor *f, const void *frame, size_t count);
/* Where the frame that comes next will be. */
uint64_t log_floor_end(const struct log_floor *f);

/* The next frame at *at, which moves on; false: none yet.  Here, so that a loop has it inline. */
static inline bool log_floor_next(struct log_floor *f, uint64_t *at, void *buf)
{
	_Atomic uint64_t *length = (_Atomic uint64_t *)(void *)(f->frames + *at);
	uint64_t size = atomic_load_explicit(length, memory_order_acquire);

	if (size == 0)
		return false;
	memcpy(buf, f->frames + *at + 8, LOG_SIZE);
	*at += 8 + size;
	return true;
}

/* A file with O_APPEND: one write(2) for each call, one read(2) for each frame. */
int log_file_new(const char *path);
void log_file_append(int fd, const void *frame, size_t count);
bool log_file_next(int fd, uint64_t *at, void *buf);

#endif
