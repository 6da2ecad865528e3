/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "log_peers.h"

#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

enum { FRAME = LOG_SIZE + 8, BATCH_MOST = 32 };

struct log_floor *log_floor_new(const char *path, uint64_t n, bool populate)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	size_t size = sizeof(struct log_floor) + (n + 1) * FRAME; /* behind the last one is a length of 0 */
	struct log_floor *f;

	if (fd < 0 || ftruncate(fd, (off_t)size))
		err(1, "%s", path);
	f = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | (populate ? MAP_POPULATE : 0), fd, 0);
	if (f == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	unlink(path);
	f->size = size;
	return f;
}

void log_floor_free(struct log_floor *f)
{
	munmap(f, f->size);
}

void log_floor_clear(struct log_floor *f)
{
	memset(f->frames, 0, f->tail);
	f->tail = 0;
}

static _Atomic uint64_t *length_at(struct log_floor *f, uint64_t at)
{
	return (_Atomic uint64_t *)(void *)(f->frames + at);
}

void log_floor_append(struct log_floor *f, const void *frame, size_t count)
{
	uint64_t at = atomic_fetch_add_explicit(&f->tail, count * FRAME, memory_order_relaxed);

	if (sizeof(*f) + at + (count + 1) * FRAME > f->size)
		errx(1, "the floor is full");
	for (size_t i = 0; i < count; i++, at += FRAME) {
		memcpy(f->frames + at + 8, frame, LOG_SIZE);
		atomic_store_explicit(length_at(f, at), LOG_SIZE, memory_order_release);
	}
}

uint64_t log_floor_end(const struct log_floor *f)
{
	return atomic_load_explicit(&f->tail, memory_order_acquire);
}

int log_file_new(const char *path)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		err(1, "%s", path);
	unlink(path);
	return fd;
}

void log_file_append(int fd, const void *frame, size_t count)
{
	struct iovec part[BATCH_MOST];

	for (size_t i = 0; i < count; i++)
		part[i] = (struct iovec){(void *)(uintptr_t)frame, LOG_SIZE};
	if (writev(fd, part, (int)count) != (ssize_t)(count * LOG_SIZE))
		err(1, "write");
}

bool log_file_next(int fd, uint64_t *at, void *buf)
{
	if (pread(fd, buf, LOG_SIZE, (off_t)*at) != LOG_SIZE)
		return false;
	*at += LOG_SIZE;
	return true;
}
