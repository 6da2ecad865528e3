/* SPDX-License-Identifier: MIT */
/* Views and pins. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../rig.h"
#include "store.h"

enum { KEYS = 40, SIZE = 20000 };

static unsigned char bytes[SIZE];

static void put(struct shmfs *s, uint64_t key, uint64_t seed)
{
	value_fill(bytes, SIZE, seed);
	CU_ASSERT_EQUAL_FATAL(shmfs_put(s, &key, sizeof(key), bytes, SIZE, SHMFS_BYTES, NULL), 0);
}

/* Overwrite everything until the file's space has gone round some times. */
static void churn(struct shmfs *s, uint64_t puts)
{
	for (uint64_t i = 0; i < puts; i++)
		put(s, i % KEYS, 1000 + i);
}

static void valid_until_lapped(void)
{
	const char *path = store_path("lapped");
	struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);
	struct shmfs_view view;
	uint64_t key = 0, i;
	int got = 0;

	put(s, 0, 7);
	CU_ASSERT_EQUAL(shmfs_view(r, &key, sizeof(key), &view), 0);
	CU_ASSERT_EQUAL(shmfs_view_valid(r, &view), 0);
	for (i = 0; i < 5000 && !got; i++) {
		churn(s, 10);
		got = shmfs_view_valid(r, &view);
		if (!got)
			CU_ASSERT(value_is(view.data, SIZE, 7));
	}
	CU_ASSERT_EQUAL(got, -ESTALE);
	CU_ASSERT(i > 1); /* overwriting alone does not end a view */
	CU_ASSERT_EQUAL(shmfs_view_valid(r, &view), -ESTALE);
	store_close(r);
	store_close(s);
}

/* By a handle of either kind; two pins of one moment; the first to go is not the last. */
static void pinned(void)
{
	for (int h = 0; h < 2; h++) {
		const char *path = store_path("pinned");
		struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);
		struct shmfs *by = h ? r : s;
		struct shmfs_pin *pin, *second;
		struct shmfs_view views[KEYS];
		uint64_t grown, key;

		for (key = 0; key < KEYS; key++)
			put(s, key, key);
		CU_ASSERT_EQUAL(shmfs_pin(by, &pin), 0);
		CU_ASSERT_EQUAL(shmfs_pin(by, &second), 0);
		CU_ASSERT(store_stat(s).pins >= 1);
		for (key = 0; key < KEYS; key++)
			CU_ASSERT_EQUAL(shmfs_view(by, &key, sizeof(key), &views[key]), 0);
		shmfs_unpin(second);
		churn(s, 3000);
		for (key = 0; key < KEYS; key++)
			CU_ASSERT(value_is(views[key].data, SIZE, key));
		grown = store_stat(s).file_bytes;
		shmfs_unpin(pin);
		CU_ASSERT_EQUAL(store_stat(s).pins, 0);
		/* What it held back is used again. */
		churn(s, 3000);
		CU_ASSERT(store_stat(s).file_bytes <= grown + (16 << 20));
		store_good(s);
		store_close(r);
		store_close(s);
	}
	shmfs_unpin(NULL);
}

static int pin_and_die(void *path)
{
	struct shmfs *s = store_open(path, SHMFS_RDONLY);
	struct shmfs_pin *pin;

	return shmfs_pin(s, &pin) ? 1 : 0;
}

static void dies_with_its_process(void)
{
	const char *path = store_path("dies");
	struct shmfs *s = store_new(path);
	uint64_t bound;

	churn(s, 3000);
	bound = store_stat(s).file_bytes + (16 << 20);
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(in_child(pin_and_die, (void *)path), 0);
	CU_ASSERT_EQUAL(store_stat(s).pins, 0);
	churn(s, 10000);
	CU_ASSERT(store_stat(s).file_bytes <= bound);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a view is valid until the writer has gone round the file", valid_until_lapped},
	{"views under a pin outlive everything until unpin", pinned},
	{"a pin dies with its process", dies_with_its_process},
};

HARNESS_MAIN("pin", tests)
