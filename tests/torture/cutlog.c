/* SPDX-License-Identifier: MIT */
/* A random life of a store, and the model of what it holds: the log and its cursors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cutwork.h"

#define SEGMENT (UINT64_C(16) << 20)
#define FRAMES 20
#define FRAME_TOP 3000

void work_note_log(struct world *w, struct shmfs *s)
{
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};

	must(w, shmfs_log_bounds(s, &b), "bounds");
	if (b.head < w->now.head || b.head % SEGMENT || b.end < w->now.end || b.head > b.end)
		wrong(w, "the log is %llu to %llu now", (unsigned long long)b.head, (unsigned long long)b.end);
	w->now.head = b.head;
	w->now.end = b.end;
}

/* In the order of positions: a batch may be committed after what was appended behind it. */
static void appended(struct world *w, uint64_t position, uint32_t size, uint64_t seed)
{
	struct state *st = &w->now;
	size_t i;

	if (st->n == st->room) {
		st->room = st->room ? 2 * st->room : 1000;
		st->frames = realloc(st->frames, st->room * sizeof(*st->frames));
		if (!st->frames)
			die("out of memory");
	}
	for (i = st->n++; i > 0 && st->frames[i - 1].position > position; i--)
		st->frames[i] = st->frames[i - 1];
	st->frames[i] = (struct appended){position, seed, size};
}

/* ---- appending.  While a batch is open, nobody sees the frames behind it. */

void work_append(struct world *w)
{
	struct shmfs *s = any_handle(w, NULL);
	uint32_t size = (uint32_t)rng_size(&w->rng, rng_once_in(&w->rng, 6) ? VALUE_TOP : 20000);
	uint64_t seed = rng_next(&w->rng), position;

	if (took(w, shmfs_log_append(s, bytes(w, size, seed), size, &position), "append"))
		appended(w, position, size, seed);
	work_note_log(w, s);
}

void work_append_many(struct world *w)
{
	struct shmfs_frame frames[FRAMES];
	struct shmfs *s = any_handle(w, NULL);
	size_t n = 1 + rng_below(&w->rng, FRAMES);
	uint64_t seeds[FRAMES];

	for (size_t i = 0; i < n; i++) {
		unsigned char *data = w->blob + i * FRAME_TOP;

		seeds[i] = rng_next(&w->rng);
		frames[i] = (struct shmfs_frame){.data = data, .size = rng_below(&w->rng, FRAME_TOP)};
		value_fill(data, frames[i].size, seeds[i]);
	}
	if (took(w, shmfs_log_append_many(s, frames, n), "append_many"))
		for (size_t i = 0; i < n; i++)
			appended(w, frames[i].position, (uint32_t)frames[i].size, seeds[i]);
	work_note_log(w, s);
}

void work_end_batch(struct world *w)
{
	struct shmfs_batch *b = w->batch;
	uint64_t position;
	void *to;

	if (!b)
		return;
	w->batch = NULL;
	if (rng_once_in(&w->rng, 4)) {
		shmfs_log_abort(b);
	} else {
		must(w, shmfs_log_frame(b, w->batch_size, &to), "log_frame");
		value_fill(to, w->batch_size, w->batch_seed);
		must(w, shmfs_log_commit(b, &position), "log_commit");
		appended(w, position, w->batch_size, w->batch_seed);
	}
	work_note_log(w, w->handles[w->batch_handle]);
}

/* What is reserved too much is padding: so the log gets long without many bytes to compare. */
static void begin_batch(struct world *w, uint64_t more)
{
	struct shmfs *s = any_handle(w, &w->batch_handle);
	int rc;

	w->batch_size = (uint32_t)rng_size(&w->rng, 100000);
	w->batch_seed = rng_next(&w->rng);
	rc = shmfs_log_begin(s, &w->batch, w->batch_size + more, 1 + rng_below(&w->rng, 3));
	if (!took(w, rc, "log_begin"))
		w->batch = NULL;
	work_note_log(w, s);
}

void work_batch(struct world *w)
{
	if (w->batch)
		work_end_batch(w);
	else
		begin_batch(w, rng_below(&w->rng, rng_once_in(&w->rng, 3) ? SEGMENT / 16 * 15 : 1000));
}

void work_pass_segment(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		work_end_batch(w);
		begin_batch(w, SEGMENT / 16 * 15);
	}
	work_end_batch(w);
}

/* ---- trimming and cursors */

/* Of a frame that is there to be seen, or the end. */
static uint64_t any_position(struct world *w)
{
	const struct state *st = &w->now;
	const struct appended *f = &st->frames[rng_below(&w->rng, st->n)];

	return st->n && f->position >= st->head && f->position < st->end ? f->position : st->end;
}

void work_trim(struct world *w)
{
	struct shmfs *s = any_handle(w, NULL);
	uint64_t to = any_position(w), head = to / SEGMENT * SEGMENT;

	must(w, shmfs_log_trim(s, to), "trim");
	if (head < w->now.head)
		head = w->now.head;
	work_note_log(w, s);
	if (w->now.head != head)
		wrong(w, "trimmed to %llu, should be %llu", (unsigned long long)w->now.head,
		      (unsigned long long)head);
}

void work_cursor(struct world *w)
{
	struct state *st = &w->now;
	unsigned i = (unsigned)rng_below(&w->rng, CURSORS), to = (unsigned)rng_below(&w->rng, CURSORS);
	struct shmfs *s = any_handle(w, NULL);
	unsigned char name = (unsigned char)i, other = (unsigned char)to;
	uint64_t position = any_position(w);

	if (!st->cursor_there[i]) {
		must(w, shmfs_cursor_create(s, &name, 1, position), "cursor_create");
		st->cursor_there[i] = true;
		st->cursors[i] = position;
	} else if (rng_once_in(&w->rng, 6)) {
		must(w, shmfs_cursor_del(s, &name, 1), "cursor_del");
		st->cursor_there[i] = false;
	} else if (!st->cursor_there[to]) {
		must(w, shmfs_cursor_rename(s, &name, 1, &other, 1), "cursor_rename");
		st->cursor_there[to] = true;
		st->cursors[to] = st->cursors[i];
		st->cursor_there[i] = false;
	} else {
		must(w, shmfs_cursor_set(s, &name, 1, position), "cursor_set");
		st->cursors[i] = position;
	}
}
