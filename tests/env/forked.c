/* SPDX-License-Identifier: MIT */
/* fork() beside everything: the child's copy of a handle is dead and holds nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/lock.h"
#include "env.h"

/* ---- a child that outlives ----------------------------------------------------------------- */

/* Opens, takes the lock, forks a child that lives on, and is killed. */
static int dies_with_child(struct child *c)
{
	struct shmfs *s = store_open(c->path, SHMFS_RDWR);
	pid_t pid;

	sfs_lock_take(s, &s->live->lock);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		c->stage->count = (uint64_t)getpid();
		for (;;)
			pause();
	}
	while (!c->stage->count)
		usleep(200);
	child_wait(c);
	return 0;
}

static void lease_of_the_dead(void)
{
	const char *path = store_path("outlives");
	struct shmfs *s = store_new(path);
	struct child c = child_start(dies_with_child, path, 0);
	uint64_t start;
	pid_t living;

	CU_ASSERT(child_at(&c, 1));
	living = (pid_t)c.stage->count;
	CU_ASSERT_EQUAL(store_stat(s).writers, 2);
	child_kill(&c, SIGKILL);
	CU_ASSERT_EQUAL(store_stat(s).writers, 1);
	start = clock_us();
	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	CU_ASSERT(clock_us() - start < 2000000);
	CU_ASSERT_EQUAL(kill(living, 0), 0); /* it lived all the time */
	kill(living, SIGKILL);
	store_good(s);
	store_close(s);
}

/* A child that lives on must not keep the last close from being the last. */
static void last_close(void)
{
	const char *path = store_path("last"), *copy = store_path("last-copy");
	struct shmfs *s = store_new(path), *r;
	pid_t pid;

	store_put(s, "k", "v");
	r = store_open(path, SHMFS_RDONLY);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		for (;;)
			pause();
	}
	store_close(r);
	store_close(s);
	copy_file(path, copy); /* closed, or else the copy is refused */
	CU_ASSERT_EQUAL(try_open(copy, SHMFS_RDONLY), 0);
	s = store_open(path, SHMFS_RDWR); /* nobody has the gate */
	CU_ASSERT_EQUAL(store_stat(s).writers, 1);
	CU_ASSERT_EQUAL(store_stat(s).readers_present, 0);
	store_close(s);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* As posix_spawn() does it in another thread: a child with a copy of the descriptors. */
static int keeps_descriptors(void *arg)
{
	(void)arg;
	usleep(300000);
	_exit(0);
}

static void between_fork_and_exec(void)
{
	const char *path = store_path("spawn"), *copy = store_path("spawn-copy");
	struct shmfs *s = store_new(path);
	static char stack[65536];
	pid_t pid;

	store_put(s, "k", "v");
	pid = clone(keeps_descriptors, stack + sizeof(stack), SIGCHLD, NULL);
	CU_ASSERT(pid > 0);
	store_close(s);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT_EQUAL(store_stat(s).writers, 1);
	store_close(s);
	copy_file(path, copy);
	CU_ASSERT_EQUAL(try_open(copy, SHMFS_RDONLY), 0);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, WNOHANG), 0);
	waitpid(pid, NULL, 0);
}

/* ---- fork while busy ------------------------------------------------------------------------ */

struct busy {
	struct shmfs *s;
	volatile bool stop;
};

static void *keep_busy(void *arg)
{
	struct busy *b = arg;
	struct shmfs *other;

	for (uint64_t n = 0; !b->stop; n++) {
		if (shmfs_put(b->s, &n, n % 8, "value", 5, 0, NULL) || frame_put(b->s, n))
			CU_FAIL("the parent's put");
		if (n % 64 == 0) { /* the lists of handles and of windows change, too */
			other = store_open(store_path("other"), SHMFS_RDWR | SHMFS_CREATE);
			store_close(other);
		}
	}
	return NULL;
}

/* The parent's handle is dead; one of its own works, on the same store, while the parent writes. */
static int in_the_child(struct shmfs *s, const char *path, uint64_t n)
{
	struct shmfs *own;
	char room[8];
	size_t size = sizeof(room);

	alarm(20);
	WANT(shmfs_get(s, "k", 1, room, &size, NULL) == SHMFS_E_FORKED);
	WANT(shmfs_put(s, "k", 1, "v", 1, 0, NULL) == SHMFS_E_FORKED);
	WANT(shmfs_log_append(s, "v", 1, NULL) == SHMFS_E_FORKED);
	WANT(n % 2 || shmfs_close(s) == 0);
	WANT(shmfs_open(&own, path, SHMFS_RDWR, NULL) == 0);
	WANT(shmfs_put(own, "child", 5, &n, sizeof(n), 0, NULL) == 0);
	WANT(shmfs_close(own) == 0);
	return 0;
}

static void while_busy(void)
{
	enum { FORKS = 150 };
	const char *path = store_path("busy");
	struct busy b = {store_new(path), false};
	uint64_t got = 0;
	size_t size = sizeof(got);
	pthread_t thread;

	pthread_create(&thread, NULL, keep_busy, &b);
	for (uint64_t n = 0; n < FORKS; n++) {
		int status = -1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0)
			_exit(in_the_child(b.s, path, n));
		waitpid(pid, &status, 0);
		CU_ASSERT_EQUAL(status, 0);
		CU_ASSERT_EQUAL(shmfs_get(b.s, "child", 5, &got, &size, NULL), 0);
		CU_ASSERT_EQUAL(got, n);
	}
	b.stop = true;
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(store_stat(b.s).writers, 1); /* the lease is the parent's still */
	store_good(b.s);
	store_close(b.s);
}

/* A thread holds the lock when the child is made: the child can write all the same, once it is free. */
static int writes_in_child(void *arg)
{
	struct shmfs *s = store_open(arg, SHMFS_RDWR);

	alarm(20);
	WANT(store_put(s, "child", "v") == 0);
	return shmfs_close(s) != 0;
}

static void *let_go(void *arg)
{
	struct shmfs *s = arg;

	usleep(100000);
	sfs_lock_drop(&s->live->lock);
	pthread_mutex_unlock(&s->writer);
	return NULL;
}

static void while_locked(void)
{
	const char *path = store_path("locked");
	struct shmfs *s = store_new(path);
	pthread_t thread;

	pthread_mutex_lock(&s->writer);
	sfs_lock_take(s, &s->live->lock);
	pthread_create(&thread, NULL, let_go, s);
	CU_ASSERT_EQUAL(in_child(writes_in_child, (void *)path), 0);
	pthread_join(thread, NULL);
	CU_ASSERT(store_has(s, "child", "v"));
	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a killed writer's lease is free though a child of it lives on", lease_of_the_dead},
	{"a child that lives on does not keep the store open", last_close},
	{"nor does one between fork and exec", between_fork_and_exec},
	{"a fork while threads put, append, open and close does no harm", while_busy},
	{"a fork while a thread holds the lock does no harm", while_locked},
};

HARNESS_MAIN("forked", tests)
