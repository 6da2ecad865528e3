/* SPDX-License-Identifier: MIT */
/*
 * Another process writes random bytes all over the mapped file, its headers too, and puts the
 * old ones back from time to time, while readers and a writer go on:
 *
 *	[SCRIBBLE_SECONDS=n] [SCRIBBLE_SEED=n] scribble
 *
 * Nobody dies, hangs, is handed bytes that are not in the file, or gets a code without a name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format.h"
#include "fuzz/use.h"

#define USERS 4 /* the last one writes */
#define KEYS 600
#define HANG_SECONDS 30
#define MOST (UINT64_C(128) << 20)
#define PAGE 4096u

static char path[4096];

static struct shared {
	_Atomic bool stop;
	struct {
		_Atomic uint64_t rounds;
		_Atomic uint64_t opened, refused;
	} user[USERS];
} *shared;

/* ---- who uses it */

static void read_round(struct shmfs *s, struct rng *r)
{
	uint64_t cursor = rng_once_in(r, 2) ? 0 : rng_next(r);

	use_get(s, r, KEYS, 50);
	use_stat(s);
	use_walk(s, &cursor);
	use_log_read(s, r, 30);
	if (rng_once_in(r, 8))
		use_check(s);
}

static void write_round(struct shmfs *s, struct rng *r)
{
	use_put(s, r, KEYS, 50);
	use_log_write(s, r, 20);
	if (rng_once_in(r, 4))
		use_stream(s, r);
	if (rng_once_in(r, 4))
		use_code(shmfs_sync(s));
	use_get(s, r, KEYS, 10);
}

static void use_it(unsigned i, uint64_t seed)
{
	bool write = i == USERS - 1;
	struct rng r = {seed + i};

	while (!shared->stop) {
		struct shmfs *s;
		int flags = (write ? SHMFS_RDWR : SHMFS_RDONLY) | (rng_once_in(&r, 3) ? SHMFS_VERIFY : 0);

		shared->user[i].rounds++;
		if (use_code(shmfs_open(&s, path, flags, NULL))) {
			shared->user[i].refused++;
			usleep(1000);
			continue;
		}
		shared->user[i].opened++;
		for (uint64_t n = rng_below(&r, 20); n && !shared->stop; n--) {
			shared->user[i].rounds++;
			if (write)
				write_round(s, &r);
			else
				read_round(s, &r);
		}
		use_code(shmfs_close(s));
	}
}

static pid_t start(unsigned i, uint64_t seed)
{
	struct rlimit size = {MOST, MOST}, none = {0, 0};
	pid_t pid = fork_child();

	if (pid)
		return pid;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_CORE, &none);
	use_it(i, seed);
	exit(0);
}

/* ---- who scribbles */

struct target {
	int fd;
	unsigned char *map;
	unsigned char *good; /* the file as it was */
	uint64_t good_size;
};

static struct target make(void)
{
	struct target t;
	struct shmfs *s;
	struct stat st;

	if (shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL))
		die("create");
	use_fill(s, KEYS);
	use_fill_log(s, 200);
	t.fd = open(path, O_RDWR);
	if (t.fd < 0 || fstat(t.fd, &st))
		die("%s: %s", path, strerror(errno));
	t.good_size = (uint64_t)st.st_size;
	t.good = malloc(t.good_size);
	t.map = mmap(NULL, MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, t.fd, 0);
	if (!t.good || t.map == MAP_FAILED)
		die("no memory");
	/* as if it had been killed here */
	memcpy(t.good, t.map, t.good_size);
	if (shmfs_close(s) || ftruncate(t.fd, (off_t)t.good_size))
		die("close");
	return t;
}

static uint64_t size_now(const struct target *t)
{
	struct stat st;

	if (fstat(t->fd, &st))
		die("fstat: %s", strerror(errno));
	return (uint64_t)st.st_size < MOST ? (uint64_t)st.st_size : MOST;
}

static void put_back(const struct target *t, uint64_t from, uint64_t n)
{
	for (uint64_t at = from; at < from + n; at += PAGE)
		if (memcmp(t->map + at, t->good + at, PAGE) != 0)
			memcpy(t->map + at, t->good + at, PAGE);
}

/* Where something is, now or when it was good. */
static uint64_t some_place(const struct target *t, struct rng *r, uint64_t size)
{
	uint64_t at = 0;

	for (int tries = 0; tries < 200; tries++) {
		switch (rng_below(r, 4)) {
		case 0:
			at = rng_below(r, 0x5000);
			break;
		case 1:
			at = SFS_SEG + rng_below(r, 32 * (size >> SFS_SEG_SHIFT));
			break;
		default:
			at = rng_below(r, size - PAGE);
		}
		if (t->map[at] || (at < t->good_size && t->good[at]))
			break;
	}
	return at & ~UINT64_C(7);
}

static void scribble(const struct target *t, struct rng *r)
{
	uint64_t size = size_now(t), at = some_place(t, r, size), word = rng_next(r);

	switch (rng_below(r, 10)) {
	case 0:
		t->map[at + rng_below(r, 8)] ^= (unsigned char)(1 << rng_below(r, 8));
		break;
	case 1:
		memset(t->map + (at & ~(uint64_t)(PAGE - 1)), (int)word, PAGE);
		break;
	case 2:
		memcpy(t->map + (at & ~(uint64_t)(PAGE - 1)),
		       t->map + (some_place(t, r, size) & ~(uint64_t)(PAGE - 1)), PAGE);
		break;
	case 3:
		word = rng_below(r, size);
		memcpy(t->map + at, &word, 8);
		break;
	case 4:
		word = rng_size(r, UINT64_C(1) << 48);
		memcpy(t->map + at, &word, 8);
		break;
	case 5:
		memcpy(t->map + at, t->map + some_place(t, r, size), 8);
		break;
	case 6:
		memcpy(t->map + at, &word, 4);
		break;
	default:
		memcpy(t->map + at, &word, 2);
	}
}

static void scribble_for_a_while(const struct target *t, struct rng *r)
{
	for (uint64_t n = rng_size(r, 300); n; n--) {
		scribble(t, r);
		if (rng_once_in(r, 8))
			usleep((useconds_t)rng_below(r, 300));
	}
	/* without its first pages it would soon not be opened any more */
	put_back(t, 0, rng_once_in(r, 3) ? t->good_size : SFS_METADATA_BYTES);
	usleep((useconds_t)rng_below(r, 3000));
}

/* ---- */

static void watch(pid_t pids[USERS], uint64_t last[USERS], uint64_t since[USERS])
{
	for (unsigned i = 0; i < USERS; i++) {
		uint64_t rounds = shared->user[i].rounds;
		int status;

		if (waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			pids[i] = 0;
			die("a %s ended: status %#x", i == USERS - 1 ? "writer" : "reader", status);
		}
		if (rounds != last[i]) {
			last[i] = rounds;
			since[i] = clock_us();
		} else if (clock_us() - since[i] > HANG_SECONDS * UINT64_C(1000000)) {
			die("a %s hangs: process %d", i == USERS - 1 ? "writer" : "reader", (int)pids[i]);
		}
	}
}

static pid_t pids[USERS], self;

/* Whatever happens nothing is left behind. */
static void clean_up(void)
{
	if (getpid() != self)
		return;
	for (unsigned i = 0; i < USERS; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
	unlink(path);
}

static void finish(const struct target *t)
{
	uint64_t end = clock_us() + HANG_SECONDS * UINT64_C(1000000);

	put_back(t, 0, t->good_size);
	shared->stop = true;
	for (unsigned i = 0; i < USERS; i++) {
		int status = 0;
		pid_t got;

		while ((got = waitpid(pids[i], &status, WNOHANG)) == 0 && clock_us() < end)
			usleep(10000);
		if (got == 0)
			die("a %s hangs at the end", i == USERS - 1 ? "writer" : "reader");
		pids[i] = 0;
		if (status)
			die("a %s ended: status %#x", i == USERS - 1 ? "writer" : "reader", status);
	}
}

int main(void)
{
	uint64_t seed = env_seed("SCRIBBLE_SEED"), rounds = 0, opened = 0, refused = 0;
	uint64_t seconds = env_number("SCRIBBLE_SECONDS", env_number("TORTURE_SECONDS", 5));
	uint64_t end, last[USERS] = {0}, since[USERS];
	struct rng r = {seed};
	struct shmfs *present;
	struct target t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# SCRIBBLE_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	scratch(path, sizeof(path), "/dev/shm", "scribble");
	t = make();
	put_back(&t, 0, t.good_size);
	self = getpid();
	atexit(clean_up);
	for (unsigned i = 0; i < USERS; i++) {
		pids[i] = start(i, seed);
		since[i] = clock_us();
	}
	/* where readers are no writer cuts the file, which we could not survive */
	if (shmfs_open(&present, path, SHMFS_RDONLY, NULL))
		die("open");
	for (end = clock_us() + seconds * 1000000; clock_us() < end;) {
		scribble_for_a_while(&t, &r);
		watch(pids, last, since);
	}
	finish(&t);
	shmfs_close(present);
	free(t.good);
	for (unsigned i = 0; i < USERS; i++) {
		rounds += shared->user[i].rounds;
		opened += shared->user[i].opened;
		refused += shared->user[i].refused;
	}
	if (!opened)
		die("the store could never be opened");
	printf("# opened %llu times, refused %llu times\n", (unsigned long long)opened,
	       (unsigned long long)refused);
	passed("%llu rounds of readers and a writer live through a scribbler", (unsigned long long)rounds);
	return 0;
}
