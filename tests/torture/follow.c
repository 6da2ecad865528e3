/* SPDX-License-Identifier: MIT */
/* Reading what the tortures appended, and comparing it with their books (appender.h). */
#include <errno.h>

#include "appender.h"

#define LOCKED_OUT_US 30000000

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

/* One frame in turn: the next of its writer, and of its batch. */
static const struct logframe *meet(struct follower *t, const void *data, size_t size, uint64_t at)
{
	const struct logframe *f = data;
	unsigned w = f->writer;

	if (!logframe_is(data, size))
		die("the frame at %llu is not what was appended", (unsigned long long)at);
	if (t->gap ? f->number < t->next[w] : f->number != t->next[w])
		die("writer %u: frame %llu at %llu, should be %llu", w, (unsigned long long)f->number,
		    (unsigned long long)at, (unsigned long long)t->next[w]);
	if (t->left[w] && f->index == 0 && f->number == t->next[w])
		die("writer %u: a batch ends %u frames early, at %llu", w, t->left[w], (unsigned long long)at);
	if (f->index == 0 || f->number > t->next[w])
		t->left[w] = f->of - f->index; /* the first, or the first not trimmed */
	if (t->left[w]-- != (unsigned)(f->of - f->index))
		die("writer %u: number %u of a batch of %u at %llu", w, f->index, f->of, (unsigned long long)at);
	t->next[w] = f->number + 1;
	t->frames++;
	return f;
}

static void read_on(struct follower *t, struct shmfs *s, const uint64_t *marker)
{
	static _Alignas(8) unsigned char buf[LOG_FRAME_TOP];
	uint64_t at, end = clock_us() + LOCKED_OUT_US;
	struct shmfs_reader *r;
	size_t size;
	int got = shmfs_reader_open(s, &r, t->position);

	t->gap = got == -ESTALE && t->limited;
	if (t->gap)
		got = shmfs_reader_open(s, &r, SHMFS_LOG_BEGIN);
	must(got, "reader_open");
	for (;;) {
		size = sizeof(buf);
		got = shmfs_reader_next(r, buf, &size, &at);
		if (got == -ENODATA && marker && clock_us() < end) {
			shmfs_reader_wait(r, 100); /* somebody alive has not committed yet */
			continue;
		}
		if (got || (meet(t, buf, size, at)->writer == LOG_MARKER && marker && at == *marker))
			break;
	}
	if (got && marker)
		die("the log stops before a frame that was acknowledged: %s", shmfs_strerror(got));
	must(got == -ENODATA ? 0 : got, "next");
	t->position = shmfs_reader_position(r);
	shmfs_reader_close(r);
}

void follow(struct follower *f, struct shmfs *s)
{
	read_on(f, s, NULL);
}

void follow_to_marker(struct follower *f, struct shmfs *s)
{
	struct logframe marker = {f->next[LOG_MARKER], LOG_MARKER, 0, 1};
	uint64_t at;

	must(shmfs_log_append(s, &marker, sizeof(marker), &at), "append of a marker");
	read_on(f, s, &at);
}

/* Acknowledged or being done: whichever it was, now it is. */
static void settle_cursor(struct shmfs *s, unsigned w, struct logbook *book)
{
	char name[2] = {'w', (char)('0' + w)};
	uint64_t at;
	int got = shmfs_cursor_get(s, name, 2, &at);

	if (got != -ENOENT || atomic_load(&book->cursor[0]))
		must(got, "cursor_get");
	if (!got && at != atomic_load(&book->cursor[0]) && at != atomic_load(&book->cursor[1]))
		die("writer %u: its cursor is at %llu, not %lu nor %lu", w, (unsigned long long)at,
		    atomic_load(&book->cursor[0]), atomic_load(&book->cursor[1]));
	at = got ? 0 : at;
	atomic_store(&book->cursor[0], at);
	atomic_store(&book->cursor[1], at);
}

void follow_settle(struct follower *f, struct shmfs *s, unsigned w, struct logbook *book)
{
	uint64_t acked = atomic_load(&book->acked);
	unsigned doing = atomic_load(&book->doing);

	if (f->left[w])
		die("writer %u: a batch ends after %u frames too few", w, f->left[w]);
	if (f->gap && f->next[w] < acked)
		f->next[w] = acked; /* its last ones were trimmed by others */
	/* killed between the booking and the clearing of the note, `doing` is booked already */
	if (f->next[w] != acked && f->next[w] != acked + doing)
		die("writer %u: %llu frames are there, acknowledged %llu, in flight %u", w,
		    (unsigned long long)f->next[w], (unsigned long long)acked, doing);
	atomic_store(&book->acked, f->next[w]);
	atomic_store(&book->doing, 0);
	settle_cursor(s, w, book);
}
