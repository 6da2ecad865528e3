/* SPDX-License-Identifier: MIT */
/* The map's part of use.h. */
#include "use.h"

#include <string.h>
#include <sys/stat.h>

#include "handle.h"

#define ROOM (2u << 20)

static unsigned char room[ROOM];

static size_t key_of(uint64_t i, unsigned char key[320])
{
	size_t size = 8 + i % 40 + (i % 100 == 0) * 250;

	value_fill(key, size, i);
	return size;
}

static size_t size_of(uint64_t i)
{
	return i % 1000 == 7 ? 300000 + i * 100 : i % 50 == 1 ? 5000 : i % 120;
}

int use_code(int rc)
{
	const char *text = shmfs_strerror(rc);

	if (rc > 0 || !strcmp(text, "unknown error") || !strncmp(text, "Unknown error", 13))
		die("a call returned %d", rc);
	return rc;
}

void use_inside(struct shmfs *s, const void *data, uint64_t size)
{
	uint64_t at = (uint64_t)((const uint8_t *)data - s->file.base);
	struct stat st;

	if (fstat(s->file.fd, &st) || at > (uint64_t)st.st_size || size > (uint64_t)st.st_size - at)
		die("%llu bytes at %#llx were handed out, of a file of %llu", (unsigned long long)size,
		    (unsigned long long)at, (unsigned long long)st.st_size);
}

void use_fill(struct shmfs *s, uint64_t keys)
{
	unsigned char key[320], other[320];

	for (uint64_t i = 0; i < keys; i++) {
		value_fill(room, size_of(i), i);
		if (shmfs_put(s, key, key_of(i, key), room, size_of(i), SHMFS_BYTES, NULL))
			die("put");
	}
	for (uint64_t i = 0; i < keys; i += 17) {
		size_t n = key_of(i, key);

		if (i % 2)
			shmfs_del(s, key, n, 0, NULL);
		else
			shmfs_rename(s, key, n, other, key_of(i + keys, other), 0);
	}
	shmfs_add(s, "number", 6, 1, NULL, NULL);
}

void use_stat(struct shmfs *s)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	use_code(shmfs_stat(s, &st));
}

/* Look at every page of it. */
static void look(struct shmfs *s, const struct shmfs_view *view)
{
	uint64_t sum = 0;

	use_inside(s, view->data, view->info.size);
	for (uint64_t at = 0; at < view->info.size; at += 512)
		sum += ((const unsigned char *)view->data)[at];
	room[0] = (unsigned char)sum;
}

static void get_many(struct shmfs *s, struct rng *r, uint64_t keys)
{
	struct shmfs_item items[16] = {{0}};
	static unsigned char many[16][320];

	for (int n = 0; n < 16; n++) {
		items[n].key = many[n];
		items[n].key_size = key_of(rng_below(r, keys), many[n]);
		items[n].value = room + n * 1000;
		items[n].size = 1000;
	}
	use_code(shmfs_get_many(s, items, 16));
	for (int n = 0; n < 16; n++)
		use_code(items[n].status);
}

void use_get(struct shmfs *s, struct rng *r, uint64_t keys, int n)
{
	unsigned char key[320];
	struct shmfs_view view;
	struct shmfs_pin *pin = NULL;
	size_t size;

	if (use_code(shmfs_pin(s, &pin)))
		pin = NULL;
	for (int i = 0; i < n; i++) {
		size_t key_size = key_of(rng_below(r, keys * 2), key);

		size = rng_once_in(r, 4) ? rng_below(r, 200) : ROOM;
		use_code(shmfs_get(s, key, key_size, room, &size, NULL));
		if (!use_code(shmfs_view(s, key, key_size, &view))) {
			look(s, &view);
			use_code(shmfs_view_valid(s, &view));
		}
		if (i == n / 2) {
			shmfs_unpin(pin);
			pin = NULL;
		}
	}
	shmfs_unpin(pin);
	get_many(s, r, keys);
}

void use_walk(struct shmfs *s, uint64_t *cursor)
{
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t sum = 0;

	if (use_code(shmfs_iter_open(s, &it, *cursor)))
		return;
	while (!use_code(shmfs_iter_next(it, &e))) {
		look(s, &e.view);
		sum ^= e.cursor + e.key_size + (e.key_size ? *(const unsigned char *)e.key : 0);
	}
	*cursor = sum;
	shmfs_iter_close(it);
}

static void ignore(void *arg, uint64_t offset, const char *text)
{
	*(uint64_t *)arg += offset + strlen(text);
}

void use_check(struct shmfs *s)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};
	uint64_t sum = 0;

	use_code(shmfs_check(s, &result, ignore, &sum));
}

void use_stream(struct shmfs *s, struct rng *r)
{
	struct shmfs_put *p;
	size_t size = 1000;

	if (use_code(shmfs_put_begin(s, &p, rng_size(r, 600000))))
		return;
	use_code(shmfs_put_write(p, rng_size(r, 600000), room, rng_size(r, 600000)));
	use_code(shmfs_put_resize(p, rng_size(r, 600000)));
	use_code(shmfs_put_read(p, 0, room, &size));
	switch (use_code(shmfs_put_commit(p, "streamed", 8, SHMFS_IF_ABSENT, NULL))) {
	case -EEXIST:
	case -ENOENT:
	case -ESTALE:
	case -ENOSPC:
	case -EFBIG:
	case -E2BIG:
	case -EINVAL:
		shmfs_put_abort(p);
	}
}

static void put_many(struct shmfs *s, const unsigned char *key)
{
	struct shmfs_item items[8] = {{0}};

	for (int k = 0; k < 8; k++)
		items[k] = (struct shmfs_item){.key = key, .key_size = (size_t)k, .value = room, .size = 100};
	use_code(shmfs_put_many(s, items, 8));
}

void use_put(struct shmfs *s, struct rng *r, uint64_t keys, int n)
{
	unsigned char key[320], other[320];

	for (int at = 0; at < n; at++) {
		uint64_t i = rng_below(r, keys * 2);
		size_t key_size = key_of(i, key);

		switch (rng_below(r, 8)) {
		case 0:
			use_code(shmfs_del(s, key, key_size, 0, NULL));
			break;
		case 1:
			use_code(shmfs_rename(s, key, key_size, other, key_of(i / 2, other), 0));
			break;
		case 2:
			use_code(shmfs_add(s, "number", 6, 1, NULL, NULL));
			break;
		case 3:
			put_many(s, key);
			break;
		default:
			use_code(shmfs_put(s, key, key_size, room, at % 100 == 99 ? 700000 : size_of(i),
			                   SHMFS_BYTES, NULL));
		}
	}
}
