/* SPDX-License-Identifier: MIT */
/*
 * kill -9 among appenders:
 *
 *	[LOGKILL_ROUNDS=n] [LOGKILL_SEED=n] logkill [DIR...]
 *
 * Four processes append: frames, batches, batches in place; between them they put keys and move
 * cursors.  A read-only reader follows.  Round after round all four are killed at once, and the
 * log is read from where the round began: every acknowledged frame is there once, in order per
 * writer; every batch is whole or absent; the writers' cursors and keys are what was
 * acknowledged; the audit finds nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "logkill.h"

struct torture {
	char path[4096];
	struct logbooks *books;
	struct rng rng;
	struct shmfs_options options;
	pid_t pids[LOG_WRITERS], reader;
	uint64_t next[LOG_WRITERS]; /* the number each writer's next frame has */
	uint64_t position;          /* read up to here */
	uint64_t frames, kills;
	unsigned left[LOG_WRITERS]; /* frames to come of the batch at hand */
	bool gap;                   /* some were trimmed before they were read */
};

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static pid_t spawn(struct torture *t, unsigned i)
{
	uint64_t seed = rng_next(&t->rng), first = i < LOG_WRITERS ? t->next[i] : 0;
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (i == LOG_WRITERS)
		logreader_run(t->path, t->books);
	logwriter_run(t->path, t->books, i, first, seed);
}

static void reap(struct torture *t, pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		die("a child of %s ended by itself, status %#x", t->path, status);
	t->kills++;
}

/* One frame in turn: the next of its writer, and of its batch. */
static void meet(struct torture *t, const struct logframe *f, size_t size, uint64_t at)
{
	unsigned w = f->writer;

	if (size < sizeof(*f) || w >= LOG_WRITERS || !value_is(f + 1, size - sizeof(*f), f->number ^ w))
		die("the frame at %llu is not what was appended", (unsigned long long)at);
	if (t->gap ? f->number < t->next[w] : f->number != t->next[w])
		die("writer %u: frame %llu at %llu, should be %llu", w, (unsigned long long)f->number,
		    (unsigned long long)at, (unsigned long long)t->next[w]);
	if (t->gap && f->number > t->next[w])
		t->left[w] = f->of - f->index; /* the batch began in what was trimmed */
	if (f->index == 0)
		t->left[w] = f->of;
	if (t->left[w]-- != (unsigned)(f->of - f->index))
		die("writer %u: number %u of a batch of %u at %llu", w, f->index, f->of, (unsigned long long)at);
	t->next[w] = f->number + 1;
	t->frames++;
}

static void read_log(struct torture *t, struct shmfs *s)
{
	static _Alignas(8) unsigned char buf[LOG_FRAME_TOP];
	struct shmfs_reader *r;
	uint64_t at;
	size_t size;
	int got = shmfs_reader_open(s, &r, t->position);

	t->gap = got == -ESTALE && t->options.log_limit;
	if (t->gap)
		got = shmfs_reader_open(s, &r, SHMFS_LOG_BEGIN);
	must(got, "reader_open");
	while (size = sizeof(buf), !(got = shmfs_reader_next(r, buf, &size, &at)))
		meet(t, (const struct logframe *)(const void *)buf, size, at);
	must(got == -ENODATA ? 0 : got, "next");
	t->position = shmfs_reader_position(r);
	shmfs_reader_close(r);
}

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	printf("# %s: %#llx: %s\n", ((struct torture *)arg)->path, (unsigned long long)offset, text);
}

/* Acknowledged or being done: whichever it was, now it is. */
static void settle(atomic_ulong pair[2], uint64_t is, unsigned w, const char *what)
{
	if (is != atomic_load(&pair[0]) && is != atomic_load(&pair[1]))
		die("writer %u: its %s is at %llu, not %lu nor %lu", w, what, (unsigned long long)is,
		    atomic_load(&pair[0]), atomic_load(&pair[1]));
	atomic_store(&pair[0], is);
	atomic_store(&pair[1], is);
}

static void compare(struct torture *t, struct shmfs *s, unsigned w)
{
	struct logbook *book = &t->books->writer[w];
	uint64_t at, number, acked = atomic_load(&book->acked);
	size_t size = sizeof(number);
	char name[2] = {'w', (char)('0' + w)};
	int got;

	if (t->left[w])
		die("writer %u: a batch ends after %u frames too few", w, t->left[w]);
	if (t->gap && t->next[w] < acked)
		t->next[w] = acked; /* its last ones were trimmed by others */
	if (t->next[w] < acked)
		die("writer %u: acknowledged %llu frames, %llu are there", w, (unsigned long long)acked,
		    (unsigned long long)t->next[w]);
	atomic_store(&book->acked, t->next[w]);
	got = shmfs_cursor_get(s, name, 2, &at);
	if (got != -ENOENT || atomic_load(&book->cursor[0]))
		must(got, "cursor_get");
	if (!got)
		settle(book->cursor, at, w, "cursor");
	got = shmfs_get(s, name, 2, &number, &size, NULL);
	if (got != -ENOENT || atomic_load(&book->put[0]))
		must(got, "get");
	if (!got)
		settle(book->put, number, w, "key");
}

static void look_after(struct torture *t)
{
	struct shmfs_check_result r = {.struct_size = sizeof(r)};
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};
	struct shmfs *s;

	must(shmfs_open(&s, t->path, rng_once_in(&t->rng, 3) ? SHMFS_RDONLY : SHMFS_RDWR, NULL), "open");
	must(shmfs_check(s, &r, print_problem, t), "check");
	if (r.problems)
		die("check found %llu problems", (unsigned long long)r.problems);
	read_log(t, s);
	for (unsigned w = 0; w < LOG_WRITERS; w++)
		compare(t, s, w);
	must(shmfs_log_bounds(s, &b), "bounds");
	for (unsigned w = 0; w < LOG_WRITERS; w++)
		b.frames -= t->next[w];
	if (b.frames + b.trimmed_frames)
		die("bounds count %lld frames too many", (long long)(b.frames + b.trimmed_frames));
	must(shmfs_close(s), "close");
}

static void run(const char *dir, uint64_t limit, uint64_t rounds, uint64_t seed)
{
	struct torture t = {.rng = {seed}, .options = {.struct_size = sizeof(t.options), .log_limit = limit}};
	uint64_t start = clock_us();
	struct shmfs *s;

	t.books = mmap(NULL, sizeof(*t.books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.books == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	scratch(t.path, sizeof(t.path), dir, "logkill");
	must(shmfs_open(&s, t.path, SHMFS_RDWR | SHMFS_CREATE, &t.options), "create");
	must(shmfs_close(s), "close");
	t.reader = spawn(&t, LOG_WRITERS);
	for (uint64_t i = 0; i < rounds; i++) {
		for (unsigned w = 0; w < LOG_WRITERS; w++)
			t.pids[w] = spawn(&t, w);
		usleep((useconds_t)(rng_size(&t.rng, 30000) + 500));
		for (unsigned w = 0; w < LOG_WRITERS; w++)
			kill(t.pids[w], SIGKILL);
		for (unsigned w = 0; w < LOG_WRITERS; w++)
			reap(&t, t.pids[w]);
		look_after(&t);
		/* so that it does not fill the disk */
		if (!limit && i % 8 == 0) {
			must(shmfs_open(&s, t.path, SHMFS_RDWR, NULL), "open");
			must(shmfs_log_trim(s, t.position), "trim");
			must(shmfs_close(s), "close");
		}
	}
	kill(t.reader, SIGKILL);
	reap(&t, t.reader);
	passed("%llu kills, four at once, lose and tear no frame in %s%s (%llu rounds, %llu frames, %lu read "
	       "beside, %.1f s; longest read %.1f ms)",
	       (unsigned long long)t.kills, dir, limit ? ", with a limit" : "", (unsigned long long)rounds,
	       (unsigned long long)t.frames, atomic_load(&t.books->reads), (double)(clock_us() - start) / 1e6,
	       (double)atomic_load(&t.books->worst_us) / 1e3);
	munmap(t.books, sizeof(*t.books));
	unlink(t.path);
}

int main(int argc, char **argv)
{
	uint64_t seed = env_seed("LOGKILL_SEED"), rounds = env_number("LOGKILL_ROUNDS", 600);
	const char *dirs[] = {"/dev/shm", disk_dir()};
	int n = argc > 1 ? argc - 1 : 2;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# LOGKILL_SEED=%llu LOGKILL_ROUNDS=%llu\n", (unsigned long long)seed, (unsigned long long)rounds);
	for (int i = 0; i < n; i++) {
		const char *dir = argc > 1 ? argv[i + 1] : dirs[i];

		run(dir, 0, rounds / 2 / (unsigned)n, seed + (unsigned)i);
		run(dir, 32 << 20, rounds / 2 / (unsigned)n, ~seed + (unsigned)i);
	}
	return 0;
}
