/* SPDX-License-Identifier: MIT */
/* Scripts: the log and its cursors (scripts.h). */
#include "scripts.h"

#include <string.h>

#define LOG_SEG (UINT64_C(1) << 24)

static unsigned char room[1000];

static uint64_t log_end(struct shmfs *s)
{
	struct shmfs_log_bounds bounds = {.struct_size = sizeof(bounds)};

	must(shmfs_log_bounds(s, &bounds), "log_bounds");
	return bounds.end;
}

/* Leave so many bytes of the last segment: the rest is a reservation given up. */
static void fill_segment(struct shmfs *s, uint64_t left)
{
	uint64_t in = log_end(s) % LOG_SEG;
	struct shmfs_batch *b;

	must(shmfs_log_begin(s, &b, LOG_SEG - in - left - 16, 1), "log_begin");
	shmfs_log_abort(b);
}

static void batch(struct shmfs *s, unsigned seed, unsigned frames)
{
	struct shmfs_batch *b;
	void *data;

	must(shmfs_log_begin(s, &b, 300, 4), "log_begin");
	for (unsigned i = 0; i < frames; i++) {
		must(shmfs_log_frame(b, 60, &data), "log_frame");
		value_fill(data, 60, seed + i);
	}
	if (frames)
		must(shmfs_log_commit(b, NULL), "log_commit");
	else
		shmfs_log_abort(b);
}

static void appends(struct shmfs **s, unsigned i)
{
	struct shmfs_frame frames[3];

	switch (i) {
	case 0: /* makes the first segment */
	case 1:
		append(*s, 100, i);
		break;
	case 2:
		value_fill(room, 300, 7);
		for (unsigned k = 0; k < 3; k++)
			frames[k] = (struct shmfs_frame){.data = room + k, .size = 90 + k};
		must(shmfs_log_append_many(*s, frames, 3), "append_many");
		break;
	case 3:
		batch(*s, 20, 2);
		break;
	case 4:
		batch(*s, 30, 0);
		break;
	case 5:
		append(*s, 0, 0);
		break;
	case 6: /* `commit` follows every 64 KiB */
		append(*s, 66000, 0);
		break;
	}
}

static void appends_synced(struct shmfs **s, unsigned i)
{
	appends(s, i);
	must(shmfs_sync(*s), "sync");
}

static void prepare_log(struct shmfs *s)
{
	prepare_some(s);
	for (unsigned i = 0; i < 5; i++)
		append(s, 30 + i, i);
}

static void cursors(struct shmfs **s, unsigned i)
{
	uint64_t position = 0;

	switch (i) {
	case 0:
		must(shmfs_cursor_create(*s, "one", 3, SHMFS_LOG_BEGIN), "cursor_create");
		break;
	case 1:
		must(shmfs_cursor_create(*s, "two", 3, SHMFS_LOG_END), "cursor_create");
		break;
	case 2:
		must(shmfs_cursor_set(*s, "one", 3, SHMFS_LOG_END), "cursor_set");
		break;
	case 3:
		position = log_end(*s);
		must(shmfs_cursor_cas(*s, "one", 3, &position, 0), "cursor_cas");
		break;
	case 4:
		must(shmfs_cursor_del(*s, "two", 3), "cursor_del");
		break;
	}
}

static void prepare_cursor(struct shmfs *s)
{
	prepare_log(s);
	must(shmfs_cursor_create(s, "one", 3, SHMFS_LOG_END), "cursor_create");
}

/* Made under the new name, then deleted under the old one: both may be seen, never neither. */
static void rename_cursor(struct shmfs **s, unsigned i)
{
	(void)i;
	must(shmfs_cursor_rename(*s, "one", 3, "three", 5), "cursor_rename");
}

static void rename_cursor_part(struct shmfs *s, unsigned i, unsigned part)
{
	(void)i;
	if (part == 0)
		must(shmfs_cursor_create(s, "three", 5, log_end(s)), "cursor_create");
	else
		must(shmfs_cursor_del(s, "one", 3), "cursor_del");
}

/* Two segments but for 200 bytes. */
static void prepare_segments(struct shmfs *s)
{
	prepare_log(s);
	fill_segment(s, 200);
	append(s, 300, 1);
	append(s, 40, 2);
	fill_segment(s, 200);
}

static void prepare_trim(struct shmfs *s)
{
	prepare_segments(s);
	append(s, 500, 3);
}

static void trim(struct shmfs **s, unsigned i)
{
	(void)i;
	must(shmfs_log_trim(*s, 2 * LOG_SEG), "log_trim");
}

/* A segment at a time. */
static void trim_part(struct shmfs *s, unsigned i, unsigned part)
{
	(void)i;
	must(shmfs_log_trim(s, (part + 1) * LOG_SEG), "log_trim");
}

/* The frame opens a segment. */
static void change(struct shmfs **s, unsigned i)
{
	append(*s, 400, i);
}

/* And the oldest one goes for it, first. */
static void change_part(struct shmfs *s, unsigned i, unsigned part)
{
	if (part == 0)
		must(shmfs_log_trim(s, LOG_SEG), "log_trim");
	else
		append(s, 400, i);
}

const struct script log_scripts[] = {
	{.name = "append, append_many, begin and commit", .flags = OPENS_SEGMENT, .steps = 7,
	 .prepare = prepare_some, .step = appends},
	{.name = "append and sync", .flags = ON_DISK | SYNCED | OPENS_SEGMENT, .steps = 7,
	 .prepare = prepare_some, .step = appends_synced},
	{.name = "cursors", .steps = 5, .prepare = prepare_log, .step = cursors},
	{.name = "rename of a cursor", .steps = 1, .parts = 2, .prepare = prepare_cursor,
	 .step = rename_cursor, .part = rename_cursor_part},
	{.name = "trim", .flags = TRIMS, .steps = 1, .parts = 2, .prepare = prepare_trim, .step = trim,
	 .part = trim_part},
	{.name = "trim of what a checkpoint has", .flags = ON_DISK | TRIMS, .steps = 1, .parts = 2,
	 .prepare = prepare_trim, .step = trim, .part = trim_part},
	{.name = "a new segment of the log", .flags = OPENS_SEGMENT, .steps = 1,
	 .prepare = prepare_segments, .step = change},
	{.name = "a new segment of a log of limited length", .flags = OPENS_SEGMENT | TRIMS, .steps = 1,
	 .parts = 2, .options = {.struct_size = sizeof(struct shmfs_options), .log_limit = 2 * LOG_SEG},
	 .prepare = prepare_segments, .step = change, .part = change_part},
	{.name = NULL},
};
