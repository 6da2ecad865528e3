/* SPDX-License-Identifier: MIT */
/*
 * Killed while creating, opening and closing:
 *
 *	[BIRTH_ROUNDS=n] [BIRTH_SEED=n] birth [DIR...]
 *
 * Two processes create the same store at once, count in it, close it and open it again,
 * until both are killed.  Whatever is left must open, check, and hold every count that
 * was acknowledged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <shmfs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

#define PARENTS 2

struct shared {
	_Atomic uint64_t counted[PARENTS];
};

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static _Noreturn void beget(const char *path, struct shared *shared, unsigned i, uint64_t seed)
{
	struct rng rng = {seed};
	char key = (char)('a' + i);
	struct shmfs *s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		must(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
		for (uint64_t n = rng_below(&rng, 4); n; n--) {
			must(shmfs_add(s, &key, 1, 1, NULL, NULL), "add");
			atomic_fetch_add(&shared->counted[i], 1);
		}
		must(shmfs_close(s), "close");
	}
}

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	printf("# %s: %#llx: %s\n", (char *)arg, (unsigned long long)offset, text);
}

static void look_after(char *path, struct shared *shared)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};
	struct shmfs *s;

	must(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL), "open after a kill");
	must(shmfs_check(s, &result, print_problem, path), "check");
	if (result.problems)
		die("check found %llu problems", (unsigned long long)result.problems);
	for (unsigned i = 0; i < PARENTS; i++) {
		uint64_t counted = atomic_load(&shared->counted[i]);
		char key = (char)('a' + i);
		double value = 0;
		size_t size = sizeof(value);
		int got = shmfs_get(s, &key, 1, &value, &size, NULL);

		if (got && (got != -ENOENT || counted))
			must(got, "get");
		if (value != (double)counted && value != (double)counted + 1)
			die("counted to %g, acknowledged %llu", value, (unsigned long long)counted);
	}
	must(shmfs_close(s), "close");
}

static void one_round(char *path, struct shared *shared, struct rng *rng)
{
	pid_t pids[PARENTS];
	int status;

	memset(shared, 0, sizeof(*shared));
	for (unsigned i = 0; i < PARENTS; i++) {
		uint64_t seed = rng_next(rng);

		pids[i] = fork();
		if (pids[i] < 0)
			die("fork: %s", strerror(errno));
		if (!pids[i])
			beget(path, shared, i, seed);
	}
	for (unsigned i = 0; i < PARENTS; i++) {
		usleep((useconds_t)rng_size(rng, 4000));
		kill(pids[i], SIGKILL);
	}
	for (unsigned i = 0; i < PARENTS; i++)
		if (waitpid(pids[i], &status, 0) < 0 || !WIFSIGNALED(status))
			die("a child ended by itself, status %#x", status);
	look_after(path, shared);
	unlink(path);
}

static void run(const char *dir, struct budget budget, uint64_t seed)
{
	struct rng rng = {seed};
	struct shared *shared;
	char path[4096];
	uint64_t start = clock_us(), i;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	scratch(path, sizeof(path), dir, "birth");
	for (i = 0; budget_lasts(&budget, i); i++)
		one_round(path, shared, &rng);
	munmap(shared, sizeof(*shared));
	passed("%llu stores in %s killed at birth open and hold what was acknowledged (%.1f s)",
	       (unsigned long long)i, dir, (double)(clock_us() - start) / 1e6);
}

int main(int argc, char **argv)
{
	uint64_t seed = env_seed("BIRTH_SEED");
	const char *dirs[] = {"/dev/shm", disk_dir()};
	int n = argc > 1 ? argc - 1 : 2;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# BIRTH_SEED=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < n; i++)
		run(argc > 1 ? argv[i + 1] : dirs[i], env_budget("BIRTH_ROUNDS", 200, (unsigned)n),
		    seed + (unsigned)i);
	return 0;
}
