/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t rng_next(struct rng *r)
{
	return mix(r->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	return n ? rng_next(r) % n : 0;
}

bool rng_once_in(struct rng *r, uint64_t n)
{
	return rng_below(r, n) == 0;
}

uint64_t rng_size(struct rng *r, uint64_t top)
{
	uint64_t bits = 0, bound;

	while (bits < 63 && (top >> bits))
		bits++;
	bound = UINT64_C(1) << rng_below(r, bits + 1);
	if (bound > top + 1)
		bound = top + 1;
	return rng_below(r, bound);
}

static uint64_t word(uint64_t seed, uint64_t i)
{
	uint64_t x = (seed + i) * UINT64_C(0x9e3779b97f4a7c15);

	return i ? x ^ (x >> 29) : seed;
}

void value_fill(void *buf, size_t size, uint64_t seed)
{
	unsigned char *p = buf;
	uint64_t w;
	size_t i;

	for (i = 0; i < size / 8; i++) {
		w = word(seed, i);
		memcpy(p + i * 8, &w, 8);
	}
	w = word(seed, i);
	if (size % 8)
		memcpy(p + i * 8, &w, size % 8);
}

bool value_is(const void *buf, size_t size, uint64_t seed)
{
	const unsigned char *p = buf;
	uint64_t w, got, wrong = 0;
	size_t i;

	for (i = 0; i < size / 8; i++) {
		memcpy(&got, p + i * 8, 8);
		wrong |= got ^ word(seed, i);
	}
	w = word(seed, i);
	return !wrong && (size % 8 == 0 || !memcmp(p + i * 8, &w, size % 8));
}

bool value_whole(const void *buf, size_t size)
{
	uint64_t seed;

	if (size < sizeof(seed))
		return true;
	memcpy(&seed, buf, sizeof(seed));
	return value_is(buf, size, seed);
}

uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t env_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t n;
	char *end;

	if (!text || !*text)
		return otherwise;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || *end)
		die("%s=%s is not a number", name, text);
	return n;
}

uint64_t env_seed(const char *name)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return env_number(name, mix((uint64_t)t.tv_nsec ^ (uint64_t)getpid() << 32) >> 32);
}

struct budget env_budget(const char *name, uint64_t otherwise, unsigned parts)
{
	const char *rounds = getenv(name);
	uint64_t seconds = env_number("TORTURE_SECONDS", 0);

	if (seconds && !(rounds && *rounds))
		return (struct budget){UINT64_MAX, clock_us() + seconds * 1000000 / parts};
	otherwise = env_number(name, otherwise);
	return (struct budget){otherwise / parts ? otherwise / parts : 1, UINT64_MAX};
}

bool budget_lasts(const struct budget *b, uint64_t done)
{
	return done < b->rounds && clock_us() < b->end_us;
}

pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

const char *disk_dir(void)
{
	const char *dir = getenv("SHMFS_TEST_DIR");

	return dir && *dir ? dir : ".";
}

void scratch(char *path, size_t size, const char *dir, const char *name)
{
	snprintf(path, size, "%s/shmfs-%s.%d", dir, name, (int)getpid());
	unlink(path);
}

void passed(const char *format, ...)
{
	va_list args;

	fputs("ok - ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void skipped(const char *sentence, const char *why)
{
	printf("skip - %s: %s\n", sentence, why);
	fflush(stdout);
}

void die(const char *format, ...)
{
	char line[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	printf("not ok - %s: %s\n", program_invocation_short_name, line);
	fflush(stdout);
	exit(1);
}
