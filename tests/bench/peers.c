/* SPDX-License-Identifier: MIT */
/* Who is measured. */
#define _GNU_SOURCE
#include "peer.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool asked_for(const char *name)
{
	size_t n = strlen(name);

	for (const char *at = bench.only; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == 0))
			return true;
	}
	return !bench.only;
}

const struct peer *const *peers(void)
{
	static const struct peer *const all[] = {
		&peer_floor,
		&peer_shmfs,
#if BENCH_LMDB
		&peer_lmdb,
#endif
#if BENCH_BOOST
		&peer_boost,
#endif
		&peer_files,
	};
	static const struct peer *chosen[sizeof(all) / sizeof(*all) + 1];
	unsigned n = 0;

	if (chosen[0])
		return chosen;
	if (!BENCH_LMDB)
		bench_note("without LMDB: liblmdb-dev was not there when this was configured");
	if (!BENCH_BOOST)
		bench_note("without Boost.Interprocess: libboost-dev was not there when this was configured");
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (asked_for(all[i]->name))
			chosen[n++] = all[i];
	return chosen;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void peer_remove(const char *path)
{
	char lock[4096];

	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	snprintf(lock, sizeof(lock), "%s-lock", path); /* LMDB's */
	unlink(lock);
}

const char *peer_path(const char *dir, const struct peer *peer)
{
	static char path[4000];

	snprintf(path, sizeof(path), "%s/shmfs-bench.%d.%s", dir, (int)getpid(), peer->name);
	peer_remove(path);
	return path;
}
