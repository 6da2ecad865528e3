/* SPDX-License-Identifier: MIT */
/*
 * race: does the kernel ever keep what a direct client has changed?
 *
 *	race STORE CACHED ROUNDS HOW DIR...
 *
 * DIRs are mounts of STORE.  CACHED keys are put and looked at through every DIR, so that the kernel keeps
 * them.  Then ROUNDS times a key is created, replaced or deleted by libshmfs while one thread per DIR
 * looks it up: for the first time (HOW is first), or again and again the same few, all in one set
 * of those that the store tells of together (HOW is set).  Afterwards each DIR must show what
 * is stored; how long that took is noted.  What it does not show after two seconds is stale.
 * RACE_SEED repeats the decisions; RACE_SECONDS ends it.
 * Prints "rounds N stale N p50 N p99 N p99.9 N max N us"; fails if anything was stale.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <shmfs.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DIRS   4
#define SAME   64           /* keys of one set */
#define STALE  2000000000u  /* ns */
#define PUTS   256u

struct looker {
	const char *dir;
	pthread_t thread;
	char path[512];
	atomic_int go; /* 1: look, 2: end */
	unsigned int delay;
};

static struct shmfs *store;
static struct looker lookers[DIRS];
static int dirs;
static char value[4096];
static unsigned int seed;
static unsigned int *times; /* of every look, in ns */
static size_t looks;

static void die(const char *what, int rc)
{
	fprintf(stderr, "race: %s: %s\n", what, shmfs_strerror(rc));
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The size of a file as its mount shows it; -1: there is none. */
static long size_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return (long)st.st_size;
	return errno == ENOENT ? -1 : -2;
}

static void *look(void *arg)
{
	struct looker *l = arg;

	for (;;) {
		int go;

		while (!(go = l->go))
			sched_yield();
		if (go == 2)
			return NULL;
		for (volatile unsigned int i = 0; i < l->delay; i++)
			continue;
		size_of(l->path);
		l->go = 0;
	}
}

/* ---- keys ---------------------------------------------------------------------------------- */

static void fill(size_t cached)
{
	static char keys[PUTS][32];
	struct shmfs_item items[PUTS];
	char path[512];

	for (size_t i = 0; i < cached;) {
		size_t n = 0;
		int rc;

		memset(items, 0, sizeof(items));
		for (; n < PUTS && i < cached; n++, i++) {
			items[n].key = keys[n];
			items[n].key_size = (size_t)snprintf(keys[n], sizeof(keys[n]), "cached%zu", i);
			items[n].value = value;
			items[n].size = 10;
		}
		rc = shmfs_put_many(store, items, n);
		if (rc)
			die("put_many", rc);
	}
	for (int d = 0; d < dirs; d++)
		for (size_t i = 0; i < cached; i++) {
			snprintf(path, sizeof(path), "%s/cached%zu", lookers[d].dir, i);
			if (size_of(path) != 10)
				die(path, -EIO);
		}
}

/* Keys of one set. */
static void choose(char same[SAME][32])
{
	uint32_t set = shmfs_watch_set(store, "cached0", 7);
	int n = 0;

	for (unsigned int i = 0; n < SAME; i++) {
		snprintf(same[n], sizeof(same[n]), "s%u", i);
		n += shmfs_watch_set(store, same[n], strlen(same[n])) == set;
	}
}

/* ---- a round --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

/* How long does it take until this mount shows it?  false: for ever. */
static bool shows(const char *path, long size, uint64_t since)
{
	uint64_t took;

	do {
		took = now_ns() - since;
		if (size_of(path) == size) {
			times[looks++] = (unsigned int)took;
			return true;
		}
		sched_yield();
	} while (took < STALE);
	fprintf(stderr, "race: %s: shows %ld, is %ld\n", path, size_of(path), size);
	times[looks++] = STALE;
	return false;
}

/* true: nobody shows what is not so. */
static bool race(const char *key, bool first)
{
	size_t n = strlen(key);
	bool there = rand_r(&seed) % 3, deletes = there && rand_r(&seed) % 2, good = true;
	size_t size = 1 + (size_t)rand_r(&seed) % (sizeof(value) - 1);
	uint64_t since;
	int rc = 0;

	if (there && first)
		rc = shmfs_put(store, key, n, value, size / 2, SHMFS_BYTES, NULL);
	for (int d = 0; !rc && d < dirs; d++) {
		snprintf(lookers[d].path, sizeof(lookers[d].path), "%s/%s", lookers[d].dir, key);
		lookers[d].delay = (unsigned int)rand_r(&seed) % 5000;
		lookers[d].go = 1;
	}
	for (volatile int i = rand_r(&seed) % 5000; !rc && i > 0; i--)
		continue;
	if (rand_r(&seed) % 2)
		sched_yield();
	if (!rc)
		rc = deletes ? shmfs_del(store, key, n, 0, NULL)
		             : shmfs_put(store, key, n, value, size, SHMFS_BYTES, NULL);
	since = now_ns();
	if (rc && rc != -ENOENT)
		die(key, rc);
	for (int d = 0; d < dirs; d++)
		while (lookers[d].go)
			sched_yield();
	for (int d = 0; d < dirs; d++)
		good &= shows(lookers[d].path, deletes ? -1 : (long)size, since);
	return good;
}

int main(int argc, char **argv)
{
	const char *text = getenv("RACE_SEED"), *seconds = getenv("RACE_SECONDS");
	static char same[SAME][32];
	size_t rounds, stale = 0, done;
	bool first;
	uint64_t end;
	int rc;

	if (argc < 6 || argc > 5 + DIRS)
		return 99;
	rounds = strtoul(argv[3], NULL, 10);
	first = !strcmp(argv[4], "first");
	dirs = argc - 5;
	seed = text ? (unsigned int)strtoul(text, NULL, 10) : (unsigned int)now_ns();
	printf("RACE_SEED=%u ", seed);
	fflush(stdout);
	times = calloc(rounds * (size_t)dirs + 1, sizeof(*times));
	memset(value, 'v', sizeof(value));
	rc = shmfs_open(&store, argv[1], SHMFS_RDWR, NULL);
	if (rc || !times)
		die(argv[1], rc ? rc : -ENOMEM);
	for (int d = 0; d < dirs; d++)
		lookers[d].dir = argv[5 + d];
	fill(strtoul(argv[2], NULL, 10));
	choose(same);
	end = now_ns() + (seconds ? strtoull(seconds, NULL, 10) : 3600) * 1000000000;
	for (int d = 0; d < dirs; d++)
		pthread_create(&lookers[d].thread, NULL, look, &lookers[d]);
	for (done = 0; done < rounds && now_ns() < end; done++) {
		char fresh[32];

		snprintf(fresh, sizeof(fresh), "first%zu", done);
		stale += !race(first ? fresh : same[(unsigned int)rand_r(&seed) % SAME], first);
	}
	for (int d = 0; d < dirs; d++) {
		lookers[d].go = 2;
		pthread_join(lookers[d].thread, NULL);
	}
	qsort(times, looks, sizeof(*times), compare);
	printf("rounds %zu stale %zu p50 %u p99 %u p99.9 %u max %u us\n", done, stale,
	       times[looks / 2] / 1000, times[looks * 99 / 100] / 1000, times[looks * 999 / 1000] / 1000,
	       times[looks ? looks - 1 : 0] / 1000);
	shmfs_close(store);
	free(times);
	return stale || !done;
}
