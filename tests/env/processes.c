/* SPDX-License-Identifier: MIT */
/* Processes of other namespaces, killed with the lock; and processes that are stopped. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/lock.h"
#include "env.h"

/* ---- namespaces ------------------------------------------------------------------------------ */

/* Counts up in a PID namespace of its own, where it is process 1 as all the others are; every
 * twentieth of them dies with the lock.  what: mount the directory elsewhere, too. */
static int counts(struct child *c)
{
	char dir[5000], path[5100];
	struct shmfs *s;

	snprintf(path, sizeof(path), "%s", c->path);
	if (c->what) {
		const char *name = strrchr(c->path, '/');

		snprintf(dir, sizeof(dir), "%s.mnt", c->path);
		mkdir(dir, 0700);
		WANT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
		WANT(mount(harness_dir(), dir, NULL, MS_BIND, NULL) == 0);
		snprintf(path, sizeof(path), "%s%s", dir, name);
	}
	WANT(getpid() == 1);
	s = store_open(path, SHMFS_RDWR);
	child_wait(c);
	for (int i = 0; i < 300; i++) {
		WANT(shmfs_add(s, "sum", 3, 1, NULL, NULL) == 0);
		WANT(frame_put(s, 1) == 0);
		__atomic_add_fetch(&c->stage->count, 1, __ATOMIC_SEQ_CST);
	}
	sfs_lock_take(s, &s->live->lock);
	child_wait(c); /* and is killed here */
	return 1;
}

/* The namespace's first process; this one only waits for it. */
static int in_namespace(struct child *c)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID | (c->what ? CLONE_NEWNS : 0)))
		return 77;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* alarm() does not end a process 1 */
		_exit(counts(c));
	}
	if (waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 1;
}

/* Kill the process inside, whose number here is a child's of the one we know. */
static void kill_inside(const struct child *c)
{
	char name[100], line[32] = "";
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)c->pid, (int)c->pid);
	f = fopen(name, "r");
	if (f && fgets(line, sizeof(line), f) && atoi(line) > 0)
		kill(atoi(line), SIGKILL);
	if (f)
		fclose(f);
}

static void namespaces(void)
{
	const char *path = store_path("namespaces");
	struct shmfs *s = store_new(path);
	uint64_t wanted = 0, start, worst = 0;
	double sum = 0;
	size_t size = sizeof(sum);

	for (int round = 0; round < 6; round++) {
		struct child c[2];

		for (int i = 0; i < 2; i++)
			c[i] = child_start(in_namespace, path, i);
		for (int i = 0; i < 2; i++)
			if (!child_at(&c[i], 1)) {
				CU_ASSERT_EQUAL(child_end(&c[i]), 77);
				child_kill(&c[!i], SIGKILL);
				store_close(s);
				harness_skip("needs root, for namespaces");
				return;
			}
		child_go(&c[0]);
		child_go(&c[1]);
		for (int left = 2; left > 0; left--) {
			int i = 0;

			/* one has the lock; when it is killed the other one gets it */
			while (c[i].stage->ready < 2) {
				usleep(200);
				i = (i + 1) % left;
			}
			wanted += c[i].stage->count;
			kill_inside(&c[i]);
			CU_ASSERT_EQUAL(child_end(&c[i]), 0);
			c[i] = c[1];
		}
		start = clock_us();
		CU_ASSERT_EQUAL(shmfs_add(s, "sum", 3, 1, NULL, NULL), 0);
		if (clock_us() - start > worst)
			worst = clock_us() - start;
		wanted++;
	}
	CU_ASSERT_EQUAL(shmfs_get(s, "sum", 3, &sum, &size, NULL), 0);
	CU_ASSERT_EQUAL(sum, (double)wanted);
	CU_ASSERT_EQUAL(wanted, 6 * 601);
	printf("# longest wait for the dead of another namespace: %.1f ms\n", (double)worst / 1000);
	CU_ASSERT(worst < 1000000);
	store_good(s);
	store_close(s);
}

/* ---- stopped --------------------------------------------------------------------------------- */

enum { LOCKED, APPENDING };

static int holds(struct child *c)
{
	struct shmfs *s = store_open(c->path, SHMFS_RDWR);
	struct shmfs_batch *b = NULL;
	void *data;

	if (c->what == LOCKED) {
		pthread_mutex_lock(&s->writer);
		sfs_lock_take(s, &s->live->lock);
	} else {
		WANT(shmfs_log_begin(s, &b, 8, 1) == 0 && shmfs_log_frame(b, 8, &data) == 0);
		memcpy(data, "stopped\n", 8);
	}
	child_wait(c);
	if (c->what == LOCKED) {
		sfs_lock_drop(&s->live->lock);
		pthread_mutex_unlock(&s->writer);
		WANT(store_put(s, "went", "on") == 0);
	} else {
		WANT(shmfs_log_commit(b, NULL) == 0);
	}
	WANT(shmfs_close(s) == 0);
	return 0;
}

/* Stopped for sure: kill() returns before. */
static void stop(struct child *c)
{
	kill(c->pid, SIGSTOP);
	waitpid(c->pid, NULL, WUNTRACED);
}

struct call {
	struct shmfs *s;
	int (*run)(struct shmfs *s);
	volatile bool done;
	volatile int got;
	pthread_t thread;
};

static void *run_call(void *arg)
{
	struct call *c = arg;

	c->got = c->run(c->s);
	c->done = true;
	return NULL;
}

static struct call *begin(struct shmfs *s, int (*run)(struct shmfs *s))
{
	struct call *c = calloc(1, sizeof(*c));

	*c = (struct call){.s = s, .run = run};
	pthread_create(&c->thread, NULL, run_call, c);
	return c;
}

static int end(struct call *c)
{
	int got;

	pthread_join(c->thread, NULL);
	got = c->got;
	free(c);
	return got;
}

static int a_put(struct shmfs *s)
{
	return store_put(s, "waited", "v");
}

/* Reads for 200 ms: how many a second. */
static double reads(struct shmfs *r)
{
	uint64_t start = clock_us(), n = 0, now;

	do {
		for (int i = 0; i < 100; i++, n++)
			if (!store_has(r, "k", "v"))
				return 0;
		now = clock_us();
	} while (now - start < 200000);
	return (double)n * 1e6 / (double)(now - start);
}

static void stopped_writer(void)
{
	const char *path = store_path("stopped");
	struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);
	struct call *waiting;
	struct child c;
	double rate;

	CU_ASSERT(store_put(s, "k", "v") == 0 && frame_put(s, 0) == 0);
	c = child_start(holds, path, LOCKED);
	CU_ASSERT(child_at(&c, 1));
	stop(&c);
	waiting = begin(s, a_put);
	rate = reads(r);
	printf("# reads beside a stopped writer: %.0f/s\n", rate);
	CU_ASSERT(rate > 1000);
	CU_ASSERT(!waiting->done && store_has(r, "waited", NULL));
	CU_ASSERT_EQUAL(frame_put(s, 1), 0); /* the log needs no lock, while its segment has space */
	child_go(&c);
	kill(c.pid, SIGCONT);
	CU_ASSERT_EQUAL(end(waiting), 0);
	CU_ASSERT_EQUAL(child_end(&c), 0);
	CU_ASSERT(store_has(r, "waited", "v") && store_has(r, "went", "on"));
	store_close(r);
	store_good(s);
	store_close(s);
}

static void stopped_and_killed(void)
{
	const char *path = store_path("stopped");
	struct shmfs *s = store_new(path);
	struct child c = child_start(holds, path, LOCKED);
	struct call *waiting;
	uint64_t start;

	CU_ASSERT(child_at(&c, 1));
	stop(&c);
	waiting = begin(s, a_put);
	usleep(100000);
	CU_ASSERT(!waiting->done);
	start = clock_us();
	child_kill(&c, SIGKILL);
	CU_ASSERT_EQUAL(end(waiting), 0);
	printf("# from the kill to the put: %.1f ms\n", (double)(clock_us() - start) / 1000);
	CU_ASSERT(clock_us() - start < 1000000);
	store_good(s);
	store_close(s);
}

static void appender(bool dies)
{
	const char *path = store_path("appender");
	struct shmfs *s = store_durable(path), *r;
	struct shmfs_reader *reader;
	struct call *syncing;
	char room[16];
	size_t size = sizeof(room);
	struct child c;

	if (!s)
		return;
	CU_ASSERT_EQUAL(frame_put(s, 0), 0);
	r = store_open(path, SHMFS_RDONLY);
	CU_ASSERT_EQUAL(shmfs_reader_open(r, &reader, SHMFS_LOG_BEGIN), 0);
	c = child_start(holds, path, APPENDING);
	CU_ASSERT(child_at(&c, 1));
	stop(&c);
	for (uint64_t n = 1; n <= 1000; n++)
		CU_ASSERT_EQUAL(frame_put(s, n), 0);
	CU_ASSERT_EQUAL(frame_next(reader), 0);
	CU_ASSERT_EQUAL(frame_next(reader), -ENODATA); /* what comes behind waits */
	syncing = begin(s, shmfs_sync);
	usleep(200000);
	CU_ASSERT(!syncing->done);
	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0); /* sync does not wait under the lock */
	CU_ASSERT(!syncing->done);
	CU_ASSERT_EQUAL(shmfs_reader_wait(reader, 50), -ETIMEDOUT);
	if (dies) {
		child_kill(&c, SIGKILL);
	} else {
		child_go(&c);
		kill(c.pid, SIGCONT);
		CU_ASSERT_EQUAL(child_end(&c), 0);
	}
	CU_ASSERT_EQUAL(end(syncing), 0);
	if (!dies)
		CU_ASSERT(shmfs_reader_next(reader, room, &size, NULL) == 0 && !memcmp(room, "stopped\n", 8));
	for (int64_t n = 1; n <= 1000; n++)
		CU_ASSERT_EQUAL(frame_next(reader), n);
	shmfs_reader_close(reader);
	store_close(r);
	store_good(s);
	store_close(s);
}

static void stopped_appender(void)
{
	appender(false);
}

static void killed_appender(void)
{
	appender(true);
}

static const struct harness_test tests[] = {
	{"writers of several PID and mount namespaces outlive each other's kills", namespaces},
	{"beside a stopped writer readers read, writers wait and go on with it", stopped_writer},
	{"when a stopped writer is killed the others go on", stopped_and_killed},
	{"beside a stopped appender others append and put, sync waits for it", stopped_appender},
	{"when a stopped appender is killed its frame never was, and sync goes on", killed_appender},
};

HARNESS_MAIN("processes", tests)
