/* SPDX-License-Identifier: MIT */
/* The log: appending and reading 64-byte frames, and from a writer to a reader. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmfs.h>

#include "bench.h"

enum { SIZE = 64, FRAME = 80, N = 400000, BATCH = 32, PINGS = 20000, WAKES = 300 };

static char path[4096];
static struct shmfs *s;
static char frame[SIZE];

static struct shared {
	_Atomic uint64_t sent; /* ticks(), of the frame under way; 0: received */
	_Atomic uint64_t took;
	atomic_bool ready, stop;
} *shared;

static void must(int rc, const char *what)
{
	if (rc)
		errx(1, "%s: %s", what, shmfs_strerror(rc));
}

/* ---- floors ------------------------------------------------------------------------- */

/* What every log must do: copy the frame and its length to the next place of a mapped region, and
 * publish it with one store. */
static uint8_t *region;

static void floor_append(const char *work)
{
	struct moment start = moment_now();
	uint8_t *at = region;

	for (int i = 0; i < N; i++, at += FRAME) {
		memcpy(at + 8, frame, SIZE);
		atomic_store_explicit((_Atomic uint64_t *)(void *)at, SIZE, memory_order_release);
	}
	bench_time(work, "floor", start, N);
}

static void floor_read(const char *work)
{
	struct moment start = moment_now();
	static char buf[SIZE];
	const uint8_t *at = region;

	for (int i = 0; i < N; i++, at += FRAME) {
		size_t size = atomic_load_explicit((const _Atomic uint64_t *)(const void *)at, memory_order_acquire);

		memcpy(buf, at + 8, size & (SIZE + 63));
		__asm__ volatile("" ::"r"(buf) : "memory");
	}
	bench_time(work, "floor", start, N);
}

static void write_append(const char *work)
{
	char name[4200];
	struct moment start;
	int fd;

	snprintf(name, sizeof(name), "%s.write", path);
	fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		err(1, "%s", name);
	start = moment_now();
	for (int i = 0; i < N / 4; i++)
		if (write(fd, frame, SIZE) != SIZE)
			err(1, "%s", name);
	bench_time(work, "write", start, N / 4);
	close(fd);
	unlink(name);
}

/* ---- appending ------------------------------------------------------------------------ */

static void make_store(uint64_t limit)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .log_limit = limit};

	unlink(path);
	must(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), path);
}

static void append(const char *work)
{
	struct moment start = moment_now();

	for (int i = 0; i < N; i++)
		must(shmfs_log_append(s, frame, SIZE, NULL), "append");
	bench_time(work, "shmfs", start, N);
}

static void append_many(const char *work)
{
	struct shmfs_frame f[BATCH];
	struct moment start;

	for (int i = 0; i < BATCH; i++)
		f[i] = (struct shmfs_frame){frame, SIZE, 0};
	start = moment_now();
	for (int i = 0; i < N / BATCH; i++)
		must(shmfs_log_append_many(s, f, BATCH), "append_many");
	bench_time(work, "shmfs", start, N);
}

static void two_writers(const char *work)
{
	struct moment start;
	pid_t other;

	must(shmfs_close(s), "close");
	atomic_store(&shared->ready, false);
	atomic_store(&shared->stop, false);
	other = fork();
	if (other == 0) {
		bench_pin(bench.cpu ? 0 : 1);
		must(shmfs_open(&s, path, SHMFS_RDWR, NULL), path);
		for (atomic_store(&shared->ready, true); !atomic_load(&shared->stop);)
			must(shmfs_log_append(s, frame, SIZE, NULL), "append");
		shmfs_close(s);
		_exit(0);
	}
	must(shmfs_open(&s, path, SHMFS_RDWR, NULL), path);
	while (!atomic_load(&shared->ready))
		usleep(100);
	start = moment_now();
	for (int i = 0; i < N / 4; i++)
		must(shmfs_log_append(s, frame, SIZE, NULL), "append");
	bench_time(work, "shmfs", start, N / 4);
	atomic_store(&shared->stop, true);
	waitpid(other, NULL, 0);
}

/* ---- reading -------------------------------------------------------------------------- */

static void read_all(void)
{
	static struct shmfs_frame f[BATCH];
	static char buf[BATCH * SIZE];
	struct shmfs_frame_view view;
	struct shmfs_reader *r;
	struct moment start;
	size_t size, n, count = 0;

	must(shmfs_reader_open(s, &r, SHMFS_LOG_BEGIN), "reader_open");
	start = moment_now();
	while (size = SIZE, shmfs_reader_next(r, buf, &size, NULL) == 0)
		count++;
	bench_time("read, one by one", "shmfs", start, count);
	start = moment_now();
	for (n = 0; size = SIZE, shmfs_reader_prev(r, buf, &size, NULL) == 0; n++)
		;
	bench_time("read backwards", "shmfs", start, n);
	start = moment_now();
	while (shmfs_reader_next_batch(r, f, BATCH, buf, sizeof(buf), &n) == 0)
		;
	bench_time("read, 32 at once", "shmfs", start, count);
	must(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, SHMFS_LOG_BEGIN), "seek");
	start = moment_now();
	while (shmfs_reader_view(r, &view) == 0)
		__asm__ volatile("" ::"r"(*(const char *)view.data));
	bench_time("read, by view", "shmfs", start, count);
	shmfs_reader_close(r);
}

/* ---- from a writer to a reader ---------------------------------------------------------- */

/* The processor's counter where there is one that all processors share: two clock_gettime() cost as much
 * as the way from a writer to a reader. */
static uint64_t ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return wall_ns();
#endif
}

static double ns_per_tick(void)
{
	uint64_t wall = wall_ns(), count = ticks();

	usleep(20000);
	return (double)(wall_ns() - wall) / (double)(ticks() - count);
}

/* The child reads, by polling or by waiting, and says how long each frame took. */
static void receive(bool waiting)
{
	struct shmfs_reader *r;
	char buf[SIZE];
	uint64_t now;
	size_t size;
	int rc;

	bench_pin(bench.cpu ? 0 : 1);
	must(shmfs_open(&s, path, SHMFS_RDWR, NULL), path);
	must(shmfs_reader_open(s, &r, SHMFS_LOG_END), "reader_open");
	atomic_store(&shared->ready, true);
	for (;;) {
		if (waiting)
			must(shmfs_reader_wait(r, -1), "wait");
		size = SIZE;
		rc = shmfs_reader_next(r, buf, &size, NULL);
		if (rc == -ENODATA)
			continue;
		now = ticks();
		must(rc, "next");
		atomic_store(&shared->took, now - atomic_load(&shared->sent));
		atomic_store(&shared->sent, 0);
	}
}

static void latency(const char *work, bool waiting, unsigned n)
{
	uint32_t *took = need(n * sizeof(*took));
	double ns = ns_per_tick();
	pid_t reader;

	atomic_store(&shared->ready, false);
	reader = fork();
	if (reader == 0)
		receive(waiting);
	while (!atomic_load(&shared->ready))
		usleep(100);
	for (unsigned i = 0; i < n; i++) {
		if (waiting)
			usleep(300);
		atomic_store(&shared->sent, ticks());
		must(shmfs_log_append(s, frame, SIZE, NULL), "append");
		while (atomic_load(&shared->sent))
			;
		took[i] = (uint32_t)((double)atomic_load(&shared->took) * ns);
	}
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	bench_tail(work, "shmfs", took, n);
	free(took);
}

static void one_round(void)
{
	make_store(0);
	append("append 64 B, fresh memory");
	write_append("append 64 B, fresh memory");
	read_all();
	floor_read("read, one by one");
	floor_read("read, 32 at once");
	must(shmfs_close(s), "close");
	make_store(32 << 20);
	for (int i = 0; i < (80 << 20) / SIZE / N + 1; i++) /* until the space goes round */
		for (int k = 0; k < N; k++)
			must(shmfs_log_append(s, frame, SIZE, NULL), "append");
	append("append 64 B, recycled memory");
	floor_append("append 64 B, recycled memory");
	append_many("append 32 of 64 B, per frame");
	floor_append("append 32 of 64 B, per frame");
	two_writers("append 64 B beside a writer");
	latency("to a polling reader", false, PINGS);
	latency("to a sleeping reader", true, WAKES);
	must(shmfs_close(s), "close");
	unlink(path);
}

int main(int argc, char **argv)
{
	bench_options(argc, argv);
	snprintf(path, sizeof(path), "%s/shmfs-bench-log.%d", bench.dir, (int)getpid());
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	region = mmap(NULL, (size_t)N * FRAME, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (shared == MAP_FAILED || region == MAP_FAILED)
		err(1, "mmap");
	memset(frame, 7, sizeof(frame));
	for (unsigned round = 0; round < bench.rounds; round++)
		one_round();
	bench_report();
	return 0;
}
