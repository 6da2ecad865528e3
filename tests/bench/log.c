/* SPDX-License-Identifier: MIT */
/*
 * The log: appending and reading 64-byte frames, and from a writer to a reader; beside it the floor
 * and a file, see log_peers.h.
 */
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
#include "log_peers.h"

enum {
	SIZE = LOG_SIZE,
	N = 400000,
	FLOOR_FRAMES = 3 * N,
	BATCH = 32,
	STEP = 64, /* frames between two looks at whether to stop */
	PINGS = 20000,
	WAKES = 300,
};

static char path[4096], floor_path[4200];
static struct shmfs *s;
static char frame[SIZE];

static struct shared {
	_Atomic uint64_t sent; /* ticks(), of the frame under way; 0: received */
	_Atomic uint64_t took;
	_Atomic uint64_t received; /* frames */
	atomic_bool ready, stop;
} *shared;

static void must(int rc, const char *what)
{
	if (rc)
		errx(1, "%s: %s", what, shmfs_strerror(rc));
}

static void make_store(uint64_t limit)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .log_limit = limit};

	unlink(path);
	must(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), path);
}

/* ---- who is measured ------------------------------------------------------------------ */

static void shmfs_append(unsigned n, unsigned batch)
{
	struct shmfs_frame f[BATCH];

	if (batch == 1) {
		for (unsigned i = 0; i < n; i++)
			must(shmfs_log_append(s, frame, SIZE, NULL), "append");
		return;
	}
	for (unsigned i = 0; i < batch; i++)
		f[i] = (struct shmfs_frame){frame, SIZE, 0};
	for (unsigned i = 0; i < n; i += batch)
		must(shmfs_log_append_many(s, f, batch), "append_many");
}

static struct shmfs_reader *reader;

static void shmfs_attach(void)
{
	must(shmfs_open(&s, path, SHMFS_RDWR, NULL), path);
	must(shmfs_reader_open(s, &reader, SHMFS_LOG_END), "reader_open");
}

static bool shmfs_next(void *buf)
{
	size_t size = SIZE;
	int rc = shmfs_reader_next(reader, buf, &size, NULL);

	if (rc != -ENODATA)
		must(rc, "next");
	return rc == 0;
}

static struct log_floor *bottom;
static uint64_t bottom_at;

static void floor_append(unsigned n, unsigned batch)
{
	for (unsigned i = 0; i < n; i += batch)
		log_floor_append(bottom, frame, batch);
}

static void floor_attach(void)
{
	bottom_at = log_floor_end(bottom);
}

static bool floor_next(void *buf)
{
	return log_floor_next(bottom, &bottom_at, buf);
}

static int file;
static uint64_t file_at;

static void file_append(unsigned n, unsigned batch)
{
	for (unsigned i = 0; i < n; i += batch)
		log_file_append(file, frame, batch);
}

static void file_attach(void)
{
	file_at = (uint64_t)lseek(file, 0, SEEK_END);
}

static bool file_next(void *buf)
{
	return log_file_next(file, &file_at, buf);
}

static const struct logger {
	const char *who;
	void (*append)(unsigned n, unsigned batch);
	void (*attach)(void); /* in another process, to read what comes from now on */
	bool (*next)(void *buf);
} loggers[] = {
	{"floor", floor_append, floor_attach, floor_next},
	{"shmfs", shmfs_append, shmfs_attach, shmfs_next},
	{"write", file_append, file_attach, file_next},
};

enum { LOGGERS = sizeof(loggers) / sizeof(*loggers) };

/* ---- appending ------------------------------------------------------------------------ */

static void append(const char *work, unsigned batch)
{
	for (const struct logger *l = loggers; l < loggers + LOGGERS; l++) {
		struct moment start = moment_now();

		l->append(N, batch);
		bench_time(work, l->who, start, N);
	}
}

/* As many processors as writers. */
static void two_writers(const char *work, const struct logger *l)
{
	struct moment start;
	pid_t other;

	atomic_store(&shared->ready, false);
	atomic_store(&shared->stop, false);
	other = fork();
	if (other == 0) {
		bench_pin(bench.cpu ? 0 : 1);
		l->attach();
		atomic_store(&shared->ready, true);
		for (unsigned i = 0; i < N && !atomic_load(&shared->stop); i += STEP)
			l->append(STEP, 1);
		_exit(0);
	}
	while (!atomic_load(&shared->ready))
		usleep(100);
	start = moment_now();
	l->append(N / 4, 1);
	bench_time(work, l->who, start, N / 4);
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

static void floor_read_all(const char *work)
{
	struct moment start;
	unsigned n = 0;
	char buf[SIZE];

	bottom_at = 0;
	start = moment_now();
	for (; log_floor_next(bottom, &bottom_at, buf); n++)
		__asm__ volatile("" ::"r"(buf) : "memory");
	bench_time(work, "floor", start, n);
}

static void file_read_all(const char *work)
{
	struct moment start;
	unsigned n = 0;
	char buf[SIZE];

	file_at = 0;
	start = moment_now();
	while (log_file_next(file, &file_at, buf))
		n++;
	bench_time(work, "write", start, n);
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

/* Another process, which reads what comes and does `with` it, for ever. */
static pid_t start_reader(const struct logger *l, bool waiting, void (*with)(void))
{
	pid_t pid;
	char buf[SIZE];

	atomic_store(&shared->ready, false);
	atomic_store(&shared->received, 0);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid) {
		while (!atomic_load(&shared->ready))
			usleep(100);
		return pid;
	}
	bench_pin(bench.cpu ? 0 : 1);
	l->attach();
	atomic_store(&shared->ready, true);
	for (;;) {
		if (waiting)
			must(shmfs_reader_wait(reader, -1), "wait");
		if (l->next(buf))
			with();
	}
}

static void stop_reader(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void take_time(void)
{
	atomic_store(&shared->took, ticks() - atomic_load(&shared->sent));
	atomic_store(&shared->sent, 0);
}

static void latency(const char *work, const struct logger *l, bool waiting, unsigned n)
{
	pid_t pid = start_reader(l, waiting, take_time);
	uint32_t *took = need(n * sizeof(*took));
	double ns = ns_per_tick();

	for (unsigned i = 0; i < n; i++) {
		if (waiting)
			usleep(300);
		atomic_store(&shared->sent, ticks());
		l->append(1, 1);
		while (atomic_load(&shared->sent))
			;
		took[i] = (uint32_t)((double)atomic_load(&shared->took) * ns);
	}
	stop_reader(pid);
	bench_tail(work, l->who, took, n);
	free(took);
}

static void count(void)
{
	uint64_t n = atomic_load_explicit(&shared->received, memory_order_relaxed);

	atomic_store_explicit(&shared->received, n + 1, memory_order_relaxed);
}

/* Until the last frame was read. */
static void stream(const char *work, const struct logger *l)
{
	pid_t pid = start_reader(l, false, count);
	struct moment start = moment_now();

	l->append(N, 1);
	while (atomic_load_explicit(&shared->received, memory_order_relaxed) < N)
		;
	bench_time(work, l->who, start, N);
	stop_reader(pid);
}

/* ---- all of it ------------------------------------------------------------------------ */

static void fresh_memory(void)
{
	make_store(0);
	bottom = log_floor_new(floor_path, FLOOR_FRAMES, false);
	file = log_file_new(floor_path);
	append("append 64 B, fresh memory", 1);
	read_all();
	floor_read_all("read, one by one");
	floor_read_all("read, 32 at once");
	file_read_all("read, one by one");
	for (const struct logger *l = loggers; l < loggers + LOGGERS; l++)
		stream("stream to a reader, fresh memory", l);
	must(shmfs_close(s), "close");
	log_floor_free(bottom);
	close(file);
}

/* Of a file that is only appended to, no memory is recycled. */
static void recycled_memory(void)
{
	make_store(32 << 20);
	for (int i = 0; i < (80 << 20) / SIZE / N + 1; i++) /* until the space goes round */
		shmfs_append(N, 1);
	bottom = log_floor_new(floor_path, FLOOR_FRAMES, true);
	file = log_file_new(floor_path);
	append("append 64 B, recycled memory", 1);
	log_floor_clear(bottom);
	append("append 32 of 64 B, per frame", BATCH);
	log_floor_clear(bottom);
	for (const struct logger *l = loggers; l < loggers + LOGGERS; l++)
		two_writers("append 64 B beside a writer", l);
	log_floor_clear(bottom);
	for (const struct logger *l = loggers; l < loggers + LOGGERS; l++)
		latency("to a polling reader", l, false, PINGS);
	latency("to a sleeping reader", &loggers[1], true, WAKES);
	must(shmfs_close(s), "close");
	log_floor_free(bottom);
	close(file);
	unlink(path);
}

int main(int argc, char **argv)
{
	bench_options(argc, argv);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		bench_note("a writer and a reader need two processors");
		return 0;
	}
	snprintf(path, sizeof(path), "%s/shmfs-bench-log.%d", bench.dir, (int)getpid());
	snprintf(floor_path, sizeof(floor_path), "%s.peer", path);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	memset(frame, 7, sizeof(frame));
	for (unsigned round = 0; round < bench.rounds; round++) {
		fresh_memory();
		recycled_memory();
	}
	bench_report();
	return 0;
}
