/* SPDX-License-Identifier: MIT */
/*
 * kill -9, at any moment:
 *
 *	[KILL_ROUNDS=n] [KILL_SEED=n] kill [DIR...]
 *
 * Two to four writers change keys, append to the log, move cursors and sync; a read-only reader
 * gets, walks and follows the log.  Round after round one, several or all of the writers are
 * killed, and the store is opened, checked and compared with their books: what was
 * acknowledged is there, byte for byte; what was in flight happened or did not, whole; nothing
 * else changed; and whoever still lives goes on.  Without DIR: in /dev/shm, and on a loop-mounted
 * ext4.  (The seed repeats the decisions of this program, not of the scheduler.)
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
#include "ledger.h"

struct torture {
	char path[4096];
	struct books *books;
	struct rng rng;
	uint64_t fillers;
	unsigned writers;
	pid_t pids[WRITERS_TOP + 1]; /* the last is the reader */
	bool dead[WRITERS_TOP];      /* in this round */
	struct follower log;
	unsigned long kills;
	uint64_t open_us, put_us; /* the longest first open and first put after a kill */
};

#define LOCKED_OUT 60 /* seconds */

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static void fill(struct torture *t)
{
	enum { BATCH = 100 };
	static unsigned char keys[BATCH][KEY_TOP], values[BATCH][FILLER_SIZE];
	struct shmfs_item items[BATCH];
	struct shmfs *s;
	uint64_t i = 0;

	must(shmfs_open(&s, t->path, SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
	must(shmfs_put(s, "probe", 5, NULL, 0, SHMFS_BYTES, NULL), "put");
	while (i < t->fillers) {
		size_t n = 0;

		for (; n < BATCH && i < t->fillers; n++, i++) {
			items[n] = (struct shmfs_item){.key = keys[n], .value = values[n]};
			items[n].key_size = filler_key(i, keys[n]);
			items[n].size = FILLER_SIZE;
			value_fill(values[n], FILLER_SIZE, i);
		}
		must(shmfs_put_many(s, items, n), "put_many");
	}
	must(shmfs_close(s), "close");
}

static void spawn(struct torture *t, unsigned i)
{
	uint64_t seed = rng_next(&t->rng);

	t->pids[i] = fork_child();
	if (t->pids[i])
		return;
	if (i == WRITERS_TOP)
		reader_run(t->path, t->books, t->fillers, seed);
	writer_run(t->path, t->books, i, seed);
}

/* Has been killed. */
static void reap(struct torture *t, unsigned i)
{
	int status;

	if (waitpid(t->pids[i], &status, 0) < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		die("%s %u ended by itself, status %#x", i == WRITERS_TOP ? "reader" : "writer", i, status);
	t->pids[i] = 0;
	t->kills++;
}

static void end(struct torture *t, unsigned i)
{
	kill(t->pids[i], SIGKILL);
	reap(t, i);
}

/* ---- after a kill */

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	printf("# %s: %#llx: %s\n", ((struct torture *)arg)->path, (unsigned long long)offset, text);
}

static uint64_t check(struct torture *t, struct shmfs *s)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};

	atomic_fetch_add(&t->books->checks, 1);
	must(shmfs_check(s, &result, print_problem, t), "check");
	atomic_fetch_add(&t->books->checks, 1);
	if (result.problems)
		die("check found %llu problems in %s", (unsigned long long)result.problems, t->path);
	return result.keys;
}

/* How long is it until a killed writer's lock is ours? */
static struct shmfs *open_first(struct torture *t, bool write)
{
	uint64_t start = clock_us(), opened;
	struct shmfs *s;

	must(shmfs_open(&s, t->path, write ? SHMFS_RDWR : SHMFS_RDONLY, NULL), "open after a kill");
	opened = clock_us();
	if (opened - start > t->open_us)
		t->open_us = opened - start;
	if (write) {
		must(shmfs_put(s, "probe", 5, &start, sizeof(start), SHMFS_BYTES, NULL), "put after a kill");
		if (clock_us() - opened > t->put_us)
			t->put_us = clock_us() - opened;
	}
	return s;
}

/* All writers are dead: the log counts as many frames as there were. */
static void check_bounds(struct torture *t, struct shmfs *s)
{
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};

	must(shmfs_log_bounds(s, &b), "bounds");
	if (b.frames + b.trimmed_frames != t->log.frames)
		die("bounds count %llu frames and %llu trimmed, %llu were there", (unsigned long long)b.frames,
		    (unsigned long long)b.trimmed_frames, (unsigned long long)t->log.frames);
}

static uint64_t compare_dead(struct torture *t, struct shmfs *s, bool repaired)
{
	uint64_t there = 0;

	for (unsigned i = 0; i < t->writers; i++)
		if (t->dead[i]) {
			there += compare_writer(s, &t->books->ledgers[i], i, repaired);
			follow_settle(&t->log, s, i, &t->books->ledgers[i].log);
		}
	return there;
}

static void look_after(struct torture *t, bool all, bool repaired, uint64_t samples)
{
	struct shmfs *s = open_first(t, repaired);
	uint64_t keys = check(t, s), there;

	if (repaired)
		follow_to_marker(&t->log, s);
	else
		follow(&t->log, s);
	there = compare_dead(t, s, repaired);
	if (all) {
		check_bounds(t, s);
		if (repaired && keys != there + t->fillers + 1)
			die("%llu keys, should be %llu", (unsigned long long)keys,
			    (unsigned long long)(there + t->fillers + 1));
	}
	compare_fillers(s, &t->rng, samples, t->fillers);
	if (repaired && rng_once_in(&t->rng, 4))
		must(shmfs_log_trim(s, t->log.position), "trim");
	must(shmfs_close(s), "close");
}

/* Those left go on: none waits for the dead. */
static void see_progress(struct torture *t)
{
	unsigned long reads = atomic_load(&t->books->reads);

	for (unsigned i = 0; i < t->writers; i++) {
		atomic_ulong *ops = &t->books->ledgers[i].ops;
		unsigned long done = atomic_load(ops);

		while (t->pids[i] && atomic_load(ops) == done)
			usleep(50);
	}
	while (t->pids[WRITERS_TOP] && atomic_load(&t->books->reads) == reads)
		usleep(50);
}

static void locked_out(int signal)
{
	static const char text[] = "not ok - kill: somebody waits for a dead writer\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

/* ---- a round */

/* One, several, or all. */
static bool choose(struct torture *t)
{
	uint64_t set = rng_below(&t->rng, (1u << t->writers) - 1) + 1;

	if (rng_once_in(&t->rng, 2))
		set = (1u << t->writers) - 1;
	for (unsigned i = 0; i < t->writers; i++)
		t->dead[i] = set >> i & 1;
	return set == (1u << t->writers) - 1;
}

static void one_round(struct torture *t)
{
	bool all = choose(t), at_once = rng_once_in(&t->rng, 2);

	for (unsigned i = 0; i <= WRITERS_TOP; i++)
		if (!t->pids[i] && (i < t->writers || i == WRITERS_TOP))
			spawn(t, i);
	usleep((useconds_t)(rng_size(&t->rng, 20000) + 300));
	alarm(LOCKED_OUT);
	for (unsigned i = 0; i < t->writers && at_once; i++)
		if (t->dead[i])
			kill(t->pids[i], SIGKILL);
	for (unsigned i = 0; i < t->writers; i++)
		if (t->dead[i])
			end(t, i);
	if (rng_once_in(&t->rng, 10))
		end(t, WRITERS_TOP);
	/* what only a writer can repair, once by a reader's eyes first */
	if (all && rng_once_in(&t->rng, 4))
		look_after(t, all, false, 100);
	look_after(t, all, true, 100);
	see_progress(t);
	alarm(0);
}

static void report(struct torture *t, const char *what, uint64_t rounds, uint64_t us)
{
	uint64_t ops = 0, worst = 0, slow = 0;

	for (unsigned i = 0; i < t->writers; i++) {
		ops += atomic_load(&t->books->ledgers[i].ops);
		slow += t->books->ledgers[i].slow;
		if (t->books->ledgers[i].worst_us > worst)
			worst = t->books->ledgers[i].worst_us;
	}
	passed("%lu kills of %u writers of a store of %llu keys in %s lose and tear nothing, lock nobody out "
	       "(%llu rounds, %llu operations, %llu frames; beside them %lu gets, %lu walks, %lu frames; "
	       "%.1f s; longest operation %.1f ms, %llu beyond 20 ms; after a kill longest open %.1f ms, "
	       "put %.1f ms)",
	       t->kills, t->writers, (unsigned long long)t->fillers, what, (unsigned long long)rounds,
	       (unsigned long long)ops, (unsigned long long)t->log.frames, atomic_load(&t->books->reads),
	       atomic_load(&t->books->walks), atomic_load(&t->books->frames), (double)us / 1e6,
	       (double)worst / 1e3, (unsigned long long)slow, (double)t->open_us / 1e3,
	       (double)t->put_us / 1e3);
}

static void run(const char *dir, const char *what, uint64_t fillers, struct budget budget, uint64_t seed)
{
	struct torture t = {.rng = {seed}, .fillers = fillers};
	uint64_t start = clock_us(), rounds;

	scratch(t.path, sizeof(t.path), dir, "kill");
	t.books = mmap(NULL, sizeof(*t.books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.books == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	t.writers = 2 + (unsigned)rng_below(&t.rng, WRITERS_TOP - 1);
	fill(&t);
	for (rounds = 0; budget_lasts(&budget, rounds); rounds++)
		one_round(&t);
	for (unsigned i = 0; i <= WRITERS_TOP; i++) {
		if (i < t.writers)
			t.dead[i] = true;
		if (t.pids[i])
			end(&t, i);
	}
	look_after(&t, true, true, fillers);
	report(&t, what, rounds, clock_us() - start);
	munmap(t.books, sizeof(*t.books));
	unlink(t.path);
}

/* Rounds: two thirds with a small tree, one with a large. */
static void run_both(const char *dir, const char *what, uint64_t seed, unsigned dirs)
{
	struct budget small = env_budget("KILL_ROUNDS", 300, 2 * dirs), large;

	if (small.rounds != UINT64_MAX)
		small.rounds = small.rounds * 4 / 3;
	run(dir, what, 50, small, seed);
	large = env_budget("KILL_ROUNDS", 300, 2 * dirs);
	if (large.rounds != UINT64_MAX)
		large.rounds = large.rounds * 2 / 3;
	run(dir, what, 200000, large, ~seed);
}

int main(int argc, char **argv)
{
	uint64_t seed = env_seed("KILL_SEED");
	char disk[100];
	const char *why;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, locked_out);
	printf("# KILL_SEED=%llu\n", (unsigned long long)seed);
	for (int i = 1; i < argc; i++)
		run_both(argv[i], argv[i], seed + (unsigned)i, (unsigned)argc - 1);
	if (argc > 1)
		return 0;
	run_both("/dev/shm", "/dev/shm", seed, 2);
	why = disk_make(disk, sizeof(disk), "ext4", 2048);
	if (why)
		skipped("writers are killed on an ext4 of their own", why);
	run_both(why ? disk_dir() : disk, why ? disk_dir() : "ext4", seed + 1, 2);
	return 0;
}
