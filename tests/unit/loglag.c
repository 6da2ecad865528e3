/* SPDX-License-Identifier: MIT */
/* How far a position is behind the end: shmfs_log_lag(), beside a walk over the frames. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../rig.h"
#include "frames.h"

#define MOST 60000 /* frames of a log here */

/* What a walk says: positions, and the payload before each; [count] is the end. */
static uint64_t at[MOST + 1], before[MOST + 1];
static uint64_t count;

static struct shmfs_log_lag lag_of(struct shmfs *s, uint64_t position)
{
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};
	int got = shmfs_log_lag(s, position, &lag);

	if (got)
		printf("# the lag of %llu: %s\n", (unsigned long long)position, shmfs_strerror(got));
	CU_ASSERT_EQUAL(got, 0);
	return lag;
}

static int error_of(struct shmfs *s, uint64_t position)
{
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};

	return shmfs_log_lag(s, position, &lag);
}

static bool lag_is(struct shmfs_log_lag lag, uint64_t frames, uint64_t bytes, uint64_t lost)
{
	return lag.frames == frames && lag.bytes == bytes && lag.lost == lost;
}

static void walk(struct shmfs *s)
{
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_BEGIN);
	struct shmfs_frame_view v;

	for (count = 0; shmfs_reader_view(r, &v) == 0 && count < MOST; count++) {
		CU_ASSERT_EQUAL(shmfs_reader_view_valid(r, &v), 0);
		at[count] = v.position;
		before[count + 1] = before[count] + v.size;
	}
	at[count] = shmfs_reader_position(r);
	shmfs_reader_close(r);
}

/* As the last walk told.  first: positions go up by `by` from there, and around. */
static void as_walked(struct shmfs *s, uint64_t first, uint64_t by, const char *what)
{
	uint64_t wrong = 0, i = first;

	for (uint64_t n = 0; n <= count; n++, i = (i + by) % (count + 1))
		wrong += !lag_is(lag_of(s, at[i]), count - i, before[count] - before[i], 0);
	if (wrong)
		printf("# %s, by %llu: %llu of %llu are wrong\n", what, (unsigned long long)by,
		       (unsigned long long)wrong, (unsigned long long)count + 1);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(lag_is(lag_of(s, SHMFS_LOG_BEGIN), count, before[count], 0));
	CU_ASSERT(lag_is(lag_of(s, SHMFS_LOG_END), 0, 0, 0));
}

/* A step that meets every position, in an order of no use to anybody. */
static uint64_t stride(void)
{
	uint64_t by = (count + 1) * 5 / 8, a, b;

	for (;; by++) {
		for (a = by, b = count + 1; b;) {
			uint64_t rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return by;
	}
}

static unsigned char bytes[40000];

static void append_many(struct shmfs *s, struct rng *r)
{
	struct shmfs_frame f[20];
	size_t n = 1 + rng_below(r, 20);

	for (size_t i = 0; i < n; i++)
		f[i] = (struct shmfs_frame){bytes, rng_size(r, sizeof(bytes)), 0};
	CU_ASSERT_EQUAL(shmfs_log_append_many(s, f, n), 0);
}

/* Padding is left behind it, or instead. */
static void append_in_place(struct shmfs *s, struct rng *r)
{
	struct shmfs_batch *b;
	void *p;

	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, 5000, 10), 0);
	for (uint64_t n = rng_below(r, 10); n; n--)
		CU_ASSERT_EQUAL(shmfs_log_frame(b, rng_below(r, 500), &p), 0);
	if (rng_once_in(r, 3))
		shmfs_log_abort(b);
	else
		CU_ASSERT_EQUAL(shmfs_log_commit(b, NULL), 0);
}

/* Frames of every kind, to this position or a bit behind it. */
static void fill(struct shmfs *s, struct rng *r, uint64_t position)
{
	while (frame_bounds(s).end < position)
		switch (rng_below(r, 8)) {
		case 0:
			append_many(s, r);
			break;
		case 1:
			append_in_place(s, r);
			break;
		default:
			CU_ASSERT_EQUAL(shmfs_log_append(s, bytes, rng_size(r, sizeof(bytes)), NULL), 0);
		}
}

static void every_position(void)
{
	const char *path = store_path("every");
	struct shmfs *s = store_new(path), *ro = store_open(path, SHMFS_RDONLY), *fresh;
	struct rng r = {31};

	walk(s);
	as_walked(s, 0, 1, "nothing");
	for (uint64_t segment = 0; segment < 3; segment++) {
		fill(s, &r, segment * SEGMENT + SEGMENT / 3);
		walk(s);
		as_walked(s, 0, 1, "upward");
		as_walked(ro, count, count, "downward");
		fill(s, &r, segment * SEGMENT + SEGMENT - sizeof(bytes));
		frame_fill_to(s, (segment + 1) * SEGMENT); /* nobody has been in the next one yet */
		walk(s);
		as_walked(s, 0, stride(), "across");
		fresh = store_open(path, segment % 2 ? SHMFS_RDWR : SHMFS_RDONLY);
		as_walked(fresh, 0, stride(), "across");
		store_close(fresh);
	}
	CU_ASSERT(count > 3000 && count < MOST);
	store_good(s);
	store_close(ro);
	store_close(s);
}

static void no_position(void)
{
	struct shmfs *s = store_new(store_path("no"));
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag) - 8};
	struct rng r = {5};

	fill(s, &r, SEGMENT - sizeof(bytes));
	frame_fill_to(s, SEGMENT); /* from inside its last frame a walk comes to the next segment */
	fill(s, &r, SEGMENT + SEGMENT / 8);
	walk(s);
	CU_ASSERT_EQUAL(shmfs_log_lag(s, 0, &lag), -EINVAL);
	lag.struct_size = sizeof(lag) + 8;
	CU_ASSERT_EQUAL(shmfs_log_lag(s, 0, &lag), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_log_lag(s, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_log_lag(NULL, 0, &lag), -EINVAL);
	for (uint64_t i = 0; i < count; i++) {
		CU_ASSERT_EQUAL(error_of(s, at[i] + 8), -EINVAL);
		if (before[i + 1] - before[i] > 32)
			CU_ASSERT_EQUAL(error_of(s, at[i] + 32), -EINVAL);
	}
	CU_ASSERT_EQUAL(error_of(s, at[count] + 16), -ERANGE);
	CU_ASSERT_EQUAL(error_of(s, at[count] + SEGMENT), -ERANGE);
	CU_ASSERT_EQUAL(error_of(s, INT64_MAX), -ERANGE);
	CU_ASSERT_EQUAL(error_of(s, SHMFS_LOG_BEGIN - 1), -ERANGE);
	as_walked(s, 0, 1, "none of it was noted");
	store_close(s);
}

static void trimmed(void)
{
	const char *path = store_path("trimmed");
	struct shmfs *s = store_new(path), *ro = store_open(path, SHMFS_RDONLY);
	struct rng r = {6};

	fill(s, &r, 4 * SEGMENT + SEGMENT / 2);
	walk(s);
	as_walked(ro, 0, stride(), "all");
	for (uint64_t n = 1; n < 5; n++) {
		uint64_t head = n * SEGMENT, kept = 0, wrong = 0;

		CU_ASSERT_EQUAL(shmfs_log_trim(s, head + 5), 0);
		CU_ASSERT_EQUAL(frame_bounds(s).head, head);
		while (at[kept] < head)
			kept++;
		for (uint64_t i = 0; i <= count; i++) {
			uint64_t from = i < kept ? kept : i, lost = i < kept ? head - at[i] : 0;
			struct shmfs_log_lag lag = lag_of(i % 2 ? s : ro, at[i]);

			wrong += !lag_is(lag, count - from, before[count] - before[from], lost);
		}
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT(lag_is(lag_of(ro, SHMFS_LOG_BEGIN), count - kept, before[count] - before[kept], 0));
	}
	/* nothing is left but what is lost */
	frame_fill_to(s, 5 * SEGMENT);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, 5 * SEGMENT), 0);
	CU_ASSERT(lag_is(lag_of(s, at[3]), 0, 0, 5 * SEGMENT - at[3]));
	CU_ASSERT(lag_is(lag_of(ro, 5 * SEGMENT), 0, 0, 0));
	store_close(ro);
	store_close(s);
}

/* A snapshot, and a copy that is read by its checkpoint: both of before what follows. */
static void of_a_moment(void)
{
	const char *path = store_path("moment"), *copy = store_path("moment-copy");
	struct shmfs *s = store_new(path), *snapshot, *old;
	struct rng r = {7};
	uint64_t later;

	fill(s, &r, 2 * SEGMENT + SEGMENT / 3);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, SEGMENT), 0);
	walk(s);
	later = at[count];
	CU_ASSERT_EQUAL_FATAL(shmfs_snapshot(s, &snapshot), 0);
	CU_ASSERT_EQUAL(shmfs_copy(s, copy, NULL, NULL), 0);
	old = store_open(copy, SHMFS_RDONLY);
	fill(s, &r, 3 * SEGMENT + SEGMENT / 3); /* the totals of its last segment are of more */
	for (int i = 0; i < 2; i++) {
		struct shmfs *then = i ? old : snapshot;

		walk(then);
		CU_ASSERT_EQUAL(at[count], later);
		as_walked(then, 0, stride(), i ? "a copy" : "a snapshot");
		CU_ASSERT(lag_is(lag_of(then, 0), count, before[count], SEGMENT));
		CU_ASSERT_EQUAL(error_of(then, later + 16), -ERANGE);
		CU_ASSERT_EQUAL(shmfs_log_trim(s, 2 * SEGMENT), 0);
		as_walked(then, count, count, "after a trim");
	}
	CU_ASSERT_EQUAL(lag_of(s, later - 2 * SEGMENT).lost, 4 * SEGMENT - later);
	store_close(old);
	store_close(snapshot);
	store_close(s);
}

static int begin_and_die(void *path)
{
	struct shmfs *s = store_open(path, SHMFS_RDWR);
	struct shmfs_batch *b;

	if (shmfs_log_begin(s, &b, 300, 3))
		return 1;
	frame_append(s, 2, 100);
	_Exit(0);
}

static void unfinished(void)
{
	const char *path = store_path("unfinished");
	struct shmfs *s = store_new(path), *ro = store_open(path, SHMFS_RDONLY);
	struct shmfs_batch *b;
	uint64_t behind;

	frame_append(s, 1, 70);
	CU_ASSERT_EQUAL(in_child(begin_and_die, (void *)path), 0);
	for (int i = 0; i < 2; i++) {
		walk(i ? s : ro);
		CU_ASSERT_EQUAL(count, 2);
		as_walked(ro, 0, 1, "a dead owner");
		as_walked(s, 0, 1, "a dead owner");
	}
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, 200, 2), 0);
	behind = frame_append(s, 3, 10);
	as_walked(s, 0, 1, "an open batch"); /* neither it nor what is behind is there */
	as_walked(ro, 0, 1, "an open batch");
	CU_ASSERT_EQUAL(error_of(s, behind), -EDEADLK);
	shmfs_log_abort(b);
	CU_ASSERT(lag_is(lag_of(s, at[1]), 2, 110, 0));
	CU_ASSERT(lag_is(lag_of(ro, behind), 1, 10, 0));
	store_close(ro);
	store_close(s);
}

/* ---- beside others: one who appends and trims, three who ask */

#define KEEP (3 * SEGMENT)

static atomic_uint_fast64_t appended;
static atomic_bool done;

static void *append_and_trim(void *store)
{
	struct shmfs *s = store;
	struct shmfs_batch *b;
	struct rng r = {9};
	uint64_t head = 0;

	for (uint64_t n = 0; n < MOST; n++) {
		size_t size = rng_size(&r, 30000);

		if (rng_once_in(&r, 20) && shmfs_log_begin(s, &b, size, 1) == 0)
			shmfs_log_abort(b);
		if (shmfs_log_append(s, bytes, size, &at[n]))
			break;
		before[n + 1] = before[n] + size;
		atomic_store(&appended, n + 1);
		if (at[n] - head > KEEP && shmfs_log_trim(s, head + SEGMENT) == 0)
			head += SEGMENT;
	}
	atomic_store(&done, true);
	return NULL;
}

struct asker {
	struct shmfs *s;
	struct rng r;
	uint64_t asked, lost, wrong;
};

static bool right(struct asker *a)
{
	uint64_t least = atomic_load(&appended), most, i, k;
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};

	if (!least)
		return true;
	i = rng_once_in(&a->r, 2) ? rng_below(&a->r, least) : least - 1;
	if (shmfs_log_lag(a->s, at[i], &lag))
		return false;
	/* what was trimmed was appended before; `k` is the frame they count from */
	most = atomic_load(&appended);
	for (k = i; lag.lost && k < most && at[k] < at[i] + lag.lost; k++)
		;
	a->asked++;
	a->lost += lag.lost != 0;
	while (atomic_load(&appended) < k + lag.frames)
		if (atomic_load(&done) && atomic_load(&appended) < k + lag.frames)
			return false;
	return k + lag.frames >= least && lag.bytes == before[k + lag.frames] - before[k] &&
	       (lag.lost == 0 || (at[i] + lag.lost) % SEGMENT == 0);
}

static void *ask(void *asker)
{
	struct asker *a = asker;

	do
		a->wrong += !right(a);
	while (!atomic_load(&done));
	a->wrong += !right(a);
	return NULL;
}

static void beside_others(void)
{
	const char *path = store_path("beside");
	struct shmfs *s = store_new(path), *ro = store_open(path, SHMFS_RDONLY), *w = store_open(path, SHMFS_RDWR);
	struct asker asker[] = {{ro, {1}, 0, 0, 0}, {ro, {2}, 0, 0, 0}, {w, {3}, 0, 0, 0}};
	pthread_t t[4];

	CU_ASSERT_EQUAL_FATAL(pthread_create(&t[3], NULL, append_and_trim, s), 0);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&t[i], NULL, ask, &asker[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CU_ASSERT_EQUAL(atomic_load(&appended), MOST);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(asker[i].wrong, 0);
		CU_ASSERT(asker[i].asked > 0);
	}
	CU_ASSERT(asker[0].lost + asker[1].lost + asker[2].lost > 0);
	CU_ASSERT(frame_bounds(s).head > 3 * SEGMENT);
	store_good(s);
	store_close(w);
	store_close(ro);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"the lag of every position is what a walk says", every_position},
	{"what is no position, or beyond the end, has none, and does no harm", no_position},
	{"of a trimmed position what is kept counts, and what is lost", trimmed},
	{"a snapshot and a checkpoint tell those of their moment", of_a_moment},
	{"what the dead began does not count, nor what is behind an open batch", unfinished},
	{"it adds up while others append and trim", beside_others},
};

HARNESS_MAIN("loglag", tests)
