/* SPDX-License-Identifier: MIT */
/* The seed of the hash, the order of walks, and keys chosen to collide. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../rig.h"
#include "store.h"

#define SEED UINT64_C(0x123456789abcdef1)

static int open_seeded(struct shmfs **s, const char *path, uint64_t seed, char *message)
{
	struct shmfs_options o = {
		.struct_size = sizeof(o),
		.seed = seed,
		.flags = SHMFS_OPT_NO_SYNC,
		.message = message,
		.message_size = message ? 200 : 0,
	};

	return shmfs_open(s, path, SHMFS_RDWR | SHMFS_CREATE, &o);
}

static struct shmfs *seeded(const char *name, uint64_t seed)
{
	struct shmfs *s = NULL;

	CU_ASSERT_EQUAL_FATAL(open_seeded(&s, store_path(name), seed, NULL), 0);
	return s;
}

static struct shmfs_options options_of(struct shmfs *s)
{
	struct shmfs_options o = {.struct_size = sizeof(o)};

	CU_ASSERT_EQUAL(shmfs_options_get(s, &o), 0);
	return o;
}

static void kept(void)
{
	const char *path = store_path("kept");
	char message[200] = "";
	struct shmfs *s = NULL;

	CU_ASSERT_EQUAL_FATAL(open_seeded(&s, path, SEED, NULL), 0);
	CU_ASSERT_EQUAL(options_of(s).seed, SEED);
	store_close(s);
	CU_ASSERT_EQUAL(open_seeded(&s, path, SEED + 1, message), SHMFS_E_OPTION);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "seed"));
	CU_ASSERT_EQUAL(open_seeded(&s, path, SEED, NULL), 0);
	store_close(s);
}

static void random_one(void)
{
	struct shmfs *a = seeded("a", 0), *b = seeded("b", 0);

	CU_ASSERT_NOT_EQUAL(options_of(a).seed, 0);
	CU_ASSERT_NOT_EQUAL(options_of(a).seed, options_of(b).seed);
	store_close(a);
	store_close(b);
}

static void again(void)
{
	struct shmfs_options given, made, o = {
		.struct_size = sizeof(o),
		.size = 9 << 20,
		.max_size = 100 << 20,
		.log_limit = 32 << 20,
		.garbage = 0.25,
		.seed = SEED,
		.flags = SHMFS_OPT_NO_SYNC | SHMFS_OPT_ALWAYS_WAKE | SHMFS_OPT_LOG_REFUSE,
		.mode = 0600,
	};
	struct shmfs *s;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, store_path("again"), SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	given = options_of(s);
	store_close(s);
	CU_ASSERT_EQUAL(memcmp(&given, &o, sizeof(o)), 0);
	CU_ASSERT_EQUAL_FATAL(
		shmfs_open(&s, store_path("twin"), SHMFS_RDWR | SHMFS_CREATE, &given), 0);
	made = options_of(s);
	CU_ASSERT_EQUAL(memcmp(&given, &made, sizeof(made)), 0);
	made.struct_size--;
	CU_ASSERT_EQUAL(shmfs_options_get(s, &made), -EINVAL);
	store_close(s);
}

enum { KEYS = 20000 };

static void one_order(void)
{
	struct shmfs *a = seeded("up", SEED), *b = seeded("down", SEED);
	struct shmfs_iter *ia, *ib;
	struct shmfs_entry ea, eb;
	unsigned n = 0, same = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		unsigned j = KEYS - 1 - i, gone = i + KEYS;

		CU_ASSERT_EQUAL(shmfs_put(a, &i, sizeof(i), "", 0, 0, NULL), 0);
		CU_ASSERT_EQUAL(shmfs_put(b, &j, sizeof(j), "", 0, 0, NULL), 0);
		CU_ASSERT_EQUAL(shmfs_put(b, &gone, sizeof(gone), "", 0, 0, NULL), 0);
		CU_ASSERT_EQUAL(shmfs_del(b, &gone, sizeof(gone), 0, NULL), 0);
	}
	CU_ASSERT_EQUAL_FATAL(shmfs_iter_open(a, &ia, 0), 0);
	CU_ASSERT_EQUAL_FATAL(shmfs_iter_open(b, &ib, 0), 0);
	for (; !shmfs_iter_next(ia, &ea) && !shmfs_iter_next(ib, &eb); n++)
		same += !memcmp(ea.key, eb.key, sizeof(n));
	CU_ASSERT_EQUAL(n, KEYS);
	CU_ASSERT_EQUAL(same, KEYS);
	shmfs_iter_close(ia);
	shmfs_iter_close(ib);
	store_close(a);
	store_close(b);
}

/* Keys of 32 bytes whose first word cancels a factor of XXH3, so that the second, n, changes
 * nothing: all have one hash.  The constant is the beginning of XXH3's default secret. */
static void colliding(uint64_t key[4], uint64_t n)
{
	key[0] = UINT64_C(0xbe4ba423396cfeb8) + SEED;
	key[1] = n;
	key[2] = key[3] = 7;
}

static void ties(void)
{
	struct shmfs *s = seeded("ties", SEED);
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t key[4], hash = 0;
	unsigned n = 0;

	for (uint64_t i = 0; i < 50; i++) {
		colliding(key, i * 37 % 50);
		CU_ASSERT_EQUAL(shmfs_put(s, key, sizeof(key), "x", 1, 0, NULL), 0);
	}
	CU_ASSERT_EQUAL_FATAL(shmfs_iter_open(s, &it, 0), 0);
	for (; !shmfs_iter_next(it, &e); n++) {
		colliding(key, n);
		CU_ASSERT_EQUAL_FATAL(e.key_size, sizeof(key));
		CU_ASSERT_EQUAL(memcmp(e.key, key, sizeof(key)), 0);
		CU_ASSERT(!hash || hash == e.cursor);
		hash = e.cursor;
	}
	CU_ASSERT_EQUAL(n, 50);
	shmfs_iter_close(it);
	store_close(s);
}

static void too_many(void)
{
	struct shmfs *s = seeded("collide", SEED);
	uint64_t key[4], value, there = 0;
	size_t size = sizeof(value);
	int rc = 0;

	while (!rc && there < 100000) {
		colliding(key, there);
		rc = shmfs_put(s, key, sizeof(key), &there, sizeof(there), 0, NULL);
		there += !rc;
	}
	CU_ASSERT_EQUAL(rc, SHMFS_E_COLLIDE);
	CU_ASSERT(there >= 60);
	CU_ASSERT_EQUAL(shmfs_put(s, "other", 5, "x", 1, 0, NULL), 0);
	for (uint64_t i = 0; i < there; i++) {
		colliding(key, i);
		CU_ASSERT_EQUAL(shmfs_get(s, key, sizeof(key), &value, &size, NULL), 0);
		CU_ASSERT_EQUAL(value, i);
	}
	store_good(s);
	CU_ASSERT_EQUAL(shmfs_del(s, key, sizeof(key), 0, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_put(s, key, sizeof(key), "", 0, 0, NULL), 0);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a store keeps the seed it is given, and refuses another", kept},
	{"without one it has a random one", random_one},
	{"the options of a store make another like it", again},
	{"stores of one seed are walked in one order, however they came to be", one_order},
	{"keys of one hash are walked in the order of their bytes", ties},
	{"too many keys of one hash are refused, and harm nothing else", too_many},
};

HARNESS_MAIN("seed", tests)
