/* SPDX-License-Identifier: MIT */
/* Every call, on a store that may be anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mangle.h"

#define KEYS 3000
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

void mangle_fill(struct shmfs *s)
{
	unsigned char key[320], other[320];

	for (uint64_t i = 0; i < KEYS; i++) {
		value_fill(room, size_of(i), i);
		if (shmfs_put(s, key, key_of(i, key), room, size_of(i), SHMFS_BYTES, NULL))
			die("put");
	}
	for (uint64_t i = 0; i < KEYS; i += 17) {
		size_t n = key_of(i, key);

		if (i % 2)
			shmfs_del(s, key, n, 0, NULL);
		else
			shmfs_rename(s, key, n, other, key_of(i + KEYS, other), 0);
	}
	shmfs_add(s, "number", 6, 1, NULL, NULL);
}

static void read_some(struct shmfs *s, struct rng *r)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct shmfs_item items[16] = {{0}};
	static unsigned char keys[16][320];
	struct shmfs_view view;
	struct shmfs_pin *pin = NULL;
	size_t size;

	shmfs_stat(s, &st);
	if (shmfs_pin(s, &pin))
		pin = NULL;
	for (int n = 0; n < 300; n++) {
		uint64_t i = rng_below(r, KEYS * 2);
		size_t key_size = key_of(i, keys[0]);

		size = ROOM;
		shmfs_get(s, keys[0], key_size, room, &size, NULL);
		if (!shmfs_view(s, keys[0], key_size, &view)) {
			/* Every byte of it must be there to look at. */
			uint64_t sum = 0;

			for (uint64_t at = 0; at < view.info.size; at += 512)
				sum += ((const unsigned char *)view.data)[at];
			room[0] = (unsigned char)sum;
			shmfs_view_valid(s, &view);
		}
		if (n == 150)
			shmfs_unpin(pin);
	}
	for (int n = 0; n < 16; n++) {
		items[n].key = keys[n];
		items[n].key_size = key_of(rng_below(r, KEYS), keys[n]);
		items[n].value = room + n * 1000;
		items[n].size = 1000;
	}
	shmfs_get_many(s, items, 16);
}

static void walk(struct shmfs *s)
{
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t cursor = 0;

	if (shmfs_iter_open(s, &it, 0))
		return;
	while (!shmfs_iter_next(it, &e))
		cursor ^= e.cursor + e.key_size + (e.key_size ? *(const unsigned char *)e.key : 0);
	shmfs_iter_close(it);
	if (!shmfs_iter_open(s, &it, cursor)) {
		shmfs_iter_next(it, &e);
		shmfs_iter_close(it);
	}
}

static void ignore(void *arg, uint64_t offset, const char *text)
{
	*(uint64_t *)arg += offset + strlen(text);
}

static void check(struct shmfs *s)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};
	uint64_t sum = 0;

	shmfs_check(s, &result, ignore, &sum);
}

static void stream(struct shmfs *s, struct rng *r)
{
	struct shmfs_put *p;
	size_t size = 1000;

	if (shmfs_put_begin(s, &p, rng_size(r, 600000)))
		return;
	shmfs_put_write(p, rng_size(r, 600000), room, rng_size(r, 600000));
	shmfs_put_resize(p, rng_size(r, 600000));
	shmfs_put_read(p, 0, room, &size);
	if (rng_once_in(r, 2) || shmfs_put_commit(p, "streamed", 8, SHMFS_IF_ABSENT, NULL))
		return; /* a leak, and a writer gone with its run half filled */
}

static void write_some(struct shmfs *s, struct rng *r)
{
	struct shmfs_item items[8] = {{0}};
	unsigned char key[320], other[320];

	for (int n = 0; n < 400; n++) {
		uint64_t i = rng_below(r, KEYS * 2);
		size_t key_size = key_of(i, key);

		switch (rng_below(r, 8)) {
		case 0:
			shmfs_del(s, key, key_size, 0, NULL);
			break;
		case 1:
			shmfs_rename(s, key, key_size, other, key_of(i / 2, other), 0);
			break;
		case 2:
			shmfs_add(s, "number", 6, 1, NULL, NULL);
			break;
		case 3:
			for (int k = 0; k < 8; k++)
				items[k] = (struct shmfs_item){.key = key, .key_size = (size_t)k, .value = room,
				                               .size = 100};
			shmfs_put_many(s, items, 8);
			break;
		default:
			shmfs_put(s, key, key_size, room, n % 100 == 0 ? 700000 : size_of(i), SHMFS_BYTES, NULL);
		}
	}
	stream(s, r);
	shmfs_sync(s);
}

void mangle_use(const char *path, bool write, uint64_t seed)
{
	struct shmfs_options options = {.struct_size = sizeof(options)};
	struct rng r = {seed};
	struct shmfs *s;
	char message[200];

	options.message = message;
	options.message_size = sizeof(message);
	if (shmfs_open(&s, path, write ? SHMFS_RDWR | SHMFS_CREATE : SHMFS_RDONLY, &options))
		return;
	if (rng_once_in(&r, 2))
		check(s);
	read_some(s, &r);
	walk(s);
	if (write) {
		write_some(s, &r);
		read_some(s, &r);
		walk(s);
		check(s);
	}
	if (rng_once_in(&r, 4))
		return; /* as if killed */
	shmfs_close(s);
	if (write)
		mangle_use(path, false, seed);
}
