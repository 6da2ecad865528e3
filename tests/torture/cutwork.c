/* SPDX-License-Identifier: MIT */
/* A random life of a store, and the model of what it holds: keys and values. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cutwork.h"

#define HEAVY_KEYS 30 /* their values make the garbage */
#define ITEMS 60
#define SMALL_TOP 300

void must(struct world *w, int rc, const char *what)
{
	if (rc)
		wrong(w, "%s: %s", what, shmfs_strerror(rc));
}

bool took(struct world *w, int rc, const char *what)
{
	if (rc == -ENOSPC && w->full)
		return false;
	must(w, rc, what);
	return true;
}

static void expect(struct world *w, int rc, int wanted, const char *what)
{
	if (rc != wanted && !(rc == -ENOSPC && w->full))
		wrong(w, "%s: %s, should be: %s", what, shmfs_strerror(rc), shmfs_strerror(wanted));
}

struct shmfs *any_handle(struct world *w, unsigned *which)
{
	unsigned i = (unsigned)rng_below(&w->rng, 2);

	i = w->handles[i] ? i : !i;
	if (which)
		*which = i;
	return w->handles[i];
}

const void *bytes(struct world *w, size_t size, uint64_t seed)
{
	value_fill(w->blob, size, seed);
	return w->blob;
}

/* Versions lost in a cut are not given again. */
static void new_version(struct world *w, uint64_t version)
{
	if (version <= w->version)
		wrong(w, "version %llu was given before", (unsigned long long)version);
	w->version = version;
}

static uint64_t seed_of(struct world *w, uint32_t type)
{
	double number = (double)rng_below(&w->rng, 1000000);
	uint64_t seed = rng_next(&w->rng);

	if (type == SHMFS_NUMBER)
		memcpy(&seed, &number, sizeof(seed));
	return seed;
}

/* ---- puts */

static void put_size(struct world *w, uint32_t i, uint32_t size)
{
	uint32_t type = rng_once_in(&w->rng, 10) ? SHMFS_NUMBER : (uint32_t)rng_below(&w->rng, 2);
	struct fact f = {.size = type == SHMFS_NUMBER ? 8 : size, .type = type, .there = true};
	unsigned char key[KEY_ROOM];
	uint64_t version = 0;
	int rc;

	f.seed = seed_of(w, type);
	rc = shmfs_put(any_handle(w, NULL), key, state_key(i, key), bytes(w, f.size, f.seed), f.size, type,
	               &version);
	if (!took(w, rc, "put"))
		return;
	w->now.keys[i] = f;
	new_version(w, version);
}

static uint32_t any_key(struct world *w)
{
	return (uint32_t)rng_below(&w->rng, rng_once_in(&w->rng, 2) ? HEAVY_KEYS : KEYS);
}

static void put(struct world *w)
{
	put_size(w, any_key(w), (uint32_t)rng_size(&w->rng, 3000));
}

static void put_heavy(struct world *w)
{
	for (int n = 0; n < 8; n++)
		put_size(w, (uint32_t)rng_below(&w->rng, HEAVY_KEYS), 20000 + (uint32_t)rng_below(&w->rng, 230000));
}

static void put_big(struct world *w)
{
	put_size(w, any_key(w), 262144 + (uint32_t)rng_below(&w->rng, VALUE_TOP - 262144));
}

static void put_many(struct world *w)
{
	unsigned char keys[ITEMS][KEY_ROOM], *value = w->blob;
	size_t n = 1 + rng_below(&w->rng, ITEMS);
	uint32_t first = (uint32_t)rng_below(&w->rng, KEYS - n);
	struct shmfs_item items[ITEMS] = {0};
	struct fact facts[ITEMS];

	for (uint32_t i = 0; i < n; i++, value += SMALL_TOP) {
		facts[i] = (struct fact){.seed = rng_next(&w->rng), .type = i & 1, .there = true};
		facts[i].size = (uint32_t)rng_below(&w->rng, SMALL_TOP);
		value_fill(value, facts[i].size, facts[i].seed);
		items[i] = (struct shmfs_item){.key = keys[i], .value = value, .size = facts[i].size};
		items[i].key_size = state_key(first + i, keys[i]);
		items[i].flags = facts[i].type;
	}
	must(w, shmfs_put_many(any_handle(w, NULL), items, n), "put_many");
	memcpy(&w->now.keys[first], facts, n * sizeof(*facts));
	new_version(w, items[n - 1].version);
}

static void add(struct world *w)
{
	uint32_t i = any_key(w);
	struct fact *f = &w->now.keys[i];
	unsigned char key[KEY_ROOM];
	double value = 0;
	int rc = shmfs_add(any_handle(w, NULL), key, state_key(i, key), 1.5, &value, NULL);

	expect(w, rc, f->there && f->type != SHMFS_NUMBER ? -EINVAL : 0, "add");
	if (rc)
		return;
	*f = (struct fact){.size = sizeof(value), .type = SHMFS_NUMBER, .there = true};
	memcpy(&f->seed, &value, sizeof(value));
}

static void del(struct world *w)
{
	uint32_t i = any_key(w);
	unsigned char key[KEY_ROOM];
	int rc = shmfs_del(any_handle(w, NULL), key, state_key(i, key), 0, NULL);

	expect(w, rc, w->now.keys[i].there ? 0 : -ENOENT, "del");
	if (rc == 0)
		w->now.keys[i] = (struct fact){0};
}

static void rename_key(struct world *w)
{
	uint32_t from = any_key(w), to = any_key(w);
	unsigned char key[KEY_ROOM], other[KEY_ROOM];
	int rc;

	if (from == to)
		return;
	rc = shmfs_rename(any_handle(w, NULL), key, state_key(from, key), other, state_key(to, other), 0);
	expect(w, rc, w->now.keys[from].there ? 0 : -ENOENT, "rename");
	if (rc)
		return;
	w->now.keys[to] = w->now.keys[from];
	w->now.keys[from] = (struct fact){0};
}

/* ---- streams, which stay open while others work */

static void end_stream(struct world *w, struct stream *st)
{
	uint32_t i = any_key(w);
	unsigned char key[KEY_ROOM];

	if (st->written == st->size &&
	    took(w, shmfs_put_commit(st->put, key, state_key(i, key), SHMFS_STRING, NULL), "put_commit")) {
		w->now.keys[i] = (struct fact){st->seed, st->size, SHMFS_STRING, true};
		st->put = NULL;
	}
	shmfs_put_abort(st->put);
	st->put = NULL;
}

static void stream(struct world *w)
{
	struct stream *st = &w->streams[rng_below(&w->rng, 2)];
	uint32_t n;
	int rc;

	if (!st->put) {
		*st = (struct stream){.seed = rng_next(&w->rng), .size = 1 + (uint32_t)rng_below(&w->rng, VALUE_TOP)};
		rc = shmfs_put_begin(any_handle(w, &st->handle), &st->put, rng_below(&w->rng, 3) * st->size / 2);
		if (!took(w, rc, "put_begin"))
			st->put = NULL;
		return;
	}
	if (st->written == st->size || rng_once_in(&w->rng, 8)) {
		end_stream(w, st);
		return;
	}
	n = st->size - st->written;
	if (rng_once_in(&w->rng, 2))
		n = 1 + (uint32_t)rng_below(&w->rng, n);
	bytes(w, st->size, st->seed);
	rc = shmfs_put_write(st->put, st->written, w->blob + st->written, n);
	if (took(w, rc, "put_write"))
		st->written += n;
	else
		end_stream(w, st);
}

/* ---- the whole */

static const struct {
	unsigned weight;
	bool alone; /* not while the disk is full: it may be done in part */
	bool heavy; /* not while it is calm */
	void (*run)(struct world *w);
} kinds[] = {
	{20, false, false, put},       {20, false, true, put_heavy},
	{2, false, true, put_big},     {8, true, false, put_many},
	{4, false, false, add},        {8, false, false, del},
	{5, true, false, rename_key},  {8, false, true, stream},
	{6, false, false, work_append}, {4, false, false, work_append_many},
	{4, false, true, work_batch},  {1, true, true, work_trim},
	{8, true, false, work_cursor},
};

static void one_of(struct world *w)
{
	uint64_t sum = 0, at;
	size_t i = 0;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		sum += kinds[i].weight;
	at = rng_below(&w->rng, sum);
	for (i = 0; at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	if ((!w->full || !kinds[i].alone) && (!w->calm || !kinds[i].heavy))
		kinds[i].run(w);
}

void work_step(struct world *w, bool all)
{
	w->steps++;
	if (all && rng_once_in(&w->rng, w->full ? 4 : 300))
		w->full = !w->full;
	if (all && rng_once_in(&w->rng, w->calm ? 12 : 50))
		w->calm = !w->calm;
	if (all && rng_once_in(&w->rng, 150)) {
		work_close(w);
		if (rng_once_in(&w->rng, 4))
			cut_here(w);
		work_open(w, SHMFS_RDWR, NULL);
	} else if (all && rng_once_in(&w->rng, w->calm ? 3 : 25)) {
		work_sync(w);
	} else {
		one_of(w);
	}
}

void work_meanwhile(struct world *w)
{
	if (!w->asked)
		return;
	w->asked = false;
	for (uint64_t n = rng_below(&w->rng, 5); n; n--)
		work_step(w, false);
	w->asked = true;
}

void work_sync(struct world *w)
{
	unsigned i;
	struct shmfs *s = any_handle(w, &i);
	uint64_t last = w->now.n ? w->now.frames[w->now.n - 1].position : 0;
	size_t n = w->now.n;

	if (w->batch && i == w->batch_handle) /* it would wait for itself */
		work_end_batch(w);
	w->full = false;
	w->asked = true;
	must(w, shmfs_sync(s), "sync");
	w->asked = false;
	if (w->disk.fd >= 0 && n && w->synced.end <= last)
		wrong(w, "the sync left out a frame at %llu, appended before", (unsigned long long)last);
}

/* ---- opening and closing */

void work_open(struct world *w, int flags, const struct shmfs_options *o)
{
	must(w, shmfs_open(&w->handles[0], w->path, flags, o), "open");
	if (rng_once_in(&w->rng, 2))
		must(w, shmfs_open(&w->handles[1], w->path, SHMFS_RDWR, NULL), "second open");
	w->doing = WORKING;
}

void work_close(struct world *w)
{
	unsigned first = (unsigned)rng_below(&w->rng, 2);

	w->full = false;
	for (unsigned i = 0; i < 2; i++)
		if (w->streams[i].put)
			end_stream(w, &w->streams[i]);
	work_end_batch(w);
	w->doing = CLOSING;
	for (unsigned n = 0; n < 2; n++) {
		unsigned i = n ? !first : first;
		int rc = shmfs_close(w->handles[i]);

		w->handles[i] = NULL;
		must(w, rc, "close");
	}
}

struct world *world_new(const char *path, uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || !(w->blob = malloc(VALUE_TOP)))
		die("out of memory");
	w->disk.fd = -1;
	w->rng.state = seed;
	strncpy(w->path, path, sizeof(w->path) - 1);
	return w;
}

void world_free(struct world *w)
{
	disk_end(&w->disk);
	free(w->blob);
	free(w->now.frames);
	free(w->synced.frames);
	free(w->flying.frames);
	free(w);
}
