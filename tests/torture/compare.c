/* SPDX-License-Identifier: MIT */
/* The kill torture's parent: the store against the books (ledger.h). */
#include <errno.h>

#include "ledger.h"

static unsigned char room[VALUE_TOP];

static bool holds(struct shmfs *s, unsigned writer, uint32_t slot, const struct state *st)
{
	unsigned char key[KEY_TOP];
	struct shmfs_info info;
	size_t size = sizeof(room);
	int got = shmfs_get(s, key, ledger_key(writer, slot, key), room, &size, &info);

	if (got && got != -ENOENT)
		die("get of writer %u's slot %u: %s", writer, slot, shmfs_strerror(got));
	if (got || !st->there)
		return got && !st->there;
	return size == st->size && info.type == st->type && value_is(room, size, st->seed);
}

/* Find out what became of the operation in flight, and book it. */
static void settle(struct shmfs *s, struct ledger *l, unsigned writer, bool repaired)
{
	unsigned n = atomic_load(&l->in_flight), done = 0, undone = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct change *c = &l->changes[i];

		/*
		 * Both, if an empty value replaced an empty one, or one of a few bytes its like: that
		 * says nothing of whether it was done.  (To count it as done is to find a put_many
		 * that did its third item and not its second.)
		 */
		bool new = holds(s, writer, c->slot, &c->after);
		bool old = holds(s, writer, c->slot, &l->states[c->slot]);

		if (!new && !old)
			die("writer %u's %s: slot %u is neither old nor new", writer, l->doing, c->slot);
		done += !old;
		undone += !new;
		if (!old && undone && l->one_by_one)
			die("writer %u's %s: number %u is done, one before is not", writer, l->doing, i);
		if (new && repaired)
			l->states[c->slot] = c->after;
	}
	/* Until the dead writer's lock is taken a rename may show both names. */
	if (!l->one_by_one && done && undone && repaired)
		die("writer %u's %s: half of it is done", writer, l->doing);
	if (repaired)
		atomic_store(&l->in_flight, 0);
}

static bool in_flight(const struct ledger *l, uint32_t slot)
{
	unsigned n = atomic_load(&((struct ledger *)l)->in_flight);

	for (unsigned i = 0; i < n; i++)
		if (l->changes[i].slot == slot)
			return true;
	return false;
}

uint64_t compare_writer(struct shmfs *s, struct ledger *l, unsigned writer, bool repaired)
{
	uint64_t there = 0;

	settle(s, l, writer, repaired);
	for (uint32_t i = 0; i < SLOTS; i++) {
		if (!in_flight(l, i) && !holds(s, writer, i, &l->states[i]))
			die("writer %u's slot %u is not what was acknowledged", writer, i);
		there += l->states[i].there;
	}
	return there;
}

void compare_fillers(struct shmfs *s, struct rng *rng, uint64_t samples, uint64_t fillers)
{
	unsigned char key[KEY_TOP];

	for (uint64_t n = 0; n < samples; n++) {
		uint64_t i = samples < fillers ? rng_below(rng, fillers) : n % fillers;
		size_t size = sizeof(room);
		int got = shmfs_get(s, key, filler_key(i, key), room, &size, NULL);

		if (got || size != FILLER_SIZE || !value_is(room, size, i))
			die("filler %llu is not what was put: %s", (unsigned long long)i, shmfs_strerror(got));
	}
}
