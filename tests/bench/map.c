/* SPDX-License-Identifier: MIT */
/* The map: get, miss, get-many, insert, overwrite, delete, iterate, big values, bytes per record. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum { LOADS = 3, BIGS = 16 };

/* Three orders: a store that appends keeps the records of one as neighbours, which must not
 * help the reads. */
static bench_key *keys, *read_order, *write_order, *absent;
static uint64_t operations; /* of one round */

/* One peer of this run. */
static struct runner {
	const struct peer *peer;
	void *store;
	uint64_t keys;
} runners[PEERS];
static unsigned n_runners;

static volatile uint64_t sink;

static void put_all(const struct runner *r, const bench_key *key, uint64_t n)
{
	uint8_t value[VALUE_SIZE];

	value_of(*key, value, sizeof(value));
	for (uint64_t i = 0; i < n; i++) {
		memcpy(value, key[i], KEY_SIZE);
		r->peer->put(r->store, key[i], KEY_SIZE, value, sizeof(value));
	}
}

static void expect(const struct runner *r, const char *work, uint64_t got, uint64_t wanted)
{
	if (got != wanted)
		errx(1, "%s: %s: %llu keys instead of %llu", r->peer->name, work,
		     (unsigned long long)got, (unsigned long long)wanted);
}

/* ---- works: each does some operations of round `at` ------------------------------------ */

/* The keys of this round. */
static const bench_key *part(const struct runner *r, const bench_key *order, unsigned at, uint64_t n)
{
	return (r->keys == bench.keys ? order : keys) + (uint64_t)at * n % (r->keys - n + 1);
}

static uint64_t get(const struct runner *r, unsigned at)
{
	uint64_t n = operations / r->peer->reads, found = 0;
	const bench_key *key = part(r, read_order, at, n);
	uint8_t buf[VALUE_SIZE];

	for (uint64_t i = 0; i < n; i++)
		found += r->peer->get(r->store, key[i], KEY_SIZE, buf, sizeof(buf)) && buf[0] == key[i][0];
	expect(r, "get", found, n);
	return n;
}

static uint64_t look(const struct runner *r, unsigned at)
{
	uint64_t n = operations / r->peer->reads, found = 0;
	const bench_key *key = part(r, read_order, at, n);

	if (!r->peer->look)
		return 0;
	for (uint64_t i = 0; i < n; i++)
		found += r->peer->look(r->store, key[i], KEY_SIZE) == key[i][0];
	expect(r, "view", found, n);
	return n;
}

static uint64_t miss(const struct runner *r, unsigned at)
{
	uint64_t n = operations / r->peer->reads, found = 0;
	uint8_t buf[VALUE_SIZE];

	(void)at;
	if (r->peer->blind)
		return 0;
	for (uint64_t i = 0; i < n; i++)
		found += r->peer->get(r->store, absent[i], KEY_SIZE, buf, sizeof(buf));
	expect(r, "miss", found, 0);
	return n;
}

static uint64_t many(const struct runner *r, unsigned at)
{
	uint64_t n = operations / r->peer->reads / MANY * MANY, found = 0;
	const bench_key *key = part(r, read_order, at, n);
	uint8_t buf[MANY][128];

	if (!r->peer->get_many)
		return 0;
	for (uint64_t i = 0; i < n; i += MANY)
		found += r->peer->get_many(r->store, key + i, MANY, buf, sizeof(*buf));
	expect(r, "many", found, n);
	return n;
}

static uint64_t overwrite(const struct runner *r, unsigned at)
{
	uint64_t n = operations / r->peer->writes;

	if (!r->peer->put)
		return 0;
	put_all(r, part(r, write_order, at, n), n);
	return n;
}

static uint64_t delete(const struct runner *r, unsigned at)
{
	uint64_t n = operations / r->peer->writes, found = 0;
	const bench_key *key = part(r, write_order, at, n);

	if (!r->peer->del)
		return 0;
	for (uint64_t i = 0; i < n; i++)
		found += r->peer->del(r->store, key[i], KEY_SIZE);
	expect(r, "delete", found, n);
	return n;
}

static uint64_t insert(const struct runner *r, unsigned at)
{
	return r->peer->del ? overwrite(r, at) : 0; /* the keys that delete() deleted */
}

static uint64_t walk(const struct runner *r, unsigned at)
{
	uint64_t sum = 0, n;

	(void)at;
	if (!r->peer->walk)
		return 0;
	n = r->peer->walk(r->store, &sum);
	sink += sum;
	expect(r, "iterate", n, r->keys);
	return n;
}

static const struct work {
	const char *name;
	uint64_t (*run)(const struct runner *r, unsigned at);
} works[] = {
	{"get, copy", get},
	{"get, view", look},
	{"get, miss", miss},
	{"get, 16 in one call, each", many},
	{"overwrite", overwrite},
	{"delete", delete},
	{"insert what was deleted", insert},
	{"iterate, each", walk},
};

static void work_all(unsigned round)
{
	for (unsigned w = 0; w < sizeof(works) / sizeof(*works); w++) {
		for (unsigned i = 0; i < n_runners; i++) {
			struct moment start = moment_now();
			uint64_t n = works[w].run(&runners[i], round);

			bench_of(runners[i].keys);
			if (n && round)
				bench_time(works[w].name, runners[i].peer->name, start, n);
		}
	}
}

/* ---- loading --------------------------------------------------------------------------- */

static void bytes_per_record(const struct runner *r, const char *path)
{
	uint64_t bytes = peer_bytes(path);

	if (bytes && !r->peer->blind)
		bench_figure("file bytes per 116-byte record", r->peer->name, "bytes",
		             (double)bytes / (double)r->keys);
}

/* Into a new store; the page faults of fresh memory are part of it. */
static void load(struct runner *r)
{
	const char *path = peer_path(bench.dir, r->peer);
	struct moment start;

	r->store = r->peer->open(path, r->keys, PEER_CREATE);
	if (!r->peer->put)
		return;
	start = moment_now();
	put_all(r, keys, r->keys);
	bench_of(r->keys);
	bench_time("insert into a new store", r->peer->name, start, r->keys);
	bytes_per_record(r, path);
}

static void load_all(void)
{
	for (unsigned at = 0; at < LOADS; at++) {
		for (unsigned i = 0; i < n_runners; i++) {
			struct runner *r = &runners[i];

			if (at && (r->peer->writes > 2 || !r->peer->put))
				continue; /* it takes too long, once is enough */
			if (at)
				r->peer->close(r->store);
			load(r);
		}
	}
	/* space is recycled from now on: so it is in a store that has lived for a while */
	for (unsigned i = 0; i < n_runners; i++)
		if (runners[i].peer->writes <= 2 && runners[i].peer->put)
			put_all(&runners[i], write_order, runners[i].keys);
}

/* ---- big values ------------------------------------------------------------------------- */

static void big_values(void)
{
	uint64_t n = operations / 100;
	uint8_t *value = need(BIG_SIZE);
	bench_key *key = keys_new(BIGS);

	for (unsigned round = 0; round <= bench.rounds; round++) {
		for (unsigned i = 0; i < n_runners; i++) {
			const struct runner *r = &runners[i];
			struct moment start;

			if (!r->peer->put)
				continue;
			bench_of(BIGS);
			for (unsigned k = 0; k < BIGS && !round; k++) {
				value_of(key[k], value, BIG_SIZE);
				r->peer->put(r->store, key[k], KEY_SIZE, value, BIG_SIZE);
			}
			start = moment_now();
			for (uint64_t k = 0; k < n && r->peer->look; k++)
				sink += (uint64_t)r->peer->look(r->store, key[k % BIGS], KEY_SIZE);
			if (round && r->peer->look)
				bench_time("64 KiB value, view", r->peer->name, start, n);
			start = moment_now();
			for (uint64_t k = 0; k < n; k++)
				r->peer->get(r->store, key[k % BIGS], KEY_SIZE, value, BIG_SIZE);
			if (round)
				bench_time("64 KiB value, copy", r->peer->name, start, n);
		}
	}
	free(value);
	free(key);
}

int main(int argc, char **argv)
{
	uint64_t all = 0; /* keys of all peers: their stores are there at once */

	bench_options(argc, argv);
	operations = bench.keys / 10 < 100000 ? bench.keys / 10 : 100000;
	keys = keys_new(bench.keys);
	read_order = keys_shuffled(keys, bench.keys);
	write_order = keys_shuffled(keys, bench.keys);
	absent = keys_new(operations);
	for (const struct peer *const *p = peers(); *p; p++) {
		uint64_t n = peer_keys(*p, bench.dir, all);

		all += n;
		if (n)
			runners[n_runners++] = (struct runner){*p, NULL, n};
	}
	bench_note("%llu keys of %d bytes, values of %d (files and sqlite: at most %d keys)",
	           (unsigned long long)bench.keys, KEY_SIZE, VALUE_SIZE, FEW_KEYS);
	load_all();
	for (unsigned round = 0; round <= bench.rounds; round++) /* the first only warms up */
		work_all(round);
	big_values();
	bench_report();
	for (unsigned i = 0; i < n_runners; i++) {
		runners[i].peer->close(runners[i].store);
		peer_remove(peer_path(bench.dir, runners[i].peer));
	}
	return 0;
}
