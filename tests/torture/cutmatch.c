/* SPDX-License-Identifier: MIT */
/* Does a store show exactly what a model says, through every kind of read? */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cut.h"

#define BACKWARDS 100 /* frames walked from the end */

static char why[300];
static unsigned char room[VALUE_TOP];

static const char *differ(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *differ(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return why;
}

static unsigned long long llu(uint64_t n)
{
	return n;
}

void state_copy(struct state *to, const struct state *from)
{
	struct appended *frames = to->frames;
	size_t space = to->room;

	if (space < from->n) {
		space = from->n * 2;
		frames = realloc(frames, space * sizeof(*frames));
		if (!frames)
			die("out of memory");
	}
	*to = *from;
	to->frames = frames;
	to->room = space;
	if (from->n)
		memcpy(frames, from->frames, from->n * sizeof(*frames));
}

size_t state_key(uint32_t i, unsigned char key[KEY_ROOM])
{
	memcpy(key, &i, sizeof(i));
	memset(key + sizeof(i), (int)(i & 0xff), i % 41);
	return sizeof(i) + i % 41;
}

static bool same_value(const struct fact *f, const void *data, const struct shmfs_info *info)
{
	return info->size == f->size && info->type == f->type && value_is(data, f->size, f->seed);
}

/* ---- keys */

static const char *entry_differs(const struct state *st, const struct shmfs_entry *e)
{
	unsigned char key[KEY_ROOM];
	uint32_t i = KEYS;

	if (e->key_size >= sizeof(i))
		memcpy(&i, e->key, sizeof(i));
	if (i >= KEYS || state_key(i, key) != e->key_size || memcmp(key, e->key, e->key_size) != 0)
		return differ("a key that never was");
	if (!st->keys[i].there || !same_value(&st->keys[i], e->view.data, &e->view.info))
		return differ("the walk's key %u: %llu bytes, should be %u, %s", i, llu(e->view.info.size),
		              st->keys[i].size, st->keys[i].there ? "there" : "absent");
	return NULL;
}

static const char *walk(struct shmfs *s, const struct state *st, size_t there)
{
	const char *d = NULL;
	struct shmfs_entry e;
	struct shmfs_iter *it;
	size_t met = 0;
	int rc = shmfs_iter_open(s, &it, 0);

	if (rc)
		return differ("iter_open: %s", shmfs_strerror(rc));
	for (; !d && (rc = shmfs_iter_next(it, &e)) == 0; met++)
		d = entry_differs(st, &e);
	shmfs_iter_close(it);
	if (!d && rc != -ENOENT)
		d = differ("the walk: %s", shmfs_strerror(rc));
	return d || met == there ? d : differ("the walk met %zu keys of %zu", met, there);
}

static const char *keys_differ(struct shmfs *s, const struct state *st)
{
	size_t there = 0;

	for (uint32_t i = 0; i < KEYS; i++) {
		const struct fact *f = &st->keys[i];
		unsigned char key[KEY_ROOM];
		struct shmfs_info info;
		size_t size = sizeof(room);
		int rc = shmfs_get(s, key, state_key(i, key), room, &size, &info);

		there += f->there;
		if (rc != (f->there ? 0 : -ENOENT) || (rc == 0 && !same_value(f, room, &info)))
			return differ("get of key %u: %s, %zu bytes, should be %u, %s", i, shmfs_strerror(rc), size,
			              f->size, f->there ? "there" : "absent");
	}
	return walk(s, st, there);
}

/* ---- log */

static const char *bounds_differ(struct shmfs *s, const struct state *st)
{
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};
	uint64_t frames[2] = {0}, bytes[2] = {0};
	int rc = shmfs_log_bounds(s, &b);

	for (size_t i = 0; i < st->n; i++) {
		bool kept = st->frames[i].position >= st->head;

		frames[kept]++;
		bytes[kept] += st->frames[i].size;
	}
	if (rc)
		return differ("bounds: %s", shmfs_strerror(rc));
	if (b.head != st->head || b.end != st->end)
		return differ("the log is %llu to %llu, should be %llu to %llu", llu(b.head), llu(b.end),
		              llu(st->head), llu(st->end));
	if (b.frames != frames[1] || b.bytes != bytes[1] || b.trimmed_frames != frames[0] ||
	    b.trimmed_bytes != bytes[0])
		return differ("%llu frames, %llu trimmed, should be %llu, %llu", llu(b.frames),
		              llu(b.trimmed_frames), llu(frames[1]), llu(frames[0]));
	return NULL;
}

/* The reader's next frame, or the one before: is it this one? */
static const char *frame_differs(struct shmfs_reader *r, bool next, const struct appended *f)
{
	uint64_t position = 0;
	size_t size = sizeof(room);
	int rc = next ? shmfs_reader_next(r, room, &size, &position)
	              : shmfs_reader_prev(r, room, &size, &position);

	if (!f)
		return rc == -ENODATA ? NULL : differ("a frame behind the end, at %llu: %s", llu(position),
		                                      shmfs_strerror(rc));
	if (rc == 0 && position == f->position && size == f->size && value_is(room, size, f->seed))
		return NULL;
	return differ("frame at %llu %s: %s, %zu bytes at %llu, should be %u", llu(f->position),
	              next ? "forwards" : "backwards", shmfs_strerror(rc), size, llu(position), f->size);
}

static const char *frames_differ(struct shmfs *s, const struct state *st)
{
	const char *d = NULL;
	struct shmfs_reader *r;
	size_t first = 0, i;
	int rc = shmfs_reader_open(s, &r, SHMFS_LOG_BEGIN);

	if (rc)
		return differ("reader_open: %s", shmfs_strerror(rc));
	while (first < st->n && st->frames[first].position < st->head)
		first++;
	for (i = first; !d && i < st->n; i++)
		d = frame_differs(r, true, &st->frames[i]);
	if (!d)
		d = frame_differs(r, true, NULL);
	for (size_t n = 0; !d && n < BACKWARDS && i > first; n++)
		d = frame_differs(r, false, &st->frames[--i]);
	shmfs_reader_close(r);
	return d;
}

/* ---- cursors */

struct met {
	const struct state *st;
	unsigned n;
};

static int meet(void *arg, const void *name, size_t name_size, uint64_t position)
{
	struct met *met = arg;
	unsigned i = *(const unsigned char *)name;

	met->n++;
	return name_size == 1 && i < CURSORS && met->st->cursor_there[i] && met->st->cursors[i] == position
	               ? 0
	               : 1;
}

static const char *cursors_differ(struct shmfs *s, const struct state *st)
{
	struct met met = {.st = st};
	unsigned there = 0;
	int rc = shmfs_cursor_walk(s, meet, &met);

	for (unsigned i = 0; i < CURSORS; i++)
		there += st->cursor_there[i];
	if (rc == 0 && met.n == there)
		return NULL;
	return differ("cursors: %s, %u of %u", shmfs_strerror(rc), met.n, there);
}

const char *state_differs(struct shmfs *s, const struct state *st)
{
	const char *d = keys_differ(s, st);

	if (!d)
		d = bounds_differ(s, st);
	if (!d)
		d = frames_differ(s, st);
	return d ? d : cursors_differ(s, st);
}
