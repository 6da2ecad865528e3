/* SPDX-License-Identifier: MIT */
/* The operations on a whole store: snapshot, copy, compaction. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

enum { SAVED = 40, SAVED_SIZE = 70000 };

/* What a key was when the snapshot was taken. */
struct saved {
	struct fact *fact;
	struct shmfs_info info;
	unsigned char *value;
	bool there;
};

static size_t save(struct model *m, struct saved *saved)
{
	size_t n = 0;

	for (int i = 0; i < SAVED; i++) {
		struct fact *f = model_pick(m);

		if (f->there && f->info.size > SAVED_SIZE)
			continue;
		saved[n] = (struct saved){.fact = f, .info = f->info, .there = f->there};
		saved[n].value = malloc(SAVED_SIZE);
		if (!saved[n].value)
			die("out of memory");
		if (f->there)
			memcpy(saved[n].value, f->value, f->info.size);
		n++;
	}
	return n;
}

static void compare_saved(struct model *m, struct shmfs *snap, const struct saved *saved)
{
	struct fact was = {.value = saved->value, .info = saved->info};
	struct shmfs_info info;
	size_t size = VALUE_TOP;
	int got = shmfs_get(snap, saved->fact->key, saved->fact->key_size, m->other, &size, &info);

	MODEL_SAME(m, "get from the snapshot", got, saved->there ? 0 : -ENOENT);
	if (got)
		return;
	model_compare_info(m, &was, &info);
	model_compare_value(m, &was, m->other, size);
}

void model_snapshot(struct model *m)
{
	struct saved saved[SAVED];
	size_t n = save(m, saved), there = m->table.there;
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct shmfs *snap;

	m->doing = "snapshot";
	MODEL_SAME(m, "snapshot", shmfs_snapshot(m->s, &snap), 0);
	for (int i = 0; i < 300; i++)
		(rng_once_in(&m->rng, 4) ? model_del : rng_once_in(&m->rng, 4) ? model_rename : model_put)(m);
	m->doing = "snapshot";
	if (rng_once_in(&m->rng, 3))
		MODEL_SAME(m, "sync", shmfs_sync(m->s), 0);
	for (size_t i = 0; i < n; i++) {
		compare_saved(m, snap, &saved[i]);
		free(saved[i].value);
	}
	MODEL_SAME(m, "stat of the snapshot", shmfs_stat(snap, &st), 0);
	if (m->alone)
		MODEL_SAME(m, "its keys", st.keys, there);
	MODEL_SAME(m, "close of the snapshot", shmfs_close(snap), 0);
}

void model_copy(struct model *m)
{
	struct shmfs *s = m->s, *reader = m->reader, *copy;
	bool writable = rng_once_in(&m->rng, 2);
	char path[4200];

	m->doing = "copy";
	snprintf(path, sizeof(path), "%s.copy.%c%c", m->path, m->tag_size > 0 ? m->tag[0] : 'm',
	         m->tag_size > 1 ? m->tag[1] : 'm');
	unlink(path);
	MODEL_SAME(m, "copy", shmfs_copy(s, path, NULL, NULL), 0);
	MODEL_SAME(m, "open of the copy", shmfs_open(&copy, path, writable ? SHMFS_RDWR : SHMFS_RDONLY, NULL), 0);
	m->reader = NULL;
	m->s = copy;
	model_walk(m);
	model_check(m);
	for (int i = 0; i < 20; i++)
		model_get(m);
	MODEL_SAME(m, "close of the copy", shmfs_close(copy), 0);
	unlink(path);
	m->s = s;
	m->reader = reader;
}

void model_compact(struct model *m)
{
	int got;

	m->doing = "compact";
	got = shmfs_compact(m->s, NULL, NULL);
	if (m->alone || got != -EBUSY) /* the others take pins */
		MODEL_SAME(m, "compact", got, 0);
	for (int i = 0; i < 20; i++)
		model_get(m);
}
