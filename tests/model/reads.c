/* SPDX-License-Identifier: MIT */
/* The operations that read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static bool own(const struct model *m, const void *key, size_t key_size)
{
	return key_size >= m->tag_size && !memcmp(key, m->tag, m->tag_size);
}

void model_get(struct model *m)
{
	struct fact *f = model_pick(m);
	struct shmfs_info info = {0};
	unsigned char mark = 0x5a;
	size_t size;
	int got;

	m->doing = "get";
	model_compare(m, f);
	got = shmfs_exists(model_reader(m), f->key, f->key_size, &info);
	MODEL_SAME(m, "exists", got, f->there ? 0 : -ENOENT);
	if (got)
		return;
	model_compare_info(m, f, &info);
	if (!f->info.size)
		return;

	m->doing = "get into too little room";
	memset(&info, 0, sizeof(info));
	size = rng_below(&m->rng, f->info.size);
	m->other[0] = mark;
	got = shmfs_get(model_reader(m), f->key, f->key_size, m->other, &size, &info);
	MODEL_SAME(m, "get", got, -EMSGSIZE);
	MODEL_SAME(m, "the size needed", size, f->info.size);
	MODEL_SAME(m, "the first byte of the room", m->other[0], mark);
	model_compare_info(m, f, &info);
}

void model_get_many(struct model *m)
{
	enum { TOP = 40 };
	struct shmfs_item items[TOP];
	struct fact *facts[TOP];
	size_t n = rng_below(&m->rng, TOP + 1), room = VALUE_TOP / TOP, i;

	m->doing = "get_many";
	for (i = 0; i < n; i++) {
		facts[i] = model_pick(m);
		items[i] = (struct shmfs_item){.key = facts[i]->key, .key_size = facts[i]->key_size};
		items[i].value = m->other + i * room;
		items[i].size = rng_once_in(&m->rng, 4) ? rng_size(&m->rng, room) : room;
		items[i].flags = (uint32_t)items[i].size; /* ignored; keeps what we offered */
	}
	MODEL_SAME(m, "get_many", shmfs_get_many(model_reader(m), items, n), 0);
	for (i = 0; i < n; i++) {
		int wanted = !facts[i]->there ? -ENOENT :
		             facts[i]->info.size > items[i].flags ? -EMSGSIZE : 0;

		MODEL_SAME(m, "an item's status", items[i].status, wanted);
		if (wanted == -ENOENT)
			continue;
		MODEL_SAME(m, "an item's size", items[i].size, facts[i]->info.size);
		MODEL_SAME(m, "an item's version", items[i].version, facts[i]->info.version);
		model_compare_info(m, facts[i], &items[i].info);
		if (!wanted)
			model_compare_value(m, facts[i], items[i].value, items[i].size);
	}
}

void model_view(struct model *m)
{
	struct fact *f = model_pick(m);
	struct shmfs *s = model_reader(m);
	struct shmfs_view view;
	int got;

	m->doing = "view";
	got = shmfs_view(s, f->key, f->key_size, &view);
	MODEL_SAME(m, "view", got, f->there ? 0 : -ENOENT);
	if (got)
		return;
	model_compare_info(m, f, &view.info);
	MODEL_SAME(m, "the alignment", (uintptr_t)view.data % 8, 0);
	if (m->alone) {
		model_compare_value(m, f, view.data, view.info.size);
		MODEL_SAME(m, "view_valid", shmfs_view_valid(s, &view), 0);
	} else if (MODEL_MAY_LOOK) {
		memcpy(m->other, view.data, view.info.size);
		if (!shmfs_view_valid(s, &view))
			model_compare_value(m, f, m->other, view.info.size);
	}
}

/* Views under a pin outlive any number of changes. */
void model_pin(struct model *m)
{
	enum { TOP = 8, LARGEST = 100000 };
	struct shmfs *s = model_reader(m);
	struct shmfs_view views[TOP];
	unsigned char *copies = malloc((size_t)TOP * LARGEST);
	struct shmfs_pin *pin;
	size_t n = 0, i;

	if (!copies)
		die("out of memory");
	m->doing = "pin";
	MODEL_SAME(m, "pin", shmfs_pin(s, &pin), 0);
	for (i = 0; i < TOP; i++) {
		struct fact *f = model_pick(m);

		if (!f->there || f->info.size > LARGEST)
			continue;
		MODEL_SAME(m, "view", shmfs_view(s, f->key, f->key_size, &views[n]), 0);
		memcpy(copies + n * LARGEST, f->value, f->info.size);
		n++;
	}
	for (i = 0; i < 20; i++)
		(rng_once_in(&m->rng, 4) ? model_del : model_put)(m);
	m->doing = "pin";
	for (i = 0; i < n; i++)
		if (memcmp(copies + i * LARGEST, views[i].data, views[i].info.size))
			model_fail(m, "a pinned view changed: view", (int64_t)i, -1);
	shmfs_unpin(pin);
	free(copies);
}

static void meet(struct model *m, struct shmfs *s, const struct shmfs_entry *e)
{
	struct fact *f;

	if (!own(m, e->key, e->key_size))
		return;
	f = model_fact(m, e->key, e->key_size);
	MODEL_SAME(m, "a key that was met", f->there, true);
	MODEL_SAME(m, "a key met twice in a walk", f->walk == m->walk, false);
	f->walk = m->walk;
	model_compare_info(m, f, &e->view.info);
	if (rng_once_in(&m->rng, 8) && (m->alone || MODEL_MAY_LOOK)) {
		memcpy(m->other, e->view.data, e->view.info.size);
		if (!shmfs_view_valid(s, &e->view))
			model_compare_value(m, f, m->other, e->view.info.size);
		else
			MODEL_SAME(m, "a view is invalid though nobody writes", m->alone, false);
	}
}

static void all_met(struct model *m)
{
	for (size_t i = 0; i < m->table.room; i++)
		if (m->table.slots[i].there && m->table.slots[i].walk != m->walk)
			model_fail(m, "a walk missed a key of size",
			           (int64_t)m->table.slots[i].key_size, 0);
}

/* From end to end, or in pieces by cursor, with other walks and puts in between if
 * somebody else is to check the outcome. */
static void walk(struct model *m, uint64_t piece)
{
	struct shmfs *s = model_reader(m);
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t cursor = 0, left = piece;
	int got;

	m->walk++;
	MODEL_SAME(m, "iter_open", shmfs_iter_open(s, &it, 0), 0);
	while (!(got = shmfs_iter_next(it, &e))) {
		meet(m, s, &e);
		cursor = e.cursor;
		if (!piece || --left)
			continue;
		shmfs_iter_close(it);
		left = 1 + rng_below(&m->rng, piece * 2);
		s = model_reader(m);
		MODEL_SAME(m, "iter_open at a cursor", shmfs_iter_open(s, &it, cursor), 0);
	}
	MODEL_SAME(m, "iter_next at the end", got, -ENOENT);
	MODEL_SAME(m, "iter_next behind the end", shmfs_iter_next(it, &e), -ENOENT);
	shmfs_iter_close(it);
	all_met(m);
}

void model_walk(struct model *m)
{
	m->doing = "walk";
	walk(m, 0);
}

void model_walk_pieces(struct model *m)
{
	m->doing = "walk in pieces";
	walk(m, 1 + m->table.there / 10);
}

void model_stat(struct model *m)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	m->doing = "stat";
	MODEL_SAME(m, "stat", shmfs_stat(model_reader(m), &st), 0);
	if (m->alone)
		MODEL_SAME(m, "stat.keys", st.keys, m->table.there);
	MODEL_SAME(m, "stat.io_error", st.io_error, 0);
}

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	struct model *m = arg;

	printf("# %s: %#llx: %s\n", m->path, (unsigned long long)offset, text);
}

void model_check(struct model *m)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};

	m->doing = "check";
	MODEL_SAME(m, "check", shmfs_check(model_reader(m), &result, print_problem, m), 0);
	MODEL_SAME(m, "problems", result.problems, 0);
	if (m->alone)
		MODEL_SAME(m, "keys", result.keys, m->table.there);
}
