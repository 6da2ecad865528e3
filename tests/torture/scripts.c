/* SPDX-License-Identifier: MIT */
/* What is killed at every instruction. */
#include "scripts.h"

#include <stdio.h>
#include <string.h>

static unsigned char room[1000], blob[300000]; /* large values are not worth their instructions */

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static void put(struct shmfs *s, unsigned key, size_t size, uint64_t seed)
{
	unsigned char *value = size > sizeof(room) ? blob : room;

	if (value == room)
		value_fill(room, size, seed);
	must(shmfs_put(s, &key, sizeof(key), value, size, SHMFS_BYTES, NULL), "put");
}

static void del(struct shmfs *s, unsigned key)
{
	must(shmfs_del(s, &key, sizeof(key), 0, NULL), "del");
}

static void rename_key(struct shmfs *s, unsigned from, unsigned to)
{
	must(shmfs_rename(s, &from, sizeof(from), &to, sizeof(to), 0), "rename");
}

static void prepare_some(struct shmfs *s)
{
	value_fill(blob, sizeof(blob), 9);
	for (unsigned i = 0; i < 50; i++)
		put(s, i, i * 3, i);
	put(s, 100, 300000, 100);
	put(s, 101, 300000, 101);
}

/* One bucket, about full. */
static void prepare_full(struct shmfs *s)
{
	for (unsigned i = 0; i < 440; i++)
		put(s, i, 20, i);
}

/* Two, below a node: a split changes many of its entries. */
static void prepare_node(struct shmfs *s)
{
	for (unsigned i = 0; i < 880; i++)
		put(s, i, 20, i);
}

static void small(struct shmfs *s, unsigned i)
{
	double value;

	switch (i) {
	case 0:
		put(s, 1000, 100, 1);
		break;
	case 1:
		put(s, 7, 100, 2);
		break;
	case 2:
		del(s, 8);
		break;
	case 3:
		must(shmfs_add(s, "number", 6, 1.5, &value, NULL), "add");
		break;
	case 4:
		must(shmfs_add(s, "number", 6, 1.5, &value, NULL), "add");
		break;
	case 5:
		put(s, 8, 0, 3);
		break;
	}
}

static void renames(struct shmfs *s, unsigned i)
{
	if (i == 0)
		rename_key(s, 10, 2000);
	else
		rename_key(s, 11, 12);
}

static void splits(struct shmfs *s, unsigned i)
{
	put(s, 10000 + i, 20, i);
}

static void big(struct shmfs *s, unsigned i)
{
	switch (i) {
	case 0:
		put(s, 3000, 300000, 1);
		break;
	case 1:
		put(s, 100, 270000, 2);
		break;
	case 2:
		rename_key(s, 101, 3001);
		break;
	case 3:
		del(s, 3000);
		break;
	}
}

static void stream(struct shmfs *s, unsigned i)
{
	unsigned key = i ? 100 : 4000;
	struct shmfs_put *p;

	value_fill(room, 600, i);
	must(shmfs_put_begin(s, &p, i ? 1000000 : 0), "put_begin");
	must(shmfs_put_write(p, 300, room + 300, 300), "put_write");
	must(shmfs_put_write(p, 0, room, 300), "put_write");
	if (i)
		must(shmfs_put_resize(p, 270000), "put_resize");
	must(shmfs_put_commit(p, &key, sizeof(key), SHMFS_BYTES, NULL), "put_commit");
}

const struct script scripts[] = {
	{"insert, overwrite, delete, add", 6, prepare_some, small},
	{"rename", 2, prepare_some, renames},
	{"inserts that split the only bucket", 50, prepare_full, splits},
	{"inserts that split a bucket below a node", 50, prepare_node, splits},
	{"values with a run of their own", 4, prepare_some, big},
	{"streamed puts", 2, prepare_some, stream},
	{NULL, 0, NULL, NULL},
};
