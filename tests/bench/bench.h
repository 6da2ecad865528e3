/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share: options, clocks, keys, and a table of figures.
 *
 * A figure is the median of several short rounds.  In each round every peer does the same work
 * in turn, and a ratio is the median of the ratios within the rounds, so that a busy
 * neighbour hits both sides of it.  Ratios are of CPU time, wall time is printed beside it.
 */
#ifndef SHMFS_BENCH_H
#define SHMFS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KEY_SIZE = 16, VALUE_SIZE = 100, MANY = 16, BIG_SIZE = 64 << 10 };

/* Options of every benchmark program: see usage in bench.c. */
struct bench {
	bool json;
	bool large;
	int cpu;
	unsigned rounds;
	unsigned seconds; /* 0, or how long a reader goes on beside a writer */
	uint64_t keys;
	const char *dir;  /* where the stores go, on tmpfs */
	const char *disk; /* and those that are synced */
	const char *only; /* NULL, or a comma-separated list of peers */
	const char *save; /* NULL, or where JSON lines are appended besides */
};

extern struct bench bench;

void bench_options(int argc, char **argv);
void bench_pin(int cpu);

/* ---- time --------------------------------------------------------------------------- */

struct moment {
	uint64_t wall, cpu; /* ns */
};

uint64_t wall_ns(void);
struct moment moment_now(void);

/* ---- figures ------------------------------------------------------------------------ */

/* The figures that come next are of a store of this many keys; 0: of none. */
void bench_of(uint64_t keys);
/* The time since `start`, per operation. */
void bench_time(const char *work, const char *who, struct moment start, uint64_t operations);
/* Any other figure: unit is "bytes", "ops/s", "us" ... */
void bench_figure(const char *work, const char *who, const char *unit, double value);
/* p50, p99, p99.9 and the largest of these, in us; sorts them. */
void bench_tail(const char *work, const char *who, uint32_t *ns, size_t n);
/* Something to know about the figures. */
void bench_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Print everything. */
void bench_report(void);

/* ---- keys ---------------------------------------------------------------------------- */

typedef uint8_t bench_key[KEY_SIZE];

uint64_t random64(void);
void *need(size_t bytes);
/* n random keys. */
bench_key *keys_new(uint64_t n);
/* The same in another order. */
bench_key *keys_shuffled(const bench_key *keys, uint64_t n);
/* The value of a key: it begins with the key. */
void value_of(const uint8_t *key, uint8_t *value, size_t size);

#ifdef __cplusplus
}
#endif

#endif
