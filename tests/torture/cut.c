/* SPDX-License-Identifier: MIT */
/*
 * Power cuts, anywhere:
 *
 *	[CUT_ROUNDS=n | TORTURE_SECONDS=n] [CUT_SEED=n] cut [DIR...]
 *
 * A store lives a random life.  Beside it a shadow disk holds what has reached the disk: pages
 * get there at random moments and in random order, all of them only by a flush.  Now and then
 * the power is cut: what is on the shadow disk becomes a file, and must open, for reading and
 * for writing, as exactly the last sync, or the one in flight; then it must be good
 * to work with.  Cuts hit creation, the last close, and the recovery from other cuts as well.
 * One thread plays all the parts, so the seed repeats everything.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cut.h"

#define CUTS 70 /* unless told otherwise */
#define STEPS 100
#define DEPTH 3 /* a cut, one in its recovery, one in that one's */

enum where { OUTSIDE, IN_FIRST, IN_BETWEEN, IN_SECOND, IN_ONLY, IN_CREATE, IN_CLOSE, IN_RECOVERY, WHERES };

static const char *const names[WHERES] = {
	"outside any sync", "in the first flush of a sync", "between its flushes", "in the second flush",
	"in or before the only flush of a sync", "in creation", "in the last close", "in recovery",
};

static unsigned long counts[WHERES], as_synced, as_flying, cuts;
static uint64_t cleaned, round_seed;

void wrong(const struct world *w, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	die("CUT_SEED=%llu CUT_ROUNDS=1: cut %lu, %s, %u steps on in %s: %s",
	    (unsigned long long)round_seed, cuts, w->cut ? w->cut : "none", w->steps, w->path, text);
}

static enum where where_is(const struct world *w)
{
	if (w->doing == CREATING)
		return IN_CREATE;
	if (w->doing == CLOSING)
		return IN_CLOSE;
	if (w->doing == RECOVERING)
		return IN_RECOVERY;
	if (w->one_flush && w->phase >= BETWEEN)
		return IN_ONLY;
	return w->phase == FIRST     ? IN_FIRST
	       : w->phase == BETWEEN ? IN_BETWEEN
	       : w->phase == SECOND  ? IN_SECOND
	                             : OUTSIDE;
}

/* ---- what is left */

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	printf("# %s: %#llx: %s\n", ((struct world *)arg)->path, (unsigned long long)offset, text);
}

static void check(struct world *v, struct shmfs *s)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};
	int rc = shmfs_check(s, &result, print_problem, v);

	if (rc || result.problems)
		wrong(v, "check: %s, %llu problems", shmfs_strerror(rc), (unsigned long long)result.problems);
}

static void compare(struct world *v)
{
	struct world *saved = world;
	const char *d;

	world = NULL; /* nothing happens while we look */
	check(v, v->handles[0]);
	d = state_differs(v->handles[0], &v->now);
	if (!d && lost_runs(v->handles[0]))
		d = "space is lost: a run that no key leads to";
	world = saved;
	if (d)
		wrong(v, "%s", d);
}

/* What a reader sees before anybody recovers it; NULL: that no store is there yet. */
static const struct state *look(struct world *w, struct world *v)
{
	char first[300];
	const char *d;
	struct shmfs *s;
	const struct state *found = &w->synced;
	int rc = shmfs_open(&s, v->path, SHMFS_RDONLY | SHMFS_VERIFY, NULL);

	if (rc == -ENODATA && w->absent)
		return NULL;
	if (rc)
		wrong(v, "opened for reading: %s", shmfs_strerror(rc));
	check(v, s);
	d = state_differs(s, found);
	if (d && w->phase >= BETWEEN) {
		snprintf(first, sizeof(first), "%s", d);
		found = &w->flying;
		d = state_differs(s, found);
		if (d)
			printf("# as the sync in flight: %s\n", d);
	}
	if (d)
		wrong(v, "neither the last sync nor one in flight: %s", found == &w->flying ? first : d);
	shmfs_close(s);
	if (found == &w->flying)
		as_flying++;
	else
		as_synced++;
	return found;
}

/* Recover, and go on. */
static void live_on(struct world *v, int flags)
{
	v->doing = flags & SHMFS_CREATE ? CREATING : RECOVERING;
	work_open(v, flags, NULL);
	v->absent = false;
	compare(v);
	if (rng_once_in(&v->rng, 4))
		work_pass_segment(v);
	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t n = rng_below(&v->rng, 20); n; n--)
			work_step(v, true);
		work_sync(v);
	}
	for (uint64_t n = rng_below(&v->rng, 5); n; n--)
		work_step(v, true);
	work_close(v);
	work_open(v, SHMFS_RDWR, NULL);
	compare(v);
	work_close(v);
}

void cut_here(struct world *w)
{
	struct world *saved = world, *v;
	enum where where = where_is(w);
	const struct state *found;
	char path[sizeof(w->path) + 2];

	if (w->disk.fd < 0)
		return;
	cuts++;
	counts[where]++;
	snprintf(path, sizeof(path), "%s+", w->path);
	unlink(path);
	disk_image(&w->disk, path);
	v = world_new(path, rng_next(&w->rng));
	v->depth = w->depth + 1;
	v->cut = names[where];
	v->version = w->version;
	world = NULL;
	found = look(w, v);
	v->absent = !found;
	if (found) {
		state_copy(&v->synced, found);
		state_copy(&v->now, found);
	}
	if (v->depth < DEPTH && rng_once_in(&w->rng, 4))
		disk_begin(&v->disk, path, &v->rng);
	world = v;
	live_on(v, found ? SHMFS_RDWR : SHMFS_RDWR | SHMFS_CREATE);
	world = saved;
	unlink(path);
	world_free(v);
}

/* ---- rounds */

static void count_cleaned(struct world *w)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	if (shmfs_stat(w->handles[0], &st) == 0)
		cleaned += st.cleaned_bytes;
}

static void one_round(const char *dir, uint64_t seed)
{
	struct shmfs_options o = {.struct_size = sizeof(o)};
	struct world *w;
	char path[4000];

	round_seed = seed;
	scratch(path, sizeof(path), dir, "cut");
	w = world_new(path, seed);
	o.log_limit = rng_below(&w->rng, 2) << 25;
	o.keys = rng_below(&w->rng, 2) * KEYS;
	o.size = rng_below(&w->rng, 2) << 24;
	o.garbage = 0.2;
	w->absent = true;
	disk_begin(&w->disk, path, &w->rng);
	world = w;
	w->doing = CREATING;
	work_open(w, SHMFS_RDWR | SHMFS_CREATE, &o);
	w->absent = false;
	while (w->steps < STEPS)
		work_step(w, true);
	work_end_batch(w);
	compare(w);
	count_cleaned(w);
	work_close(w);
	cut_here(w);
	world = NULL;
	unlink(path);
	world_free(w);
}

int main(int argc, char **argv)
{
	uint64_t seed = env_seed("CUT_SEED"), seconds = env_number("TORTURE_SECONDS", 0);
	uint64_t rounds = env_number("CUT_ROUNDS", 0), start = clock_us(), n = 0;
	const char *dirs[] = {"/dev/shm", disk_dir()};
	unsigned long in_sync;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# CUT_SEED=%llu\n", (unsigned long long)seed);
	for (; rounds    ? n < rounds
	       : seconds ? clock_us() - start < seconds * 1000000
	                 : cuts < CUTS;
	     n++)
		one_round(argc > 1 ? argv[1 + n % (unsigned)(argc - 1)] : dirs[n % 2], seed + n);
	for (int i = 0; i < WHERES; i++)
		printf("# %lu cuts %s\n", counts[i], names[i]);
	printf("# %lu showed the last sync, %lu the one in flight; %llu MiB were cleaned\n", as_synced,
	       as_flying, (unsigned long long)(cleaned >> 20));
	in_sync = counts[IN_FIRST] + counts[IN_BETWEEN] + counts[IN_SECOND] + counts[IN_ONLY];
	passed("after %lu power cuts, %lu of them inside a sync, a store is exactly the last sync or the one "
	       "in flight (%llu rounds, %.1f s)",
	       cuts, in_sync, (unsigned long long)n, (double)(clock_us() - start) / 1e6);
	return 0;
}
