/* SPDX-License-Identifier: MIT */
/* Scripts: values with a run of their own, the cleaner, a full store (scripts.h). */
#include "scripts.h"

#include <errno.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define LARGE 250000 /* not yet a run */

static unsigned char room[600];

/* ---- runs */

static void prepare_big(struct shmfs *s)
{
	prepare_some(s);
	put(s, 100, 300000, 0);
	put(s, 101, 1100000, 0);
}

static void big(struct shmfs **s, unsigned i)
{
	switch (i) {
	case 0:
		put(*s, 3000, 300000, 0);
		break;
	case 1:
		put(*s, 100, 1100000, 0);
		break;
	case 2:
		put(*s, 101, 270000, 0);
		break;
	case 3:
		del(*s, 3000);
		break;
	case 4:
		put(*s, 101, 10, 1);
		break;
	}
}

static void big_synced(struct shmfs **s, unsigned i)
{
	big(s, i);
	must(shmfs_sync(*s), "sync");
}

/* Begun small, and moved; begun large, and cut; begun, and given up; committed small. */
static void stream(struct shmfs **s, unsigned i)
{
	static const uint64_t hints[] = {0, 4000000, 400000, 400000};
	unsigned key = i == 0 ? 4000 : 100;
	struct shmfs_put *p;

	value_fill(room, sizeof(room), i);
	must(shmfs_put_begin(*s, &p, hints[i]), "put_begin");
	must(shmfs_put_write(p, 300, room + 300, 300), "put_write");
	must(shmfs_put_write(p, 0, room, 300), "put_write");
	if (i == 0)
		must(shmfs_put_write(p, 400000, room, 600), "put_write");
	if (i == 1)
		must(shmfs_put_resize(p, 270000), "put_resize");
	if (i == 2)
		shmfs_put_abort(p);
	else
		must(shmfs_put_commit(p, &key, sizeof(key), SHMFS_BYTES, NULL), "put_commit");
}

/* ---- the cleaner */

/* Nine segments with little alive in each, so that the next puts clean. */
static void prepare_dirty(struct shmfs *s)
{
	prepare_some(s);
	for (unsigned i = 0; i < 36; i++) {
		if (i % 4 == 0)
			put(s, 200 + i, 40, i);
		put(s, 1000 + i, LARGE, 0);
	}
	for (unsigned i = 0; i < 36; i++)
		del(s, 1000 + i);
}

static void clean(struct shmfs **s, unsigned i)
{
	put(*s, 300 + i % 2, i % 3 == 0 ? 100 : 120000 + i, i);
}

static uint64_t cleaned(struct shmfs *s)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	must(shmfs_stat(s, &st), "stat");
	return st.cleaned_bytes;
}

/* Index segments half dead, since pages that a checkpoint has are copied, until the cleaner
 * has begun with one. */
static void prepare_dirty_index(struct shmfs *s)
{
	for (unsigned i = 0; !cleaned(s); i++) {
		if (i % 280 == 0)
			must(shmfs_sync(s), "sync");
		put(s, i, 0, i);
	}
}

static void clean_index(struct shmfs **s, unsigned i)
{
	put(*s, i, i ? LARGE : 10, i + 1);
}

/* ---- a full store */

/* Up to its bound, then every other value given up. */
static void prepare_bounded(struct shmfs *s)
{
	static const unsigned char zeros[LARGE];
	unsigned key = 1000;
	int rc;

	prepare_some(s);
	while (!(rc = shmfs_put(s, &key, sizeof(key), zeros, sizeof(zeros), SHMFS_BYTES, NULL)))
		key++;
	if (rc != -EFBIG)
		die("filling it: %s", shmfs_strerror(rc));
	while (--key > 1000)
		if (key % 2)
			del(s, key);
}

static void make_room(struct shmfs **s, unsigned i)
{
	put(*s, 5000 + i, LARGE - 50000, 0);
}

const struct script space_scripts[] = {
	{.name = "values with a run of their own", .flags = NO_LOG, .steps = 5,
	 .options = {.struct_size = sizeof(struct shmfs_options), .max_size = 13 * MIB},
	 .prepare = prepare_big, .step = big},
	{.name = "values with a run, and a sync", .flags = ON_DISK | SYNCED | SLOW, .steps = 5,
	 .prepare = prepare_big, .step = big_synced},
	{.name = "streamed puts", .steps = 4, .prepare = prepare_big, .step = stream},
	{.name = "the cleaner moves records", .flags = CLEANS, .steps = 8,
	 .options = {.struct_size = sizeof(struct shmfs_options), .garbage = 0.1},
	 .prepare = prepare_dirty, .step = clean},
	{.name = "the cleaner moves records that a checkpoint has", .flags = ON_DISK | CLEANS,
	 .steps = 8, .options = {.struct_size = sizeof(struct shmfs_options), .garbage = 0.1},
	 .prepare = prepare_dirty, .step = clean},
	{.name = "the cleaner moves pages of the index", .flags = ON_DISK | CLEANS | SLOW, .steps = 3,
	 .options = {.struct_size = sizeof(struct shmfs_options), .garbage = 0.1, .keys = 300000},
	 .prepare = prepare_dirty_index, .step = clean_index},
	{.name = "room made in a full store", .flags = NO_LOG | CLEANS | SLOW, .steps = 3,
	 .options = {.struct_size = sizeof(struct shmfs_options), .max_size = 12 * MIB},
	 .prepare = prepare_bounded, .step = make_room},
	{.name = "room made in a full store on a disk", .flags = ON_DISK | NO_LOG | CLEANS | SLOW,
	 .steps = 3, .options = {.struct_size = sizeof(struct shmfs_options), .max_size = 12 * MIB},
	 .prepare = prepare_bounded, .step = make_room},
	{.name = NULL},
};
