/* SPDX-License-Identifier: MIT */
/* floor 4: shmfs_cursor_create, get, set, cas, del, rename, walk. */
#include <stdlib.h>

#include "cursor.h"
#include "logread.h"
#include "room.h"
#include "writer.h"

static int check_name(const struct shmfs *s, const void *name, size_t n)
{
	int rc = sfs_handle_usable(s);

	if (rc || !name || n == 0)
		return rc ? rc : -EINVAL;
	return n > SFS_CURSOR_NAME_MAX ? -E2BIG : 0;
}

/* The name, and a position that a reader could start at. */
static int check(struct shmfs *s, const void *name, size_t n, uint64_t *position)
{
	int rc = check_name(s, name, n);

	if (rc == 0)
		rc = sfs_handle_writable(s);
	return rc ? rc : sfs_log_resolve(s, position);
}

static int store(struct shmfs *s, const void *name, size_t n, uint64_t position, uint32_t condition)
{
	for (unsigned round = 0;; round++) {
		int rc;

		sfs_writer_lock(s);
		rc = sfs_cursor_store(s, name, n, position, condition);
		sfs_writer_unlock(s);
		if (rc == 0 || !sfs_make_room(s, rc, round, SFS_TO_STORE))
			return sfs_handle_result(s, rc);
	}
}

int shmfs_cursor_create(struct shmfs *s, const void *name, size_t name_size, uint64_t position)
{
	int rc = check(s, name, name_size, &position);

	return rc ? rc : store(s, name, name_size, position, SHMFS_IF_ABSENT);
}

int shmfs_cursor_set(struct shmfs *s, const void *name, size_t name_size, uint64_t position)
{
	int rc = check(s, name, name_size, &position);

	return rc ? rc : store(s, name, name_size, position, SHMFS_IF_PRESENT);
}

int shmfs_cursor_cas(struct shmfs *s, const void *name, size_t name_size, uint64_t *expected,
                     uint64_t position)
{
	uint64_t stands;
	int rc = expected ? check(s, name, name_size, &position) : -EINVAL;

	if (rc)
		return rc;
	for (unsigned round = 0;; round++) {
		sfs_writer_lock(s);
		rc = sfs_cursor_find(s, name, name_size, &stands);
		if (rc == 0 && stands != *expected) {
			*expected = stands;
			rc = -EAGAIN;
		}
		if (rc == 0)
			rc = sfs_cursor_store(s, name, name_size, position, SHMFS_IF_PRESENT);
		sfs_writer_unlock(s);
		if (rc == 0 || !sfs_make_room(s, rc, round, SFS_TO_STORE))
			return sfs_handle_result(s, rc);
	}
}

int shmfs_cursor_del(struct shmfs *s, const void *name, size_t name_size)
{
	int rc = check_name(s, name, name_size);

	if (rc == 0)
		rc = sfs_handle_writable(s);
	if (rc)
		return rc;
	for (unsigned round = 0;; round++) {
		sfs_writer_lock(s);
		rc = sfs_cursor_remove(s, name, name_size);
		sfs_writer_unlock(s);
		if (rc == 0 || !sfs_make_room(s, rc, round, SFS_TO_STORE))
			return sfs_handle_result(s, rc);
	}
}

int shmfs_cursor_rename(struct shmfs *s, const void *from, size_t from_size, const void *to, size_t to_size)
{
	uint64_t position;
	int rc = check_name(s, from, from_size);

	if (rc == 0)
		rc = check_name(s, to, to_size);
	if (rc == 0)
		rc = sfs_handle_writable(s);
	if (rc)
		return rc;
	sfs_writer_lock(s);
	rc = sfs_cursor_find(s, from, from_size, &position);
	/* in this order a kill leaves both, never neither */
	if (rc == 0)
		rc = sfs_cursor_store(s, to, to_size, position, SHMFS_IF_ABSENT);
	if (rc == 0)
		rc = sfs_cursor_remove(s, from, from_size);
	sfs_writer_unlock(s);
	return sfs_handle_result(s, rc);
}

/* ---- reading ---------------------------------------------------------------------------- */

/* Copy a small value of one of our own spaces. */
static int copy_value(struct shmfs *s, const struct sfs_key *key, void *buf, uint64_t room, uint64_t *size)
{
	struct sfs_moment m;
	struct sfs_hit hit;
	int tries = 0, rc;

	do {
		sfs_moment_begin(s, &m);
		rc = sfs_index_find(s, m.root, key, &hit);
		*size = rc ? 0 : hit.vlen;
		if (rc == 0)
			sfs_copy_out(buf, sfs_record_value(hit.record, hit.klen), sfs_min(hit.vlen, room));
		if (sfs_moment_intact(s, &m))
			break;
	} while (sfs_moment_again(s, &tries, &rc));
	return rc;
}

int shmfs_cursor_get(struct shmfs *s, const void *name, size_t name_size, uint64_t *position)
{
	struct sfs_key key;
	uint64_t size;
	int rc = check_name(s, name, name_size);

	if (rc || !position)
		return rc ? rc : -EINVAL;
	key = sfs_key(s, SFS_CURSOR, name, name_size);
	rc = copy_value(s, &key, position, sizeof(*position), &size);
	return sfs_handle_result(s, rc == 0 && size != sizeof(*position) ? -EUCLEAN : rc);
}

int shmfs_cursor_walk(struct shmfs *s, shmfs_cursor_fn *fn, void *arg)
{
	struct sfs_key roll;
	uint64_t size, at = 0;
	uint8_t *list;
	int rc = sfs_handle_usable(s);

	if (rc || !fn)
		return rc ? rc : -EINVAL;
	list = malloc(SFS_SMALL);
	if (!list)
		return -ENOMEM;
	roll = sfs_cursor_roll(s);
	rc = copy_value(s, &roll, list, SFS_SMALL, &size);
	if (rc == -ENOENT) /* there never was a cursor */
		rc = 0;
	size = sfs_min(size, SFS_SMALL);
	for (; rc == 0 && at < size && at + 1 + list[at] <= size; at += 1u + list[at]) {
		uint64_t position;

		rc = shmfs_cursor_get(s, list + at + 1, list[at], &position);
		if (rc == 0)
			rc = fn(arg, list + at + 1, list[at], position);
		else if (rc == -ENOENT || rc == -EINVAL)
			rc = 0;
	}
	free(list);
	return sfs_handle_result(s, rc);
}
