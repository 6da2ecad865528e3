/* SPDX-License-Identifier: MIT */
/*
 * torn: does a reader ever see parts of two values?
 *
 *	torn FILE SECONDS BYTES WRITERS READERS HOW
 *
 * Writers replace FILE by values of up to BYTES bytes, each all one letter, which says how long it is:
 * HOW is trunc (open with O_TRUNC, write, close), rename (a new file moved over it), put (by libshmfs,
 * into the store that STORE names), or none.
 * Readers open it, read it in pieces and check; with HOLD in the environment they open it once, before
 * the writers come, and read it whole again and again.  PAUSE_MS: writers rest after each value;
 * SLOW_MS: between opening and writing.
 * ESTALE is an honest answer and counted.  Prints "reads N stale N torn N values N"; fails if a read was
 * torn or none succeeded; with HOLD, if more than 1 of HOLD was torn, or 1 for EACH values.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <shmfs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct counts {
	atomic_long reads, stale, torn, values, failed;
};

static struct counts *counts;
static const char *path;
static size_t most;
static time_t end;
static long hold, each, pause_ms, slow_ms;

static void bad(const char *what)
{
	fprintf(stderr, "torn: %s: %s\n", what, strerror(errno));
	counts->failed++;
	exit(1);
}

static size_t size_of(char letter)
{
	return 1 + (size_t)(letter - 'a') * (most - 1) / 25;
}

static void rest(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void write_file(const char *name, const char *buf, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0)
		bad("open to write");
	if (slow_ms)
		rest(slow_ms);
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, buf + done, size - done);

		if (n <= 0)
			bad("write");
		done += (size_t)n;
	}
	if (close(fd))
		bad("close");
}

static void writer(unsigned int seed, const char *how)
{
	const char *key = strrchr(path, '/') + 1;
	struct shmfs *store = NULL;
	char *buf = malloc(most), name[4096];

	snprintf(name, sizeof(name), "%s.%u", path, seed);
	if (!strcmp(how, "put") && shmfs_open(&store, getenv("STORE"), SHMFS_RDWR, NULL))
		bad("open the store");
	if (hold)
		rest(1500);
	while (time(NULL) < end) {
		char letter = (char)('a' + rand_r(&seed) % 26);
		size_t size = size_of(letter);

		memset(buf, letter, size);
		if (store) {
			if (shmfs_put(store, key, strlen(key), buf, size, SHMFS_BYTES, NULL))
				bad("put");
		} else {
			write_file(!strcmp(how, "rename") ? name : path, buf, size);
		}
		if (!strcmp(how, "rename") && rename(name, path))
			bad("rename");
		counts->values++;
		rest(pause_ms);
	}
	if (store)
		shmfs_close(store);
	exit(0);
}

/* A descriptor that is held open. */
static void holder(void)
{
	char *buf = malloc(most);
	int fd;

	rest(1300);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		bad("open to hold");
	while (time(NULL) < end) {
		ssize_t n = pread(fd, buf, most, 0);
		int torn = n == 0 || (n > 0 && (size_t)n != size_of(buf[0]));

		if (n < 0 && errno != ESTALE)
			bad("pread");
		for (ssize_t i = 0; i < n; i++)
			torn |= buf[i] != buf[0];
		counts->stale += n < 0;
		counts->torn += torn;
		counts->reads++;
	}
	close(fd);
	exit(0);
}

static void reader(unsigned int seed)
{
	static const size_t pieces[] = {100, 4096, 65536, 1 << 20};
	char *buf = malloc(1 << 20);

	while (time(NULL) < end) {
		size_t piece = pieces[rand_r(&seed) % 4];
		int fd = open(path, O_RDONLY), torn = 0;
		char first = 0;
		size_t all = 0;
		ssize_t n;

		if (fd < 0) {
			if (errno == ENOENT || errno == ESTALE)
				continue;
			bad("open to read");
		}
		while ((n = read(fd, buf, piece)) > 0) {
			if (!first)
				first = buf[0];
			for (ssize_t i = 0; i < n; i++)
				torn |= buf[i] != first;
			all += (size_t)n;
		}
		if (n < 0 && errno != ESTALE)
			bad("read");
		if (n < 0)
			counts->stale++;
		if (torn || (!n && all != size_of(first)))
			counts->torn++;
		counts->reads++;
		close(fd);
	}
	exit(0);
}

static long number(const char *variable)
{
	return getenv(variable) ? atol(getenv(variable)) : 0;
}

static int too_many(void)
{
	if (!hold)
		return counts->torn != 0;
	return counts->torn > counts->reads / hold ||
	       (each && counts->torn > counts->values / each);
}

int main(int argc, char **argv)
{
	int writers, readers, status, failed = 0;

	if (argc != 7)
		return 99;
	path = argv[1];
	end = time(NULL) + atol(argv[2]);
	most = strtoul(argv[3], NULL, 0);
	writers = atoi(argv[4]);
	readers = atoi(argv[5]);
	hold = number("HOLD");
	each = number("EACH");
	pause_ms = number("PAUSE_MS");
	slow_ms = number("SLOW_MS");
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	for (int i = 0; i < writers + readers; i++) {
		if (fork())
			continue;
		if (i < writers)
			writer((unsigned int)i + 1, argv[6]);
		if (hold)
			holder();
		reader((unsigned int)i + 1);
	}
	while (wait(&status) > 0)
		failed |= status;
	printf("reads %ld stale %ld torn %ld values %ld\n", counts->reads, counts->stale, counts->torn,
	       counts->values);
	return failed || too_many() || counts->reads == counts->stale;
}
