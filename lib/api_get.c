/* SPDX-License-Identifier: MIT */
/* floor 4: shmfs_get, exists, view, view_valid, get_many. */
#include "find.h"
#include "moment.h"
#include "pin.h"
#include "plain.h"
#include "record.h"

#define PIN_FROM (UINT64_C(1) << 20) /* a longer copy could be overtaken for ever */
#define GROUP 16                     /* keys looked up together */

static inline void fill_info(const struct sfs_hit *hit, struct shmfs_info *info)
{
	info->size = hit->vlen;
	info->version = sfs_relaxed((const a64 *)&hit->record->seq);
	info->time_ns = sfs_relaxed((const a64 *)&hit->record->time_ns);
	info->type = sfs_relaxed((const a8 *)&hit->record->type);
	info->reserved = 0;
}

static inline int verify(const struct shmfs *s, const struct sfs_hit *hit)
{
	return sfs_likely(!s->verify) || sfs_record_intact(hit) ? 0 : -EUCLEAN;
}

SFS_INLINE void fill_view(const struct sfs_key *key, const struct sfs_hit *hit,
                          const struct sfs_moment *m, struct shmfs_view *view)
{
	fill_info(hit, &view->info);
	view->data = sfs_record_value(hit->record, key->size);
	view->stamp[0] = m->stamp;
	view->stamp[1] = m->checkpoint;
}

/* Until no writer overtakes it. */
SFS_OUTLINE int look_again(struct shmfs *s, const struct sfs_key *key, struct shmfs_view *view)
{
	struct sfs_moment m;
	struct sfs_hit hit;
	int tries = 0, rc;

	do {
		sfs_moment_begin(s, &m);
		rc = sfs_index_find(s, m.root, key, &hit);
		if (rc == 0)
			rc = verify(s, &hit);
		if (rc == 0)
			fill_view(key, &hit, &m, view);
		if (sfs_moment_intact(s, &m))
			break;
	} while (sfs_moment_again(s, &tries, &rc));
	return rc;
}

SFS_INLINE int check_key(const struct shmfs *s, const void *key, size_t n)
{
	int rc = sfs_handle_usable(s);

	if (sfs_unlikely(rc || (!key && n)))
		return rc ? rc : -EINVAL;
	/* no such key can have been put */
	return sfs_unlikely(n > SHMFS_KEY_MAX) ? -ENOENT : 0;
}

/* A copy that no writer can overtake. */
static int get_pinned(struct shmfs *s, const struct sfs_key *key, void *buf, size_t *size,
                      struct shmfs_info *info)
{
	struct shmfs_view view;
	uint64_t stamp;
	int rc = sfs_pin(s, &stamp);

	if (rc)
		return rc;
	rc = look_again(s, key, &view);
	if (rc == 0) {
		if (view.info.size > *size)
			rc = -EMSGSIZE;
		else
			memcpy(buf, view.data, view.info.size);
		*size = view.info.size;
		if (info)
			*info = view.info;
	}
	sfs_unpin(s, stamp);
	return rc;
}

/* Copy out what was found.  -EOVERFLOW: too long for a copy without a pin. */
SFS_INLINE int take(struct shmfs *s, const struct sfs_key *key, const struct sfs_hit *hit, void *buf,
                    size_t room, size_t *size, struct shmfs_info *info)
{
	*size = hit->vlen;
	if (info)
		fill_info(hit, info);
	if (sfs_unlikely(hit->vlen > room))
		return -EMSGSIZE;
	if (sfs_unlikely(hit->vlen >= PIN_FROM))
		return -EOVERFLOW;
	sfs_copy_out(buf, sfs_record_value(hit->record, key->size), hit->vlen);
	return verify(s, hit);
}

/* Until no writer overtakes it. */
SFS_OUTLINE int get_again(struct shmfs *s, const struct sfs_key *key, void *buf, size_t *size,
                          struct shmfs_info *info)
{
	size_t room = *size;
	struct sfs_moment m;
	struct sfs_hit hit;
	int tries = 0, rc;

	do {
		sfs_moment_begin(s, &m);
		rc = sfs_index_find(s, m.root, key, &hit);
		if (rc == 0)
			rc = take(s, key, &hit, buf, room, size, info);
		if (sfs_moment_intact(s, &m))
			break;
	} while (sfs_moment_again(s, &tries, &rc));
	if (rc != -EOVERFLOW)
		return rc;
	*size = room;
	return get_pinned(s, key, buf, size, info);
}

/* With another look at everything. */
SFS_OUTLINE int get_closer(struct shmfs *s, const void *key, size_t key_size, void *buf, size_t *size,
                           struct shmfs_info *info)
{
	struct sfs_key k;
	int rc = check_key(s, key, key_size);

	if (sfs_unlikely(rc || !size || (!buf && *size)))
		return rc ? rc : -EINVAL;
	k = sfs_key(s, SFS_USER, key, key_size);
	return sfs_handle_result(s, get_again(s, &k, buf, size, info));
}

SFS_INLINE int get(struct shmfs *s, const void *key, size_t key_size, void *buf, size_t *size,
                   struct shmfs_info *info)
{
	struct sfs_plain p;
	int rc = sfs_plain_find(s, key, key_size, buf, size, &p);

	if (sfs_likely(rc == 0) && sfs_likely(p.vlen <= *size)) {
		sfs_plain_copy(buf, sfs_plain_value(&p, key_size), p.vlen);
		if (info)
			sfs_plain_info(&p, info);
		if (sfs_plain_counts(s, &p)) {
			*size = p.vlen;
			return 0;
		}
	} else if (rc == -ENOENT && sfs_plain_counts(s, &p)) {
		return rc;
	}
	return get_closer(s, key, key_size, buf, size, info);
}

/* A key of another length than most: kept out of the way of those. */
SFS_OUTLINE int get_other(struct shmfs *s, const void *key, size_t key_size, void *buf, size_t *size,
                          struct shmfs_info *info)
{
	return get(s, key, key_size, buf, size, info);
}

int shmfs_get(struct shmfs *s, const void *key, size_t key_size, void *buf, size_t *size,
              struct shmfs_info *info)
{
	if (sfs_plain_short(key_size))
		return get(s, key, key_size, buf, size, info);
	return get_other(s, key, key_size, buf, size, info);
}

int shmfs_exists(struct shmfs *s, const void *key, size_t key_size, struct shmfs_info *info)
{
	struct shmfs_view view;
	int rc = shmfs_view(s, key, key_size, &view);

	if (rc == 0 && info)
		*info = view.info;
	return rc;
}

SFS_OUTLINE int view_closer(struct shmfs *s, const void *key, size_t key_size, struct shmfs_view *view)
{
	struct sfs_key k;
	int rc = check_key(s, key, key_size);

	if (sfs_unlikely(rc || !view))
		return rc ? rc : -EINVAL;
	k = sfs_key(s, SFS_USER, key, key_size);
	return sfs_handle_result(s, look_again(s, &k, view));
}

SFS_INLINE int view_key(struct shmfs *s, const void *key, size_t key_size, struct shmfs_view *view)
{
	struct sfs_plain p;
	int rc = sfs_plain_find(s, key, key_size, view, view, &p);

	if (sfs_likely(rc == 0)) {
		sfs_plain_info(&p, &view->info);
		view->data = sfs_plain_value(&p, key_size);
		view->stamp[0] = p.stamp;
		view->stamp[1] = false; /* no checkpoint */
	}
	if (sfs_likely(rc != -EAGAIN) && sfs_plain_counts(s, &p))
		return rc;
	return view_closer(s, key, key_size, view);
}

SFS_OUTLINE int view_other(struct shmfs *s, const void *key, size_t key_size, struct shmfs_view *view)
{
	return view_key(s, key, key_size, view);
}

int shmfs_view(struct shmfs *s, const void *key, size_t key_size, struct shmfs_view *view)
{
	if (sfs_plain_short(key_size))
		return view_key(s, key, key_size, view);
	return view_other(s, key, key_size, view);
}

int shmfs_view_valid(struct shmfs *s, const struct shmfs_view *view)
{
	struct sfs_moment m;
	int rc = sfs_handle_usable(s);

	if (sfs_unlikely(rc || !view))
		return rc ? rc : -EINVAL;
	m = (struct sfs_moment){.stamp = view->stamp[0], .checkpoint = view->stamp[1]};
	rc = sfs_moment_intact(s, &m) ? 0 : -ESTALE;
	return sfs_handle_result(s, sfs_handle_blank(s) ? -EIO : rc);
}

/* In three passes, so that the cache misses of each overlap: index, records, copies. */
static void get_group(struct shmfs *s, struct shmfs_item *items, const struct sfs_key *key, unsigned n)
{
	uint64_t bucket[GROUP];
	struct sfs_moment m;

	sfs_moment_begin(s, &m);
	for (unsigned i = 0; i < n; i++)
		if (sfs_find_bucket(s, m.root, key[i].hash, &bucket[i]))
			bucket[i] = 0;
		else
			sfs_bucket_prefetch(s, bucket[i], key[i].hash);
	for (unsigned i = 0; i < n; i++)
		if (bucket[i])
			sfs_record_prefetch(s, bucket[i], key[i].hash);
	for (unsigned i = 0; i < n; i++) {
		struct shmfs_item *item = &items[i];
		size_t room = item->size;
		struct sfs_hit hit;
		int rc = bucket[i] ? sfs_find_in(s, bucket[i], &key[i], &hit) : -EAGAIN;

		if (item->status)
			continue;
		if (rc == 0)
			rc = take(s, &key[i], &hit, item->value, room, &item->size, &item->info);
		if (sfs_unlikely(!sfs_moment_intact(s, &m))) {
			sfs_moment_overtaken(s);
			rc = -EAGAIN;
		}
		if (sfs_unlikely(rc == -EAGAIN || rc == -EOVERFLOW)) {
			item->size = room;
			rc = get_again(s, &key[i], item->value, &item->size, &item->info);
		}
		item->status = rc;
		if (rc == 0 || rc == -EMSGSIZE)
			item->version = item->info.version;
	}
}

int shmfs_get_many(struct shmfs *s, struct shmfs_item *items, size_t n)
{
	int rc = sfs_handle_usable(s);

	if (rc || (!items && n))
		return rc ? rc : -EINVAL;
	for (size_t at = 0; at < n; at += GROUP) {
		unsigned group = (unsigned)sfs_min(GROUP, n - at);
		struct sfs_key key[GROUP];

		for (unsigned i = 0; i < group; i++) {
			struct shmfs_item *item = &items[at + i];

			item->status = check_key(s, item->key, item->key_size);
			if (item->status == 0 && !item->value && item->size)
				item->status = -EINVAL;
			key[i] = sfs_key(s, SFS_USER, item->key, item->status ? 0 : item->key_size);
		}
		get_group(s, items + at, key, group);
	}
	return sfs_handle_result(s, 0);
}
