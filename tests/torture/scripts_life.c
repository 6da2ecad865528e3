/* SPDX-License-Identifier: MIT */
/* Scripts: creation, opening, recovery, the last close (scripts.h). */
#define _GNU_SOURCE
#include "scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

static void open_it(struct shmfs **s, int flags, const struct shmfs_options *options)
{
	must(shmfs_open(s, store_path, SHMFS_RDWR | flags, options), "open");
}

/* Sparse segments, runs with gaps below them, a log whose first segment nobody appends to. */
static void prepare_sparse(struct shmfs *s)
{
	const uint64_t log_segment = UINT64_C(1) << 24;
	const unsigned gap = 499;
	struct shmfs_batch *b;
	struct shmfs_put *p;

	must(shmfs_put_begin(s, &p, log_segment), "put_begin");
	must(shmfs_put_resize(p, log_segment), "put_resize");
	must(shmfs_put_commit(p, &gap, sizeof(gap), SHMFS_BYTES, NULL), "put_commit");
	append(s, 100, 1);
	put(s, 500, 300000, 0);
	put(s, 501, 300000, 0);
	must(shmfs_log_begin(s, &b, log_segment - 300, 1), "log_begin");
	shmfs_log_abort(b);
	append(s, 400, 2);
	for (unsigned i = 0; i < 24; i++)
		put(s, i, i % 8 ? 250000 : 40, i);
	put(s, 502, 1100000, 0);
	for (unsigned i = 0; i < 24; i++)
		if (i % 8)
			del(s, i);
	del(s, gap);
	del(s, 500);
}

static void compact(struct shmfs **s, unsigned i)
{
	(void)i;
	must(shmfs_compact(*s, NULL, NULL), "compact");
}

static void close_it(struct shmfs **s)
{
	must(shmfs_close(*s), "close");
	*s = NULL;
}

static void create(struct shmfs **s, unsigned i)
{
	(void)i;
	open_it(s, SHMFS_CREATE, NULL);
}

static void create_large(struct shmfs **s, unsigned i)
{
	const struct shmfs_options options = {.struct_size = sizeof(options), .size = 9 << 20, .keys = 1000};

	(void)i;
	open_it(s, SHMFS_CREATE, &options);
}

static void prepare_all(struct shmfs *s)
{
	prepare_some(s);
	append(s, 100, 1);
	must(shmfs_cursor_create(s, "c", 1, SHMFS_LOG_BEGIN), "cursor_create");
	append(s, 100, 2);
	put(s, 500, 300000, 0);
	put(s, 501, 300000, 0);
	del(s, 500);
}

/* Another file with the same bytes: who opens it has to recover it.  Returns its name. */
static const char *copy_file(void)
{
	static char copy[4100];
	int from, to;

	snprintf(copy, sizeof(copy), "%s.copy", store_path);
	from = open(store_path, O_RDONLY | O_CLOEXEC);
	to = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (from < 0 || to < 0)
		die("%s: %s", copy, strerror(errno));
	while (sendfile(to, from, NULL, 1 << 24) > 0)
		;
	close(from);
	close(to);
	return copy;
}

static void take_its_place(const char *copy)
{
	if (rename(copy, store_path))
		die("%s: %s", copy, strerror(errno));
}

/* Changed after the sync, then copied while open: the copy is of the sync. */
static void change_and_copy(struct shmfs **s)
{
	const char *copy;

	put(*s, 1, 10, 99);
	del(*s, 2);
	append(*s, 200, 3);
	put(*s, 502, 300000, 0);
	copy = copy_file();
	close_it(s);
	take_its_place(copy);
}

static void close_and_copy(struct shmfs **s)
{
	close_it(s);
	take_its_place(copy_file());
}

/* The older of two checkpoints is not what it holds. */
static void change_close_and_copy(struct shmfs **s)
{
	put(*s, 1, 10, 99);
	must(shmfs_sync(*s), "sync");
	put(*s, 2, 10, 99);
	close_and_copy(s);
}

static void recover(struct shmfs **s, unsigned i)
{
	if (i == 0)
		open_it(s, 0, NULL);
	else
		put(*s, 600, 100, 1);
}

/* Opened, changed, closed; the file is cut, since the run at its end went. */
static void session(struct shmfs **s, unsigned i)
{
	switch (i) {
	case 0:
		open_it(s, 0, NULL);
		break;
	case 1:
		put(*s, 501, 5, 1);
		break;
	case 2:
		append(*s, 10, 1);
		break;
	case 3:
		close_it(s);
		break;
	case 4: /* and closed as it was opened */
		open_it(s, 0, NULL);
		break;
	case 5:
		close_it(s);
		break;
	}
}

const struct script life_scripts[] = {
	{.name = "create", .flags = NO_STORE, .steps = 1, .step = create},
	{.name = "create on a disk", .flags = NO_STORE | ON_DISK, .steps = 1, .step = create},
	{.name = "create with size and keys", .flags = NO_STORE | MANY_STORES, .steps = 1,
	 .step = create_large},
	{.name = "recover", .flags = ALONE | ON_DISK, .steps = 2, .prepare = prepare_all,
	 .step = recover, .leave = change_and_copy},
	{.name = "open, change and close", .flags = ALONE, .steps = 6, .prepare = prepare_all,
	 .step = session, .leave = close_it},
	{.name = "open, change and close on a disk", .flags = ALONE | ON_DISK, .steps = 6,
	 .prepare = prepare_all, .step = session, .leave = close_it},
	{.name = "recover a closed volatile store", .flags = ALONE, .steps = 2, .prepare = prepare_all,
	 .step = recover, .leave = close_and_copy},
	{.name = "recover a store from a disk on tmpfs", .flags = ALONE | FROM_DISK, .steps = 2,
	 .prepare = prepare_all, .step = recover, .leave = change_close_and_copy},
	{.name = "compact", .flags = CLEANS | SLOW, .steps = 1, .prepare = prepare_sparse,
	 .step = compact},
	{.name = "compact on a disk", .flags = ON_DISK | SYNCED | CLEANS | SLOW, .steps = 1,
	 .prepare = prepare_sparse, .step = compact},
	{.name = NULL},
};
