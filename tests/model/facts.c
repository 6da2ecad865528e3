/* SPDX-License-Identifier: MIT */
/* The plain table a store is compared with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static void *need(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		die("out of memory");
	return p;
}

void model_init(struct model *m, uint64_t seed, uint64_t universe, uint64_t value_top)
{
	memset(m, 0, sizeof(*m));
	m->seed = seed;
	m->rng.state = seed;
	m->universe = universe;
	m->value_top = value_top;
	m->alone = true;
	m->doing = "start";
	for (m->table.room = 64; m->table.room < universe * 2;)
		m->table.room *= 2;
	m->table.slots = need(m->table.room * sizeof(struct fact));
	m->key = need(KEY_TOP);
	m->room = need(VALUE_TOP);
	m->other = need(VALUE_TOP);
}

void model_free(struct model *m)
{
	for (size_t i = 0; i < m->table.room; i++) {
		free(m->table.slots[i].key);
		free(m->table.slots[i].value);
	}
	free(m->table.slots);
	free(m->key);
	free(m->room);
	free(m->other);
}

void model_fail(struct model *m, const char *what, int64_t got, int64_t wanted)
{
	die("seed %llu, operation %llu (%s) on %s: %s is %lld (%s), should be %lld (%s)",
	    (unsigned long long)m->seed, (unsigned long long)m->op, m->doing, m->path, what,
	    (long long)got, got < 0 ? shmfs_strerror((int)got) : "", (long long)wanted,
	    wanted < 0 ? shmfs_strerror((int)wanted) : "");
}

struct fact *model_fact(struct model *m, const void *key, size_t key_size)
{
	const unsigned char *bytes = key;
	struct fact *f;
	uint64_t h = key_size;

	for (size_t i = 0; i < key_size; i++)
		h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
	for (h ^= h >> 29;; h++) {
		f = &m->table.slots[h & (m->table.room - 1)];
		if (!f->key)
			break;
		if (f->key_size == key_size && !memcmp(f->key, key, key_size))
			return f;
	}
	f->key = need(key_size);
	f->key_size = key_size;
	memcpy(f->key, key, key_size);
	return f;
}

struct fact *model_pick(struct model *m)
{
	uint64_t i = rng_below(&m->rng, m->universe);
	struct rng r = {i + 1};
	size_t size;

	if (i == 0)
		size = 0;
	else if (rng_once_in(&r, 300))
		size = rng_once_in(&r, 2) ? SHMFS_KEY_MAX - m->tag_size : 60000;
	else
		size = rng_once_in(&r, 2) ? rng_below(&r, 32) : rng_below(&r, 301);
	memcpy(m->key, m->tag, m->tag_size);
	value_fill(m->key + m->tag_size, size, i);
	return model_fact(m, m->key, m->tag_size + size);
}

struct shmfs *model_reader(struct model *m)
{
	return m->reader && rng_once_in(&m->rng, 2) ? m->reader : m->s;
}

void model_set(struct model *m, struct fact *f, const void *value, size_t size, uint32_t type,
               uint64_t version)
{
	struct shmfs_info got;

	if (version <= m->last_version)
		model_fail(m, "the new version", (int64_t)version, (int64_t)m->last_version + 1);
	m->last_version = version;
	free(f->value);
	f->value = need(size);
	memcpy(f->value, value, size);
	f->info = (struct shmfs_info){.size = size, .type = type, .version = version};
	m->table.there += !f->there;
	f->there = true;

	MODEL_SAME(m, "exists after put", shmfs_exists(model_reader(m), f->key, f->key_size, &got), 0);
	if (got.time_ns <= m->last_time)
		model_fail(m, "its time", (int64_t)got.time_ns, (int64_t)m->last_time + 1);
	m->last_time = f->info.time_ns = got.time_ns;
	model_compare_info(m, f, &got);
}

void model_unset(struct model *m, struct fact *f)
{
	m->table.there -= f->there;
	f->there = false;
	free(f->value);
	f->value = NULL;
}

void model_compare_info(struct model *m, const struct fact *f, const struct shmfs_info *got)
{
	MODEL_SAME(m, "info.size", got->size, f->info.size);
	MODEL_SAME(m, "info.version", got->version, f->info.version);
	MODEL_SAME(m, "info.time_ns", got->time_ns, f->info.time_ns);
	MODEL_SAME(m, "info.type", got->type, f->info.type);
}

void model_compare_value(struct model *m, const struct fact *f, const void *got, size_t size)
{
	const unsigned char *bytes = got;

	MODEL_SAME(m, "the size", size, f->info.size);
	if (!memcmp(bytes, f->value, size))
		return;
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != f->value[i])
			die("seed %llu, operation %llu (%s): byte %zu of %zu is %02x, not %02x",
			    (unsigned long long)m->seed, (unsigned long long)m->op, m->doing, i, size,
			    bytes[i], f->value[i]);
}

void model_compare(struct model *m, struct fact *f)
{
	struct shmfs_info info;
	size_t size = VALUE_TOP;
	int got;

	got = shmfs_get(model_reader(m), f->key, f->key_size, m->other, &size, &info);
	MODEL_SAME(m, "get", got, f->there ? 0 : -ENOENT);
	if (got)
		return;
	model_compare_info(m, f, &info);
	model_compare_value(m, f, m->other, size);
}
