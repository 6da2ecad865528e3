/* SPDX-License-Identifier: MIT */
/* Appending, by the tortures' children (appender.h). */
#include <errno.h>

#include "appender.h"

enum { BATCH_TOP = 20, BATCH_FRAME_TOP = 904 };

static void must(const struct appender *a, int got, const char *what)
{
	if (got)
		die("writer %u: %s: %s", a->writer, what, shmfs_strerror(got));
}

bool logframe_is(const void *data, size_t size)
{
	const struct logframe *f = data;

	return size >= sizeof(*f) && f->writer <= LOG_MARKER && f->index < f->of &&
	       value_is(f + 1, size - sizeof(*f), f->number ^ f->writer);
}

static void compose(const struct appender *a, void *to, size_t size, unsigned index, unsigned of)
{
	struct logframe *f = to;
	uint64_t number = atomic_load(&a->book->acked) + index;

	*f = (struct logframe){number, a->writer, (uint16_t)index, (uint16_t)of};
	value_fill(f + 1, size - sizeof(*f), number ^ a->writer);
}

static void acknowledged(struct appender *a, unsigned n)
{
	atomic_fetch_add(&a->book->acked, n);
	atomic_store(&a->book->doing, 0);
}

static size_t some_size(struct appender *a, size_t top)
{
	return sizeof(struct logframe) + rng_size(&a->rng, top - sizeof(struct logframe) - 1);
}

void append_one(struct appender *a)
{
	static _Alignas(8) unsigned char buf[LOG_FRAME_TOP];
	size_t size = some_size(a, rng_once_in(&a->rng, 50) ? sizeof(buf) : a->usual);

	compose(a, buf, size, 0, 1);
	atomic_store(&a->book->doing, 1);
	must(a, shmfs_log_append(a->s, buf, size, &a->last), "append");
	acknowledged(a, 1);
}

void append_many(struct appender *a)
{
	static _Alignas(8) unsigned char buf[BATCH_TOP][BATCH_FRAME_TOP];
	unsigned n = 1 + (unsigned)rng_below(&a->rng, BATCH_TOP);
	struct shmfs_frame f[BATCH_TOP];

	for (unsigned i = 0; i < n; i++) {
		f[i] = (struct shmfs_frame){buf[i], some_size(a, BATCH_FRAME_TOP), 0};
		compose(a, buf[i], f[i].size, i, n);
	}
	atomic_store(&a->book->doing, n);
	must(a, shmfs_log_append_many(a->s, f, n), "append_many");
	a->last = f[0].position;
	acknowledged(a, n);
}

void append_in_place(struct appender *a)
{
	unsigned n = 1 + (unsigned)rng_below(&a->rng, BATCH_TOP);
	struct shmfs_batch *b;
	void *p;

	must(a, shmfs_log_begin(a->s, &b, n * BATCH_FRAME_TOP, n), "begin");
	for (unsigned i = 0; i < n; i++) {
		size_t size = some_size(a, BATCH_FRAME_TOP);

		must(a, shmfs_log_frame(b, size, &p), "frame");
		compose(a, p, size, i, n);
	}
	if (rng_once_in(&a->rng, 10)) {
		shmfs_log_abort(b);
		return;
	}
	atomic_store(&a->book->doing, n);
	must(a, shmfs_log_commit(b, &a->last), "commit");
	acknowledged(a, n);
}

void append_cursor(struct appender *a)
{
	char name[2] = {'w', (char)('0' + a->writer)};
	uint64_t to = a->last;
	int got;

	atomic_store(&a->book->cursor[1], to);
	got = shmfs_cursor_set(a->s, name, 2, to);
	if (got == -ENOENT)
		got = shmfs_cursor_create(a->s, name, 2, to);
	/* trimmed meanwhile, or a reservation before it is still open */
	if (got == -ESTALE || got == -ERANGE)
		to = atomic_load(&a->book->cursor[0]);
	else
		must(a, got, "cursor_set");
	atomic_store(&a->book->cursor[0], to);
	atomic_store(&a->book->cursor[1], to);
}
