/* SPDX-License-Identifier: MIT */
/* Put, get, delete, rename, add: conditions, types, limits. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../rig.h"
#include "store.h"

static void comes_back(void)
{
	struct shmfs *s = store_new(store_path("back"));
	struct shmfs_info info;

	CU_ASSERT_EQUAL(store_put(s, "k", "one"), 0);
	CU_ASSERT(store_has(s, "k", "one"));
	CU_ASSERT_EQUAL(store_put(s, "k", "two"), 0);
	CU_ASSERT(store_has(s, "k", "two"));
	CU_ASSERT(store_has(s, "K", NULL));
	CU_ASSERT_EQUAL(shmfs_exists(s, "k", 1, &info), 0);
	CU_ASSERT_EQUAL(info.size, 3);
	CU_ASSERT_EQUAL(info.type, SHMFS_STRING);
	store_good(s);
	store_close(s);
}

/* Around every size where the store changes its ways. */
static void every_size(void)
{
	static const size_t near[] = {4096, 65536, 262144, 1048576, 2097152};
	struct shmfs *s = store_new(store_path("sizes"));
	size_t top = near[4] + 200, sizes[1200], n = 0, size;
	unsigned char *in = malloc(top), *out = malloc(top);

	for (size = 0; size < 300; size++)
		sizes[n++] = size;
	for (int i = 0; i < 5; i++)
		for (size = near[i] - 150; size < near[i] + 30; size++)
			sizes[n++] = size;
	for (size_t i = 0; i < n; i++) {
		value_fill(in, sizes[i], i);
		CU_ASSERT_EQUAL(shmfs_put(s, &i, sizeof(i), in, sizes[i], SHMFS_BYTES, NULL), 0);
	}
	for (size_t i = 0; i < n; i++) {
		size = top;
		CU_ASSERT_EQUAL(shmfs_get(s, &i, sizeof(i), out, &size, NULL), 0);
		CU_ASSERT_EQUAL(size, sizes[i]);
		CU_ASSERT(value_is(out, size, i));
	}
	store_good(s);
	free(in);
	free(out);
	store_close(s);
}

static void long_keys(void)
{
	struct shmfs *s = store_new(store_path("long"));
	char *key = calloc(1, SHMFS_KEY_MAX + 1), value[16];
	size_t size = sizeof(value);

	CU_ASSERT_EQUAL(shmfs_put(s, "", 0, "empty key", 9, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_put(s, key, SHMFS_KEY_MAX, "long", 4, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_put(s, key, SHMFS_KEY_MAX - 1, "short", 5, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_put(s, key, SHMFS_KEY_MAX + 1, "x", 1, SHMFS_BYTES, NULL), -E2BIG);
	CU_ASSERT_EQUAL(shmfs_get(s, "", 0, value, &size, NULL), 0);
	CU_ASSERT(size == 9 && !memcmp(value, "empty key", 9));
	size = sizeof(value);
	CU_ASSERT_EQUAL(shmfs_get(s, key, SHMFS_KEY_MAX, value, &size, NULL), 0);
	CU_ASSERT(size == 4 && !memcmp(value, "long", 4));
	CU_ASSERT_EQUAL(shmfs_rename(s, "", 0, key, SHMFS_KEY_MAX + 1, 0), -E2BIG);
	CU_ASSERT_EQUAL(shmfs_del(s, "", 0, 0, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_exists(s, "", 0, NULL), -ENOENT);
	CU_ASSERT_EQUAL(store_stat(s).keys, 2);
	store_good(s);
	free(key);
	store_close(s);
}

static void too_long_value(void)
{
	struct shmfs *s = store_new(store_path("value"));
	uint64_t size = store_stat(s).file_bytes;
	struct shmfs_put *p;

	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "x", SHMFS_VALUE_MAX + 1, SHMFS_BYTES, NULL), -EFBIG);
	CU_ASSERT_EQUAL(shmfs_put_begin(s, &p, SHMFS_VALUE_MAX + 1), -EFBIG);
	CU_ASSERT_EQUAL(shmfs_put_begin(s, &p, 0), 0);
	CU_ASSERT_EQUAL(shmfs_put_write(p, SHMFS_VALUE_MAX, "x", 1), -EFBIG);
	shmfs_put_abort(p);
	CU_ASSERT(store_has(s, "k", "v"));
	CU_ASSERT_EQUAL(store_stat(s).file_bytes, size);
	store_close(s);
}

static void too_little_room(void)
{
	struct shmfs *s = store_new(store_path("room"));
	char room[8] = "........";
	struct shmfs_info info = {0};
	size_t size = 4;

	store_put(s, "k", "12345");
	CU_ASSERT_EQUAL(shmfs_get(s, "k", 1, room, &size, &info), -EMSGSIZE);
	CU_ASSERT_EQUAL(size, 5);
	CU_ASSERT_EQUAL(info.size, 5);
	CU_ASSERT_EQUAL(memcmp(room, "........", 8), 0);
	CU_ASSERT_EQUAL(shmfs_get(s, "k", 1, room, &size, NULL), 0);
	CU_ASSERT_EQUAL(memcmp(room, "12345...", 8), 0);
	store_close(s);
}

static void conditions(void)
{
	struct shmfs *s = store_new(store_path("conditions"));
	uint64_t v = 77, first, none = 0;

	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "a", 1, SHMFS_IF_PRESENT, &v), -ENOENT);
	CU_ASSERT_EQUAL(v, 0);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "a", 1, SHMFS_IF_ABSENT, &first), 0);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "b", 1, SHMFS_IF_ABSENT, &v), -EEXIST);
	CU_ASSERT_EQUAL(v, first);
	CU_ASSERT(store_has(s, "k", "a"));
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "c", 1, SHMFS_IF_VERSION, &v), 0);
	CU_ASSERT(v > first);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "d", 1, SHMFS_IF_VERSION, &first), -ESTALE);
	CU_ASSERT_EQUAL(first, v);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "d", 1, SHMFS_IF_VERSION, &none), -ESTALE);
	none = 0;
	CU_ASSERT_EQUAL(shmfs_put(s, "new", 3, "d", 1, SHMFS_IF_VERSION, &none), 0);
	CU_ASSERT(none > v);
	CU_ASSERT(store_has(s, "k", "c"));
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "e", 1, SHMFS_IF_PRESENT, NULL), 0);
	CU_ASSERT(store_has(s, "k", "e"));
	store_close(s);
}

static void bad_flags(void)
{
	struct shmfs *s = store_new(store_path("flags"));
	uint64_t v = 0;

	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "a", 1, 3, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "a", 1, 0x800, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "a", 1, SHMFS_IF_ABSENT | SHMFS_IF_PRESENT, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "a", 1, SHMFS_IF_ABSENT | SHMFS_IF_VERSION, &v), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, "a", 1, SHMFS_IF_VERSION, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_del(s, "k", 1, SHMFS_IF_ABSENT, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_rename(s, "k", 1, "l", 1, SHMFS_IF_VERSION), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put(NULL, "k", 1, "a", 1, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put(s, NULL, 1, "a", 1, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, NULL, 1, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_get(s, "k", 1, NULL, NULL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(store_stat(s).keys, 0);
	store_close(s);
}

static void numbers(void)
{
	struct shmfs *s = store_new(store_path("numbers"));
	struct shmfs_info info;
	double d = 0.5, value;
	uint64_t version;

	CU_ASSERT_EQUAL(shmfs_put(s, "n", 1, "1234567", 7, SHMFS_NUMBER, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put(s, "n", 1, &d, sizeof(d), SHMFS_NUMBER, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_add(s, "n", 1, 0.25, &value, &version), 0);
	CU_ASSERT_EQUAL(value, 0.75);
	CU_ASSERT_EQUAL(shmfs_exists(s, "n", 1, &info), 0);
	CU_ASSERT_EQUAL(info.version, version);
	CU_ASSERT_EQUAL(info.type, SHMFS_NUMBER);
	CU_ASSERT_EQUAL(shmfs_add(s, "new", 3, -2, &value, NULL), 0);
	CU_ASSERT_EQUAL(value, -2);
	store_put(s, "text", "12345678");
	CU_ASSERT_EQUAL(shmfs_add(s, "text", 4, 1, NULL, NULL), -EINVAL);
	CU_ASSERT(store_has(s, "text", "12345678"));
	CU_ASSERT_EQUAL(shmfs_add(s, "n", 1, INFINITY, NULL, NULL), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_add(s, "n", 1, NAN, NULL, NULL), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_add(s, "new", 3, 9007199254740992.0 + 4, NULL, NULL), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_add(s, "new", 3, 9007199254740992.0, &value, NULL), 0);
	CU_ASSERT_EQUAL(value, 9007199254740990.0);
	CU_ASSERT_EQUAL(shmfs_add(s, "n", 1, 0, &value, NULL), 0);
	CU_ASSERT_EQUAL(value, 0.75);
	store_close(s);
}

static void versions_grow(void)
{
	const char *path = store_path("versions");
	struct shmfs *s = store_new(path);
	struct shmfs_info info, last = {0};
	uint64_t version;

	for (int i = 0; i < 3000; i++) {
		char key = (char)(i % 7);

		if (i % 1000 == 999) {
			store_close(s);
			s = store_open(path, SHMFS_RDWR);
		}
		if (i % 10 == 9)
			shmfs_del(s, &key, 1, 0, NULL);
		CU_ASSERT_EQUAL(shmfs_put(s, &key, 1, &i, sizeof(i), SHMFS_BYTES, &version), 0);
		CU_ASSERT_EQUAL(shmfs_exists(s, &key, 1, &info), 0);
		CU_ASSERT_EQUAL(info.version, version);
		CU_ASSERT(info.version > last.version);
		CU_ASSERT(info.time_ns > last.time_ns);
		last = info;
	}
	store_close(s);
}

static void deletes(void)
{
	const char *path = store_path("deletes");
	struct shmfs *s = store_new(path);
	struct shmfs_info info;
	uint64_t v;

	store_put(s, "k", "v");
	shmfs_exists(s, "k", 1, &info);
	v = info.version + 1;
	CU_ASSERT_EQUAL(shmfs_del(s, "k", 1, SHMFS_IF_VERSION, &v), -ESTALE);
	CU_ASSERT_EQUAL(v, info.version);
	CU_ASSERT_EQUAL(shmfs_del(s, "k", 1, SHMFS_IF_VERSION, &v), 0);
	CU_ASSERT_EQUAL(shmfs_del(s, "k", 1, 0, NULL), -ENOENT);
	CU_ASSERT_EQUAL(store_stat(s).keys, 0);
	store_close(s);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(store_has(s, "k", NULL));
	store_good(s);
	store_close(s);
}

static void renames(void)
{
	struct shmfs *s = store_new(store_path("renames"));
	struct shmfs_info before, after;
	double d = 3;

	shmfs_put(s, "a", 1, &d, sizeof(d), SHMFS_NUMBER, NULL);
	shmfs_exists(s, "a", 1, &before);
	CU_ASSERT_EQUAL(shmfs_rename(s, "a", 1, "b", 1, SHMFS_IF_ABSENT), 0);
	CU_ASSERT(store_has(s, "a", NULL));
	CU_ASSERT_EQUAL(shmfs_exists(s, "b", 1, &after), 0);
	CU_ASSERT_EQUAL(after.type, SHMFS_NUMBER);
	CU_ASSERT(after.version > before.version);
	store_put(s, "c", "old");
	CU_ASSERT_EQUAL(shmfs_rename(s, "b", 1, "c", 1, SHMFS_IF_ABSENT), -EEXIST);
	CU_ASSERT(store_has(s, "c", "old"));
	CU_ASSERT_EQUAL(shmfs_rename(s, "b", 1, "c", 1, 0), 0);
	CU_ASSERT_EQUAL(shmfs_add(s, "c", 1, 0, &d, NULL), 0);
	CU_ASSERT_EQUAL(d, 3);
	CU_ASSERT_EQUAL(shmfs_rename(s, "b", 1, "c", 1, 0), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_rename(s, "c", 1, "c", 1, 0), 0);
	CU_ASSERT_EQUAL(shmfs_exists(s, "c", 1, NULL), 0);
	CU_ASSERT_EQUAL(store_stat(s).keys, 1);
	store_good(s);
	store_close(s);
}

static void read_only(void)
{
	const char *path = store_path("read-only");
	struct shmfs *s = store_new(path), *r;
	struct shmfs_item item = {.key = "k", .key_size = 1, .value = (void *)"v", .size = 1};
	struct shmfs_put *p;

	store_put(s, "k", "v");
	r = store_open(path, SHMFS_RDONLY);
	CU_ASSERT_EQUAL(store_put(r, "k", "w"), -EROFS);
	CU_ASSERT_EQUAL(shmfs_del(r, "k", 1, 0, NULL), -EROFS);
	CU_ASSERT_EQUAL(shmfs_rename(r, "k", 1, "l", 1, 0), -EROFS);
	CU_ASSERT_EQUAL(shmfs_add(r, "n", 1, 1, NULL, NULL), -EROFS);
	CU_ASSERT_EQUAL(shmfs_put_many(r, &item, 1), -EROFS);
	CU_ASSERT_EQUAL(shmfs_put_begin(r, &p, 0), -EROFS);
	CU_ASSERT(store_has(r, "k", "v"));
	store_put(s, "k", "w");
	CU_ASSERT(store_has(r, "k", "w"));
	store_close(r);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a value comes back as it was put", comes_back},
	{"values of every size come back", every_size},
	{"keys of 0 and 65,535 bytes are keys, one byte more is E2BIG", long_keys},
	{"a value longer than SHMFS_VALUE_MAX is EFBIG, and takes nothing", too_long_value},
	{"too little room is left alone, and the size needed is told", too_little_room},
	{"a put keeps to its condition and tells the version it met", conditions},
	{"flags that do not exist or exclude each other are EINVAL", bad_flags},
	{"a number has 8 bytes and is added to exactly, or not at all", numbers},
	{"versions and times grow over all keys and reopens", versions_grow},
	{"a deleted key stays deleted", deletes},
	{"a rename carries value and type and leaves one name", renames},
	{"a read-only handle refuses every change and sees those of others", read_only},
};

HARNESS_MAIN("keys", tests)
