/* SPDX-License-Identifier: MIT */
/*
 * draft: a value being written, which nobody else sees until it is published.
 *
 * Owns: the bytes, in memory up to FS_SMALL (most values are short, and a streamed put
 * takes whole segments of the store), beyond in a streamed put.
 * Invariant: at most one of `small` and `put` is there; bytes nobody wrote are zero.
 * Locks: none; the owner of the draft has one.
 */
#include "draft.h"

void fs_draft_begin(struct fs_draft *d, struct shmfs *store)
{
	memset(d, 0, sizeof(*d));
	d->store = store;
}

void fs_draft_drop(struct fs_draft *d)
{
	free(d->small);
	shmfs_put_abort(d->put);
	fs_draft_begin(d, d->store);
}

uint64_t fs_draft_size(const struct fs_draft *d)
{
	return atomic_load_explicit(&d->size, memory_order_relaxed);
}

static void set_size(struct fs_draft *d, uint64_t size)
{
	atomic_store_explicit(&d->size, size, memory_order_relaxed);
}

/* Move to a streamed put. */
static int spill(struct fs_draft *d, uint64_t hint)
{
	struct shmfs_put *put;
	int rc = shmfs_put_begin(d->store, &put, hint);

	if (!rc && fs_draft_size(d)) {
		rc = shmfs_put_write(put, 0, d->small, fs_draft_size(d));
		if (rc)
			shmfs_put_abort(put);
	}
	if (rc)
		return rc;
	free(d->small);
	d->small = NULL;
	d->room = 0;
	d->put = put;
	return 0;
}

/* Make room for `size` bytes, in memory or in the store. */
static int make_room(struct fs_draft *d, uint64_t size)
{
	size_t room = d->room ? d->room : 512;
	unsigned char *grown;

	if (d->put || size <= d->room)
		return 0;
	if (size > FS_SMALL)
		return spill(d, size);
	while (room < size)
		room *= 2;
	grown = realloc(d->small, room);
	if (!grown)
		return -ENOMEM;
	d->small = grown;
	d->room = room;
	return 0;
}

int fs_draft_resize(struct fs_draft *d, uint64_t size)
{
	uint64_t old = fs_draft_size(d);
	int rc = size > SHMFS_VALUE_MAX ? -EFBIG : make_room(d, size);

	if (rc)
		return rc;
	if (d->put)
		rc = shmfs_put_resize(d->put, size);
	else if (size > old)
		memset(d->small + old, 0, size - old);
	if (!rc)
		set_size(d, size);
	return rc;
}

int fs_draft_write(struct fs_draft *d, uint64_t offset, const void *buf, size_t size)
{
	uint64_t old = fs_draft_size(d), end;
	int rc;

	if (!size)
		return 0;
	if (__builtin_add_overflow(offset, size, &end) || end > SHMFS_VALUE_MAX)
		return -EFBIG;
	rc = make_room(d, end);
	if (rc)
		return rc;
	if (d->put) {
		rc = shmfs_put_write(d->put, offset, buf, size);
		if (!rc)
			set_size(d, shmfs_put_size(d->put));
		return rc;
	}
	if (offset > old)
		memset(d->small + old, 0, offset - old);
	memcpy(d->small + offset, buf, size);
	if (end > old)
		set_size(d, end);
	return 0;
}

int fs_draft_read(struct fs_draft *d, uint64_t offset, void *buf, size_t *size)
{
	uint64_t all = fs_draft_size(d);

	if (offset >= all) {
		*size = 0;
		return 0;
	}
	if (*size > all - offset)
		*size = all - offset;
	if (d->put)
		return shmfs_put_read(d->put, offset, buf, size);
	memcpy(buf, d->small + offset, *size);
	return 0;
}

int fs_draft_number(struct fs_draft *d, uint64_t offset, const void *buf, size_t size)
{
	char text[FS_NUMBER_TEXT];
	uint64_t all = fs_draft_size(d);
	double number;

	if (d->put || offset > all || offset + size > sizeof(text) || all > sizeof(text))
		return -EINVAL;
	if (all)
		memcpy(text, d->small, all);
	memcpy(text + offset, buf, size);
	return fs_value_parse(text, offset + size > all ? offset + size : all, &number);
}

/* ---- from and to the store ---------------------------------------------------------- */

/* A long value, under a pin: it cannot change meanwhile. */
static int seed_long(struct fs_draft *d, struct fs *fs, const void *key, size_t key_size,
                     uint64_t limit, uint64_t hint, struct fs_value *value)
{
	struct shmfs_view view;
	struct shmfs_pin *pin;
	int rc = shmfs_pin(fs->store, &pin);

	if (rc)
		return rc;
	rc = fs_value_view(fs, key, key_size, value, &view);
	if (!rc && value->type == SHMFS_NUMBER)
		rc = -EAGAIN;
	if (!rc) {
		uint64_t size = value->size < limit ? value->size : limit;

		if (hint > FS_SMALL || size > FS_SMALL)
			rc = spill(d, hint > size ? hint : size);
		if (!rc)
			rc = fs_draft_write(d, 0, view.data, size);
	}
	shmfs_unpin(pin);
	return rc;
}

static int seed_short(struct fs_draft *d, struct fs *fs, const void *key, size_t key_size,
                      uint64_t limit, struct fs_value *value)
{
	struct shmfs_view view;
	const void *from;
	int rc = fs_value_view(fs, key, key_size, value, &view);

	if (rc)
		return rc;
	from = value->type == SHMFS_NUMBER ? value->text : view.data;
	if (value->size > FS_SMALL)
		return -EAGAIN;
	rc = fs_draft_write(d, 0, from, value->size < limit ? value->size : limit);
	if (!rc && from == view.data && shmfs_view_valid(fs->store, &view))
		rc = -EAGAIN;
	return rc;
}

int fs_draft_seed(struct fs_draft *d, struct fs *fs, const void *key, size_t key_size,
                  uint64_t limit, uint64_t hint, struct fs_value *value)
{
	int rc;

	do {
		fs_draft_drop(d);
		rc = fs_value_look(fs, key, key_size, value);
		if (rc)
			return rc;
		if (value->size > FS_SMALL || hint > FS_SMALL)
			rc = value->type == SHMFS_NUMBER
			             ? seed_short(d, fs, key, key_size, limit, value)
			             : seed_long(d, fs, key, key_size, limit, hint, value);
		else
			rc = seed_short(d, fs, key, key_size, limit, value);
	} while (rc == -EAGAIN);
	if (rc)
		fs_draft_drop(d);
	return rc;
}

int fs_draft_publish(struct fs_draft *d, const void *key, size_t key_size, uint32_t flags,
                     uint64_t *version)
{
	const void *bytes = d->small ? (const void *)d->small : "";
	size_t size = fs_draft_size(d);
	double number;
	int rc;

	if ((flags & 0xff) == SHMFS_NUMBER) {
		char text[FS_NUMBER_TEXT];
		size_t n = sizeof(text);

		rc = size < n ? fs_draft_read(d, 0, text, &n) : -EINVAL;
		if (!rc)
			rc = fs_value_parse(text, n, &number);
		if (rc)
			return rc;
		rc = shmfs_put(d->store, key, key_size, &number, sizeof(number), flags, version);
	} else if (d->put) {
		rc = shmfs_put_commit(d->put, key, key_size, flags, version);
		if (!rc || !(rc == -EEXIST || rc == -ENOENT || rc == -ESTALE || rc == -ENOSPC ||
		             rc == -EFBIG || rc == -EINVAL))
			d->put = NULL; /* the library has freed it */
	} else {
		rc = shmfs_put(d->store, key, key_size, bytes, size, flags, version);
	}
	if (!rc || ((flags & 0xff) != SHMFS_NUMBER && !d->put && !d->small))
		fs_draft_drop(d);
	return rc;
}

/* ---- who wrote ---------------------------------------------------------------------- */

void fs_draft_note(struct fs_draft *d, uint64_t owner)
{
	if (!owner)
		d->writers_known = FS_WRITERS + 1;
	if (d->writers_known > FS_WRITERS || fs_draft_noted(d, owner))
		return;
	if (d->writers_known < FS_WRITERS)
		d->writers[d->writers_known] = owner;
	d->writers_known++;
}

bool fs_draft_noted(const struct fs_draft *d, uint64_t owner)
{
	if (d->writers_known > FS_WRITERS)
		return true;
	for (unsigned int i = 0; i < d->writers_known; i++)
		if (d->writers[i] == owner)
			return true;
	return false;
}
