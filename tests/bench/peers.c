/* SPDX-License-Identifier: MIT */
/* Who is measured. */
#define _GNU_SOURCE
#include "peer.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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
		&peer_load,
		&peer_memcpy,
		&peer_floor,
		&peer_shmfs,
#if BENCH_LMDB
		&peer_lmdb,
#endif
#if BENCH_BOOST
		&peer_boost,
#endif
#if BENCH_TKRZW
		&peer_tkrzw,
		&peer_tiny,
#endif
#if BENCH_SQLITE
		&peer_sqlite,
#endif
		&peer_files,
	};
	_Static_assert(sizeof(all) / sizeof(*all) < PEERS, "PEERS is too small");
	static const struct peer *chosen[sizeof(all) / sizeof(*all) + 1];
	unsigned n = 0;

	if (chosen[0])
		return chosen;
	if (!BENCH_LMDB)
		bench_note("without LMDB: liblmdb-dev was not there when this was configured");
	if (!BENCH_BOOST)
		bench_note("without Boost.Interprocess: libboost-dev was not there when this was configured");
	if (!BENCH_TKRZW)
		bench_note("without Tkrzw: libtkrzw-dev was not there when this was configured");
	if (!BENCH_SQLITE)
		bench_note("without SQLite: libsqlite3-dev was not there when this was configured");
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

/* What tmpfs allows, or less if there is not that much memory. */
static uint64_t room_in(const char *dir)
{
	FILE *info = fopen("/proc/meminfo", "r");
	unsigned long long kib = UINT64_MAX >> 10;
	struct statvfs fs;
	char line[128];

	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	if (info)
		fclose(info);
	if (statvfs(dir, &fs))
		return 0;
	return fs.f_bavail * fs.f_frsize < kib << 10 ? fs.f_bavail * fs.f_frsize : kib << 10;
}

uint64_t peer_keys(const struct peer *peer, const char *dir, uint64_t others)
{
	uint64_t keys = peer->few && bench.keys > FEW_KEYS ? FEW_KEYS : bench.keys;

	if (room_in(dir) < (keys + others) * KEY_ROOM) {
		bench_note("without %s: no room for %llu keys in %s, or no memory", peer->name,
		           (unsigned long long)keys, dir);
		return 0;
	}
	return keys;
}

/* Of LMDB and SQLite. */
static const char *const beside[] = {"", "-lock", "-wal", "-shm"};

void peer_remove(const char *path)
{
	char name[4096];

	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	for (unsigned i = 1; i < sizeof(beside) / sizeof(*beside); i++) {
		snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		unlink(name);
	}
}

uint64_t peer_bytes(const char *path)
{
	uint64_t bytes = 0;
	char name[4096];
	struct stat st;

	for (unsigned i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
		snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_blocks * 512;
	}
	return bytes;
}

const char *peer_path(const char *dir, const struct peer *peer)
{
	static char path[4000];

	snprintf(path, sizeof(path), "%s/shmfs-bench.%d.%s", dir, (int)getpid(), peer->name);
	peer_remove(path);
	return path;
}
