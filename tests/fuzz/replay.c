/* SPDX-License-Identifier: MIT */
/*
 * The fuzz targets without a fuzzer: every input of the corpus, then new ones, blindly:
 *
 *	[FUZZ_SECONDS=n] [FUZZ_SEED=n] [FUZZ_RUNS=n] replay [TARGET [FILE...]]
 *	replay -u DIR	the corpus as files DIR/TARGET/N, for libFuzzer
 *	replay -p FILE...	files as lines for corpus/TARGET.txt
 *
 * An input that does harm is printed as such a line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

#define ROOM 4096
#define HANG_SECONDS 20

/* What a child is at, for its parent to know when it is gone. */
static struct {
	uint64_t runs;
	size_t size;
	uint8_t data[1 << 20];
} *at;

static void run(const struct fuzz_target *t, const uint8_t *data, size_t size)
{
	if (size > sizeof(at->data))
		die("an input of %zu bytes", size);
	memcpy(at->data, data, size);
	at->size = size;
	at->runs++;
	alarm(HANG_SECONDS);
	fuzz_run(t, data, size);
}

static void run_new(const struct fuzz_target *t, struct fuzz_corpus *c, uint64_t seed, uint64_t end)
{
	uint64_t runs = env_number("FUZZ_RUNS", UINT64_MAX);
	uint8_t buf[ROOM];

	for (uint64_t n = 0; n < runs && clock_us() < end; n++) {
		struct rng r = {seed + n};
		size_t size = corpus_mutate(c, t, &r, buf, sizeof(buf));
		/* of exactly its size, so that a look behind it is caught */
		uint8_t *copy = malloc(size ? size : 1);

		if (!copy)
			die("no memory");
		memcpy(copy, buf, size);
		run(t, copy, size);
		free(copy);
	}
}

static void child(const struct fuzz_target *t, char **files, uint64_t seed, uint64_t us)
{
	struct rlimit none = {0, 0};
	struct fuzz_corpus c;

	setrlimit(RLIMIT_CORE, &none);
	if (*files) {
		for (; *files; files++) {
			struct fuzz_input in = corpus_read_file(*files);

			run(t, in.data, in.size);
			free(in.data);
		}
		exit(0);
	}
	c = corpus_load(t);
	for (size_t i = 0; i < c.n; i++)
		run(t, c.input[i].data, c.input[i].size);
	run_new(t, &c, seed, clock_us() + us);
	corpus_free(&c);
	exit(0);
}

/* 0 if nothing broke. */
static int run_target(const struct fuzz_target *t, char **files, uint64_t seed, uint64_t us)
{
	int status;
	pid_t pid;

	at->runs = at->size = 0;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		child(t, files, seed, us);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		passed("target %s: %llu inputs break no promise", t->name, (unsigned long long)at->runs);
		return 0;
	}
	printf("not ok - target %s: %s, status %#x; the input, for corpus/%s.txt:\n", t->name,
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "still busy" : "harm", status, t->name);
	corpus_print(at->data, at->size);
	return 1;
}

static int run_all(char **argv, uint64_t seed)
{
	uint64_t seconds = env_number("FUZZ_SECONDS", env_number("TORTURE_SECONDS", 15)), n = 0;
	int failed = 0;

	for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
		n++;
	for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
		failed |= run_target(t, argv, seed, seconds * 1000000 / n);
	return failed;
}

int main(int argc, char **argv)
{
	uint64_t seed = env_seed("FUZZ_SEED");
	const struct fuzz_target *t = argc > 1 ? fuzz_target(argv[1]) : NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "-u")) {
		corpus_unpack(argv[2]);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "-p")) {
		for (argv += 2; *argv; argv++) {
			struct fuzz_input in = corpus_read_file(*argv);

			corpus_print(in.data, in.size);
			free(in.data);
		}
		return 0;
	}
	if (argc > 1 && !t)
		die("there is no target %s", argv[1]);
	at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	printf("# FUZZ_SEED=%llu\n", (unsigned long long)seed);
	fuzz_begin();
	if (!t)
		return run_all(argv + argc, seed);
	return run_target(t, argv + 2, seed, env_number("FUZZ_SECONDS", env_number("TORTURE_SECONDS", 15)) * 1000000);
}
