/* SPDX-License-Identifier: MIT */
/* A put and its sync on a disk. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "peer.h"

enum { KEYS = 10000, PUTS = 50 };

/* What the disk itself takes: one page of a file that is there. */
static void bare(int fd)
{
	static char page[4096];
	uint64_t start = wall_ns();

	for (unsigned i = 0; i < PUTS; i++) {
		page[0]++;
		if (pwrite(fd, page, sizeof(page), (off_t)(i % 16 * sizeof(page))) < 0 || fdatasync(fd))
			err(1, "%s", bench.disk);
	}
	bench_figure("put and sync on disk", "floor", "us", (double)(wall_ns() - start) / 1e3 / PUTS);
}

static void puts_and_syncs(const struct peer *peer, void *store, const bench_key *key)
{
	uint8_t value[VALUE_SIZE];
	uint64_t start = wall_ns();

	value_of(*key, value, sizeof(value));
	for (unsigned i = 0; i < PUTS; i++) {
		peer->put(store, key[i], KEY_SIZE, value, sizeof(value));
		peer->sync(store);
	}
	bench_figure("put and sync on disk", peer->name, "us", (double)(wall_ns() - start) / 1e3 / PUTS);
}

int main(int argc, char **argv)
{
	const struct peer *const *p;
	void *store[PEERS] = {NULL};
	bench_key *keys;
	struct statfs fs;
	unsigned i;
	int fd;

	bench_options(argc, argv);
	if (statfs(bench.disk, &fs) == 0 && fs.f_type == TMPFS_MAGIC) {
		bench_note("%s is no disk: give one with --disk", bench.disk);
		return 0;
	}
	bench_of(KEYS);
	keys = keys_new(KEYS);
	fd = open(bench.disk, O_TMPFILE | O_RDWR, 0600);
	if (fd < 0)
		err(1, "%s", bench.disk);
	bare(fd);
	for (p = peers(), i = 0; p[i]; i++) {
		if (!p[i]->sync)
			continue;
		store[i] = p[i]->open(peer_path(bench.disk, p[i]), KEYS, PEER_CREATE | PEER_DISK);
		puts_and_syncs(p[i], store[i], keys);
	}
	for (unsigned round = 0; round < bench.rounds; round++) {
		bare(fd);
		for (i = 0; p[i]; i++)
			if (store[i])
				puts_and_syncs(p[i], store[i], keys + random64() % (KEYS - PUTS));
	}
	bench_report();
	for (i = 0; p[i]; i++) {
		if (!store[i])
			continue;
		p[i]->close(store[i]);
		peer_remove(peer_path(bench.disk, p[i]));
	}
	return 0;
}
