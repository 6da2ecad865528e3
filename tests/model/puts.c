/* SPDX-License-Identifier: MIT */
/* The operations that change a store by one call. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "model.h"

#define CONDITIONS (SHMFS_IF_ABSENT | SHMFS_IF_PRESENT | SHMFS_IF_VERSION)
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

static uint64_t present(const struct fact *f)
{
	return f->there ? f->info.version : 0;
}

int model_judge(const struct fact *f, uint32_t flags, uint64_t version, size_t size)
{
	if ((flags & ~CONDITIONS) == SHMFS_NUMBER && size != sizeof(double))
		return -EINVAL;
	if ((flags & SHMFS_IF_ABSENT) && f->there)
		return -EEXIST;
	if ((flags & SHMFS_IF_PRESENT) && !f->there)
		return -ENOENT;
	if ((flags & SHMFS_IF_VERSION) && version != present(f))
		return -ESTALE;
	return 0;
}

uint32_t model_condition(struct model *m, const struct fact *f, uint64_t *version)
{
	bool hold = !rng_once_in(&m->rng, 4);

	*version = rng_next(&m->rng);
	switch (rng_below(&m->rng, 8)) {
	case 0:
	case 1:
		return f->there == hold ? SHMFS_IF_PRESENT : SHMFS_IF_ABSENT;
	case 2:
	case 3:
		*version = present(f) + !hold * (1 + rng_below(&m->rng, 3));
		return SHMFS_IF_VERSION;
	case 4:
		*version = hold ? present(f) : 0;
		return SHMFS_IF_VERSION;
	}
	return 0;
}

size_t model_value(struct model *m, uint32_t *type)
{
	double number = (double)rng_below(&m->rng, 2000) / 4 - 250;
	size_t size;

	*type = rng_below(&m->rng, 3);
	if (*type == SHMFS_NUMBER && !rng_once_in(&m->rng, 20)) {
		if (rng_once_in(&m->rng, 20))
			number = rng_once_in(&m->rng, 2) ? NAN : WHOLE_MAX - 3;
		memcpy(m->room, &number, sizeof(number));
		return sizeof(number);
	}
	if (rng_once_in(&m->rng, 500))
		size = 300000 + rng_below(&m->rng, VALUE_TOP - 300000);
	else if (rng_once_in(&m->rng, 100))
		size = 200000 + rng_below(&m->rng, 130000);
	else
		size = rng_size(&m->rng, 65536);
	if (size > m->value_top)
		size = rng_below(&m->rng, m->value_top + 1);
	value_fill(m->room, size, rng_next(&m->rng));
	return size;
}

void model_settle(struct model *m, struct fact *f, const void *value, size_t size,
                  uint32_t flags, int got, int wanted, uint64_t version)
{
	MODEL_SAME(m, "the result", got, wanted);
	if (!got)
		model_set(m, f, value, size, flags & ~CONDITIONS, version);
	else if (got == -EEXIST || got == -ENOENT || got == -ESTALE)
		MODEL_SAME(m, "the present version", version, present(f));
	if (got)
		model_compare(m, f);
}

void model_put(struct model *m)
{
	struct fact *f = model_pick(m);
	uint64_t version;
	uint32_t flags;
	size_t size;
	int wanted, got;

	m->doing = "put";
	size = model_value(m, &flags);
	flags |= model_condition(m, f, &version);
	wanted = model_judge(f, flags, version, size);
	got = shmfs_put(m->s, f->key, f->key_size, m->room, size, flags, &version);
	model_settle(m, f, m->room, size, flags, got, wanted, version);
}

static bool only_a_condition(int code)
{
	return code == -EEXIST || code == -ENOENT || code == -ESTALE;
}

/* The facts change as put_many goes, so that an item's expectation is known only when
 * the items before it are settled: conditions on versions are left to model_put(). */
void model_put_many(struct model *m)
{
	enum { TOP = 24 };
	struct shmfs_item items[TOP];
	struct fact *facts[TOP];
	unsigned char *place = m->other;
	size_t n = rng_below(&m->rng, TOP + 1), i;
	uint64_t last = m->last_version;
	int got, wanted = 0;

	m->doing = "put_many";
	for (i = 0; i < n; i++) {
		facts[i] = model_pick(m);
		items[i] = (struct shmfs_item){.key = facts[i]->key, .key_size = facts[i]->key_size};
		items[i].value = place;
		items[i].size = model_value(m, &items[i].flags);
		if (items[i].size > VALUE_TOP / TOP) {
			items[i].size = VALUE_TOP / TOP;
			items[i].flags = SHMFS_BYTES;
		}
		memcpy(place, m->room, items[i].size);
		place += items[i].size;
		if (rng_once_in(&m->rng, 3))
			items[i].flags |= rng_once_in(&m->rng, 2) ? SHMFS_IF_ABSENT : SHMFS_IF_PRESENT;
	}
	got = shmfs_put_many(m->s, items, n);
	/* Settling reads the store into `other`; nobody needs the items' bytes then but us. */
	memcpy(m->room, m->other, (size_t)(place - m->other));
	for (i = 0; i < n; i++) {
		struct fact *f = facts[i];

		if (wanted) {
			MODEL_SAME(m, "the status of an item not tried", items[i].status, -ECANCELED);
			continue;
		}
		wanted = model_judge(f, items[i].flags, 0, items[i].size);
		MODEL_SAME(m, "an item's status", items[i].status, wanted);
		if (!wanted) {
			MODEL_SAME(m, "a later item's version is larger", items[i].version > last, 1);
			last = f->info.version = items[i].version;
			m->table.there += !f->there;
			f->there = true;
			f->walk = i; /* the last of equal keys is what can be compared */
		} else if (only_a_condition(wanted)) {
			MODEL_SAME(m, "the present version", items[i].version, present(f));
			wanted = 0;
		}
	}
	MODEL_SAME(m, "put_many", got, wanted);
	for (i = 0; i < n; i++)
		if (!items[i].status && facts[i]->walk == i)
			model_set(m, facts[i],
			          m->room + ((unsigned char *)items[i].value - m->other),
			          items[i].size, items[i].flags & ~CONDITIONS, items[i].version);
	for (i = 0; i < n; i++)
		facts[i]->walk = 0;
}

void model_del(struct model *m)
{
	struct fact *f = model_pick(m);
	uint64_t version = rng_next(&m->rng);
	uint32_t flags = 0;
	int wanted = f->there ? 0 : -ENOENT, got;

	m->doing = "del";
	if (rng_once_in(&m->rng, 3)) {
		flags = SHMFS_IF_VERSION;
		version = present(f) + rng_below(&m->rng, 2);
		if (f->there && version != present(f))
			wanted = -ESTALE;
	}
	got = shmfs_del(m->s, f->key, f->key_size, flags, flags ? &version : NULL);
	MODEL_SAME(m, "del", got, wanted);
	if (got == -ESTALE)
		MODEL_SAME(m, "the present version", version, present(f));
	if (!got)
		model_unset(m, f);
	model_compare(m, f);
}

void model_rename(struct model *m)
{
	struct fact *from = model_pick(m), *to = model_pick(m);
	uint32_t flags = rng_once_in(&m->rng, 3) ? SHMFS_IF_ABSENT : 0;
	struct shmfs_info info;
	int wanted = 0, got;

	m->doing = "rename";
	if (rng_once_in(&m->rng, 30))
		to = from;
	if (!from->there)
		wanted = -ENOENT;
	else if (flags && to->there)
		wanted = -EEXIST;
	got = shmfs_rename(m->s, from->key, from->key_size, to->key, to->key_size, flags);
	MODEL_SAME(m, "rename", got, wanted);
	if (!got && from == to) {
		/* To its own name: a new version or nothing at all, both are fine. */
		MODEL_SAME(m, "exists", shmfs_exists(m->s, to->key, to->key_size, &info), 0);
		if (info.version != to->info.version)
			model_set(m, to, memcpy(m->room, to->value, to->info.size),
			          to->info.size, to->info.type, info.version);
	} else if (!got) {
		MODEL_SAME(m, "exists", shmfs_exists(m->s, to->key, to->key_size, &info), 0);
		model_set(m, to, from->value, from->info.size, from->info.type, info.version);
		model_unset(m, from);
	}
	model_compare(m, from);
	model_compare(m, to);
}

static double some_delta(struct rng *r)
{
	static const double odd[] = {0, -0.5, 1e300, -1e300, WHOLE_MAX, INFINITY, NAN, 1e-9};

	if (rng_once_in(r, 4))
		return odd[rng_below(r, sizeof(odd) / sizeof(*odd))];
	return (double)rng_below(r, 1000) - 500;
}

void model_add(struct model *m)
{
	struct fact *f = model_pick(m);
	double delta, before = 0, sum, value = -7;
	uint64_t version = 0;
	int wanted = 0, got;

	m->doing = "add";
	delta = some_delta(&m->rng);
	if (f->there && f->info.type == SHMFS_NUMBER)
		memcpy(&before, f->value, sizeof(before));
	sum = before + delta;
	if (f->there && f->info.type != SHMFS_NUMBER)
		wanted = -EINVAL;
	else if (!isfinite(sum) || fabs(sum) > WHOLE_MAX)
		wanted = -ERANGE;
	got = shmfs_add(m->s, f->key, f->key_size, delta, &value, &version);
	MODEL_SAME(m, "add", got, wanted);
	if (got) {
		model_compare(m, f);
		return;
	}
	MODEL_SAME(m, "the sum (its bits differ)", memcmp(&value, &sum, sizeof(sum)), 0);
	model_set(m, f, &sum, sizeof(sum), SHMFS_NUMBER, version);
}
