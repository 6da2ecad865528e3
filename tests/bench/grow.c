/* SPDX-License-Identifier: MIT */
/* How long single puts take while a store grows from a thousand keys. */
#include <stdlib.h>
#include <string.h>

#include "peer.h"

static void measure(const struct peer *peer, const bench_key *keys)
{
	const char *path = peer_path(bench.dir, peer);
	void *store = peer->open(path, bench.keys, PEER_CREATE | PEER_GROWS);
	uint32_t *took = need(bench.keys * sizeof(*took));
	uint8_t value[VALUE_SIZE];
	size_t n = 0;

	memset(took, 0, bench.keys * sizeof(*took)); /* its page faults are not the store's */
	value_of(*keys, value, sizeof(value));
	for (uint64_t i = 0; i < bench.keys; i++) {
		uint64_t start = wall_ns();

		memcpy(value, keys[i], KEY_SIZE);
		peer->put(store, keys[i], KEY_SIZE, value, sizeof(value));
		if (i >= 1000)
			took[n++] = (uint32_t)(wall_ns() - start);
	}
	bench_tail("put while growing", peer->name, took, n);
	peer->close(store);
	peer_remove(path);
	free(took);
}

int main(int argc, char **argv)
{
	const bench_key *keys;

	bench_options(argc, argv);
	keys = keys_new(bench.keys);
	bench_note("from 1,000 to %llu keys, wall time", (unsigned long long)bench.keys);
	for (const struct peer *const *p = peers(); *p; p++)
		if ((*p)->writes <= 2) /* those that could keep up */
			for (unsigned round = 0; round < (bench.large ? 1 : 3); round++)
				measure(*p, keys);
	bench_report();
	return 0;
}
