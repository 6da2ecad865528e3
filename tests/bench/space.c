/* SPDX-License-Identifier: MIT */
/*
 * How large a store becomes when its values are overwritten, and what a compaction gives back.
 * Each pass puts as many times as there are keys, each time a random one.
 */
#include <stdio.h>
#include <string.h>

#include <shmfs.h>

#include "peer.h"

enum { PASSES = 5, PASSES_LARGE = 100, SLOW = 5 };

static bench_key *keys;

static void put_random(const struct peer *peer, void *store, uint64_t n, bool all)
{
	uint8_t value[VALUE_SIZE];

	value_of(*keys, value, sizeof(value));
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *key = keys[all ? i : random64() % n];

		memcpy(value, key, KEY_SIZE);
		peer->put(store, key, KEY_SIZE, value, sizeof(value));
	}
}

static void size_now(const char *work, const struct peer *peer, const char *path)
{
	uint64_t bytes = peer_bytes(path);

	if (bytes) /* tiny's are in no file before it is closed */
		bench_figure(work, peer->name, "MiB", (double)bytes / (1 << 20));
}

/* What the store itself calls live, and so what its file may take by the promise. */
static void promised(void *store)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	if (shmfs_stat(store, &st))
		return;
	bench_figure("space of what is live", "shmfs", "MiB", (double)st.live_bytes / (1 << 20));
	bench_figure("space promised: live / (1 - garbage) + 8 MiB", "shmfs", "MiB",
	             (double)st.live_bytes / (1 - st.garbage) / (1 << 20) + 8);
}

/* Sizes after 1, 2, 5, 10, 20, 50 ... passes. */
static void overwrite(const struct peer *peer, void *store, const char *path, uint64_t n)
{
	unsigned passes = bench.large ? PASSES_LARGE : PASSES, mark = 1;
	unsigned last = 1; /* the first digit of the mark */
	char work[64];

	if (peer->writes > 2)
		passes /= SLOW;
	for (unsigned pass = 1; pass <= passes; pass++) {
		put_random(peer, store, n, false);
		if (pass != mark)
			continue;
		snprintf(work, sizeof(work), "space after %u overwrites", pass);
		size_now(work, peer, path);
		mark = last == 2 ? mark * 5 / 2 : mark * 2;
		last = last == 5 ? 1 : last == 2 ? 5 : 2;
	}
}

static void measure(const struct peer *peer)
{
	const char *path = peer_path(bench.dir, peer);
	uint64_t n = peer_keys(peer, bench.dir, 0);
	void *store;

	if (!n)
		return;
	bench_of(n);
	store = peer->open(path, n, PEER_CREATE | PEER_GROWS);
	put_random(peer, store, n, true);
	size_now("space after 0 overwrites", peer, path);
	overwrite(peer, store, path, n);
	if (peer == &peer_shmfs)
		promised(store);
	if (peer->compact) {
		peer->compact(store);
		size_now("space after compacting", peer, path);
	}
	peer->close(store);
	size_now("space after closing", peer, path);
	peer_remove(path);
}

int main(int argc, char **argv)
{
	bench_options(argc, argv);
	if (bench.keys > 1000000)
		bench.keys = 1000000;
	keys = keys_new(bench.keys);
	bench_note("%llu keys", (unsigned long long)bench.keys);
	for (const struct peer *const *p = peers(); *p; p++)
		if (!(*p)->blind && *p != &peer_floor && *p != &peer_files)
			measure(*p);
	bench_report();
	return 0;
}
