/* SPDX-License-Identifier: MIT */
/* How long single puts take while a store grows from a thousand keys, and what a get takes by then. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum { FIRST = 1000, GETS = 20000 };

static const bench_key *keys;

/* Of random keys among the first n. */
static void gets(const struct peer *peer, void *store, uint64_t n)
{
	unsigned count = GETS / peer->reads, found = 0;
	const uint8_t *key[GETS];
	uint8_t buf[VALUE_SIZE];
	struct moment start;
	char work[64];

	for (unsigned i = 0; i < count; i++)
		key[i] = keys[random64() % n];
	snprintf(work, sizeof(work), "get, copy, of %llu keys", (unsigned long long)n);
	start = moment_now();
	for (unsigned i = 0; i < count; i++)
		found += peer->get(store, key[i], KEY_SIZE, buf, sizeof(buf));
	bench_time(work, peer->name, start, count);
	if (found != count)
		errx(1, "%s: a key is missing", peer->name);
}

static uint32_t put(const struct peer *peer, void *store, const uint8_t *key, uint8_t *value)
{
	uint64_t start = wall_ns();

	memcpy(value, key, KEY_SIZE);
	peer->put(store, key, KEY_SIZE, value, VALUE_SIZE);
	return (uint32_t)(wall_ns() - start);
}

static void measure(const struct peer *peer)
{
	const char *path = peer_path(bench.dir, peer);
	void *store = peer->open(path, bench.keys, PEER_CREATE | PEER_GROWS);
	uint32_t *took = need(bench.keys * sizeof(*took));
	uint8_t value[VALUE_SIZE];
	uint64_t i = 0, from;
	char work[64];

	memset(took, 0, bench.keys * sizeof(*took)); /* its page faults are not the store's */
	value_of(*keys, value, sizeof(value));
	for (uint64_t to = FIRST; (from = i) < bench.keys; to = to * 10 < bench.keys ? to * 10 : bench.keys) {
		while (i < to) {
			took[i] = put(peer, store, keys[i], value);
			i++;
		}
		bench_of(to);
		gets(peer, store, to);
		if (!from)
			continue;
		snprintf(work, sizeof(work), "put while growing to %llu keys", (unsigned long long)to);
		bench_tail(work, peer->name, took + from, to - from);
	}
	bench_tail("put while growing, in all", peer->name, took + FIRST, bench.keys - FIRST);
	peer->close(store);
	peer_remove(path);
	free(took);
}

int main(int argc, char **argv)
{
	bench_options(argc, argv);
	keys = keys_new(bench.keys);
	bench_note("from 1,000 to %llu keys, puts in wall time", (unsigned long long)bench.keys);
	for (unsigned round = 0; round < (bench.large ? 1 : 2); round++)
		for (const struct peer *const *p = peers(); *p; p++)
			if ((*p)->writes <= 2 && !(*p)->blind) /* those that could keep up */
				if (peer_keys(*p, bench.dir, 0))
					measure(*p);
	bench_report();
	return 0;
}
