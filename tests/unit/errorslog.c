/* SPDX-License-Identifier: MIT */
/* Each error that shmfs.h names comes: of the log, its readers, cursors and watches (errors.c: the rest). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "gives.h"
#include "store.h"

#define SEGMENT (UINT64_C(16) << 20)
#define WATCHERS 64

static char frame[SHMFS_FRAME_MAX + 1];

static uint64_t append(struct shmfs *s, size_t size)
{
	uint64_t position = 0;

	CU_ASSERT_EQUAL(shmfs_log_append(s, frame, size, &position), 0);
	return position;
}

static void nothing(int signal)
{
	(void)signal;
}

/* Interrupt a wait that begins now. */
static void soon(void)
{
	const struct itimerval after = {.it_value = {.tv_usec = 50000}};

	sigaction(SIGALRM, &(struct sigaction){.sa_handler = nothing, .sa_flags = SA_RESTART}, NULL);
	setitimer(ITIMER_REAL, &after, NULL);
}

static void appends(void)
{
	struct shmfs *s = store_new(store_path("appends.db"));
	struct shmfs_frame two[2] = {{.data = frame, .size = SHMFS_FRAME_MAX}, {.data = frame, .size = 1}};
	struct shmfs_log_bounds small = {0}, b = {.struct_size = sizeof(b)};
	struct shmfs_batch *batch;
	uint64_t position = 7;
	void *data;

	GIVES(shmfs_log_append, (s, frame, SHMFS_FRAME_MAX + 1, NULL), -EMSGSIZE);
	GIVES(shmfs_log_append_many, (s, two, 2), -EMSGSIZE);
	GIVES(shmfs_log_begin, (s, &batch, SHMFS_FRAME_MAX, 2), -EMSGSIZE);
	GIVES(shmfs_log_begin, (s, &batch, 8, 0), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &batch, SHMFS_FRAME_MAX, 1), 0);
	GIVES(shmfs_log_frame, (batch, SHMFS_FRAME_MAX + 1, &data), -EMSGSIZE);
	CU_ASSERT_EQUAL(shmfs_log_frame(batch, SHMFS_FRAME_MAX, &data), 0);
	GIVES(shmfs_log_frame, (batch, 0, &data), -EMSGSIZE); /* one was reserved */
	shmfs_log_abort(batch);
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &batch, 8, 1), 0);
	CU_ASSERT_EQUAL(shmfs_log_commit(batch, &position), 0);
	CU_ASSERT_EQUAL(position, 7); /* of no frame there is none */
	GIVES(shmfs_log_bounds, (s, &small), -EINVAL);
	CU_ASSERT(shmfs_log_bounds(s, &b) == 0 && b.frames == 0);
	GIVES(shmfs_log_trim, (s, b.end + 1), -ERANGE);
	GIVES(shmfs_log_trim, (s, SHMFS_LOG_END), -ERANGE);
	GIVES(shmfs_log_trim, (s, SHMFS_LOG_BEGIN), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, b.end), 0);
	HARD(shmfs_log_append, SHMFS_E_LOG_FULL, "three segments: tests/unit/logkept.c");
	HARD(shmfs_log_bounds, -EAGAIN, "a thousand trims, each in time");
	store_close(s);
}

static void reading(void)
{
	struct shmfs *s = store_new(store_path("reading.db")), *snapshot;
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};
	uint64_t first = append(s, 10), second = append(s, 10), behind;
	struct shmfs_frame_view view;
	struct shmfs_frame frames[2];
	struct shmfs_reader *r, *old, *none;
	struct shmfs_batch *batch;
	char room[100];
	size_t size = 5, n;

	GIVES(shmfs_reader_open, (s, &r, second + 3), -EINVAL);
	GIVES(shmfs_reader_open, (s, &r, second + 1000), -ERANGE);
	GIVES(shmfs_log_lag, (s, second + 3, &lag), -EINVAL);
	GIVES(shmfs_log_lag, (s, second + 1000, &lag), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_reader_open(s, &r, first), 0);
	CU_ASSERT_EQUAL(shmfs_reader_open(s, &old, first), 0);
	GIVES(shmfs_reader_next, (r, room, &size, NULL), -EMSGSIZE);
	CU_ASSERT_EQUAL(size, 10);
	GIVES(shmfs_reader_next_batch, (r, frames, 2, room, 5, &n), -EMSGSIZE);
	GIVES(shmfs_reader_prev, (r, room, &size, NULL), -ENODATA);
	GIVES(shmfs_reader_seek, (r, SHMFS_SEEK_FRAMES, 3), -ERANGE);
	GIVES(shmfs_reader_seek, (r, SHMFS_SEEK_FRAMES, -1), -ERANGE);
	GIVES(shmfs_reader_seek, (r, SHMFS_SEEK_BYTES, 21), -ERANGE);
	GIVES(shmfs_reader_seek, (r, SHMFS_SEEK_POSITION, (int64_t)second + 3), -EINVAL);
	GIVES(shmfs_reader_seek, (r, 7, 0), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_reader_position(r), first);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)SHMFS_LOG_END), 0);
	size = 5;
	GIVES(shmfs_reader_prev, (r, room, &size, NULL), -EMSGSIZE);
	GIVES(shmfs_reader_next, (r, room, &size, NULL), -ENODATA);
	GIVES(shmfs_reader_next_batch, (r, frames, 2, room, sizeof(room), &n), -ENODATA);
	GIVES(shmfs_reader_view, (r, &view), -ENODATA);
	GIVES(shmfs_reader_view_valid, (r, NULL), -EINVAL);
	GIVES(shmfs_reader_wait, (r, 1), -ETIMEDOUT);
	soon();
	GIVES(shmfs_reader_wait, (r, -1), -EINTR);

	CU_ASSERT_EQUAL(shmfs_log_begin(s, &batch, 8, 1), 0);
	behind = append(s, 1);
	GIVES(shmfs_reader_open, (s, &none, behind), -EDEADLK);
	GIVES(shmfs_reader_seek, (r, SHMFS_SEEK_POSITION, (int64_t)behind), -EDEADLK);
	GIVES(shmfs_log_lag, (s, behind, &lag), -EDEADLK);
	shmfs_log_abort(batch);

	CU_ASSERT_EQUAL(shmfs_snapshot(s, &snapshot), 0);
	CU_ASSERT_EQUAL(shmfs_reader_open(snapshot, &none, SHMFS_LOG_END), 0);
	GIVES(shmfs_reader_wait, (none, -1), -ENODATA);
	shmfs_reader_close(none);
	store_close(snapshot);

	for (int i = 0; i < 3; i++)
		behind = append(s, SEGMENT / 2);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, behind), 0);
	size = sizeof(room);
	GIVES(shmfs_reader_open, (s, &none, first), -ESTALE);
	GIVES(shmfs_reader_next, (old, room, &size, NULL), -ESTALE);
	GIVES(shmfs_reader_prev, (old, room, &size, NULL), -ESTALE);
	GIVES(shmfs_reader_next_batch, (old, frames, 2, room, sizeof(room), &n), -ESTALE);
	GIVES(shmfs_reader_view, (old, &view), -ESTALE);
	GIVES(shmfs_reader_wait, (old, -1), -ESTALE);
	GIVES(shmfs_reader_seek, (r, SHMFS_SEEK_POSITION, (int64_t)first), -ESTALE);
	GIVES(shmfs_reader_seek, (r, SHMFS_SEEK_BYTES, 0), -ESTALE);
	HARD(shmfs_reader_next, -EAGAIN, "a thousand trims, each in time");
	HARD(shmfs_reader_next_batch, -EAGAIN, "the same");
	HARD(shmfs_reader_view, -EAGAIN, "the same");
	HARD(shmfs_reader_prev, -EAGAIN, "the same");
	HARD(shmfs_reader_view_valid, -ESTALE, "space used again: tests/unit/reader.c");
	shmfs_reader_close(old);
	shmfs_reader_close(r);
	store_close(s);
}

static int says_none(void *arg, const void *name, size_t size, uint64_t position)
{
	(void)arg, (void)name, (void)size, (void)position;
	return -ENOENT;
}

static void cursors(void)
{
	struct shmfs *s = store_new(store_path("cursors.db"));
	uint64_t first = append(s, 10), position = 0, expected = 5;
	char name[256] = "";
	int rc = 0;

	GIVES(shmfs_cursor_walk, (s, says_none, NULL), 0); /* no cursor yet */
	GIVES(shmfs_cursor_create, (s, "", 0, first), -EINVAL);
	GIVES(shmfs_cursor_create, (s, name, sizeof(name), first), -E2BIG);
	GIVES(shmfs_cursor_create, (s, "c", 1, first + 3), -EINVAL);
	GIVES(shmfs_cursor_create, (s, "c", 1, first + 1000), -ERANGE);
	GIVES(shmfs_cursor_get, (s, "c", 1, &position), -ENOENT);
	GIVES(shmfs_cursor_set, (s, "c", 1, first), -ENOENT);
	GIVES(shmfs_cursor_cas, (s, "c", 1, &expected, first), -ENOENT);
	GIVES(shmfs_cursor_del, (s, "c", 1), -ENOENT);
	GIVES(shmfs_cursor_rename, (s, "c", 1, "d", 1), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "c", 1, first), 0);
	GIVES(shmfs_cursor_create, (s, "c", 1, first), -EEXIST);
	GIVES(shmfs_cursor_rename, (s, "c", 1, "c", 1), -EEXIST);
	GIVES(shmfs_cursor_cas, (s, "c", 1, &expected, first), -EAGAIN);
	CU_ASSERT_EQUAL(expected, first);
	GIVES(shmfs_cursor_walk, (s, says_none, NULL), -ENOENT); /* what the function said */
	for (int i = 0; rc == 0 && i < 2000; i++) {
		memcpy(name, &i, sizeof(i));
		rc = shmfs_cursor_create(s, name, 255, first);
	}
	CU_ASSERT_EQUAL(rc, -E2BIG); /* all names together */
	GIVES(shmfs_cursor_rename, (s, "c", 1, name, 255), -E2BIG);
	CU_ASSERT_EQUAL(shmfs_cursor_get(s, "c", 1, &position), 0);
	for (int i = 0; i < 3; i++)
		position = append(s, SEGMENT / 2);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, position), 0);
	GIVES(shmfs_cursor_create, (s, "d", 1, first), -ESTALE);
	GIVES(shmfs_cursor_set, (s, "c", 1, first), -ESTALE);
	store_close(s);
}

static void watches(void)
{
	const char *path = store_path("watches.db");
	struct shmfs *s = store_new(path), *readable = store_open(path, SHMFS_RDONLY);
	struct shmfs_watch *w, *all[WATCHERS], *more;
	struct shmfs_watch_event event;
	char key[2];
	size_t n = 1, size = 1;

	GIVES(shmfs_watch_open, (readable, &w, 0), -EROFS);
	GIVES(shmfs_watch_open, (s, &w, 8), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_watch_open(s, &w, SHMFS_WATCH_ALL), 0);
	GIVES(shmfs_watch_add_set, (w, 65536), -EINVAL);
	GIVES(shmfs_watch_wait, (w, 0, &event, 0, &n), -EINVAL);
	GIVES(shmfs_watch_wait, (w, 0, &event, 1, &n), -ETIMEDOUT);
	CU_ASSERT_EQUAL(n, 0);
	soon();
	GIVES(shmfs_watch_wait, (w, -1, &event, 1, &n), -EINTR);
	shmfs_watch_wake(w);
	GIVES(shmfs_watch_wait, (w, -1, &event, 1, &n), -ECANCELED);
	CU_ASSERT_EQUAL(store_put(s, "key", "value"), 0);
	CU_ASSERT(shmfs_watch_wait(w, -1, &event, 1, &n) == 0 && n == 1);
	GIVES(shmfs_watch_key, (w, &event, key, &size), -EMSGSIZE);
	CU_ASSERT_EQUAL(size, 3);
	event.hash++;
	GIVES(shmfs_watch_key, (w, &event, key, &size), -ENOENT);
	event.kind = SHMFS_WATCH_EVERYTHING;
	GIVES(shmfs_watch_key, (w, &event, key, &size), -ENOENT);
	shmfs_watch_close(w);
	for (n = 0; n < WATCHERS; n++)
		CU_ASSERT_EQUAL(shmfs_watch_open(s, &all[n], 0), 0);
	GIVES(shmfs_watch_open, (s, &more, 0), -EUSERS);
	CU_ASSERT_EQUAL(shmfs_watch_open(readable, &more, SHMFS_WATCH_POLL), 0);
	shmfs_watch_close(more);
	while (n-- > 0)
		shmfs_watch_close(all[n]);
	store_close(readable);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"appends and batches fail as the header says", appends},
	{"readers fail as the header says", reading},
	{"cursors fail as the header says", cursors},
	{"watches fail as the header says", watches},
};

HARNESS_MAIN("errorslog", tests)
