/* SPDX-License-Identifier: MIT */
/*
 * A watcher beside a writer that stands between two instructions, is killed there, or runs as fast
 * as it can: what the watcher has cached by the protocol of shmfs.h is what is stored.
 *
 * WATCHING_SEED: of the race's writer.  WATCHING_ROUNDS, or TORTURE_SECONDS: how long it goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/handle.h"
#include "../rig.h"
#include "trace.h"

#define BOUND_US 200000 /* until told of a writer who was killed */

/* A cache of keys that are all in one set. */
enum { KEYS = 4 };

struct cache {
	struct shmfs *s;
	struct shmfs_watch *w;
	const char (*keys)[30];
	unsigned n;
	bool filled[KEYS];
	uint64_t version[KEYS];
	unsigned long fills, events;
};

static uint64_t stored(struct shmfs *s, const char *key)
{
	struct shmfs_info info = {0};
	int rc = shmfs_exists(s, key, strlen(key), &info);

	CU_ASSERT(rc == 0 || rc == -ENOENT);
	return info.version;
}

static void drop(struct cache *c)
{
	memset(c->filled, 0, sizeof(c->filled));
	c->events++;
}

/* Deal with what is told so far; was there anything? */
static bool hear(struct cache *c)
{
	struct shmfs_watch_event e[16];
	bool any = false;
	size_t n;

	while (shmfs_watch_wait(c->w, 0, e, 16, &n) == 0) {
		any = true;
		drop(c);
	}
	return any;
}

static void fill(struct cache *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (c->filled[i])
			continue;
		CU_ASSERT_EQUAL(shmfs_watch_add(c->w, c->keys[i], strlen(c->keys[i]), NULL), 0);
		c->version[i] = stored(c->s, c->keys[i]);
		c->filled[i] = true;
		c->fills++;
	}
}

/* Is everything that is cached as it is stored? */
static bool coherent(struct cache *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->filled[i] && c->version[i] != stored(c->s, c->keys[i]))
			return false;
	return true;
}

static struct cache cache_new(struct shmfs *s, const char (*keys)[30], unsigned n)
{
	struct cache c = {.s = s, .keys = keys, .n = n};

	CU_ASSERT_EQUAL_FATAL(shmfs_watch_open(s, &c.w, 0), 0);
	return c;
}

static const char k[1][30] = {"k"};

/* ---- between two instructions ------------------------------------------------------- */

static void put_and_stop(struct shmfs *s, void *arg)
{
	(void)arg;
	for (;;) {
		store_put(s, "k", "v");
		raise(SIGSTOP);
	}
}

/* Run it up to the commit. */
static bool to_commit(pid_t pid, const struct sfs_live *live)
{
	while (sfs_relaxed(&live->op.kind) == SFS_OP_NONE)
		if (!trace_step(pid))
			return false;
	return true;
}

static void asked_during_put(void)
{
	const char *path = store_path("asked");
	struct shmfs *s = store_new(path);
	struct cache c = cache_new(s, k, 1);
	pid_t pid = trace_start(path, SHMFS_RDWR, put_and_stop, NULL);
	bool after = false;
	unsigned steps = 0;

	trace_go(pid);
	for (; !after; steps++) {
		fill(&c);
		CU_ASSERT_FATAL(to_commit(pid, s->live));
		trace_steps(pid, steps);
		after = sfs_relaxed(&s->live->op.kind) == SFS_OP_NONE;
		hear(&c);
		fill(&c);
		trace_go(pid);
		/* told, or right; and if not told then of the next change */
		if (hear(&c))
			continue;
		CU_ASSERT(coherent(&c));
		store_put(s, "k", "w");
		CU_ASSERT(hear(&c));
	}
	CU_ASSERT(steps > 20);
	trace_kill(pid);
	shmfs_watch_close(c.w);
	store_close(s);
}

static void sleep_during_put(void)
{
	const char *path = store_path("sleeper");
	struct shmfs *s = store_new(path);
	struct sfs_watchpage *page = sfs_at(s, SFS_AT_WATCH);
	struct cache c = cache_new(s, k, 1);
	pid_t pid = trace_start(path, SHMFS_RDWR, put_and_stop, NULL);
	bool there = false;

	trace_go(pid);
	for (unsigned steps = 0; !there; steps++) {
		uint32_t wake;

		fill(&c);
		CU_ASSERT_FATAL(to_commit(pid, s->live));
		trace_steps(pid, steps);
		/* as one who finds nothing, and goes to sleep */
		wake = sfs_relaxed(&page->ring[SFS_RING_ASKED].wake);
		atomic_store(&page->ring[SFS_RING_ASKED].sleepers, 1);
		there = hear(&c);
		trace_go(pid);
		CU_ASSERT(there || sfs_relaxed(&page->ring[SFS_RING_ASKED].wake) != wake);
		CU_ASSERT(there || hear(&c));
		atomic_store(&page->ring[SFS_RING_ASKED].sleepers, 0);
	}
	trace_kill(pid);
	shmfs_watch_close(c.w);
	store_close(s);
}

/* ---- killed ------------------------------------------------------------------------- */

static void put_k(struct shmfs *s, void *arg)
{
	(void)arg;
	store_put(s, "k", "new");
}

static void rename_j(struct shmfs *s, void *arg)
{
	(void)arg;
	shmfs_rename(s, "j", 1, "k", 1, 0);
}

static void delete_k(struct shmfs *s, void *arg)
{
	(void)arg;
	shmfs_del(s, "k", 1, 0, NULL);
}

/* What of the file matters here; a kill is worth it only where this has changed. */
struct sight {
	uint64_t op, slot[2], words, head, turn, changes, wake;
};

static uint64_t word_at(struct shmfs *s, uint64_t at)
{
	return at ? sfs_relaxed((a64 *)sfs_at(s, at)) : 0;
}

static struct sight look(struct shmfs *s)
{
	struct sfs_watchpage *page = sfs_at(s, SFS_AT_WATCH);
	struct sfs_told *ring = sfs_at(s, SFS_AT_RING);
	uint64_t head = sfs_relaxed(&page->ring[SFS_RING_ASKED].head);
	struct sight v = {.op = sfs_relaxed(&s->live->op.kind), .head = head};

	for (int i = 0; v.op && i < 2; i++)
		v.slot[i] = word_at(s, sfs_relaxed(&s->live->op.slot[i]));
	for (uint64_t at = SFS_AT_INTEREST; at < SFS_AT_RING; at += 8)
		v.words += word_at(s, at);
	v.turn = sfs_relaxed(&ring[head % SFS_RING_PLACES].turn);
	v.changes = sfs_relaxed(&s->live->changes);
	v.wake = sfs_relaxed(&page->ring[SFS_RING_ASKED].wake);
	return v;
}

/* Run it from the commit on until the file has looked different `nth` times, and kill it there.
 * False: it ended before. */
static bool kill_at(struct shmfs *s, const char *path, void (*run)(struct shmfs *, void *), unsigned nth)
{
	pid_t pid = trace_start(path, SHMFS_RDWR, run, NULL);
	bool there = to_commit(pid, s->live);
	struct sight last = look(s);

	while (there && nth) {
		struct sight now;

		there = trace_step(pid) && sfs_relaxed(&s->live->op.kind) != SFS_OP_NONE;
		now = look(s);
		if (memcmp(&now, &last, sizeof(now)) != 0)
			nth--;
		last = now;
	}
	trace_kill(pid);
	return there;
}

/* Told, and in time, wherever it is killed; the longest it took. */
static void killed(const char *name, void (*run)(struct shmfs *, void *), bool beside)
{
	static const char keys[2][30] = {"j", "k"};
	unsigned nth = 0;
	uint64_t longest = 0, late = 0;
	bool there = true;

	for (; there; nth++) {
		const char *path = store_path(name);
		struct shmfs *s = store_new(path);
		struct cache c = cache_new(s, keys, 2);
		struct shmfs_watch_event e;
		uint64_t from;
		size_t n;

		store_put(s, "j", "old");
		store_put(s, "k", "old");
		fill(&c);
		there = kill_at(s, path, run, nth);
		from = clock_us();
		if (beside)
			store_put(s, "other", "v"); /* whoever takes the lock tells */
		if (beside)
			hear(&c);
		while (!beside && !coherent(&c) && clock_us() < from + 10 * BOUND_US)
			if (shmfs_watch_wait(c.w, 1000, &e, 1, &n) == 0)
				drop(&c);
		CU_ASSERT_FATAL(coherent(&c));
		from = clock_us() - from;
		longest = from > longest ? from : longest;
		late += from > BOUND_US;
		/* also of what it had begun, but not committed; and of what is changed later */
		store_put(s, "other", "w");
		hear(&c);
		CU_ASSERT(coherent(&c));
		fill(&c);
		for (int i = 0; i < 2; i++) {
			store_put(s, keys[i], "newer");
			CU_ASSERT(hear(&c));
			fill(&c);
		}
		CU_ASSERT(coherent(&c));
		shmfs_watch_close(c.w);
		store_close(s);
	}
	CU_ASSERT(nth > 5);
	CU_ASSERT(late <= nth / 4); /* others may have the processor */
	CU_ASSERT(longest < 10 * BOUND_US);
	printf("# %s: killed at %u places, told after %llu ms\n", name, nth,
	       (unsigned long long)longest / 1000);
}

static void killed_writer(void)
{
	killed("put", put_k, false);
	killed("delete", delete_k, false);
	killed("rename", rename_j, false);
}

static void killed_beside(void)
{
	killed("put", put_k, true);
	killed("rename", rename_j, true);
}

/* One who only polls: he cannot finish what the dead began, but sees it. */
static void killed_polled(void)
{
	bool there = true;

	for (unsigned nth = 0; there; nth++) {
		const char *path = store_path("polled");
		struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);
		struct cache c = {.s = r, .keys = k, .n = 1};

		store_put(s, "k", "old");
		CU_ASSERT_EQUAL_FATAL(shmfs_watch_open(r, &c.w, SHMFS_WATCH_POLL), 0);
		fill(&c);
		there = kill_at(s, path, put_k, nth);
		hear(&c);
		CU_ASSERT(coherent(&c));
		fill(&c);
		store_put(s, "other", "v");
		hear(&c);
		CU_ASSERT(coherent(&c));
		shmfs_watch_close(c.w);
		store_close(r);
		store_close(s);
	}
}

/* ---- as fast as it can --------------------------------------------------------------- */

struct race {
	_Atomic uint64_t begun, done; /* rounds */
	_Atomic bool over;
	char keys[KEYS][30];
};

static void write_rounds(const char *path, struct race *race, uint64_t seed)
{
	struct shmfs *s = store_open(path, SHMFS_RDWR);
	struct rng r = {seed};

	for (uint64_t round = 0; !race->over;) {
		if (race->begun == round) {
			sched_yield();
			continue;
		}
		round = race->begun;
		for (uint64_t n = 1 + rng_below(&r, 12); n; n--) {
			const char *key = race->keys[rng_below(&r, KEYS)];

			if (rng_once_in(&r, 4))
				shmfs_del(s, key, strlen(key), 0, NULL);
			else if (rng_once_in(&r, 4))
				shmfs_rename(s, key, strlen(key), race->keys[0], strlen(race->keys[0]), 0);
			else
				store_put(s, key, "v");
		}
		race->done = round;
	}
	shmfs_close(s);
}

static void race(void)
{
	uint64_t seed = env_seed("WATCHING_SEED"), rounds = 0;
	struct budget budget = env_budget("WATCHING_ROUNDS", 3000, 1);
	const char *path = store_path("race");
	struct shmfs *s = store_new(path);
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cache c;
	bool good = true;
	unsigned n = 0;
	pid_t pid;

	CU_ASSERT_FATAL(race != MAP_FAILED);
	printf("# WATCHING_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned i = 0; n < KEYS && i < 10000000; i++) {
		snprintf(race->keys[n], sizeof(race->keys[n]), "key%u", i);
		n += shmfs_watch_set(s, race->keys[n], strlen(race->keys[n])) ==
		     shmfs_watch_set(s, race->keys[0], strlen(race->keys[0]));
	}
	CU_ASSERT_EQUAL_FATAL(n, KEYS);
	c = cache_new(s, race->keys, KEYS);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		write_rounds(path, race, seed);
		_exit(0);
	}
	while (good && budget_lasts(&budget, rounds)) {
		race->begun = ++rounds;
		while (race->done != rounds) {
			hear(&c);
			fill(&c);
			if (rng_once_in(&(struct rng){rounds + c.fills}, 2))
				sched_yield();
		}
		/* nothing is told late: every writer that returned has told */
		hear(&c);
		good = coherent(&c);
		CU_ASSERT(good);
		fill(&c);
	}
	race->over = true;
	waitpid(pid, NULL, 0);
	printf("# %llu rounds, %lu fills, %lu events\n", (unsigned long long)rounds, c.fills, c.events);
	CU_ASSERT(c.events > rounds / 2);
	shmfs_watch_close(c.w);
	munmap(race, sizeof(*race));
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"who asks at any instruction of a put misses nothing", asked_during_put},
	{"who goes to sleep at any instruction of a put is woken", sleep_during_put},
	{"of what a killed writer did the watcher is told within 0.2 s", killed_writer},
	{"or at once, if another writer comes", killed_beside},
	{"who polls sees what a killed writer did", killed_polled},
	{"four keys on one bit, changed as fast as it goes, are cached as they are stored", race},
};

HARNESS_MAIN("watching", tests)
