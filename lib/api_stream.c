/* SPDX-License-Identifier: MIT */
/*
 * floor 4: the streamed put: shmfs_put_begin, write, read, resize, size, commit, abort.
 *
 * Owns	a buffer while the value is small, then a run (run.h), which grows where it is if the
 *	space behind it is free, as at the end of the file, and moves to a larger one if not.
 * Invariant	bytes below `size` are defined: gaps are written as zeros when they arise.
 *	`crc` covers the first `summed` bytes, so that a value written in order is not read twice.
 * Order	the value is complete in the run before the commit takes the lock.
 */
#include <stdlib.h>

#include "api_put.h"
#include "crc32c.h"
#include "run.h"
#include "writer.h"

#define BUFFER_MOST (UINT64_C(128) << 10)

struct shmfs_put {
	struct shmfs *store;
	uint64_t size;
	uint64_t room;
	uint8_t *buffer; /* NULL: in a run */
	uint64_t run;    /* its first segment */
	uint64_t summed;
	uint32_t crc;
};

static uint64_t run_value(const struct shmfs_put *p)
{
	return (p->run << SFS_SEG_SHIFT) + SFS_RUN_VALUE;
}

static const uint8_t *bytes(const struct shmfs_put *p)
{
	return p->buffer ? p->buffer : sfs_at(p->store, run_value(p));
}

static int store_bytes(struct shmfs_put *p, uint64_t offset, const void *data, uint64_t n)
{
	if (!p->buffer)
		return sfs_file_write_in(&p->store->file, run_value(p) + offset, data, n);
	memcpy(p->buffer + offset, data, n);
	return 0;
}

static void free_run(struct shmfs_put *p)
{
	sfs_writer_lock(p->store);
	sfs_run_settle(p->store, p->run);
	sfs_writer_unlock(p->store);
	p->run = 0;
}

/* Move to a run with room for this many bytes. */
static int move_to_run(struct shmfs_put *p, uint64_t room)
{
	struct shmfs_put to = {.store = p->store, .size = p->size, .summed = p->summed, .crc = p->crc};
	int rc;

	for (unsigned round = 0;; round++) {
		sfs_writer_lock(p->store);
		rc = sfs_run_alloc(p->store, room, &to.run);
		sfs_writer_unlock(p->store);
		if (rc == 0 || !sfs_make_room(p->store, rc, round, SFS_TO_STORE))
			break;
	}
	if (rc)
		return rc;
	to.room = sfs_run_room(sfs_run_segments(room));
	rc = p->size ? store_bytes(&to, 0, bytes(p), p->size) : 0;
	if (rc) {
		free_run(&to);
		return rc;
	}
	if (p->buffer)
		free(p->buffer);
	else if (p->run)
		free_run(p);
	*p = to;
	return 0;
}

/* Lengthen the run where it is. */
static int extend_run(struct shmfs_put *p, uint64_t room)
{
	int rc;

	sfs_writer_lock(p->store);
	rc = sfs_seg_extend(p->store, p->run, sfs_run_segments(room));
	sfs_writer_unlock(p->store);
	if (rc == 0)
		p->room = sfs_run_room(sfs_run_segments(room));
	return rc;
}

static int reserve(struct shmfs_put *p, uint64_t size)
{
	uint64_t room = sfs_min(sfs_max(size, 2 * p->room), SHMFS_VALUE_MAX);
	uint8_t *larger;
	int rc;

	if (size <= p->room)
		return 0;
	if (size > SHMFS_VALUE_MAX)
		return -EFBIG;
	if (size > BUFFER_MOST || !p->buffer) {
		if (!p->buffer && extend_run(p, sfs_min(size + p->room / 4 + SFS_SEG, SHMFS_VALUE_MAX)) == 0)
			return 0;
		rc = move_to_run(p, room);
		/* twice as large may be more than there is */
		return (rc == -ENOSPC || rc == -EFBIG) && room > size ? move_to_run(p, size) : rc;
	}
	larger = realloc(p->buffer, sfs_min(room, BUFFER_MOST));
	if (!larger)
		return -ENOMEM;
	p->buffer = larger;
	p->room = sfs_min(room, BUFFER_MOST);
	return 0;
}

int shmfs_put_begin(struct shmfs *s, struct shmfs_put **out, uint64_t size_hint)
{
	struct shmfs_put *p;
	int rc = sfs_handle_writable(s);

	if (rc || !out)
		return rc ? rc : -EINVAL;
	if (size_hint > SHMFS_VALUE_MAX)
		return -EFBIG;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->store = s;
	if (size_hint > BUFFER_MOST) {
		rc = move_to_run(p, size_hint);
	} else {
		p->room = size_hint ? size_hint : 4096;
		p->buffer = malloc(p->room);
		rc = p->buffer ? 0 : -ENOMEM;
	}
	if (rc) {
		free(p);
		return sfs_handle_result(s, rc);
	}
	*out = p;
	return 0;
}

/* Zeros from the end up to `size`. */
static int fill_gap(struct shmfs_put *p, uint64_t size)
{
	static const uint8_t zeros[65536];

	while (p->size < size) {
		uint64_t n = sfs_min(size - p->size, sizeof(zeros));
		int rc = store_bytes(p, p->size, zeros, n);

		if (rc)
			return rc;
		p->size += n;
	}
	return 0;
}

int shmfs_put_write(struct shmfs_put *p, uint64_t offset, const void *buf, size_t size)
{
	int rc;

	if (!p || (!buf && size))
		return -EINVAL;
	rc = sfs_handle_writable(p->store);
	if (rc || size == 0)
		return rc;
	if (offset > SHMFS_VALUE_MAX || size > SHMFS_VALUE_MAX - offset)
		return -EFBIG;
	rc = reserve(p, offset + size);
	if (rc == 0 && offset > p->size)
		rc = fill_gap(p, offset);
	if (rc == 0)
		rc = store_bytes(p, offset, buf, size);
	if (rc)
		return sfs_handle_result(p->store, rc);
	if (offset == p->summed) {
		p->crc = sfs_crc32c(p->crc, buf, size);
		p->summed += size;
	} else if (offset < p->summed) {
		p->crc = 0;
		p->summed = 0;
	}
	p->size = sfs_max(p->size, offset + size);
	return 0;
}

int shmfs_put_read(struct shmfs_put *p, uint64_t offset, void *buf, size_t *size)
{
	int rc;

	if (!p || !size || (!buf && *size))
		return -EINVAL;
	rc = sfs_handle_usable(p->store);
	if (rc)
		return rc;
	*size = offset < p->size ? sfs_min(*size, p->size - offset) : 0;
	memcpy(buf, bytes(p) + (*size ? offset : 0), *size);
	return sfs_handle_result(p->store, 0);
}

int shmfs_put_resize(struct shmfs_put *p, uint64_t size)
{
	int rc;

	if (!p)
		return -EINVAL;
	rc = sfs_handle_writable(p->store);
	if (rc == 0 && size > SHMFS_VALUE_MAX)
		rc = -EFBIG;
	if (rc)
		return rc;
	if (size > p->size) {
		rc = reserve(p, size);
		return sfs_handle_result(p->store, rc ? rc : fill_gap(p, size));
	}
	p->size = size;
	if (p->summed > size) {
		p->crc = 0;
		p->summed = 0;
	}
	return 0;
}

uint64_t shmfs_put_size(const struct shmfs_put *p)
{
	return p ? p->size : 0;
}

/* A record that fits in among the others: append it there and give the run back. */
static int commit_small(struct shmfs_put *p, struct sfs_put *put)
{
	int rc;

	put->draft.value = bytes(p);
	rc = sfs_put(p->store, put);
	if (rc == 0 && !p->buffer)
		free_run(p);
	return rc;
}

static int commit_run(struct shmfs_put *p, struct sfs_put *put)
{
	struct shmfs *s = p->store;

	if (p->buffer) {
		int rc = move_to_run(p, p->size);

		if (rc)
			return rc;
	}
	put->run = sfs_run_record(p->run, put->draft.key.size);
	sfs_set((a64 *)sfs_at(s, p->run << SFS_SEG_SHIFT), put->run);
	return sfs_put(s, put);
}

int shmfs_put_commit(struct shmfs_put *p, const void *key, size_t key_size, uint32_t flags,
                     uint64_t *version)
{
	struct sfs_put put;
	int rc;

	if (!p || ((flags & SHMFS_IF_VERSION) && !version))
		return -EINVAL;
	rc = sfs_check_put(p->store, key, key_size, p->size, flags);
	if (rc == 0) {
		sfs_prepare(p->store, &put, key, key_size, NULL, p->size, flags);
		put.version = version ? *version : 0;
		p->crc = sfs_crc32c(p->crc, bytes(p) + p->summed, p->size - p->summed);
		p->summed = p->size;
		put.draft.value_crc = p->crc;
		rc = sfs_record_size(key_size, p->size) <= SFS_SMALL ? commit_small(p, &put)
		                                                     : commit_run(p, &put);
		if (version && (rc == 0 || sfs_refused(rc)))
			*version = put.version;
		rc = sfs_handle_result(p->store, rc);
	}
	if (rc == 0) {
		free(p->buffer);
		free(p);
	} else if (!sfs_put_survives(rc)) {
		shmfs_put_abort(p);
	}
	return rc;
}

void shmfs_put_abort(struct shmfs_put *p)
{
	if (!p)
		return;
	if (!p->buffer && p->run && sfs_handle_writable(p->store) == 0)
		free_run(p);
	free(p->buffer);
	free(p);
}
