/* SPDX-License-Identifier: MIT */
/* floor 4: shmfs_put, del, add, put_many. */
#include <math.h>

#include "api_put.h"
#include "clean.h"
#include "crc32c.h"
#include "moment.h"
#include "writer.h"

#define WHOLE_MOST 9007199254740992.0 /* 2^53: beyond it not every integer is a double */

int sfs_check_put(const struct shmfs *s, const void *key, size_t key_size, uint64_t size, uint32_t flags)
{
	uint32_t condition = flags & ~SFS_TYPE_MASK;
	int rc = sfs_handle_writable(s);

	if (rc)
		return rc;
	if ((!key && key_size) || (flags & SFS_TYPE_MASK) > SHMFS_NUMBER ||
	    (condition && condition != SHMFS_IF_ABSENT && condition != SHMFS_IF_PRESENT &&
	     condition != SHMFS_IF_VERSION))
		return -EINVAL;
	if (key_size > SHMFS_KEY_MAX)
		return -E2BIG;
	if (size > SHMFS_VALUE_MAX)
		return -EFBIG;
	return (flags & SFS_TYPE_MASK) == SHMFS_NUMBER && size != sizeof(double) ? -EINVAL : 0;
}

/* While the value is summed, the cache fetches the line the lookup will want. */
static void warm(struct shmfs *s, uint64_t hash)
{
	uint64_t bucket;

	if (sfs_index_bucket(s, sfs_acquire(&s->live->root.word), hash, &bucket) == 0)
		sfs_bucket_prefetch(s, bucket, hash);
}

void sfs_prepare(struct shmfs *s, struct sfs_put *put, const void *key, size_t key_size,
                 const void *value, uint64_t size, uint32_t flags)
{
	*put = (struct sfs_put){
		.draft = {.key = sfs_key(s, SFS_USER, key, key_size),
		          .value = value,
		          .vlen = size,
		          .type = flags & SFS_TYPE_MASK},
		.condition = flags & ~SFS_TYPE_MASK,
	};
	warm(s, put->draft.key.hash);
	if (value)
		put->draft.value_crc = sfs_crc32c(0, value, size);
}

/* A value that needs a run of its own. */
static int put_big(struct shmfs *s, const void *key, size_t key_size, const void *value, uint64_t size,
                   uint32_t flags, uint64_t *version)
{
	struct shmfs_put *p;
	int rc = shmfs_put_begin(s, &p, size);

	if (rc)
		return rc;
	rc = shmfs_put_write(p, 0, value, size);
	if (rc) {
		shmfs_put_abort(p);
		return rc;
	}
	rc = shmfs_put_commit(p, key, key_size, flags, version);
	if (sfs_put_survives(rc))
		shmfs_put_abort(p);
	return rc;
}

int shmfs_put(struct shmfs *s, const void *key, size_t key_size, const void *value, size_t size,
              uint32_t flags, uint64_t *version)
{
	struct sfs_put put;
	int rc = sfs_check_put(s, key, key_size, size, flags);

	if (rc || (!value && size) || ((flags & SHMFS_IF_VERSION) && !version))
		return rc ? rc : -EINVAL;
	if (sfs_record_size(key_size, size) > SFS_SMALL)
		return sfs_handle_result(s, put_big(s, key, key_size, value, size, flags, version));
	sfs_prepare(s, &put, key, key_size, value, size, flags);
	put.version = version ? *version : 0;
	rc = sfs_put(s, &put);
	if (version && (rc == 0 || sfs_refused(rc)))
		*version = put.version;
	return sfs_handle_result(s, rc);
}

int shmfs_del(struct shmfs *s, const void *key, size_t key_size, uint32_t flags, uint64_t *version)
{
	struct sfs_key k;
	int rc = sfs_handle_writable(s);

	if (rc)
		return rc;
	if ((!key && key_size) || (flags & ~(uint32_t)SHMFS_IF_VERSION) || (flags && !version))
		return -EINVAL;
	if (key_size > SHMFS_KEY_MAX)
		return -ENOENT;
	k = sfs_key(s, SFS_USER, key, key_size);
	for (unsigned round = 0;; round++) {
		sfs_writer_lock(s);
		rc = sfs_commit_del(s, &k, flags, version);
		sfs_writer_unlock(s);
		if (rc == 0 || !sfs_make_room(s, rc, round, SFS_TO_FREE))
			return sfs_handle_result(s, rc);
	}
}

/* ---- add ------------------------------------------------------------------------------ */

/* Under the writer lock: the sum of what is there and delta. */
static int sum(struct shmfs *s, const struct sfs_key *key, double delta, double *value)
{
	struct sfs_hit hit;
	double old = 0;
	int rc = sfs_index_find(s, sfs_relaxed(&s->live->root.word), key, &hit);

	if (rc == 0 && (hit.record->type != SHMFS_NUMBER || hit.vlen != sizeof(old)))
		return -EINVAL;
	if (rc == 0)
		memcpy(&old, sfs_record_value(hit.record, key->size), sizeof(old));
	else if (rc != -ENOENT)
		return rc;
	*value = old + delta;
	if (!isfinite(*value) || (*value == floor(*value) && fabs(*value) > WHOLE_MOST))
		return -ERANGE;
	return 0;
}

int shmfs_add(struct shmfs *s, const void *key, size_t key_size, double delta, double *value,
              uint64_t *version)
{
	double result = 0;
	struct sfs_put put;
	int rc = sfs_check_put(s, key, key_size, sizeof(result), SHMFS_NUMBER);

	if (rc)
		return rc;
	sfs_prepare(s, &put, key, key_size, &result, sizeof(result), SHMFS_NUMBER);
	for (unsigned round = 0;; round++) {
		sfs_writer_lock(s);
		rc = sum(s, &put.draft.key, delta, &result);
		if (rc == 0) {
			put.draft.value_crc = sfs_crc32c(0, &result, sizeof(result));
			rc = sfs_commit_put(s, &put);
		}
		if (rc == 0)
			sfs_clean(s, 3 * sfs_record_size(key_size, sizeof(result)));
		sfs_writer_unlock(s);
		if (rc == 0 || !sfs_make_room(s, rc, round, SFS_TO_STORE))
			break;
	}
	if (rc == 0 && value)
		*value = result;
	if (rc == 0 && version)
		*version = put.version;
	return sfs_handle_result(s, rc);
}

/* ---- many ----------------------------------------------------------------------------- */

#define BATCH 64 /* items under one lock, so that others get a turn */

/* Put items from `at` on while it goes; returns where it stopped. */
static size_t put_batch(struct shmfs *s, struct shmfs_item *items, size_t at, size_t end)
{
	struct sfs_put put[BATCH];
	size_t first = at;

	for (size_t i = first; i < end; i++)
		sfs_prepare(s, &put[i - first], items[i].key, items[i].key_size, items[i].value,
		            items[i].size, items[i].flags);
	sfs_writer_lock(s);
	for (; at < end; at++) {
		struct shmfs_item *item = &items[at];

		put[at - first].version = item->version;
		item->status = sfs_commit_put(s, &put[at - first]);
		if (item->status == 0 || sfs_refused(item->status))
			item->version = put[at - first].version;
		else
			break;
		if (item->status == 0)
			sfs_clean(s, 3 * sfs_record_size(item->key_size, item->size));
	}
	sfs_writer_unlock(s);
	return at;
}

/* How many items from `at` on are sound and small. */
static size_t batch_end(struct shmfs *s, struct shmfs_item *items, size_t at, size_t n)
{
	size_t end = at;

	for (; end < n && end - at < BATCH; end++) {
		struct shmfs_item *item = &items[end];

		item->status = sfs_check_put(s, item->key, item->key_size, item->size, item->flags);
		if (item->status == 0 && !item->value && item->size)
			item->status = -EINVAL;
		if (item->status || sfs_record_size(item->key_size, item->size) > SFS_SMALL)
			break;
	}
	return end;
}

int shmfs_put_many(struct shmfs *s, struct shmfs_item *items, size_t n)
{
	int rc = sfs_handle_writable(s);
	size_t at = 0;

	if (!s || (!items && n))
		return rc ? rc : -EINVAL;
	while (at < n && rc == 0) {
		size_t end = batch_end(s, items, at, n);

		if (end > at) {
			at = put_batch(s, items, at, end);
			if (at == end)
				continue;
		}
		/* what did not fit in: alone, and with all the perseverance of a put */
		if (items[at].status == 0 || items[at].status == -ENOSPC || items[at].status == -EFBIG)
			items[at].status = shmfs_put(s, items[at].key, items[at].key_size, items[at].value,
			                             items[at].size, items[at].flags, &items[at].version);
		if (items[at].status && !sfs_refused(items[at].status))
			rc = items[at].status;
		at++;
	}
	for (; at < n; at++)
		items[at].status = -ECANCELED;
	return sfs_handle_result(s, rc);
}
