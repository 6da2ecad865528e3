/* SPDX-License-Identifier: MIT */
/*
 * Full disks:
 *
 *	[FULL_ROUNDS=n] [FULL_SEED=n] full
 *
 * A tmpfs and an ext4 of 64 MiB are filled to the last byte by puts and appends.  Every round a
 * writer is killed while it fills, another fills on until nothing goes any more, and what the store
 * left of the disk is taken by a file.  All that was acknowledged is there; everything can be
 * deleted; what was deleted is room for as much again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "fullfill.h"

#define MIB 64
#define LOG_RUN (UINT64_C(17) << 20) /* of one log segment */

struct torture {
	char path[200], ballast[200];
	struct fullbooks *books;
	struct rng rng;
	struct follower log;
	uint64_t fill_us; /* of the last whole fill */
	uint64_t kills, least, refill, left;
};

static unsigned char room[FULL_VALUE_TOP], large[MIB << 19];

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

/* ---- filling */

static pid_t start(struct torture *t)
{
	uint64_t seed = rng_next(&t->rng);
	pid_t pid = fork_child();

	if (pid)
		return pid;
	full_fill(t->path, t->books, seed);
}

static void fill_and_be_killed(struct torture *t)
{
	pid_t pid = start(t);
	int status;

	usleep((useconds_t)rng_below(&t->rng, t->fill_us));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : WEXITSTATUS(status))
		die("a writer on a disk that fills up ended with status %#x", status);
	t->kills += WIFSIGNALED(status);
}

static void fill(struct torture *t)
{
	uint64_t began = clock_us();
	pid_t pid = start(t);
	int status;

	if (waitpid(pid, &status, 0) < 0 || status)
		die("a writer on a full disk ended with status %#x", status);
	t->fill_us = clock_us() - began;
}

/* Take what is left of the disk, to the last byte; returns how much that was. */
static uint64_t take_rest(struct torture *t)
{
	static const char zeros[4096];
	int fd = open(t->ballast, O_WRONLY | O_CREAT, 0600);
	uint64_t bytes = 0;
	ssize_t got;

	for (size_t size = sizeof(zeros); fd >= 0 && size; size /= 2)
		while ((got = write(fd, zeros, size)) > 0)
			bytes += (uint64_t)got;
	/* ext4 takes blocks when it writes back; then there may be some more or less */
	if (fd < 0 || (fsync(fd) && errno != ENOSPC) || close(fd))
		die("%s: %s", t->ballast, strerror(errno));
	return bytes;
}

/* ---- looking */

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	printf("# %s: %#llx: %s\n", ((struct torture *)arg)->path, (unsigned long long)offset, text);
}

static bool holds(struct shmfs *s, uint32_t i, const struct fullstate *st)
{
	struct shmfs_info info;
	size_t size = sizeof(room);
	int got = shmfs_get(s, &i, sizeof(i), room, &size, &info);

	if (got && got != -ENOENT)
		die("get of key %u: %s", i, shmfs_strerror(got));
	return got ? !st->there : st->there && size == st->size && value_is(room, size, st->seed);
}

/* Everything acknowledged is there.  Returns the bytes of all values. */
static uint64_t look(struct torture *t, bool write)
{
	struct shmfs_check_result r = {.struct_size = sizeof(r)};
	struct fullbooks *b = t->books;
	uint64_t bytes = 0, keys = 0;
	uint32_t doing = atomic_load(&b->doing);
	struct shmfs *s;

	must(shmfs_open(&s, t->path, write ? SHMFS_RDWR : SHMFS_RDONLY, NULL), "open on a full disk");
	must(shmfs_check(s, &r, print_problem, t), "check");
	if (r.problems)
		die("check found %llu problems in %s", (unsigned long long)r.problems, t->path);
	if (doing && write && holds(s, doing - 1, &b->after))
		b->states[doing - 1] = b->after;
	for (uint32_t i = 0; i < FULL_KEYS; i++) {
		if (!holds(s, i, &b->states[i]) && (write || i + 1 != doing || !holds(s, i, &b->after)))
			die("key %u is not what was acknowledged", i);
		keys += b->states[i].there;
		bytes += b->states[i].there ? b->states[i].size : 0;
	}
	if (write) {
		atomic_store(&b->doing, 0);
		if (keys != r.keys)
			die("%llu keys, should be %llu", (unsigned long long)r.keys, (unsigned long long)keys);
	}
	follow(&t->log, s);
	follow_settle(&t->log, s, 0, &b->log);
	must(shmfs_close(s), "close on a full disk");
	return bytes;
}

/* No large value goes in, a reader sees all, and deletes work, in any order. */
static void empty(struct torture *t)
{
	uint32_t first = (uint32_t)rng_below(&t->rng, FULL_KEYS), all = !rng_once_in(&t->rng, 4);
	struct fullbooks *b = t->books;
	struct shmfs_log_bounds bounds = {.struct_size = sizeof(bounds)};
	struct shmfs *s;
	int got;

	must(shmfs_open(&s, t->path, SHMFS_RDWR, NULL), "open on a full disk");
	/* longer than what any cleaning wins */
	got = shmfs_put(s, "large", 5, large, sizeof(large), SHMFS_BYTES, NULL);
	if (got != -ENOSPC)
		die("a put on a full disk: %s", shmfs_strerror(got));
	for (uint32_t n = 0; n < FULL_KEYS; n++) {
		uint32_t i = (first + n * 7919u) % FULL_KEYS;

		if (!b->states[i].there || (!all && n % 4 == 0))
			continue;
		must(shmfs_del(s, &i, sizeof(i), 0, NULL), "del on a full disk");
		b->states[i].there = false;
	}
	must(shmfs_log_bounds(s, &bounds), "bounds");
	must(shmfs_log_trim(s, bounds.end), "trim on a full disk");
	must(shmfs_close(s), "close on a full disk");
}

/* ---- a round */

static void one_round(struct torture *t)
{
	uint64_t bytes, before, kept, left;

	fill_and_be_killed(t);
	look(t, !rng_once_in(&t->rng, 3));
	look(t, true);
	fill(t);
	left = take_rest(t);
	t->left = left > t->left ? left : t->left;
	look(t, false);
	before = look(t, true);
	t->least = before < t->least ? before : t->least;
	empty(t);
	kept = look(t, true);
	/* again, in the room of what was deleted: the file cannot grow */
	if (rng_once_in(&t->rng, 2))
		fill_and_be_killed(t);
	look(t, true);
	fill(t);
	bytes = look(t, true);
	/* less what is left at the ends of segments; and the log may have taken a segment */
	if (bytes + LOG_RUN < kept + (before - kept) / 2)
		die("room for %llu bytes only where %llu were", (unsigned long long)(bytes - kept),
		    (unsigned long long)(before - kept));
	t->refill = bytes < t->refill ? bytes : t->refill;
	empty(t);
	look(t, true);
	unlink(t->ballast);
}

/* 64 KiB are not enough for a store, and what was begun is not left behind. */
static void birth(struct torture *t, const char *type)
{
	struct stat st;
	struct shmfs *s;
	int got;

	take_rest(t);
	if (stat(t->ballast, &st) || truncate(t->ballast, st.st_size - 65536))
		die("%s: %s", t->ballast, strerror(errno));
	got = shmfs_open(&s, t->path, SHMFS_RDWR | SHMFS_CREATE, NULL);
	if (got != -ENOSPC || access(t->path, F_OK) == 0)
		die("creation with 64 KiB free: %s, and there is %s file", shmfs_strerror(got),
		    access(t->path, F_OK) ? "no" : "a");
	unlink(t->ballast);
	passed("a store is not created on %s with 64 KiB free, and leaves no file", type);
}

static void run(const char *type, uint64_t seed)
{
	struct torture t = {.rng = {seed}, .least = UINT64_MAX, .refill = UINT64_MAX, .fill_us = 200000};
	struct budget budget = env_budget("FULL_ROUNDS", 10, 2);
	uint64_t began = clock_us(), rounds;
	struct shmfs *s;
	char dir[100];
	const char *why = disk_make(dir, sizeof(dir), type, MIB);

	if (why) {
		char sentence[100];

		snprintf(sentence, sizeof(sentence), "a file system (%s) of %d MiB is filled", type, MIB);
		skipped(sentence, why);
		return;
	}
	snprintf(t.path, sizeof(t.path), "%s/s", dir);
	snprintf(t.ballast, sizeof(t.ballast), "%s/ballast", dir);
	t.books = mmap(NULL, sizeof(*t.books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.books == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	birth(&t, type);
	must(shmfs_open(&s, t.path, SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
	must(shmfs_close(s), "close");
	for (rounds = 0; budget_lasts(&budget, rounds); rounds++)
		one_round(&t);
	passed("%s of %d MiB, filled twice in each of %llu rounds, loses nothing, and what is deleted is room "
	       "again (%llu fillers killed, %.1f MiB stored at least, %.1f again, %.2f left by the store "
	       "at most, %llu frames, %.1f s)",
	       type, MIB, (unsigned long long)rounds, (unsigned long long)t.kills,
	       (double)t.least / (1 << 20), (double)t.refill / (1 << 20), (double)t.left / (1 << 20),
	       (unsigned long long)t.log.frames, (double)(clock_us() - began) / 1e6);
	munmap(t.books, sizeof(*t.books));
	disk_drop(dir);
}

int main(void)
{
	uint64_t seed = env_seed("FULL_SEED");

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# FULL_SEED=%llu\n", (unsigned long long)seed);
	run("tmpfs", seed);
	run("ext4", seed + 1);
	return 0;
}
