/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "bench.h"

#include <err.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench bench = {.cpu = 1, .rounds = 7, .keys = 1000000, .dir = "/dev/shm", .disk = "."};

static const char usage[] =
	"usage: %s [--json] [--large] [--keys=N] [--rounds=N] [--cpu=N] [--only=PEER,...]\n"
	"       [--dir=DIR on tmpfs] [--disk=DIR on a disk] [--seconds=N] [--save=FILE]\n"
	"--save: append the JSON lines to FILE, and print a table besides.\n"
	"--seconds: how long the reader beside a writer goes on, instead of short rounds.\n"
	"--large: 10 million keys, and growing to 10 million; takes minutes and 16 GB of DIR.\n";

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*end || end == text || n < least || n > most)
		errx(2, "%s is not a number from %llu to %llu", text, (unsigned long long)least,
		     (unsigned long long)most);
	return n;
}

void bench_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", 0, NULL, 'j'},   {"large", 0, NULL, 'l'}, {"keys", 1, NULL, 'k'},
		{"rounds", 1, NULL, 'r'}, {"cpu", 1, NULL, 'c'},   {"only", 1, NULL, 'o'},
		{"dir", 1, NULL, 'd'},    {"disk", 1, NULL, 'D'},  {"save", 1, NULL, 's'},
		{"seconds", 1, NULL, 't'}, {0},
	};
	int option;

	if (getenv("SHMFS_TEST_DIR"))
		bench.disk = getenv("SHMFS_TEST_DIR");
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			bench.json = true;
			break;
		case 'l':
			bench.large = true;
			bench.keys = 10000000;
			break;
		case 'k':
			bench.keys = number(optarg, 20000, 100000000);
			break;
		case 'r':
			bench.rounds = (unsigned)number(optarg, 1, 64);
			break;
		case 'c':
			bench.cpu = (int)number(optarg, 0, 4096);
			break;
		case 'o':
			bench.only = optarg;
			break;
		case 'd':
			bench.dir = optarg;
			break;
		case 'D':
			bench.disk = optarg;
			break;
		case 's':
			bench.save = optarg;
			break;
		case 't':
			bench.seconds = (unsigned)number(optarg, 1, 86400);
			break;
		default:
			fprintf(stderr, usage, argv[0]);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, usage, argv[0]);
		exit(2);
	}
	bench_pin(bench.cpu);
}

void bench_pin(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((unsigned)cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		warn("cannot run on CPU %d alone", cpu);
}

/* ---- time --------------------------------------------------------------------------- */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t wall_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

struct moment moment_now(void)
{
	return (struct moment){clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_THREAD_CPUTIME_ID)};
}

/* ---- keys ---------------------------------------------------------------------------- */

uint64_t random64(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 0x2545f4914f6cdd1du;
}

void *need(size_t bytes)
{
	void *p = malloc(bytes);

	if (!p)
		err(1, "%zu bytes", bytes);
	return p;
}

bench_key *keys_new(uint64_t n)
{
	uint64_t *words = need(n * KEY_SIZE);

	for (uint64_t i = 0; i < n * KEY_SIZE / sizeof(*words); i++)
		words[i] = random64();
	return (bench_key *)words;
}

bench_key *keys_shuffled(const bench_key *keys, uint64_t n)
{
	bench_key *other = need(n * KEY_SIZE), swap;

	memcpy(other, keys, n * KEY_SIZE);
	for (uint64_t i = n - 1; i > 0; i--) {
		uint64_t j = random64() % (i + 1);

		memcpy(swap, other[i], KEY_SIZE);
		memcpy(other[i], other[j], KEY_SIZE);
		memcpy(other[j], swap, KEY_SIZE);
	}
	return other;
}

void value_of(const uint8_t *key, uint8_t *value, size_t size)
{
	memcpy(value, key, KEY_SIZE);
	for (size_t i = KEY_SIZE; i < size; i++)
		value[i] = (uint8_t)i;
}
