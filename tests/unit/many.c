/* SPDX-License-Identifier: MIT */
/* Many keys in one call. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../rig.h"
#include "store.h"

enum { N = 100 };

static char keys[N][8];
static unsigned char values[N][256];

static void fill(struct shmfs_item items[N])
{
	memset(items, 0, N * sizeof(*items));
	for (int i = 0; i < N; i++) {
		items[i].key = keys[i];
		items[i].key_size = (size_t)snprintf(keys[i], sizeof(keys[i]), "%d", i);
		items[i].value = values[i];
		items[i].size = (size_t)i * 2;
		value_fill(values[i], items[i].size, (uint64_t)i);
	}
}

static void there_and_back(void)
{
	struct shmfs *s = store_new(store_path("many"));
	struct shmfs_item items[N];
	uint64_t last = 0;

	fill(items);
	CU_ASSERT_EQUAL(shmfs_put_many(s, items, N), 0);
	for (int i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(items[i].status, 0);
		CU_ASSERT(items[i].version > last);
		last = items[i].version;
	}
	fill(items);
	memset(values, 0, sizeof(values));
	for (int i = 0; i < N; i++)
		items[i].size = i == 50 ? 10 : sizeof(values[i]);
	items[60].key = "missing";
	items[60].key_size = 7;
	CU_ASSERT_EQUAL(shmfs_get_many(s, items, N), 0);
	for (int i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(items[i].status, i == 50 ? -EMSGSIZE : i == 60 ? -ENOENT : 0);
		if (i == 60)
			continue;
		CU_ASSERT_EQUAL(items[i].size, (size_t)i * 2);
		CU_ASSERT_EQUAL(items[i].info.size, (size_t)i * 2);
		CU_ASSERT_EQUAL(items[i].info.version, items[i].version);
		if (i != 50)
			CU_ASSERT(value_is(values[i], items[i].size, (uint64_t)i));
	}
	CU_ASSERT_EQUAL(shmfs_get_many(s, items, 0), 0);
	CU_ASSERT_EQUAL(shmfs_put_many(s, items, 0), 0);
	store_good(s);
	store_close(s);
}

static void stops(void)
{
	struct shmfs *s = store_new(store_path("stops"));
	struct shmfs_item items[N];

	store_put(s, "10", "old");
	fill(items);
	items[10].flags = SHMFS_IF_ABSENT;
	items[70].flags = SHMFS_NUMBER; /* of 140 bytes */
	CU_ASSERT_EQUAL(shmfs_put_many(s, items, N), -EINVAL);
	for (int i = 0; i < N; i++) {
		int wanted = i == 10 ? -EEXIST : i == 70 ? -EINVAL : i > 70 ? -ECANCELED : 0;

		CU_ASSERT_EQUAL(items[i].status, wanted);
	}
	CU_ASSERT(store_has(s, "10", "old"));
	CU_ASSERT_EQUAL(store_stat(s).keys, 70);
	store_close(s);
}

static void in_order(void)
{
	struct shmfs *s = store_new(store_path("order"));
	struct shmfs_item items[N];

	fill(items);
	for (int i = 0; i < N; i++) {
		items[i].key = "same";
		items[i].key_size = 4;
	}
	CU_ASSERT_EQUAL(shmfs_put_many(s, items, N), 0);
	CU_ASSERT_EQUAL(shmfs_get_many(s, items, N), 0);
	for (int i = 0; i < N; i++)
		CU_ASSERT(items[i].info.size == 2 * (N - 1) &&
		          (i == N - 1 || items[i].status == -EMSGSIZE));
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"what put_many stores, get_many gets, and each item has its own status", there_and_back},
	{"put_many goes on behind a failed condition and stops at an error", stops},
	{"put_many keeps the order of equal keys", in_order},
};

HARNESS_MAIN("many", tests)
