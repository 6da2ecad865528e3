/* SPDX-License-Identifier: MIT */
/* The writer lock: excludes, is taken from the dead, not from the living. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/lock.h"
#include "../rig.h"
#include "store.h"

static void *shared(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* ---- exclusion: a plain counter under the lock */

struct counting {
	struct shmfs *s;
	volatile uint64_t *count;
	uint64_t times;
};

static void count_up(struct counting *c)
{
	for (uint64_t i = 0; i < c->times; i++) {
		pthread_mutex_lock(&c->s->writer);
		sfs_lock_take(c->s, &c->s->live->lock);
		*c->count = *c->count + 1;
		sfs_lock_drop(&c->s->live->lock);
		pthread_mutex_unlock(&c->s->writer);
	}
}

static int count_in_process(const char *path, volatile uint64_t *count, uint64_t times)
{
	struct counting c = {store_open(path, SHMFS_RDWR), count, times};

	count_up(&c);
	return shmfs_close(c.s);
}

static void excludes(void)
{
	enum { CHILDREN = 4, TIMES = 100000 };
	const char *path = store_path("excludes");
	struct shmfs *s = store_new(path);
	volatile uint64_t *count = shared(sizeof(*count));
	struct counting own = {s, count, TIMES};
	int status;

	fflush(NULL);
	for (int i = 0; i < CHILDREN; i++)
		if (fork() == 0)
			_exit(count_in_process(path, count, TIMES));
	count_up(&own);
	for (int i = 0; i < CHILDREN; i++)
		CU_ASSERT(wait(&status) > 0 && status == 0);
	CU_ASSERT_EQUAL(*count, (CHILDREN + 1) * TIMES);
	store_close(s);
}

/* ---- the dead */

static pid_t hold_in_child(const char *path, volatile int *held, int die)
{
	pid_t pid;

	*held = 0;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct shmfs *s = store_open(path, SHMFS_RDWR);

		sfs_lock_take(s, &s->live->lock);
		*held = 1;
		if (die)
			raise(SIGKILL);
		for (;;)
			pause();
	}
	while (!*held)
		usleep(100);
	return pid;
}

static void stolen(void)
{
	const char *path = store_path("stolen");
	struct shmfs *s = store_new(path);
	volatile int *held = shared(sizeof(*held));
	uint64_t worst = 0;
	int status;

	for (int i = 0; i < 100; i++) {
		pid_t pid = hold_in_child(path, held, 1);
		uint64_t start;

		waitpid(pid, &status, 0);
		start = clock_us();
		CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
		if (clock_us() - start > worst)
			worst = clock_us() - start;
	}
	printf("# longest wait for a dead owner: %.1f ms\n", (double)worst / 1000);
	CU_ASSERT(worst < 1000000);
	store_good(s);
	store_close(s);
}

/* Who opens next gets the dead one's lease, and its lock with it. */
static void inherited(void)
{
	const char *path = store_path("inherited");
	volatile int *held = shared(sizeof(*held));
	struct shmfs *s;
	int status;

	store_close(store_new(path));
	for (int i = 0; i < 50; i++) {
		waitpid(hold_in_child(path, held, 1), &status, 0);
		s = store_open(path, SHMFS_RDWR);
		CU_ASSERT_EQUAL(sfs_relaxed(&s->live->lock) & 0xffff, 0);
		CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
		store_close(s);
	}
}

/* Others may sleep behind the dead owner: unlocking wakes them only if the word says so. */
static void sleepers_remembered(void)
{
	enum { WAITERS = 0x10000, NOBODY = 7 };
	struct shmfs *s = store_new(store_path("sleepers"));
	a64 *word = &s->live->lock;

	sfs_set(word, WAITERS | NOBODY);
	CU_ASSERT_EQUAL(sfs_lock_take(s, word), SFS_LOCK_STOLEN);
	CU_ASSERT(sfs_relaxed(word) & WAITERS);
	sfs_lock_drop(word);
	CU_ASSERT_EQUAL(sfs_relaxed(word) & (WAITERS | 0xffff), 0);
	sfs_set(word, WAITERS | s->lease);
	CU_ASSERT(sfs_lock_inherit(s, word));
	CU_ASSERT(sfs_relaxed(word) & WAITERS);
	sfs_lock_drop(word);
	store_close(s);
}

/* Thieves and an heir at once: one of them gets it, then the next. */
static void one_of_many(void)
{
	enum { THIEVES = 3, ROUNDS = 40 };
	const char *path = store_path("thieves");
	struct shmfs *s = store_new(path);
	volatile uint64_t *count = shared(sizeof(*count));
	volatile int *held = shared(sizeof(*held));
	int status;

	for (int round = 0; round < ROUNDS; round++) {
		pid_t holder = hold_in_child(path, held, 0), pids[THIEVES];

		fflush(stdout);
		for (int i = 0; i < THIEVES; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				if (i == 0)
					usleep(1000); /* about when the holder dies */
				_exit(count_in_process(path, count, 200));
			}
		}
		usleep(1000);
		kill(holder, SIGKILL);
		waitpid(holder, &status, 0);
		for (int i = 0; i < THIEVES; i++) {
			waitpid(pids[i], &status, 0);
			CU_ASSERT_EQUAL(status, 0);
		}
	}
	CU_ASSERT_EQUAL(*count, THIEVES * ROUNDS * 200);
	store_good(s);
	store_close(s);
}

/* ---- the living */

static void *wait_for_it(void *arg)
{
	store_put(arg, "waited", "v");
	return NULL;
}

static void not_from_the_stopped(void)
{
	const char *path = store_path("stopped");
	struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);
	volatile int *held = shared(sizeof(*held));
	pthread_t waiter;
	pid_t pid;
	int status;

	store_put(s, "k", "v");
	pid = hold_in_child(path, held, 0);
	kill(pid, SIGSTOP);
	pthread_create(&waiter, NULL, wait_for_it, s);
	usleep(300000);
	CU_ASSERT(store_has(r, "waited", NULL)); /* still waiting, while readers read */
	CU_ASSERT(store_has(r, "k", "v"));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	pthread_join(waiter, NULL);
	CU_ASSERT(store_has(r, "waited", "v"));
	store_close(r);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"the lock excludes processes and threads", excludes},
	{"the lock of a dead owner is taken", stolen},
	{"who inherits a dead owner's lease frees its lock", inherited},
	{"who takes it from the dead wakes those who slept behind them", sleepers_remembered},
	{"thieves and an heir never hold it at once", one_of_many},
	{"a stopped owner keeps it, and readers read on", not_from_the_stopped},
};

HARNESS_MAIN("lock", tests)
