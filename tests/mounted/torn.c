/* SPDX-License-Identifier: MIT */
/*
 * torn: does a reader ever see parts of two values?
 *
 *	torn FILE SECONDS BYTES WRITERS READERS HOW
 *
 * Writers replace FILE by values of up to BYTES bytes, each all one letter: HOW is
 * trunc (open with O_TRUNC, write, close), rename (a new file moved over it), or none.
 * Readers open it, read it in pieces and check.  ESTALE is an honest answer and
 * counted.  Prints "reads N stale N torn N"; fails if a read was torn or none succeeded.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct counts {
	atomic_long reads, stale, torn, failed;
};

static struct counts *counts;
static const char *path;
static size_t most;
static time_t end;

static void bad(const char *what)
{
	fprintf(stderr, "torn: %s: %s\n", what, strerror(errno));
	counts->failed++;
	exit(1);
}

static void writer(unsigned int seed, int by_rename)
{
	char *buf = malloc(most), name[4096];

	snprintf(name, sizeof(name), "%s.%u", path, seed);
	while (time(NULL) < end) {
		size_t size = 1 + (size_t)rand_r(&seed) % most, done = 0;
		int fd = open(by_rename ? name : path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

		if (fd < 0)
			bad("open to write");
		memset(buf, 'a' + rand_r(&seed) % 26, size);
		while (done < size) {
			ssize_t n = write(fd, buf + done, size - done);

			if (n <= 0)
				bad("write");
			done += (size_t)n;
		}
		if (close(fd))
			bad("close");
		if (by_rename && rename(name, path))
			bad("rename");
	}
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
		}
		if (n < 0 && errno != ESTALE)
			bad("read");
		if (n < 0)
			counts->stale++;
		if (torn || (!n && !first))
			counts->torn++;
		counts->reads++;
		close(fd);
	}
	exit(0);
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
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	for (int i = 0; i < writers + readers; i++) {
		if (fork())
			continue;
		if (i < writers)
			writer((unsigned int)i + 1, !strcmp(argv[6], "rename"));
		reader((unsigned int)i + 1);
	}
	while (wait(&status) > 0)
		failed |= status;
	printf("reads %ld stale %ld torn %ld\n", counts->reads, counts->stale, counts->torn);
	return failed || counts->torn || counts->reads == counts->stale;
}
