/* SPDX-License-Identifier: MIT */
/*
 * kill -9, at any moment:
 *
 *	[KILL_ROUNDS=n] [KILL_SEED=n] kill [DIR...]
 *
 * Two to four writers and a reader work on one store.  Round after round some or all of
 * them are killed, and the store is opened, checked and compared with the writers' books:
 * what was acknowledged is there, byte for byte; what was in flight happened or did not;
 * nothing else changed.  (When a write is killed between two acknowledged ones, the seed
 * repeats the decisions of this program, not of the scheduler.)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"

struct torture {
	char path[4096];
	struct books *books;
	struct rng rng;
	uint64_t fillers;
	unsigned writers;
	pid_t pids[WRITERS_TOP + 1]; /* the last is the reader */
	unsigned long kills;
};

static unsigned char room[VALUE_TOP];

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

	t->pids[i] = fork();
	if (t->pids[i] < 0)
		die("fork: %s", strerror(errno));
	if (t->pids[i])
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (i == WRITERS_TOP)
		reader_run(t->path, t->books, t->fillers, seed);
	writer_run(t->path, t->books, i, seed);
}

static void end(struct torture *t, unsigned i)
{
	int status;

	kill(t->pids[i], SIGKILL);
	if (waitpid(t->pids[i], &status, 0) < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		die("%s %u ended by itself, status %#x", i == WRITERS_TOP ? "reader" : "writer", i, status);
	t->pids[i] = 0;
	t->kills++;
}

/* ---- comparing */

static bool holds(struct shmfs *s, unsigned writer, uint32_t slot, const struct state *st)
{
	unsigned char key[KEY_TOP];
	struct shmfs_info info;
	size_t size = sizeof(room);
	int got = shmfs_get(s, key, ledger_key(writer, slot, key), room, &size, &info);

	if (got && got != -ENOENT)
		die("get of writer %u's slot %u: %s", writer, slot, shmfs_strerror(got));
	if (got || !st->there)
		return got && !st->there;
	return size == st->size && info.type == st->type && value_is(room, size, st->seed);
}

/* Find out what became of the operation in flight, and book it. */
static void settle(struct shmfs *s, struct ledger *l, unsigned writer, bool repaired)
{
	unsigned n = atomic_load(&l->in_flight), done = 0, undone = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct change *c = &l->changes[i];

		bool new = holds(s, writer, c->slot, &c->after);
		bool old = holds(s, writer, c->slot, &l->states[c->slot]);

		if (!new && !old)
			die("writer %u's %s: slot %u is neither old nor new", writer, l->doing, c->slot);
		/* Both, if an empty value replaced an empty one: that tells nothing. */
		done += !old;
		undone += !new;
		if (!old && undone && l->one_by_one)
			die("writer %u's %s: number %u is done, one before is not", writer, l->doing, i);
		if (new && repaired)
			l->states[c->slot] = c->after;
	}
	/* Until the dead writer's lock is taken a rename may show both names. */
	if (!l->one_by_one && done && undone && repaired)
		die("writer %u's %s: half of it is done", writer, l->doing);
	if (repaired)
		atomic_store(&l->in_flight, 0);
}

static bool in_flight(const struct ledger *l, uint32_t slot)
{
	unsigned n = atomic_load(&((struct ledger *)l)->in_flight);

	for (unsigned i = 0; i < n; i++)
		if (l->changes[i].slot == slot)
			return true;
	return false;
}

static uint64_t compare(struct torture *t, struct shmfs *s, unsigned writer, bool repaired)
{
	struct ledger *l = &t->books->ledgers[writer];
	uint64_t there = 0;

	settle(s, l, writer, repaired);
	for (uint32_t i = 0; i < SLOTS; i++) {
		if (!in_flight(l, i) && !holds(s, writer, i, &l->states[i]))
			die("writer %u's slot %u is not what was acknowledged", writer, i);
		there += l->states[i].there;
	}
	return there;
}

static void compare_fillers(struct torture *t, struct shmfs *s, uint64_t samples)
{
	unsigned char key[KEY_TOP];

	for (uint64_t n = 0; n < samples; n++) {
		uint64_t i = samples < t->fillers ? rng_below(&t->rng, t->fillers) : n % t->fillers;
		size_t size = sizeof(room);

		must(shmfs_get(s, key, filler_key(i, key), room, &size, NULL), "get of a filler");
		if (size != FILLER_SIZE || !value_is(room, size, i))
			die("filler %llu changed", (unsigned long long)i);
	}
}

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

/* ---- a round */

static void look_after(struct torture *t, bool all, unsigned victim, uint64_t samples)
{
	bool repaired = !all || !rng_once_in(&t->rng, 4);
	uint64_t there = t->fillers, keys;
	struct shmfs *s;

	must(shmfs_open(&s, t->path, repaired ? SHMFS_RDWR : SHMFS_RDONLY, NULL), "open after a kill");
	keys = check(t, s);
	for (unsigned i = 0; i < t->writers; i++)
		if (all || i == victim)
			there += compare(t, s, i, repaired);
	if (all && repaired && keys != there)
		die("%llu keys, should be %llu", (unsigned long long)keys, (unsigned long long)there);
	compare_fillers(t, s, samples);
	must(shmfs_close(s), "close");
	/* What only a writer can repair, with the books still open. */
	if (!repaired) {
		must(shmfs_open(&s, t->path, SHMFS_RDWR, NULL), "open after a look");
		check(t, s);
		for (unsigned i = 0; i < t->writers; i++)
			compare(t, s, i, true);
		must(shmfs_close(s), "close");
	}
}

static void one_round(struct torture *t)
{
	bool all = rng_once_in(&t->rng, 2);
	unsigned victim = (unsigned)rng_below(&t->rng, t->writers);

	for (unsigned i = 0; i <= WRITERS_TOP; i++)
		if (!t->pids[i] && (i < t->writers || i == WRITERS_TOP))
			spawn(t, i);
	usleep((useconds_t)(rng_size(&t->rng, 20000) + 300));
	for (unsigned i = 0; i < t->writers; i++)
		if (all || i == victim)
			end(t, i);
	if (rng_once_in(&t->rng, 10))
		end(t, WRITERS_TOP);
	look_after(t, all, victim, 100);
}

static void run(const char *dir, uint64_t fillers, uint64_t rounds, uint64_t seed)
{
	struct torture t = {.rng = {seed}, .fillers = fillers};
	uint64_t start = clock_us(), ops = 0, worst = 0, slow = 0;

	scratch(t.path, sizeof(t.path), dir, "kill");
	t.books = mmap(NULL, sizeof(*t.books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.books == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	t.writers = 2 + (unsigned)rng_below(&t.rng, WRITERS_TOP - 1);
	fill(&t);
	for (uint64_t i = 0; i < rounds; i++)
		one_round(&t);
	for (unsigned i = 0; i <= WRITERS_TOP; i++)
		if (t.pids[i])
			end(&t, i);
	look_after(&t, true, 0, fillers);
	for (unsigned i = 0; i < t.writers; i++) {
		ops += t.books->ledgers[i].ops;
		slow += t.books->ledgers[i].slow;
		if (t.books->ledgers[i].worst_us > worst)
			worst = t.books->ledgers[i].worst_us;
	}
	passed("%llu kills of %u writers of a store of %llu keys in %s lose and tear nothing (%llu rounds, "
	       "%llu operations, %lu reads, %.1f s; longest operation %.1f ms, %llu beyond 20 ms)",
	       (unsigned long long)t.kills, t.writers, (unsigned long long)fillers, dir,
	       (unsigned long long)rounds, (unsigned long long)ops, atomic_load(&t.books->reads),
	       (double)(clock_us() - start) / 1e6, (double)worst / 1e3, (unsigned long long)slow);
	munmap(t.books, sizeof(*t.books));
	unlink(t.path);
}

int main(int argc, char **argv)
{
	uint64_t seed = env_seed("KILL_SEED"), rounds = env_number("KILL_ROUNDS", 300);
	const char *dirs[] = {"/dev/shm", disk_dir()};
	int n = argc > 1 ? argc - 1 : 2;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# KILL_SEED=%llu KILL_ROUNDS=%llu\n", (unsigned long long)seed, (unsigned long long)rounds);
	for (int i = 0; i < n; i++) {
		const char *dir = argc > 1 ? argv[i + 1] : dirs[i];

		run(dir, 50, rounds * 2 / 3 / (unsigned)n, seed + (unsigned)i);
		run(dir, 200000, rounds / 3 / (unsigned)n, ~seed + (unsigned)i);
	}
	return 0;
}
