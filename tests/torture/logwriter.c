/* SPDX-License-Identifier: MIT */
/* The log torture's children. */
#include <errno.h>
#include <unistd.h>

#include "logkill.h"

enum { BATCH_TOP = 20, BATCH_FRAME_TOP = 904 };

struct appender {
	struct shmfs *s;
	struct logbook *book;
	struct rng rng;
	uint64_t number;
	uint64_t last; /* position */
	unsigned writer;
};

static struct appender a; /* one per process */

static void must(int got, const char *what)
{
	if (got)
		die("writer %u: %s: %s", a.writer, what, shmfs_strerror(got));
}

static void compose(void *to, size_t size, unsigned index, unsigned of)
{
	struct logframe *f = to;
	uint64_t number = a.number + index;

	*f = (struct logframe){number, a.writer, (uint16_t)index, (uint16_t)of};
	value_fill(f + 1, size - sizeof(*f), number ^ a.writer);
}

static void acknowledged(unsigned n)
{
	a.number += n;
	atomic_store(&a.book->acked, a.number);
}

static size_t some_size(size_t top)
{
	return sizeof(struct logframe) + rng_size(&a.rng, top - sizeof(struct logframe) - 1);
}

static void one(void)
{
	static _Alignas(8) unsigned char buf[LOG_FRAME_TOP];
	size_t size = some_size(rng_once_in(&a.rng, 50) ? sizeof(buf) : 3000);

	compose(buf, size, 0, 1);
	must(shmfs_log_append(a.s, buf, size, &a.last), "append");
	acknowledged(1);
}

static void many(void)
{
	static _Alignas(8) unsigned char buf[BATCH_TOP][BATCH_FRAME_TOP];
	unsigned n = 1 + (unsigned)rng_below(&a.rng, BATCH_TOP);
	struct shmfs_frame f[BATCH_TOP];

	for (unsigned i = 0; i < n; i++) {
		f[i] = (struct shmfs_frame){buf[i], some_size(BATCH_FRAME_TOP), 0};
		compose(buf[i], f[i].size, i, n);
	}
	must(shmfs_log_append_many(a.s, f, n), "append_many");
	a.last = f[0].position;
	acknowledged(n);
}

static void in_place(void)
{
	unsigned n = 1 + (unsigned)rng_below(&a.rng, BATCH_TOP);
	struct shmfs_batch *b;
	void *p;

	must(shmfs_log_begin(a.s, &b, n * BATCH_FRAME_TOP, n), "begin");
	for (unsigned i = 0; i < n; i++) {
		size_t size = some_size(BATCH_FRAME_TOP);

		must(shmfs_log_frame(b, size, &p), "frame");
		compose(p, size, i, n);
	}
	if (rng_once_in(&a.rng, 10)) {
		shmfs_log_abort(b);
		return;
	}
	must(shmfs_log_commit(b, &a.last), "commit");
	acknowledged(n);
}

static void move_cursor(void)
{
	char name[2] = {'w', (char)('0' + a.writer)};
	uint64_t to = a.last;
	int got;

	atomic_store(&a.book->cursor[1], to);
	got = shmfs_cursor_set(a.s, name, 2, to);
	if (got == -ENOENT)
		got = shmfs_cursor_create(a.s, name, 2, to);
	/* trimmed meanwhile, or a reservation before it is still open */
	if (got == -ESTALE || got == -ERANGE)
		to = atomic_load(&a.book->cursor[0]);
	else
		must(got, "cursor_set");
	atomic_store(&a.book->cursor[0], to);
}

static void put(void)
{
	char name[2] = {'w', (char)('0' + a.writer)};

	atomic_store(&a.book->put[1], a.number);
	must(shmfs_put(a.s, name, 2, &a.number, sizeof(a.number), 0, NULL), "put");
	atomic_store(&a.book->put[0], a.number);
}

void logwriter_run(const char *path, struct logbooks *books, unsigned writer, uint64_t first, uint64_t seed)
{
	a = (struct appender){.book = &books->writer[writer], .rng = {seed}, .number = first, .writer = writer};
	must(shmfs_open(&a.s, path, SHMFS_RDWR, NULL), "open");
	one();
	for (;;) {
		uint64_t choice = rng_below(&a.rng, 100);

		if (choice < 60)
			one();
		else if (choice < 77)
			many();
		else if (choice < 94)
			in_place();
		else if (choice < 97)
			move_cursor();
		else
			put();
	}
}

/* Follows the log; how long did it ever wait for a frame, or in a call? */
void logreader_run(const char *path, struct logbooks *books)
{
	static _Alignas(8) unsigned char buf[LOG_FRAME_TOP];
	struct shmfs_reader *r;
	struct shmfs *s;
	int got = shmfs_open(&s, path, SHMFS_RDONLY, NULL);

	if (!got)
		got = shmfs_reader_open(s, &r, SHMFS_LOG_END);
	while (!got || got == -ENODATA || got == -ESTALE || got == -ETIMEDOUT) {
		uint64_t start = clock_us(), took;
		size_t size = sizeof(buf);

		got = shmfs_reader_next(r, buf, &size, NULL);
		took = clock_us() - start;
		if (took > atomic_load(&books->worst_us))
			atomic_store(&books->worst_us, took);
		if (!got && size >= sizeof(struct logframe)) {
			const struct logframe *f = (const void *)buf;

			if (!value_is(f + 1, size - sizeof(*f), f->number ^ f->writer))
				die("a torn frame before %llu", (unsigned long long)shmfs_reader_position(r));
			atomic_fetch_add(&books->reads, 1);
		}
		if (got == -ESTALE)
			got = shmfs_reader_seek(r, SHMFS_SEEK_POSITION, SHMFS_LOG_BEGIN);
		else if (got == -ENODATA)
			got = shmfs_reader_wait(r, 100);
	}
	die("the reader: %s", shmfs_strerror(got));
}
