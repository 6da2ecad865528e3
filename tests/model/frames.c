/* SPDX-License-Identifier: MIT */
/*
 * The log: frames appended in every way, and read again at their positions, forward, backward and
 * in batches; a cursor of our own.  Frames of others may stand between ours.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

#define FRAME_TOP 40000
#define BATCH_TOP 12

static struct logged *logged(struct model *m, uint64_t n)
{
	return &m->logged[n % MODEL_LOGGED];
}

static uint64_t oldest(const struct model *m)
{
	return m->appended > MODEL_LOGGED ? m->appended - MODEL_LOGGED : 0;
}

static size_t some_size(struct model *m)
{
	return 9 + rng_size(&m->rng, FRAME_TOP - 9);
}

/* The value's seed says whose it is: its last byte is the tag's. */
static uint64_t some_seed(struct model *m)
{
	return (rng_next(&m->rng) & ~UINT64_C(0xff)) | m->tag[0];
}

static void note(struct model *m, uint64_t position, uint64_t seed, size_t size)
{
	*logged(m, m->appended++) = (struct logged){position, seed, size};
}

static void append_many(struct model *m, size_t n)
{
	struct shmfs_frame f[BATCH_TOP];
	uint64_t seed[BATCH_TOP];

	for (size_t i = 0; i < n; i++) {
		f[i] = (struct shmfs_frame){m->room + i * FRAME_TOP, some_size(m), 0};
		seed[i] = some_seed(m);
		value_fill(m->room + i * FRAME_TOP, f[i].size, seed[i]);
	}
	MODEL_SAME(m, "append_many", shmfs_log_append_many(m->s, f, n), 0);
	for (size_t i = 0; i < n; i++)
		note(m, f[i].position, seed[i], f[i].size);
}

static void append_in_place(struct model *m, size_t n)
{
	uint64_t seed[BATCH_TOP], at = 0;
	size_t size[BATCH_TOP], sum = 0;
	struct shmfs_batch *b;
	void *p;

	for (size_t i = 0; i < n; i++)
		sum += size[i] = some_size(m);
	MODEL_SAME(m, "begin", shmfs_log_begin(m->s, &b, sum, n), 0);
	for (size_t i = 0; i < n; i++) {
		seed[i] = some_seed(m);
		MODEL_SAME(m, "frame", shmfs_log_frame(b, size[i], &p), 0);
		value_fill(p, size[i], seed[i]);
	}
	if (rng_once_in(&m->rng, 8)) {
		shmfs_log_abort(b);
		return;
	}
	MODEL_SAME(m, "commit", shmfs_log_commit(b, &at), 0);
	for (size_t i = 0; i < n; at += (size[i++] + 31) & ~UINT64_C(15))
		note(m, at, seed[i], size[i]);
}

void model_append(struct model *m)
{
	size_t n = 1 + rng_below(&m->rng, BATCH_TOP);
	uint64_t seed = some_seed(m), at = 0;
	size_t size = some_size(m);

	m->doing = "append";
	switch (rng_below(&m->rng, 3)) {
	case 0:
		value_fill(m->room, size, seed);
		MODEL_SAME(m, "append", shmfs_log_append(m->s, m->room, size, &at), 0);
		note(m, at, seed, size);
		break;
	case 1:
		append_many(m, n);
		break;
	default:
		append_in_place(m, n);
	}
}

/* Is this frame number n of ours?  Nobody else's is in its place. */
static bool ours(struct model *m, const void *bytes, size_t size, uint64_t position, uint64_t *n)
{
	MODEL_SAME(m, "a whole frame", value_whole(bytes, size), true);
	if (*(const unsigned char *)bytes != m->tag[0])
		return false;
	MODEL_SAME(m, "a frame's position", position, logged(m, *n)->position);
	MODEL_SAME(m, "a frame's size", size, logged(m, *n)->size);
	MODEL_SAME(m, "a frame's value", value_is(bytes, size, logged(m, *n)->seed), true);
	++*n;
	return true;
}

static void read_on(struct model *m, struct shmfs_reader *r, uint64_t n)
{
	struct shmfs_frame f[50];
	uint64_t at;
	size_t size, count;

	for (int i = 0; i < 5 && n < m->appended; i++) {
		if (rng_once_in(&m->rng, 2)) {
			MODEL_SAME(m, "next_batch", shmfs_reader_next_batch(r, f, 50, m->room, VALUE_TOP, &count), 0);
			for (size_t k = 0; k < count && n < m->appended; k++)
				ours(m, f[k].data, f[k].size, f[k].position, &n);
			continue;
		}
		size = VALUE_TOP;
		MODEL_SAME(m, "next", shmfs_reader_next(r, m->room, &size, &at), 0);
		ours(m, m->room, size, at, &n);
	}
}

/* Nobody appends but we: from our frame n on, all that there is. */
static void lag(struct model *m, struct shmfs *s, uint64_t n)
{
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};
	uint64_t sum = 0;

	for (uint64_t i = n; i < m->appended; i++)
		sum += logged(m, i)->size;
	MODEL_SAME(m, "lag", shmfs_log_lag(s, logged(m, n)->position, &lag), 0);
	MODEL_SAME(m, "frames behind", lag.frames, m->appended - n);
	MODEL_SAME(m, "bytes behind", lag.bytes, sum);
	MODEL_SAME(m, "lost", lag.lost, 0);
}

/* Start at one of ours, by position; step back over it; read on. */
void model_log_read(struct model *m)
{
	uint64_t n = oldest(m) + rng_below(&m->rng, m->appended - oldest(m));
	const struct logged *l = logged(m, n);
	struct shmfs *s = model_reader(m);
	struct shmfs_reader *r;
	size_t size = VALUE_TOP;
	uint64_t at, same = n;
	int got;

	m->doing = "log read";
	if (!m->appended)
		return;
	got = shmfs_reader_open(s, &r, l->position);
	/* a frame of somebody else before it may still be open, or the log trimmed */
	if (!m->alone && got == -ERANGE)
		return;
	if (got == -ESTALE && l->position < m->trimmed)
		return;
	MODEL_SAME(m, "reader_open", got, 0);
	MODEL_SAME(m, "next", shmfs_reader_next(r, m->room, &size, &at), 0);
	MODEL_SAME(m, "our frame", ours(m, m->room, size, at, &same), true);
	size = VALUE_TOP;
	MODEL_SAME(m, "prev", shmfs_reader_prev(r, m->room, &size, &at), 0);
	same = n;
	MODEL_SAME(m, "our frame", ours(m, m->room, size, at, &same), true);
	if (m->alone) {
		lag(m, s, n);
		read_on(m, r, n);
	}
	shmfs_reader_close(r);
}

void model_cursor(struct model *m)
{
	char name[20];
	size_t n = (size_t)snprintf(name, sizeof(name), "cursor-%u", m->tag[0]);
	uint64_t at = 0;
	int got;

	m->doing = "cursor";
	got = shmfs_cursor_get(model_reader(m), name, n, &at);
	MODEL_SAME(m, "cursor_get", got, m->cursor_there ? 0 : -ENOENT);
	if (m->cursor_there)
		MODEL_SAME(m, "the cursor", at, m->cursor);
	if (m->cursor_there && rng_once_in(&m->rng, 10)) {
		MODEL_SAME(m, "cursor_del", shmfs_cursor_del(m->s, name, n), 0);
		m->cursor_there = false;
	}
	if (!m->appended)
		return;
	at = logged(m, oldest(m) + rng_below(&m->rng, m->appended - oldest(m)))->position;
	got = m->cursor_there ? shmfs_cursor_set(m->s, name, n, at) : shmfs_cursor_create(m->s, name, n, at);
	if ((got == -ERANGE && !m->alone) || (got == -ESTALE && at < m->trimmed))
		return;
	MODEL_SAME(m, "cursor_set", got, 0);
	m->cursor = at;
	m->cursor_there = true;
}

void model_trim(struct model *m)
{
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};
	uint64_t to;

	m->doing = "trim";
	if (!m->appended || !m->alone)
		return;
	to = logged(m, oldest(m) + rng_below(&m->rng, m->appended - oldest(m)))->position;
	MODEL_SAME(m, "trim", shmfs_log_trim(m->s, to), 0);
	if (to > m->trimmed) /* what went before does not come back */
		m->trimmed = to;
	MODEL_SAME(m, "bounds", shmfs_log_bounds(model_reader(m), &b), 0);
	MODEL_SAME(m, "frames", b.frames + b.trimmed_frames, m->appended);
}
