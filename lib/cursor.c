/* SPDX-License-Identifier: MIT */
/* floor 2: cursors (cursor.h). */
#include "cursor.h"

#include <stdlib.h>

#include "crc32c.h"

struct sfs_key sfs_cursor_roll(const struct shmfs *s)
{
	return sfs_key(s, SFS_STOREDATA, "cursors", 7);
}

static int find(struct shmfs *s, const struct sfs_key *key, struct sfs_hit *hit)
{
	return sfs_index_find(s, sfs_relaxed(&s->live->root.word), key, hit);
}

int sfs_cursor_find(struct shmfs *s, const void *name, size_t n, uint64_t *position)
{
	struct sfs_key key = sfs_key(s, SFS_CURSOR, name, n);
	struct sfs_hit hit;
	int rc = find(s, &key, &hit);

	if (rc)
		return rc;
	if (hit.vlen != sizeof(*position))
		return -EUCLEAN;
	memcpy(position, sfs_record_value(hit.record, hit.klen), sizeof(*position));
	return 0;
}

bool sfs_cursor_behind(struct shmfs *s, uint64_t position)
{
	struct sfs_key roll = sfs_cursor_roll(s);
	struct sfs_hit hit;
	const uint8_t *p, *end;
	uint64_t stands;

	if (find(s, &roll, &hit))
		return false;
	p = sfs_record_value(hit.record, hit.klen);
	for (end = p + hit.vlen; p < end && p + 1 + *p <= end; p += 1 + *p)
		if (sfs_cursor_find(s, p + 1, *p, &stands) == 0 && stands < position)
			return true;
	return false;
}

static int store(struct shmfs *s, struct sfs_key key, const void *value, uint64_t size, uint32_t condition)
{
	struct sfs_put put = {
		.draft = {.key = key, .value = value, .vlen = size, .value_crc = sfs_crc32c(0, value, size)},
		.condition = condition,
	};

	/* the roll is copied on every change, so it must not pass for a run's record */
	return sfs_record_size(key.size, size) > SFS_SMALL ? -E2BIG : sfs_commit_put(s, &put);
}

int sfs_cursor_write(struct shmfs *s, const void *list, size_t size)
{
	return store(s, sfs_cursor_roll(s), list, size, 0);
}

/* Write the roll again without `name`, and with it at the end if it is to be there. */
static int write_roll(struct shmfs *s, const void *name, size_t n, bool there)
{
	struct sfs_key roll = sfs_cursor_roll(s);
	const uint8_t *p, *end;
	struct sfs_hit hit;
	uint8_t *list;
	size_t at = 0;
	int rc = find(s, &roll, &hit);

	if (rc == -ENOENT)
		hit.vlen = 0;
	else if (rc)
		return rc;
	list = malloc(hit.vlen + 1 + n);
	if (!list)
		return -ENOMEM;
	p = hit.vlen ? sfs_record_value(hit.record, hit.klen) : list;
	for (end = p + hit.vlen; p < end && p + 1 + *p <= end; p += 1 + *p) {
		if (*p == n && !memcmp(p + 1, name, n))
			continue;
		memcpy(list + at, p, 1u + *p);
		at += 1u + *p;
	}
	if (there) {
		list[at] = (uint8_t)n;
		memcpy(list + at + 1, name, n);
		at += 1 + n;
	}
	rc = store(s, roll, list, at, 0);
	free(list);
	return rc;
}

int sfs_cursor_store(struct shmfs *s, const void *name, size_t n, uint64_t position, uint32_t condition)
{
	uint64_t old;
	int rc = sfs_cursor_find(s, name, n, &old);

	if (rc == 0 && condition == SHMFS_IF_ABSENT)
		return -EEXIST;
	if (rc == -ENOENT && condition != SHMFS_IF_PRESENT)
		rc = write_roll(s, name, n, true);
	return rc ? rc : store(s, sfs_key(s, SFS_CURSOR, name, n), &position, sizeof(position), 0);
}

int sfs_cursor_remove(struct shmfs *s, const void *name, size_t n)
{
	struct sfs_key key = sfs_key(s, SFS_CURSOR, name, n);
	uint64_t none = 0;
	int rc = sfs_commit_del(s, &key, 0, &none);

	if (rc == 0)
		(void)write_roll(s, name, n, false); /* on a full disk the name stays: see Invariant */
	return rc;
}
