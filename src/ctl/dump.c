/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl dump: the whole store as text, shmfs-dump(5), as it is at one moment.
 *
 * Values and frames are written from where they are in the store, so memory does not grow
 * with them; only the cursors, which the format bounds, are collected first.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"

static const struct ctl_option options[] = {
	{OPT_JSON, 0, "json", NULL, "with FILE: counts of what is in it, as an object"},
	{0},
};

#define STEP 64 /* keys or frames between two looks at the clock */

struct cursor {
	uint64_t position;
	size_t size;
	unsigned char name[255];
};

struct dump {
	const struct ctl_args *args;
	struct shmfs *s; /* of one moment */
	struct shmfs_options options;
	struct dump_out out;
	struct dump_counts counts;
	struct cursor *cursors; /* by position */
	size_t cursor_count, cursor_room;
	struct ctl_progress progress;
	uint64_t total;
};

/* ---- the parts of it ---------------------------------------------------------------- */

static void option_text(struct dump *d, const char *name, const char *value)
{
	dump_text(&d->out, "option\t");
	dump_text(&d->out, name);
	dump_text(&d->out, "\t");
	dump_text(&d->out, value);
	dump_newline(&d->out);
}

static void option_number(struct dump *d, const char *name, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	option_text(d, name, text);
}

static void dump_head(struct dump *d)
{
	const struct shmfs_options *o = &d->options;
	char garbage[CTL_NUMBER_SIZE];

	ctl_format_number(garbage, o->garbage);
	dump_text(&d->out, DUMP_FIRST_LINE);
	dump_newline(&d->out);
	option_number(d, "seed", o->seed);
	option_number(d, "size", o->size);
	option_number(d, "max_size", o->max_size);
	option_text(d, "garbage", garbage);
	option_number(d, "log_limit", o->log_limit);
	option_text(d, "log_full", o->flags & SHMFS_OPT_LOG_REFUSE ? "refuse" : "trim");
	option_number(d, "always_wake", (o->flags & SHMFS_OPT_ALWAYS_WAKE) != 0);
	option_number(d, "no_sync", (o->flags & SHMFS_OPT_NO_SYNC) != 0);
}

/* False: a signal came, or the output failed. */
static bool go_on(struct dump *d)
{
	uint64_t done = d->counts.keys + d->counts.frames;

	if (done % STEP == 0)
		ctl_progress(&d->progress, done, d->total);
	return !d->out.error && !ctl_stopped();
}

static bool dump_number(struct dump *d, const struct shmfs_view *value)
{
	char text[CTL_NUMBER_SIZE];
	uint64_t bits;
	double number;

	if (value->info.size != sizeof(bits))
		return false;
	memcpy(&bits, value->data, sizeof(bits));
	bits = le64toh(bits);
	memcpy(&number, &bits, sizeof(number));
	if (isfinite(number))
		ctl_format_number(text, number);
	else
		snprintf(text, sizeof(text), "0x%016" PRIx64, bits);
	dump_text(&d->out, text);
	return true;
}

static bool dump_key(struct dump *d, const struct shmfs_entry *e)
{
	const struct shmfs_view *value = &e->view;
	bool good = value->info.type <= SHMFS_NUMBER;

	dump_text(&d->out, ctl_type_name(value->info.type));
	dump_text(&d->out, "\t");
	dump_data(&d->out, e->key, e->key_size);
	dump_text(&d->out, "\t");
	if (value->info.type == SHMFS_NUMBER)
		good = dump_number(d, value);
	else
		dump_data(&d->out, value->data, value->info.size);
	dump_newline(&d->out);
	d->counts.keys++;
	return good;
}

static int dump_keys(struct dump *d)
{
	struct shmfs_entry e;
	struct shmfs_iter *it;
	int rc = shmfs_iter_open(d->s, &it, 0);

	if (rc)
		return rc;
	while (!rc && go_on(d)) {
		rc = shmfs_iter_next(it, &e);
		if (!rc && !dump_key(d, &e))
			rc = -EUCLEAN;
	}
	shmfs_iter_close(it);
	return rc == -ENOENT ? 0 : rc;
}

/* ---- the log and its cursors --------------------------------------------------------- */

static int collect(void *arg, const void *name, size_t size, uint64_t position)
{
	struct dump *d = arg;
	struct cursor *c;

	if (d->cursor_count == d->cursor_room) {
		size_t room = d->cursor_room * 2 + 16;

		c = realloc(d->cursors, room * sizeof(*c));
		if (!c)
			return -ENOMEM;
		d->cursors = c;
		d->cursor_room = room;
	}
	c = &d->cursors[d->cursor_count++];
	*c = (struct cursor){.position = position, .size = size};
	if (size > sizeof(c->name))
		return -EUCLEAN;
	memcpy(c->name, name, size);
	return 0;
}

static int by_position(const void *a, const void *b)
{
	const struct cursor *x = a, *y = b;

	return (x->position > y->position) - (x->position < y->position);
}

static int by_name(const void *a, const void *b)
{
	const struct cursor *x = a, *y = b;
	int order = memcmp(x->name, y->name, x->size < y->size ? x->size : y->size);

	return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* The cursors before this position that were not dumped yet, in one place of the text and so
 * by name. */
static void dump_cursors(struct dump *d, uint64_t before, bool stale)
{
	size_t left = d->cursor_count - d->counts.cursors, n = 0;
	struct cursor *c;
	char place[32];

	if (!left)
		return;
	c = d->cursors + d->counts.cursors;
	while (n < left && c[n].position < before)
		n++;
	if (!n)
		return;
	qsort(c, n, sizeof(*c), by_name);
	snprintf(place, sizeof(place), "%" PRIu64, d->counts.frames);
	for (d->counts.cursors += n; n; n--, c++) {
		dump_text(&d->out, "cursor\t");
		dump_data(&d->out, c->name, c->size);
		dump_text(&d->out, "\t");
		dump_text(&d->out, stale ? "stale" : place);
		dump_newline(&d->out);
	}
}

static int dump_frames(struct dump *d)
{
	struct shmfs_frame_view frame;
	struct shmfs_reader *r;
	int rc = shmfs_reader_open(d->s, &r, SHMFS_LOG_BEGIN);

	if (rc)
		return rc;
	dump_cursors(d, shmfs_reader_position(r), true);
	while (go_on(d)) {
		rc = shmfs_reader_view(r, &frame);
		if (rc)
			break;
		/* A cursor at the end of a segment reads the first frame of the next. */
		dump_cursors(d, frame.position + 1, false);
		dump_text(&d->out, "frame\t");
		dump_data(&d->out, frame.data, frame.size);
		dump_newline(&d->out);
		d->counts.frames++;
	}
	dump_cursors(d, UINT64_MAX, false);
	shmfs_reader_close(r);
	return rc == -ENODATA ? 0 : rc;
}

static int dump_log(struct dump *d)
{
	int rc = shmfs_cursor_walk(d->s, collect, d);

	if (d->cursors)
		qsort(d->cursors, d->cursor_count, sizeof(*d->cursors), by_position);
	if (!rc)
		rc = dump_frames(d);
	free(d->cursors);
	return rc;
}

/* ---- the verb -------------------------------------------------------------------------- */

static int dump_to(void *arg, int fd)
{
	struct dump *d = arg;
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	int rc = shmfs_stat(d->s, &st);

	d->total = st.keys + st.log_frames;
	if (!rc)
		rc = dump_out_start(&d->out, fd) ? 0 : -ENOMEM;
	if (!rc) {
		ctl_progress_start(&d->progress, "dump");
		dump_head(d);
		rc = dump_keys(d);
		if (!rc && go_on(d))
			rc = dump_log(d);
		if (!rc && !ctl_stopped())
			dump_end(&d->out, &d->counts);
		ctl_progress_end(&d->progress);
	}
	dump_out_free(&d->out);
	if (rc)
		return ctl_failed(d->args, rc);
	if (d->out.error && !ctl_stopped())
		return ctl_trouble(NULL, "cannot write the dump: %s", strerror(d->out.error));
	return ctl_stopped() ? CTL_TROUBLE : CTL_YES;
}

static int dump_moment(struct dump *d)
{
	const char *path = d->args->operands > 1 ? d->args->operand[1] : "-";
	int rc = shmfs_options_get(d->s, &d->options);

	if (rc)
		return ctl_failed(d->args, rc);
	return ctl_newfile_write(d->args, path, d->options.mode, dump_to, d);
}

static int run(const struct ctl_args *args)
{
	struct dump d = {.args = args, .options.struct_size = sizeof(d.options)};
	struct shmfs *s;
	int status, rc;

	if (ctl_given(args, OPT_JSON) && (args->operands < 2 || !strcmp(args->operand[1], "-")))
		return ctl_trouble("dump", "--json needs a FILE, as the dump itself is not JSON");
	ctl_signals_catch();
	/* What was damaged must not go into a backup unseen. */
	status = ctl_moment_open(args, SHMFS_VERIFY, &s);
	if (status)
		return status;
	rc = shmfs_snapshot(s, &d.s);
	status = rc ? ctl_moment_failed(args, rc) : dump_moment(&d);
	if (!status)
		ctl_moment_tell(args, s);
	shmfs_close(d.s);
	status = ctl_close(args, s, status);
	if (!status && ctl_given(args, OPT_JSON))
		dump_counts_json(&d.counts);
	return ctl_stopped() ? ctl_interrupted(args->operand[0], "there is no complete dump") : status;
}

const struct ctl_verb ctl_verb_dump = {
	.name = "dump",
	.operands = "STORE [FILE]",
	.summary = "write the whole store as text",
	.details =
		"Writes keys with their types and values, the frames of the log and the cursors,\n"
		"as they are at one moment, to FILE or stdout (also -).  shmfs-dump(5) tells the\n"
		"form: a key or a frame is a line.  Versions, times and log positions are not in\n"
		"it.  FILE appears, and replaces an older one, when it is complete.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
