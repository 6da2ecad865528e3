/* SPDX-License-Identifier: MIT */
/*
 * A reader beside another process that overwrites without a pause: some short rounds, or with --seconds
 * one long one, in which every STEPth get is timed.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

enum {
	STEP = 64,         /* operations between two looks at the clock */
	SAMPLES = 1 << 20, /* kept; of more, random ones */
};

struct shared {
	atomic_bool go, ready, stop;
	_Atomic uint64_t puts;
};

static bench_key *keys;
static uint64_t n_keys; /* of this peer */
static struct shared *shared;

static void write_on(const struct peer *peer, const char *path)
{
	void *store = peer->open(path, n_keys, 0);
	uint8_t value[VALUE_SIZE];

	value_of(*keys, value, sizeof(value));
	atomic_store(&shared->ready, true);
	while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
		const uint8_t *key = keys[random64() % n_keys];

		memcpy(value, key, KEY_SIZE);
		peer->put(store, key, KEY_SIZE, value, sizeof(value));
		atomic_fetch_add_explicit(&shared->puts, 1, memory_order_relaxed);
	}
	peer->close(store);
	_exit(0);
}

static void read_one(const struct peer *peer, void *store)
{
	const uint8_t *key = keys[random64() % n_keys];
	uint8_t buf[VALUE_SIZE];

	if (!peer->get(store, key, KEY_SIZE, buf, sizeof(buf)) || memcmp(buf, key, KEY_SIZE) != 0)
		errx(1, "%s: a wrong value", peer->name);
}

static uint32_t time_one(const struct peer *peer, void *store)
{
	uint64_t start = wall_ns();

	read_one(peer, store);
	return (uint32_t)(wall_ns() - start);
}

/* The rate of untimed gets, then the times of some; or both at once, when it goes on for long. */
static void read_some(const struct peer *peer, void *store)
{
	uint64_t for_ns = bench.seconds ? bench.seconds * UINT64_C(1000000000) : 200000000;
	uint64_t puts = atomic_load(&shared->puts), start = wall_ns(), n = 0, samples = 0, ns;
	uint64_t retries = peer->retries ? peer->retries(store) : 0;
	uint32_t *took = need(SAMPLES * sizeof(*took));

	do {
		for (int i = 1; i < STEP; i++)
			read_one(peer, store);
		if (bench.seconds)
			took[samples < SAMPLES ? samples : random64() % SAMPLES] = time_one(peer, store);
		else
			read_one(peer, store);
		samples += bench.seconds && samples < SAMPLES;
		n += STEP;
	} while ((ns = wall_ns() - start) < for_ns);
	bench_figure("gets beside a writer", peer->name, "M/s", (double)n * 1e3 / (double)ns);
	bench_figure("puts of that writer", peer->name, "M/s",
	             (double)(atomic_load(&shared->puts) - puts) * 1e3 / (double)ns);
	if (peer->retries)
		bench_figure("gets beside a writer, done again", peer->name, "per M",
		             (double)(peer->retries(store) - retries) * 1e6 / (double)n);
	while (!bench.seconds && samples < SAMPLES && wall_ns() - start < 800000000)
		took[samples++] = time_one(peer, store);
	bench_tail("gets beside a writer, tail", peer->name, took, samples);
	free(took);
}

/* Before the store is opened: no peer likes to be taken across a fork. */
static pid_t start_writer(const struct peer *peer, const char *path)
{
	pid_t writer;

	atomic_store(&shared->go, false);
	atomic_store(&shared->ready, false);
	atomic_store(&shared->stop, false);
	writer = fork();
	if (writer < 0)
		err(1, "fork");
	if (writer == 0) {
		bench_pin(bench.cpu ? 0 : 1);
		while (!atomic_load(&shared->go) && getppid() != 1)
			usleep(1000);
		write_on(peer, path);
	}
	return writer;
}

static void measure(const struct peer *peer)
{
	const char *path = peer_path(bench.dir, peer);
	pid_t writer = start_writer(peer, path);
	void *store = peer->open(path, n_keys, PEER_CREATE);
	uint8_t value[VALUE_SIZE];

	value_of(*keys, value, sizeof(value));
	for (uint64_t i = 0; i < n_keys; i++) {
		memcpy(value, keys[i], KEY_SIZE);
		peer->put(store, keys[i], KEY_SIZE, value, sizeof(value));
	}
	atomic_store(&shared->go, true);
	while (!atomic_load(&shared->ready) && waitpid(writer, NULL, WNOHANG) == 0)
		usleep(1000);
	bench_of(n_keys);
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
	if (bench.seconds)
		bench.rounds = 1;
	keys = keys_new(bench.keys);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	for (const struct peer *const *p = peers(); *p; p++) {
		if ((*p)->alone || (*p)->blind || *p == &peer_files) /* whose values may be torn */
			continue;
		n_keys = peer_keys(*p, bench.dir, 0);
		if (n_keys)
			measure(*p);
	}
	bench_report();
	return 0;
}
