/* SPDX-License-Identifier: MIT */
/*
 * Damaged stores: an error code, or what is left of the data; never a crash, a hang, or a
 * byte written by a reader:
 *
 *	[MANGLE_SECONDS=n] [MANGLE_SEED=n] [MANGLE_ROUNDS=n] mangle [FILE]
 *
 * Takes good stores, closed, open, and open on a disk, flips bits, exchanges and copies pages,
 * cuts the file, and uses the result: as a copy elsewhere, or in its own place, where the
 * store takes it for its own; sometimes while it is being used.  A file that did
 * harm is kept, and `mangle FILE` tries it again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mangle.h"

#define HANG_SECONDS 20

static struct mangle_image images[3];
static char home[4096], away[4096], kept[4096];

/* ---- damage */

static uint64_t some_word(struct rng *r, const unsigned char *bytes, size_t size)
{
	static const uint64_t odd[] = {0, 1, 63, 64, 0xfff, 0x1000, UINT64_C(1) << 20, UINT64_C(1) << 40,
	                               UINT64_C(1) << 47, UINT64_C(1) << 62, UINT64_MAX, UINT64_MAX - 7};
	uint64_t word;

	switch (rng_below(r, 4)) {
	case 0:
		return odd[rng_below(r, sizeof(odd) / sizeof(*odd))];
	case 1:
		return rng_below(r, size);
	case 2:
		memcpy(&word, bytes + rng_below(r, size / 8) * 8, 8);
		return word;
	}
	return rng_next(r);
}

/* Somewhere that matters: not in the holes. */
static size_t some_place(struct rng *r, const unsigned char *bytes, size_t size)
{
	size_t at = 0;

	for (int tries = 0; tries < 1000; tries++) {
		switch (rng_below(r, 4)) {
		case 0:
			at = rng_below(r, 0x5000); /* superblock, live page, checkpoints */
			break;
		case 1:
			at = (1 << 20) + rng_below(r, 32 * (size >> 20)); /* segment table */
			break;
		default:
			at = rng_below(r, size);
		}
		at &= ~(size_t)7;
		if (at + 8 > size)
			continue;
		for (size_t i = 0; i < 8; i++)
			if (bytes[at + i])
				return at;
	}
	return at;
}

static size_t mangle(struct rng *r, unsigned char *bytes, size_t size)
{
	unsigned char page[MANGLE_PAGE];

	for (uint64_t n = 1 + rng_size(r, 8); n; n--) {
		size_t at = some_place(r, bytes, size), a = at & ~(size_t)(MANGLE_PAGE - 1);
		size_t b = some_place(r, bytes, size) & ~(size_t)(MANGLE_PAGE - 1);
		uint64_t word = some_word(r, bytes, size);

		switch (rng_below(r, 12)) {
		case 0:
		case 1:
		case 2:
		case 3:
			bytes[at + rng_below(r, 8)] ^= (unsigned char)(1 << rng_below(r, 8));
			break;
		case 4:
		case 5:
		case 6:
		case 7:
			memcpy(bytes + at, &word, 8);
			break;
		case 8:
			memcpy(bytes + at, &word, 2);
			break;
		case 9:
			memcpy(page, bytes + a, MANGLE_PAGE);
			memcpy(bytes + a, bytes + b, MANGLE_PAGE);
			memcpy(bytes + b, page, MANGLE_PAGE);
			break;
		case 10:
			memset(bytes + a, (int)word, MANGLE_PAGE);
			break;
		case 11:
			if (rng_once_in(r, 3))
				size = rng_once_in(r, 2) ? rng_below(r, size) + 1 : a + MANGLE_PAGE;
			break;
		}
		if (size < 2 * MANGLE_PAGE)
			break;
	}
	return size;
}

/* ---- use */

static pid_t use_in_child(const char *path, bool write, uint64_t seed)
{
	struct rlimit limit = {256 << 20, 256 << 20};
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid)
		return pid;
	setrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = limit.rlim_max = 0;
	setrlimit(RLIMIT_CORE, &limit);
	alarm(HANG_SECONDS);
	mangle_use(path, write, seed);
	_exit(0);
}

static void scribble(struct rng *r, const char *path, const struct mangle_image *im, pid_t pid, int *status)
{
	int fd = open(path, O_RDWR);

	while (waitpid(pid, status, WNOHANG) == 0) {
		size_t at = some_place(r, im->bytes, im->size);
		uint64_t word = some_word(r, im->bytes, im->size);
		struct stat st;

		if (fstat(fd, &st) == 0 && at + 8 <= (size_t)st.st_size &&
		    pwrite(fd, &word, 8, (off_t)at) != 8)
			break;
		usleep((useconds_t)rng_below(r, 50));
	}
	close(fd);
}

static bool survived(int status, const char *how)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("# %s: still busy after %d seconds\n", how, HANG_SECONDS);
	else
		printf("# %s: status %#x\n", how, status);
	return false;
}

static bool try_file(struct rng *r, const char *path, const unsigned char *bytes, size_t size,
                     const struct mangle_image *scribbled)
{
	uint64_t seed = rng_next(r);
	int status;

	if (scribbled) {
		pid_t pid = use_in_child(path, rng_once_in(r, 2), seed);

		scribble(r, path, scribbled, pid, &status);
		return survived(status, "used while it was damaged");
	}
	waitpid(use_in_child(path, false, seed), &status, 0);
	if (!survived(status, "read"))
		return false;
	if (!mangle_same(path, bytes, size)) {
		printf("# a read-only handle wrote\n");
		return false;
	}
	waitpid(use_in_child(path, true, seed), &status, 0);
	return survived(status, "written");
}

static void one_round(uint64_t seed)
{
	struct rng r = {seed};
	const struct mangle_image *im = &images[rng_below(&r, 3)];
	bool in_place = im->in_place || rng_once_in(&r, 2);
	const char *path = in_place ? home : away;
	bool scribbled = rng_once_in(&r, 6);
	unsigned char *bytes = malloc(im->size);
	size_t size = im->size;

	memcpy(bytes, im->bytes, size);
	if (!scribbled)
		size = mangle(&r, bytes, size);
	mangle_write(path, bytes, size);
	if (!try_file(&r, path, bytes, size, scribbled ? im : NULL)) {
		mangle_write(kept, bytes, size);
		unlink(path);
		die("MANGLE_SEED=%llu MANGLE_ROUNDS=1, %s, %s; kept as %s", (unsigned long long)seed,
		    im->what, in_place ? "in its place" : "a copy", kept);
	}
	if (!in_place)
		unlink(path);
	free(bytes);
}

int main(int argc, char **argv)
{
	uint64_t seed = env_seed("MANGLE_SEED"), rounds = env_number("MANGLE_ROUNDS", UINT64_MAX);
	uint64_t end = clock_us() + env_number("MANGLE_SECONDS", env_number("TORTURE_SECONDS", 10)) * 1000000, n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1) {
		struct rng r = {seed};
		struct mangle_image im;

		scratch(away, sizeof(away), "/dev/shm", "mangle-away");
		mangle_take(&im, "given", argv[1], false);
		mangle_write(away, im.bytes, im.size);
		n = !try_file(&r, away, im.bytes, im.size, NULL);
		unlink(away);
		return (int)n;
	}
	printf("# MANGLE_SEED=%llu\n", (unsigned long long)seed);
	scratch(home, sizeof(home), "/dev/shm", "mangle-home");
	scratch(away, sizeof(away), "/dev/shm", "mangle-away");
	snprintf(kept, sizeof(kept), "%s/mangled.store", disk_dir());
	mangle_images(images, home);
	for (n = 0; n < rounds && clock_us() < end; n++)
		one_round(seed + n);
	unlink(home);
	passed("%llu damaged stores crash, hang and are written by nobody", (unsigned long long)n);
	return 0;
}
