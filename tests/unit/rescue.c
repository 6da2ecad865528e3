/* SPDX-License-Identifier: MIT */
/* Repair: killed, of a large store, and of whatever is damaged. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../rig.h"
#include "wreck.h"

/* Killed again and again while it repairs. */
static void killed(void)
{
	struct rng r = {env_seed("REPAIR_SEED")};
	uint64_t rounds = env_number("REPAIR_KILLS", 40);

	printf("# REPAIR_SEED=%llu\n", (unsigned long long)r.state);
	for (uint64_t n = 0; n < rounds; n++) {
		bool durable = n % 2;
		const char *path = wreck_made("killed", durable);
		struct wreck_where w = wreck_find(path, 1);
		unsigned revived, kills = 0;
		int status = 1;

		if (n % 4 < 2)
			wreck_wipe(path, w.root, 4096, 0);
		else
			wreck_wipe(path, w.bucket, 1024, 0x3c);
		wreck_flip(path, w.log + 40, 3);
		for (; kills < 6 && status; kills++) {
			pid_t pid = fork();

			if (pid == 0) {
				struct shmfs_check_result result = {.struct_size = sizeof(result)};

				_exit(shmfs_repair(path, &result, NULL, NULL) != 0);
			}
			usleep((useconds_t)rng_below(&r, 15000));
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			if (WIFEXITED(status) && status)
				CU_FAIL("a killed repair cannot be repeated");
		}
		wreck_repair(path);
		CU_ASSERT_EQUAL(wreck_missing(path, &revived), 0);
		CU_ASSERT(wreck_frames(path) >= WRECK_FRAMES - 1);
	}
}

/* The root of a large store. */
static void large(void)
{
	unsigned keys = (unsigned)env_number("REPAIR_KEYS", 100000), n = 0;
	const char *path = store_path("large");
	struct shmfs *s = store_new(path);
	struct wreck_where w = {0};
	uint64_t start;

	for (unsigned i = 0; i < keys; i++) {
		value_fill(wreck_room, 100, i);
		if (shmfs_put(s, &i, sizeof(i), wreck_room, 100, SHMFS_BYTES, NULL))
			CU_FAIL("put");
	}
	w.root = sfs_word_page(sfs_relaxed(&s->live->root.word));
	store_close(s);
	wreck_wipe(path, w.root, 4096, 0);
	start = clock_us();
	{
		struct shmfs_check_result r = {.struct_size = sizeof(r)};

		CU_ASSERT_EQUAL(shmfs_repair(path, &r, wreck_tell, NULL), 0);
		CU_ASSERT_EQUAL(r.keys, keys);
		CU_ASSERT_EQUAL(r.salvaged, keys);
	}
	printf("# a lost root of %u keys: %llu ms\n", keys, (unsigned long long)(clock_us() - start) / 1000);
	start = clock_us();
	wreck_repair(path);
	printf("# a good store of %u keys, twice: %llu ms\n", keys, (unsigned long long)(clock_us() - start) / 1000);
	s = store_open(path, SHMFS_RDONLY);
	for (unsigned i = 0; i < keys; i++) {
		size_t size = sizeof(wreck_room);

		n += shmfs_get(s, &i, sizeof(i), wreck_room, &size, NULL) == 0 && size == 100 && value_is(wreck_room, 100, i);
	}
	CU_ASSERT_EQUAL(n, keys);
	store_close(s);
}

static uint64_t some_word(struct rng *r, const struct bytes *b)
{
	static const uint64_t odd[] = {0, 1, 0xfff, UINT64_C(1) << 20, UINT64_C(1) << 47, UINT64_MAX};
	uint64_t word;

	switch (rng_below(r, 4)) {
	case 0:
		return odd[rng_below(r, 6)];
	case 1:
		return rng_below(r, b->size);
	case 2:
		memcpy(&word, b->data + rng_below(r, b->size / 8) * 8, 8);
		return word;
	}
	return rng_next(r);
}

/* Anything anywhere. */
static void random_damage(void)
{
	uint64_t seed = env_seed("REPAIR_SEED"), end = clock_us(), budget = env_number("TORTURE_SECONDS", 5), n = 0;
	const char *path = wreck_made("random", true), *path2 = store_path("random2");
	struct bytes b = file_read(path);

	printf("# REPAIR_SEED=%llu\n", (unsigned long long)seed);
	for (end += budget * 1000000; clock_us() < end && n < env_number("REPAIR_ROUNDS", UINT64_MAX); n++) {
		struct rng r = {seed + n};
		bool in_place = rng_once_in(&r, 2);
		const char *at = in_place ? path : path2;
		struct shmfs_check_result result = {.struct_size = sizeof(result)};
		int got;

		wreck_restore(at, &b);
		for (uint64_t i = 1 + rng_size(&r, 20); i; i--) {
			uint64_t where = rng_below(&r, 3) ? rng_below(&r, b.size) : rng_below(&r, 0x5000);
			uint64_t word = some_word(&r, &b);

			if (rng_once_in(&r, 5))
				where = SFS_SEG + rng_below(&r, 32 * (b.size >> 20));
			where &= ~UINT64_C(7);
			if (where < 8 || where + 4096 > b.size)
				continue;
			if (rng_once_in(&r, 3))
				wreck_wipe(at, where, rng_size(&r, 4088), (int)word);
			else
				wreck_poke(at, where, &word, 8);
		}
		if (rng_once_in(&r, 10))
			CU_ASSERT_EQUAL(truncate(at, (off_t)rng_below(&r, b.size) + 8), 0);
		alarm(100);
		got = shmfs_repair(at, &result, wreck_tell, NULL);
		alarm(0);
		if (got && got != SHMFS_E_VERSION) {
			printf("# REPAIR_SEED=%llu REPAIR_ROUNDS=1: %s\n", (unsigned long long)(seed + n), shmfs_strerror(got));
			CU_FAIL("a store that cannot be repaired");
		}
		if (got == 0) {
			struct shmfs *s = store_open(at, SHMFS_RDWR);
			unsigned found = CU_get_number_of_failures();

			store_good(s);
			for (unsigned i = 0; i < 200; i++)
				CU_ASSERT_EQUAL(wreck_put(s, i, i), 0);
			frame_append(s, 1, 500);
			store_good(s);
			store_close(s);
			if (CU_get_number_of_failures() > found)
				printf("# REPAIR_SEED=%llu REPAIR_ROUNDS=1\n", (unsigned long long)(seed + n));
		}
	}
	printf("# %llu damaged stores\n", (unsigned long long)n);
	free(b.data);
}

static const struct harness_test tests[] = {
	{"a killed repair is repeated", killed},
	{"a large store without its root is built again", large},
	{"whatever is damaged, what is left is good", random_damage},
};

HARNESS_MAIN("rescue", tests)
