/* SPDX-License-Identifier: MIT */
/* A reader beside another process that overwrites without a pause. */
#include <err.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

enum { STEP = 64 }; /* operations between two looks at the clock */

struct shared {
	atomic_bool ready, stop;
	_Atomic uint64_t puts;
};

static bench_key *keys;
static struct shared *shared;

static void write_on(const struct peer *peer, const char *path)
{
	void *store = peer->open(path, bench.keys, 0);
	uint8_t value[VALUE_SIZE];

	value_of(*keys, value, sizeof(value));
	atomic_store(&shared->ready, true);
	while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
		const uint8_t *key = keys[random64() % bench.keys];

		memcpy(value, key, KEY_SIZE);
		peer->put(store, key, KEY_SIZE, value, sizeof(value));
		atomic_fetch_add_explicit(&shared->puts, 1, memory_order_relaxed);
	}
	peer->close(store);
	_exit(0);
}

static void read_some(const struct peer *peer, void *store)
{
	uint64_t puts = atomic_load(&shared->puts), start = wall_ns(), n = 0, ns, at;
	uint32_t *took = need(STEP * 1024 * sizeof(*took));
	uint8_t buf[VALUE_SIZE];

	do {
		for (int i = 0; i < STEP; i++) {
			const uint8_t *key = keys[random64() % bench.keys];

			if (!peer->get(store, key, KEY_SIZE, buf, sizeof(buf)) || memcmp(buf, key, KEY_SIZE) != 0)
				errx(1, "%s: a wrong value", peer->name);
		}
		n += STEP;
	} while ((ns = wall_ns() - start) < 200000000);
	bench_figure("gets beside a writer", peer->name, "M/s", (double)n * 1e3 / (double)ns);
	bench_figure("puts of that writer", peer->name, "M/s",
	             (double)(atomic_load(&shared->puts) - puts) * 1e3 / (double)ns);
	for (n = 0; n < STEP * 1024 && wall_ns() - start < 800000000; n++) {
		const uint8_t *key = keys[random64() % bench.keys];

		at = wall_ns();
		peer->get(store, key, KEY_SIZE, buf, sizeof(buf));
		took[n] = (uint32_t)(wall_ns() - at);
	}
	bench_tail("gets beside a writer, tail", peer->name, took, n);
	free(took);
}

static void measure(const struct peer *peer)
{
	const char *path = peer_path(bench.dir, peer);
	void *store = peer->open(path, bench.keys, PEER_CREATE);
	uint8_t value[VALUE_SIZE];
	pid_t writer;

	value_of(*keys, value, sizeof(value));
	for (uint64_t i = 0; i < bench.keys; i++) {
		memcpy(value, keys[i], KEY_SIZE);
		peer->put(store, keys[i], KEY_SIZE, value, sizeof(value));
	}
	atomic_store(&shared->ready, false);
	atomic_store(&shared->stop, false);
	writer = fork();
	if (writer < 0)
		err(1, "fork");
	if (writer == 0) {
		bench_pin(bench.cpu ? 0 : 1);
		write_on(peer, path);
	}
	while (!atomic_load(&shared->ready) && waitpid(writer, NULL, WNOHANG) == 0)
		usleep(1000);
	for (unsigned round = 0; round < bench.rounds; round++)
		read_some(peer, store);
	atomic_store(&shared->stop, true);
	waitpid(writer, NULL, 0);
	peer->close(store);
	peer_remove(path);
}

int main(int argc, char **argv)
{
	bench_options(argc, argv);
	if (bench.keys > 1000000)
		bench.keys = 1000000;
	if (bench.rounds > 5)
		bench.rounds = 5;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		bench_note("a reader beside a writer needs two processors");
		return 0;
	}
	keys = keys_new(bench.keys);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	for (const struct peer *const *p = peers(); *p; p++)
		if ((*p)->writes <= 2) /* those that could keep up */
			measure(*p);
	bench_report();
	return 0;
}
