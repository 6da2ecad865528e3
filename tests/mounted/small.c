/* SPDX-License-Identifier: MIT */
/*
 *	small DIR FILES TRANSACTIONS PROCESSES
 *
 * What a mail or news server does, as postmark and fs_mark have it, in one directory: a set of small
 * files, then transactions, each of which reads a file or makes it longer, and makes or deletes
 * one; at the end all are read, listed and deleted.  Every byte read is checked.  Prints
 * how many transactions a second that were.  SMALL_SEED repeats one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../rig.h"

enum { LEAST = 500, MOST = 9770, APPEND = 4096, ROOM = 1 << 20 };

struct file {
	uint64_t seed;
	size_t size; /* 0: not there */
};

static struct file *files;
static unsigned count;
static struct rng rng;
static unsigned char *wanted, *got;

static void name_of(unsigned me, unsigned i, char *name)
{
	sprintf(name, "small-%u-%u", me, i);
}

static void bad(const char *what, const char *name)
{
	die("%s %s: %s", what, name, errno ? strerror(errno) : "wrong bytes");
}

static void put(int fd, const unsigned char *from, size_t size, const char *name)
{
	if (fd < 0 || write(fd, from, size) != (ssize_t)size ||
	    (rng_once_in(&rng, 10) && fsync(fd)) || close(fd))
		bad("writing", name);
}

static void make(unsigned me, unsigned i)
{
	struct file *f = &files[i];
	char name[64];

	name_of(me, i, name);
	f->seed = rng_next(&rng);
	f->size = LEAST + rng_below(&rng, MOST - LEAST);
	value_fill(wanted, f->size, f->seed);
	put(open(name, O_WRONLY | O_CREAT | (rng_once_in(&rng, 2) ? O_EXCL : O_TRUNC), 0666), wanted, f->size,
	    name);
}

static void append(unsigned me, unsigned i)
{
	struct file *f = &files[i];
	size_t more = 1 + rng_below(&rng, APPEND);
	char name[64];

	name_of(me, i, name);
	value_fill(wanted, f->size + more, f->seed);
	put(open(name, O_WRONLY | O_APPEND), wanted + f->size, more, name);
	f->size += more;
}

static void look(unsigned me, unsigned i)
{
	struct file *f = &files[i];
	size_t done = 0;
	char name[64];
	ssize_t n;
	int fd;

	name_of(me, i, name);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		bad("opening", name);
	while ((n = read(fd, got + done, APPEND)) > 0)
		done += (size_t)n;
	if (n < 0)
		bad("reading", name);
	close(fd);
	errno = 0;
	if (done != f->size || !value_is(got, f->size, f->seed))
		bad("comparing", name);
}

static void delete(unsigned me, unsigned i)
{
	char name[64];

	name_of(me, i, name);
	if (unlink(name))
		bad("deleting", name);
	if (!access(name, F_OK) || errno != ENOENT)
		bad("still there:", name);
	files[i].size = 0;
}

static void transaction(unsigned me)
{
	unsigned i = (unsigned)rng_below(&rng, count), j = (unsigned)rng_below(&rng, count);

	if (files[i].size && files[i].size < ROOM - APPEND) {
		if (rng_once_in(&rng, 2))
			look(me, i);
		else
			append(me, i);
	}
	if (files[j].size)
		delete(me, j);
	else
		make(me, j);
}

/* Those that are there are listed, each once. */
static void list(unsigned me)
{
	unsigned char *times = calloc(count, 1);
	DIR *dir = opendir(".");
	struct dirent *e;
	unsigned who, i;

	while (dir && (e = readdir(dir)))
		if (sscanf(e->d_name, "small-%u-%u", &who, &i) == 2 && who == me && i < count)
			times[i]++;
	errno = 0;
	for (i = 0; i < count; i++)
		if (times[i] != (files[i].size > 0))
			bad("listing", "the files");
	closedir(dir);
	free(times);
}

static void work(unsigned me, unsigned transactions, uint64_t seed)
{
	rng.state = seed + me;
	files = calloc(count, sizeof(*files));
	wanted = malloc(ROOM);
	got = malloc(ROOM);
	for (unsigned i = 0; i < count; i++)
		make(me, i);
	list(me);
	for (unsigned i = 0; i < transactions; i++)
		transaction(me);
	list(me);
	for (unsigned i = 0; i < count; i++)
		if (files[i].size) {
			look(me, i);
			delete(me, i);
		}
	exit(0);
}

int main(int argc, char **argv)
{
	unsigned transactions, processes;
	uint64_t seed = env_seed("SMALL_SEED"), start;
	int status, failed = 0;

	if (argc != 5 || chdir(argv[1]))
		die("usage: small DIR FILES TRANSACTIONS PROCESSES");
	count = (unsigned)atoi(argv[2]);
	transactions = (unsigned)atoi(argv[3]);
	processes = (unsigned)atoi(argv[4]);
	printf("# SMALL_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	start = clock_us();
	for (unsigned i = 0; i < processes; i++)
		if (!fork())
			work(i, transactions, seed);
	while (wait(&status) > 0)
		failed |= status;
	printf("# %.0f transactions a second\n",
	       (double)transactions * processes * 1e6 / (double)(clock_us() - start));
	return failed != 0;
}
