/* SPDX-License-Identifier: MIT */
/*
 * kill -9 among appenders:
 *
 *	[LOGKILL_ROUNDS=n] [LOGKILL_SEED=n] logkill [DIR...]
 *
 * Four processes append: frames, batches, batches in place; between them they put keys and move
 * cursors.  A read-only reader follows.  Round after round all four are killed at once, and the
 * log is read from where the round began: every acknowledged frame is there once, in order per
 * writer; every batch is whole or absent; the writers' cursors and keys are what was
 * acknowledged; the audit finds nothing.  Without DIR: in /dev/shm, and on a loop-mounted ext4.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "logkill.h"

struct torture {
	char path[4096];
	struct logbooks *books;
	struct rng rng;
	struct shmfs_options options;
	pid_t pids[LOG_WRITERS], reader;
	struct follower follower;
	uint64_t kills;
};

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static pid_t spawn(struct torture *t, unsigned i)
{
	uint64_t seed = rng_next(&t->rng);
	pid_t pid = fork_child();

	if (pid)
		return pid;
	if (i == LOG_WRITERS)
		logreader_run(t->path, t->books);
	logwriter_run(t->path, t->books, i, seed);
}

static void reap(struct torture *t, pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		die("a child of %s ended by itself, status %#x", t->path, status);
	t->kills++;
}

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	printf("# %s: %#llx: %s\n", ((struct torture *)arg)->path, (unsigned long long)offset, text);
}

static void compare(struct torture *t, struct shmfs *s, unsigned w)
{
	atomic_ulong *put = t->books->put[w];
	uint64_t number;
	size_t size = sizeof(number);
	char name[2] = {'w', (char)('0' + w)};
	int got;

	follow_settle(&t->follower, s, w, &t->books->writer[w]);
	got = shmfs_get(s, name, 2, &number, &size, NULL);
	if (got != -ENOENT || atomic_load(&put[0]))
		must(got, "get");
	number = got ? 0 : number;
	if (number != atomic_load(&put[0]) && number != atomic_load(&put[1]))
		die("writer %u: its key says %llu, not %lu nor %lu", w, (unsigned long long)number,
		    atomic_load(&put[0]), atomic_load(&put[1]));
	atomic_store(&put[0], number);
	atomic_store(&put[1], number);
}

static void look_after(struct torture *t)
{
	struct shmfs_check_result r = {.struct_size = sizeof(r)};
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};
	bool read_only = rng_once_in(&t->rng, 3);
	struct shmfs *s;

	must(shmfs_open(&s, t->path, read_only ? SHMFS_RDONLY : SHMFS_RDWR, NULL), "open");
	must(shmfs_check(s, &r, print_problem, t), "check");
	if (r.problems)
		die("check found %llu problems", (unsigned long long)r.problems);
	follow(&t->follower, s);
	/* a commit cut off in the middle is completed by the next writer, and not decided before */
	if (read_only) {
		must(shmfs_close(s), "close");
		must(shmfs_open(&s, t->path, SHMFS_RDWR, NULL), "open");
	}
	for (unsigned w = 0; w < LOG_WRITERS; w++)
		compare(t, s, w);
	must(shmfs_log_bounds(s, &b), "bounds");
	for (unsigned w = 0; w < LOG_WRITERS; w++)
		b.frames -= t->follower.next[w];
	if (b.frames + b.trimmed_frames)
		die("bounds count %lld frames too many", (long long)(b.frames + b.trimmed_frames));
	must(shmfs_close(s), "close");
}

static void run(const char *dir, const char *what, uint64_t limit, struct budget budget, uint64_t seed)
{
	struct torture t = {.rng = {seed}, .options = {.struct_size = sizeof(t.options), .log_limit = limit}};
	uint64_t start = clock_us(), i;
	struct shmfs *s;

	t.books = mmap(NULL, sizeof(*t.books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.books == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	scratch(t.path, sizeof(t.path), dir, "logkill");
	must(shmfs_open(&s, t.path, SHMFS_RDWR | SHMFS_CREATE, &t.options), "create");
	must(shmfs_close(s), "close");
	t.follower.limited = limit;
	t.reader = spawn(&t, LOG_WRITERS);
	for (i = 0; budget_lasts(&budget, i); i++) {
		for (unsigned w = 0; w < LOG_WRITERS; w++)
			t.pids[w] = spawn(&t, w);
		usleep((useconds_t)(rng_size(&t.rng, 30000) + 500));
		for (unsigned w = 0; w < LOG_WRITERS; w++)
			kill(t.pids[w], SIGKILL);
		for (unsigned w = 0; w < LOG_WRITERS; w++)
			reap(&t, t.pids[w]);
		look_after(&t);
		/* so that it does not fill the disk */
		if (!limit && i % 8 == 0) {
			must(shmfs_open(&s, t.path, SHMFS_RDWR, NULL), "open");
			must(shmfs_log_trim(s, t.follower.position), "trim");
			must(shmfs_close(s), "close");
		}
	}
	kill(t.reader, SIGKILL);
	reap(&t, t.reader);
	passed("%llu kills, four at once, lose and tear no frame in %s%s (%llu rounds, %llu frames, %lu read "
	       "beside, %.1f s; longest read %.1f ms)",
	       (unsigned long long)t.kills, what, limit ? ", with a limit" : "", (unsigned long long)i,
	       (unsigned long long)t.follower.frames, atomic_load(&t.books->reads), (double)(clock_us() - start) / 1e6,
	       (double)atomic_load(&t.books->worst_us) / 1e3);
	munmap(t.books, sizeof(*t.books));
	unlink(t.path);
}

static void run_both(const char *dir, const char *what, uint64_t seed, unsigned dirs)
{
	run(dir, what, 0, env_budget("LOGKILL_ROUNDS", 600, 2 * dirs), seed);
	run(dir, what, 32 << 20, env_budget("LOGKILL_ROUNDS", 600, 2 * dirs), ~seed);
}

int main(int argc, char **argv)
{
	uint64_t seed = env_seed("LOGKILL_SEED");
	char disk[100];
	const char *why;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# LOGKILL_SEED=%llu\n", (unsigned long long)seed);
	for (int i = 1; i < argc; i++)
		run_both(argv[i], argv[i], seed + (unsigned)i, (unsigned)argc - 1);
	if (argc > 1)
		return 0;
	run_both("/dev/shm", "/dev/shm", seed, 2);
	why = disk_make(disk, sizeof(disk), "ext4", 1024);
	if (why)
		skipped("appenders are killed on an ext4 of their own", why);
	run_both(why ? disk_dir() : disk, why ? disk_dir() : "ext4", seed + 1, 2);
	return 0;
}
