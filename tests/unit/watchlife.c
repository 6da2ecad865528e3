/* SPDX-License-Identifier: MIT */
/* Watchers that wait, sleep, fork, die, are stopped, or find their region damaged. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/handle.h"
#include "../rig.h"
#include "watches.h"

/* ---- waiting ------------------------------------------------------------------------ */

static void *change_later(void *s)
{
	usleep(30000);
	store_put(s, "k", "v");
	return NULL;
}

static void *wake_later(void *w)
{
	usleep(30000);
	shmfs_watch_wake(w);
	return NULL;
}

static void nothing(int sig)
{
	(void)sig;
}

static pthread_t waiter;

static void *interrupt_later(void *w)
{
	(void)w;
	usleep(30000);
	pthread_kill(waiter, SIGUSR1);
	return NULL;
}

static void waiting(void)
{
	struct shmfs *s = store_new(store_path("waiting"));
	struct shmfs_watch *w = watch(s, 0);
	struct shmfs_watch_event e;
	a32 *wake = &((struct sfs_watchpage *)sfs_at(s, SFS_AT_WATCH))->ring[SFS_RING_ASKED].wake;
	uint32_t woken = sfs_relaxed(wake);
	uint64_t before = clock_us();
	pthread_t thread;
	size_t n;

	CU_ASSERT_EQUAL(shmfs_watch_wait(w, 150, &e, 1, &n), -ETIMEDOUT);
	CU_ASSERT(clock_us() - before >= 150000);
	want(w, "k");
	pthread_create(&thread, NULL, change_later, s);
	before = clock_us();
	CU_ASSERT_EQUAL(shmfs_watch_wait(w, -1, &e, 1, &n), 0);
	CU_ASSERT(clock_us() - before >= 30000);
	CU_ASSERT(sfs_relaxed(wake) != woken); /* it did not find out after a nap */
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, wake_later, w);
	CU_ASSERT_EQUAL(shmfs_watch_wait(w, -1, &e, 1, &n), -ECANCELED);
	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nothing}, NULL);
	waiter = pthread_self();
	pthread_create(&thread, NULL, interrupt_later, w);
	CU_ASSERT_EQUAL(shmfs_watch_wait(w, -1, &e, 1, &n), -EINTR);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(shmfs_watch_wait(w, 0, &e, 0, &n), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_watch_wait(w, 0, NULL, 1, &n), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_watch_open(s, &w, 4), -EINVAL);
	shmfs_watch_close(w);
	store_close(s);
}

/* ---- other processes ------------------------------------------------------------------ */

static int use_in_child(void *arg)
{
	struct shmfs_watch *w = arg;
	struct shmfs_watch_event e;
	size_t n;
	int good = shmfs_watch_wait(w, 0, &e, 1, &n) == SHMFS_E_FORKED &&
	           shmfs_watch_add(w, "k", 1, NULL) == SHMFS_E_FORKED;

	shmfs_watch_wake(w);
	shmfs_watch_close(w);
	return !good;
}

static void forked(void)
{
	struct shmfs *s = store_new(store_path("fork"));
	struct shmfs_watch *w = watch(s, 0), *poll = watch(s, SHMFS_WATCH_POLL);

	want(w, "k");
	CU_ASSERT_EQUAL(in_child(use_in_child, w), 0);
	CU_ASSERT_EQUAL(in_child(use_in_child, poll), 0);
	CU_ASSERT_EQUAL(store_stat(s).watchers, 1);
	store_put(s, "k", "v");
	CU_ASSERT_EQUAL(told(w).kind, SHMFS_WATCH_CREATED);
	shmfs_watch_close(poll);
	shmfs_watch_close(w);
	store_close(s);
}

/* A child that watches, and waits to be killed. */
static pid_t watcher(const char *path, uint32_t flags)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct shmfs *s = store_open(path, SHMFS_RDWR);
		struct shmfs_watch_event e;
		struct shmfs_watch *w;
		size_t n;

		if (shmfs_watch_open(s, &w, flags) || shmfs_watch_add(w, "k", 1, NULL))
			_exit(1);
		raise(SIGSTOP);
		if (shmfs_watch_wait(w, 5000, &e, 1, &n))
			_exit(2);
		_exit(flags && e.kind != SHMFS_WATCH_EVERYTHING ? 3 : 0);
	}
	CU_ASSERT(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	return pid;
}

static void dead_watchers(void)
{
	const char *path = store_path("dead");
	struct shmfs *s = store_new(path);
	struct shmfs_watch *w;
	pid_t pid[2] = {watcher(path, 0), watcher(path, SHMFS_WATCH_ALL)};

	CU_ASSERT_EQUAL(store_stat(s).watchers, 2);
	CU_ASSERT_EQUAL(sfs_relaxed(&s->live->followers), 2);
	store_close(store_open(path, SHMFS_RDWR));
	CU_ASSERT_EQUAL(store_stat(s).watchers, 2);
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	/* its place is free for the next, ... */
	w = watch(s, 0);
	CU_ASSERT_EQUAL(store_stat(s).watchers, 2);
	/* ... and who opens the store clears up */
	store_close(store_open(path, SHMFS_RDWR));
	CU_ASSERT_EQUAL(store_stat(s).watchers, 1);
	CU_ASSERT_EQUAL(sfs_relaxed(&s->live->followers), 0);
	shmfs_watch_close(w);
	store_close(s);
}

static void stopped(void)
{
	const char *path = store_path("stopped");
	struct shmfs *s = store_new(path);
	pid_t pid[2] = {watcher(path, 0), watcher(path, SHMFS_WATCH_ALL)};
	uint64_t before = clock_us();
	int status;

	for (int i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	CU_ASSERT(clock_us() - before < 2000000);
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGCONT);
		CU_ASSERT(waitpid(pid[i], &status, 0) == pid[i]);
		CU_ASSERT_EQUAL(status, 0);
	}
	store_close(s);
}

/* A copy of the file, watchers and all, is another session. */
static void new_session(void)
{
	const char *path = store_path("session"), *copy = store_path("copy");
	struct shmfs *s = NULL;
	struct shmfs_watch *w;
	struct bytes b;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	w = watch(s, SHMFS_WATCH_ALL);
	for (unsigned set = 0; set < SFS_SETS; set++)
		CU_ASSERT_EQUAL(shmfs_watch_add_set(w, set), 0);
	shmfs_watch_close(w);
	w = watch(s, 0);
	for (unsigned set = 0; set < SFS_SETS; set++)
		CU_ASSERT_EQUAL(shmfs_watch_add_set(w, set), 0);
	store_put(s, "k", "v");
	shmfs_watch_close(w);
	store_close(s);
	b = file_read(path); /* with what the watchers left, as if they were there still */
	CU_ASSERT_FATAL(b.size > SFS_METADATA_BYTES);
	memset(b.data + SFS_AT_LIVE + offsetof(struct sfs_live, watchers), 255, 16);
	file_write(copy, b.data, b.size);
	free(b.data);
	s = store_open(copy, SHMFS_RDWR);
	CU_ASSERT_EQUAL(store_stat(s).watchers, 0);
	CU_ASSERT_EQUAL(sfs_relaxed(&s->live->followers), 0);
	for (uint64_t at = SFS_AT_WATCH; at < SFS_METADATA_BYTES; at += 8)
		if (at < SFS_AT_FILL || at >= SFS_AT_RING_ALL)
			CU_ASSERT_EQUAL_FATAL(sfs_relaxed((a64 *)sfs_at(s, at)), 0);
	store_close(s);
}

/* Whatever stands in the region: nothing is written elsewhere, no wait is endless, and what is told after
 * it is told. */
static void damaged(void)
{
	uint64_t seed = env_seed("WATCH_SEED");
	struct rng r = {seed};
	struct shmfs *s = store_new(store_path("damaged"));
	struct shmfs_watch *all = watch(s, SHMFS_WATCH_ALL), *w = watch(s, 0);
	struct shmfs_watch_event e[64];
	char key[100];
	size_t n, size;

	printf("# WATCH_SEED=%llu\n", (unsigned long long)seed);
	for (int round = 0; round < 300; round++) {
		uint64_t bytes = round % 3 ? 200 : SFS_AT_FILL - SFS_AT_WATCH;

		for (uint64_t i = 0; i < bytes; i++)
			*((a8 *)sfs_at(s, (i % 2 ? SFS_AT_RING_ALL : SFS_AT_WATCH)) +
			  rng_below(&r, i % 2 ? 98304 : SFS_AT_FILL - SFS_AT_WATCH)) = (uint8_t)rng_next(&r);
		for (int i = 0; i < 20; i++) {
			want(w, "k");
			CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
		}
		for (int both = 0; both < 2; both++) {
			struct shmfs_watch *at = both ? all : w;

			for (int i = 0; shmfs_watch_wait(at, 0, e, 64, &n) == 0; i++) {
				CU_ASSERT_FATAL(i < 200);
				for (size_t j = 0; j < n; j++) {
					CU_ASSERT(e[j].kind >= SHMFS_WATCH_CHANGED && e[j].kind <= SHMFS_WATCH_EVERYTHING);
					CU_ASSERT(e[j].set < SFS_SETS);
					size = sizeof(key);
					shmfs_watch_key(at, &e[j], key, &size);
				}
			}
		}
	}
	store_put(s, "k", "w");
	CU_ASSERT(tells(all, SHMFS_WATCH_CHANGED, "k"));
	shmfs_watch_close(w);
	shmfs_watch_close(all);
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a wait ends by a change, a time, a wake or a signal", waiting},
	{"a watcher does not survive fork", forked},
	{"dead watchers are forgotten", dead_watchers},
	{"a stopped watcher makes no writer wait", stopped},
	{"a damaged watch region harms nobody", damaged},
	{"a new session has no watchers and no interest", new_session},
};

HARNESS_MAIN("watchlife", tests)
