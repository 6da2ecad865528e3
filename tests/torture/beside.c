/* SPDX-License-Identifier: MIT */
/*
 * Readers beside a writer that never rests:
 *
 *	[BESIDE_SEED=n] beside [-n GETS] [-k KEYS] [--keys-dir DIR] [STORE]
 *
 * One process overwrites KEYS keys with values of ever changing sizes; others read them,
 * GETS times by copy, GETS times by view, and with --keys-dir as files of a mount of
 * STORE.  Every value carries its key, a number that only grows, and a checksum: none may
 * be torn, none of another key, and none older than one the same reader has seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <shmfs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

#define VALUE_TOP (512u << 10)
#define KEYS_TOP 4096

/* A value's first bytes; value_fill(number) follows. */
struct head {
	uint64_t number;
	uint64_t key;
	uint64_t size;
};

enum how { BY_COPY, BY_VIEW, BY_FILE };
static const char *const how_names[] = {"by copy", "by view", "through the mount"};

struct tally {
	_Atomic uint64_t reads, torn, wrong, stale, again, us;
};

struct setup {
	char path[4096];
	const char *keys_dir;
	struct budget gets;
	uint64_t keys, seed;
	struct tally *tallies;
	_Atomic uint64_t *puts;
};

static unsigned char room[VALUE_TOP];
static uint64_t seen[KEYS_TOP];

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static int key_of(char key[32], uint64_t i)
{
	return snprintf(key, 32, "beside-%llu", (unsigned long long)i);
}

static size_t some_size(struct rng *r)
{
	if (rng_once_in(r, 1000))
		return 400000 + rng_below(r, 100000);
	if (rng_once_in(r, 200))
		return 90000 + rng_below(r, 20000);
	return rng_below(r, 4096);
}

static void put_one(struct shmfs *s, struct rng *r, uint64_t i, uint64_t number)
{
	struct head head = {.number = number, .key = i, .size = some_size(r)};
	char key[32];
	int n = key_of(key, i);

	memcpy(room, &head, sizeof(head));
	value_fill(room + sizeof(head), head.size, number);
	must(shmfs_put(s, key, (size_t)n, room, sizeof(head) + head.size, SHMFS_BYTES, NULL), "put");
}

static _Noreturn void write_on(const struct setup *setup)
{
	struct rng r = {setup->seed};
	uint64_t number = setup->keys;
	struct shmfs *s;

	must(shmfs_open(&s, setup->path, SHMFS_RDWR, NULL), "open to write");
	for (;;) {
		put_one(s, &r, rng_below(&r, setup->keys), ++number);
		atomic_fetch_add(setup->puts, 1);
	}
}

/* Is it whole, of this key, and not older than the last? */
static void judge(const unsigned char *value, size_t size, uint64_t i, struct tally *t)
{
	struct head head = {0};

	memcpy(&head, value, size < sizeof(head) ? 0 : sizeof(head));
	if (size < sizeof(head) || head.size != size - sizeof(head) ||
	    !value_is(value + sizeof(head), head.size, head.number))
		atomic_fetch_add(&t->torn, 1);
	else if (head.key != i || head.number < seen[i])
		atomic_fetch_add(&t->wrong, 1);
	else
		seen[i] = head.number;
}

static void by_copy(struct shmfs *s, uint64_t i, struct tally *t)
{
	size_t size = sizeof(room);
	char key[32];
	int n = key_of(key, i), got;

	got = shmfs_get(s, key, (size_t)n, room, &size, NULL);
	if (got == -EAGAIN) {
		atomic_fetch_add(&t->again, 1);
		return;
	}
	must(got, "get");
	judge(room, size, i, t);
}

/* A view is judged in place.  What the judge said counts only if the view was valid. */
static void by_view(struct shmfs *s, struct rng *r, uint64_t i, struct tally *t)
{
	struct tally trial = {0};
	struct shmfs_view view;
	uint64_t before = seen[i];
	char key[32];
	int n = key_of(key, i), got;

	got = shmfs_view(s, key, (size_t)n, &view);
	if (got == -EAGAIN) {
		atomic_fetch_add(&t->again, 1);
		return;
	}
	must(got, "view");
	if (rng_once_in(r, 2000))
		usleep(2000); /* let the writer lap us */
	if (view.info.size > VALUE_TOP)
		atomic_fetch_add(&t->torn, 1);
	else
		judge(view.data, view.info.size, i, &trial);
	got = shmfs_view_valid(s, &view);
	if (got == -ESTALE) {
		seen[i] = before;
		atomic_fetch_add(&t->stale, 1);
		return;
	}
	must(got, "view_valid");
	atomic_fetch_add(&t->torn, atomic_load(&trial.torn));
	atomic_fetch_add(&t->wrong, atomic_load(&trial.wrong));
}

static void by_file(const char *dir, uint64_t i, struct tally *t)
{
	char key[32], name[SHMFS_NAME_SIZE], path[5000];
	int n = key_of(key, i), fd;
	size_t size = 0;
	ssize_t got;

	must(shmfs_name_encode(key, (size_t)n, name), "name_encode");
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	while ((got = read(fd, room + size, sizeof(room) - size)) > 0)
		size += (size_t)got;
	if (got < 0)
		die("read of %s: %s", path, strerror(errno));
	close(fd);
	judge(room, size, i, t);
}

static _Noreturn void read_on(const struct setup *setup, enum how how)
{
	struct tally *t = &setup->tallies[how];
	struct rng r = {setup->seed + 1000 + how};
	uint64_t start = clock_us();
	struct shmfs *s = NULL;

	if (how != BY_FILE)
		must(shmfs_open(&s, setup->path, SHMFS_RDONLY, NULL), "open to read");
	for (uint64_t n = 0; budget_lasts(&setup->gets, n); n++) {
		uint64_t i = rng_below(&r, setup->keys);

		if (how == BY_COPY)
			by_copy(s, i, t);
		else if (how == BY_VIEW)
			by_view(s, &r, i, t);
		else
			by_file(setup->keys_dir, i, t);
		atomic_fetch_add_explicit(&t->reads, 1, memory_order_relaxed);
	}
	atomic_store(&t->us, clock_us() - start);
	shmfs_close(s);
	exit(0);
}

/* how < 0: the writer. */
static pid_t spawn(const struct setup *setup, int how)
{
	pid_t pid = fork_child();

	if (pid)
		return pid;
	if (how < 0)
		write_on(setup);
	read_on(setup, (enum how)how);
}

static bool report(const struct setup *setup, enum how how)
{
	struct tally *t = &setup->tallies[how];
	uint64_t torn = atomic_load(&t->torn), wrong = atomic_load(&t->wrong);
	uint64_t reads = atomic_load(&t->reads), us = atomic_load(&t->us);

	printf("%s - %llu reads %s beside a writer: %llu torn, %llu wrong "
	       "(%llu overtaken views, %llu gave up; %.2f million/s)\n",
	       torn || wrong ? "not ok" : "ok", (unsigned long long)reads, how_names[how],
	       (unsigned long long)torn, (unsigned long long)wrong,
	       (unsigned long long)atomic_load(&t->stale), (unsigned long long)atomic_load(&t->again),
	       us ? (double)reads / (double)us : 0.0);
	return !torn && !wrong;
}

static void prepare(struct setup *setup)
{
	struct rng r = {setup->seed};
	struct shmfs *s;
	size_t size = (BY_FILE + 1) * sizeof(struct tally) + sizeof(uint64_t);
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	setup->tallies = shared;
	setup->puts = (_Atomic uint64_t *)(setup->tallies + BY_FILE + 1);
	must(shmfs_open(&s, setup->path, SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
	for (uint64_t i = 0; i < setup->keys; i++)
		put_one(s, &r, i, i);
	must(shmfs_close(s), "close");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"keys-dir", required_argument, NULL, 'd'}, {0}};
	struct setup setup = {.gets = env_budget("BESIDE_GETS", 300000, 1), .keys = 64};
	pid_t writer, readers[BY_FILE + 1];
	bool good = true, own;
	int c, status;

	setup.seed = env_seed("BESIDE_SEED");
	while ((c = getopt_long(argc, argv, "n:k:d:", options, NULL)) != -1) {
		if (c == 'd')
			setup.keys_dir = optarg;
		else if (c == 'n')
			setup.gets = (struct budget){strtoull(optarg, NULL, 0), UINT64_MAX};
		else if (c == 'k')
			setup.keys = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (!setup.keys || setup.keys > KEYS_TOP || (setup.keys_dir && optind == argc))
		die("-k 1 to %d; --keys-dir goes with the STORE that is mounted there", KEYS_TOP);
	own = optind == argc;
	if (own)
		scratch(setup.path, sizeof(setup.path), "/dev/shm", "beside");
	else
		snprintf(setup.path, sizeof(setup.path), "%s", argv[optind]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# BESIDE_SEED=%llu\n", (unsigned long long)setup.seed);
	prepare(&setup);

	writer = spawn(&setup, -1);
	for (int how = 0; how <= BY_FILE; how++)
		readers[how] = how == BY_FILE && !setup.keys_dir ? 0 : spawn(&setup, how);
	for (int how = 0; how <= BY_FILE; how++) {
		if (!readers[how])
			continue;
		if (waitpid(readers[how], &status, 0) < 0 || status)
			die("the reader %s ended with status %#x", how_names[how], status);
		good &= report(&setup, (enum how)how);
	}
	if (waitpid(writer, &status, WNOHANG))
		die("the writer ended with status %#x", status);
	kill(writer, SIGKILL);
	waitpid(writer, &status, 0);
	printf("# %llu puts meanwhile\n", (unsigned long long)atomic_load(setup.puts));
	if (own)
		unlink(setup.path);
	return !good;
}
