/* SPDX-License-Identifier: MIT */
/* Who appends to the log, and who follows it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"

struct head {
	uint64_t magic, number; /* of this appender's frames, from 0 */
	uint32_t appender, size;
};

enum { MOST = 2000, IO = 1 << 16, MOVE_EVERY = 50 };

/* What a follower has seen. */
struct follow {
	uint64_t next[APPENDERS], frames;
	uint64_t moved; /* of the frames, those its cursor is behind */
	const char *cursor;
	size_t kept; /* bytes of a frame whose rest is still to come */
};

/* ---- appenders ---------------------------------------------------------------------- */

static size_t frame_make(unsigned appender, uint64_t number, struct rng *rng, char *buf)
{
	size_t size = sizeof(struct head) + 8 + rng_size(rng, MOST);
	struct head head = {ledger->seed, number, appender, (uint32_t)size};

	memcpy(buf, &head, sizeof(head));
	value_fill(buf + sizeof(head), size - sizeof(head), number * APPENDERS + appender);
	return size;
}

static int append_file(struct self *self, int *fd, const char *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;

	if (*fd >= 0 && rng_once_in(&self->rng, 50)) {
		close(*fd);
		*fd = -1;
	}
	if (*fd < 0) {
		snprintf(path, sizeof(path), "%s/log", self->route.dir);
		*fd = open(path, O_WRONLY | O_APPEND);
		if (*fd < 0)
			return -errno;
	}
	n = write(*fd, buf, size);
	return n < 0 ? -errno : (size_t)n == size ? 0 : -EIO;
}

/* One frame, or three at once; *n says how many. */
static int append_store(struct self *self, uint64_t number, const char *first, size_t size, unsigned *n)
{
	struct shmfs_frame frames[3] = {{.data = first, .size = size}};
	char *at = self->other;

	*n = rng_once_in(&self->rng, 4) ? 3 : 1;
	if (*n == 1)
		return shmfs_log_append(self->route.store, first, size, NULL);
	for (unsigned i = 1; i < *n; i++) {
		frames[i].data = at;
		frames[i].size = frame_make(self->index, number + i, &self->rng, at);
		at += MOST * 2;
	}
	return shmfs_log_append_many(self->route.store, frames, *n);
}

void run_appender(struct self *self)
{
	uint64_t number = 0;
	int fd = -1;

	while (goes_on(self)) {
		size_t size = frame_make(self->index, number, &self->rng, self->buf);
		unsigned n = 1;
		int rc;

		if (self->route.dir)
			rc = append_file(self, &fd, self->buf, size);
		else
			rc = append_store(self, number, self->buf, size, &n);
		if (rc == -ENOSPC || rc == SHMFS_E_LOG_FULL) {
			ledger->refused++;
			usleep(2000);
			continue;
		}
		if (rc)
			failed(self, "appending to", "log", rc);
		number += n;
		ledger->appended[self->index] = number;
	}
	ledger->appending--;
	if (fd >= 0)
		close(fd);
}

/* ---- followers ---------------------------------------------------------------------- */

static bool behind(const struct follow *f)
{
	bool is = false;

	for (unsigned i = 0; i < APPENDERS; i++)
		is |= f->next[i] < ledger->appended[i];
	return is;
}

static bool all_seen(const struct follow *f)
{
	return ledger->stop && !ledger->appending && !behind(f);
}

/* There was nothing to read: as it is while no appender may, because another one's cursor is behind. */
static void nothing(struct self *self, const struct follow *f)
{
	if (!behind(f))
		self->role->nothing++;
}

/* The next frame of these bytes: 0: its rest is not there. */
static size_t frame_take(struct self *self, struct follow *f, const char *buf, size_t size)
{
	struct head head;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, buf, sizeof(head));
	if (head.magic != ledger->seed || head.appender >= APPENDERS || head.size > 2 * MOST) {
		wrong(self, DISORDER, "no frame begins behind %" PRIu64, f->frames);
		failed(self, "following", "log", -EBADMSG);
	}
	if (head.size > size)
		return 0;
	if (!value_is(buf + sizeof(head), head.size - sizeof(head),
	              head.number * APPENDERS + head.appender))
		wrong(self, DISORDER, "frame %" PRIu64 " of appender %u is damaged", head.number,
		      head.appender);
	if (head.number != f->next[head.appender])
		wrong(self, DISORDER, "frame %" PRIu64 " of appender %u where %" PRIu64 " should be",
		      head.number, head.appender, f->next[head.appender]);
	f->next[head.appender] = head.number + 1;
	f->frames++;
	self->role->done++;
	return head.size;
}

/* All of buf, which has room for IO + 2 * MOST bytes; what is left of it moves to the front. */
static void frames_take(struct self *self, struct follow *f, char *buf, size_t size)
{
	size_t at = 0, n;

	size += f->kept;
	while ((n = frame_take(self, f, buf + at, size - at)))
		at += n;
	f->kept = size - at;
	memmove(buf, buf + at, f->kept);
}

static int cursor_open(struct self *self, const struct follow *f, const char *file, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/cursors/%s/%s", self->route.dir, f->cursor, file);
	fd = open(path, flags);
	if (fd < 0)
		failed(self, "opening", path, -errno);
	return fd;
}

/* So that the log may be trimmed. */
static void cursor_move(struct self *self, struct follow *f, bool now)
{
	int fd, n;
	char text[32];

	if (f->frames - f->moved < (now ? 1 : MOVE_EVERY))
		return;
	fd = cursor_open(self, f, "position", O_WRONLY);
	n = sprintf(text, "+%" PRIu64 "\n", f->frames - f->moved);
	if (write(fd, text, (size_t)n) != n)
		failed(self, "moving", f->cursor, -errno);
	close(fd);
	f->moved = f->frames;
}

void run_follower(struct self *self)
{
	struct follow f = {.cursor = "by-handle"};
	struct shmfs_frame frames[16];
	struct shmfs *s = self->route.store;
	struct shmfs_reader *reader;
	int rc = shmfs_reader_open(s, &reader, SHMFS_LOG_BEGIN);
	size_t n;

	while (rc == 0 && !all_seen(&f)) {
		rc = shmfs_reader_next_batch(reader, frames, 16, self->buf, IO, &n);
		for (size_t i = 0; rc == 0 && i < n; i++)
			if (frame_take(self, &f, frames[i].data, frames[i].size) != frames[i].size)
				wrong(self, DISORDER, "a frame of %zu bytes", frames[i].size);
		if (rc == 0 && f.frames - f.moved >= MOVE_EVERY) {
			rc = shmfs_cursor_set(s, f.cursor, strlen(f.cursor), shmfs_reader_position(reader));
			f.moved = f.frames;
		}
		if (rc == -ENODATA) {
			nothing(self, &f);
			rc = shmfs_reader_wait(reader, 100);
			rc = rc == -ETIMEDOUT ? 0 : rc;
		}
	}
	if (rc)
		failed(self, "following", "log", rc);
	shmfs_reader_close(reader);
}

void run_file_follower(struct self *self)
{
	struct follow f = {.cursor = "by-file"};
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/log", self->route.dir);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		failed(self, "opening", path, -errno);
	while (!all_seen(&f)) {
		ssize_t n = read(fd, self->buf + f.kept, 1 + rng_below(&self->rng, IO));

		if (n < 0)
			failed(self, "reading", path, -errno);
		frames_take(self, &f, self->buf, (size_t)n);
		cursor_move(self, &f, n == 0);
		if (n == 0) {
			nothing(self, &f);
			usleep(2000);
		}
	}
	close(fd);
}

/* From `next`, as many as there are, and from `wait`, one at a time. */
void run_cursor_follower(struct self *self)
{
	struct follow f = {.cursor = "by-cursor"};

	while (!all_seen(&f)) {
		bool waits = rng_once_in(&self->rng, 3);
		int fd = cursor_open(self, &f, waits ? "wait" : "next", O_RDONLY | (waits ? O_DIRECT : 0));
		struct pollfd p = {.fd = fd, .events = POLLIN};

		for (unsigned i = 0; i < 20 && poll(&p, 1, 50) == 1; i++) {
			ssize_t n = read(fd, self->buf + f.kept, IO);

			if (n < 0)
				failed(self, "reading", f.cursor, -errno);
			frames_take(self, &f, self->buf, (size_t)n);
			if (f.kept)
				wrong(self, DISORDER, "%zu bytes of a frame", f.kept);
		}
		close(fd);
		cursor_move(self, &f, true);
		nothing(self, &f);
	}
}
