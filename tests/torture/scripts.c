/* SPDX-License-Identifier: MIT */
/* What the scripts share, and those of keys and values (scripts.h). */
#include "scripts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trap.h"

#define ROOM 1000
#define LARGE 1200000

static unsigned char room[ROOM];
static unsigned split_at; /* the key after this one */
static const unsigned char zeros[LARGE]; /* large values: of them only the way counts */

void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static const void *value_of(size_t size, uint64_t seed)
{
	if (size > ROOM)
		return zeros;
	value_fill(room, size, seed);
	return room;
}

void put(struct shmfs *s, unsigned key, size_t size, uint64_t seed)
{
	must(shmfs_put(s, &key, sizeof(key), value_of(size, seed), size, SHMFS_BYTES, NULL), "put");
}

void del(struct shmfs *s, unsigned key)
{
	must(shmfs_del(s, &key, sizeof(key), 0, NULL), "del");
}

void append(struct shmfs *s, size_t size, uint64_t seed)
{
	must(shmfs_log_append(s, value_of(size, seed), size, NULL), "append");
}

void prepare_some(struct shmfs *s)
{
	for (unsigned i = 0; i < 30; i++)
		put(s, i, i * 3, i);
}

static uint64_t buckets(struct shmfs *s)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	must(shmfs_stat(s, &st), "stat");
	return st.index_buckets;
}

/* Put keys until the next but one splits a bucket, of which there are n.  Which one does,
 * another store with the same seed tells. */
static void fill(struct shmfs *s, uint64_t n)
{
	char path[4096];
	struct shmfs *other;
	unsigned keys = 0;

	scratch(path, sizeof(path), "/dev/shm", "step-fill");
	trap_seed_again();
	must(shmfs_open(&other, path, SHMFS_RDWR | SHMFS_CREATE, NULL), "open");
	while (buckets(other) <= n)
		put(other, keys++, 20, 1);
	must(shmfs_close(other), "close");
	unlink(path);
	for (unsigned i = 0; i + 2 < keys; i++)
		put(s, i, 20, 1);
	split_at = keys - 2;
}

static void prepare_full(struct shmfs *s)
{
	fill(s, 1);
}

static void prepare_node(struct shmfs *s)
{
	fill(s, 2);
}

static void splits(struct shmfs **s, unsigned i)
{
	put(*s, split_at + i, 20, 1);
}

static void small(struct shmfs **s, unsigned i)
{
	switch (i) {
	case 0:
		put(*s, 1000, 100, 1);
		break;
	case 1:
		put(*s, 7, 100, 2);
		break;
	case 2:
		del(*s, 8);
		break;
	case 3:
		put(*s, 8, 0, 3);
		break;
	}
}

static void add(struct shmfs **s, unsigned i)
{
	double value;

	must(shmfs_add(*s, "number", 6, 1.5 + i, &value, NULL), "add");
}

static const unsigned names[][2] = {{10, 2000}, {11, 12}};

static unsigned renamed(unsigned i)
{
	return names[i][0];
}

static void rename_keys(struct shmfs **s, unsigned i)
{
	must(shmfs_rename(*s, &names[i][0], sizeof(unsigned), &names[i][1], sizeof(unsigned), 0), "rename");
}

#define MANY 3

static void put_many(struct shmfs **s, unsigned i)
{
	static unsigned keys[MANY] = {3, 500, 4};
	struct shmfs_item items[MANY] = {0};

	keys[1] += i;
	for (unsigned k = 0; k < MANY; k++)
		items[k] = (struct shmfs_item){.key = &keys[k], .key_size = sizeof(*keys), .value = room,
		                               .size = 50, .flags = SHMFS_BYTES};
	value_fill(room, 50, i + 77);
	must(shmfs_put_many(*s, items, MANY), "put_many");
}

static void put_one_of_many(struct shmfs *s, unsigned i, unsigned part)
{
	put(s, part == 0 ? 3 : part == 1 ? 500 + i : 4, 50, i + 77);
}

static void prepare_renames(struct shmfs *s)
{
	prepare_some(s);
	put(s, 101, 300000, 0);
}

static unsigned renamed_big(unsigned i)
{
	return i ? 3001 : 101;
}

static void rename_big(struct shmfs **s, unsigned i)
{
	unsigned from = renamed_big(i), to = i ? 5 : 3001;

	must(shmfs_rename(*s, &from, sizeof(from), &to, sizeof(to), 0), "rename");
}

/* Every page on the way is the checkpoint's, and copied first. */
static void after_sync(struct shmfs **s, unsigned i)
{
	if (i % 2)
		del(*s, 20 + i);
	else
		put(*s, i, 30, i + 5);
	if (i == 2)
		must(shmfs_sync(*s), "sync");
}

static void synced(struct shmfs **s, unsigned i)
{
	switch (i) {
	case 0:
		put(*s, 1, 99, 9);
		break;
	case 1:
		append(*s, 50, 1);
		break;
	case 2:
		del(*s, 2);
		break;
	case 3: /* nothing new */
		break;
	case 4:
		must(shmfs_cursor_create(*s, "c", 1, SHMFS_LOG_END), "cursor_create");
		break;
	}
	must(shmfs_sync(*s), "sync");
}

const struct script map_scripts[] = {
	{.name = "insert, overwrite, delete", .steps = 4, .prepare = prepare_some, .step = small},
	{.name = "add", .steps = 2, .prepare = prepare_some, .step = add},
	{.name = "rename", .steps = 2, .prepare = prepare_some, .step = rename_keys,
	 .renamed = renamed},
	{.name = "rename of a value with a run", .steps = 2, .prepare = prepare_renames,
	 .step = rename_big, .renamed = renamed_big},
	{.name = "put_many", .steps = 2, .parts = MANY, .prepare = prepare_some, .step = put_many,
	 .part = put_one_of_many},
	{.name = "inserts that split the only bucket", .flags = MANY_STORES, .steps = 3,
	 .prepare = prepare_full, .step = splits},
	{.name = "inserts that split a bucket below a node", .flags = MANY_STORES, .steps = 3,
	 .prepare = prepare_node, .step = splits},
	{.name = "pages copied after a sync", .flags = ON_DISK | MANY_STORES, .steps = 6,
	 .prepare = prepare_node, .step = after_sync},
	{.name = "a split after a sync", .flags = ON_DISK | MANY_STORES, .steps = 3,
	 .prepare = prepare_node, .step = splits},
	{.name = "sync", .flags = ON_DISK | SYNCED | OPENS_SEGMENT, .steps = 5, .prepare = prepare_some,
	 .step = synced},
	{.name = NULL},
};
