/* SPDX-License-Identifier: MIT */
/*
 * The figures of a store in the text format of Prometheus 0.0.4, as its node_exporter reads
 * them from a directory of text files, and a small web server gives them out.
 *
 * A metric that only grows ends in _total and is a counter, any other is a gauge.  Times are
 * seconds, sizes bytes.  The label `store` is the path as it was given, `cursor` the name of a
 * cursor; one that is not UTF-8, which a label must be, goes as the name of a file in a mount.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

struct cursor {
	char *label; /* escaped */
	uint64_t position;
	struct shmfs_log_lag lag;
};

struct cursors {
	struct shmfs *s;
	struct cursor *list;
	size_t count, room;
};

/* Bytes as the value of a label.  To be freed; NULL: no memory. */
static char *label_text(const void *data, size_t size)
{
	char name[SHMFS_NAME_SIZE];
	const char *from = data;
	char *text, *to;

	if (!ctl_is_utf8(data, size) || memchr(data, '\0', size)) {
		shmfs_name_encode(data, size, name);
		from = name;
		size = strlen(name);
	}
	text = to = malloc(size * 2 + 1);
	for (size_t i = 0; text && i < size; i++) {
		if (from[i] == '\\' || from[i] == '"' || from[i] == '\n')
			*to++ = '\\';
		*to++ = from[i];
		if (from[i] == '\n')
			to[-1] = 'n';
	}
	if (text)
		*to = '\0';
	return text;
}

static void print_head(const char *metric, const char *help)
{
	size_t size = strlen(metric);
	bool counter = size > 6 && !strcmp(metric + size - 6, "_total");

	printf("# HELP shmfs_%s %s\n# TYPE shmfs_%s %s\n", metric, help, metric,
	       counter ? "counter" : "gauge");
}

static void print_figures(const struct shmfs_stat *st, const struct figure *f, const char *store)
{
	char text[CTL_NUMBER_SIZE];
	uint64_t whole;
	double number;

	for (; f->name; f++) {
		if (!f->metric)
			continue;
		print_head(f->metric, f->help);
		memcpy(&whole, (const char *)st + f->offset, sizeof(whole));
		memcpy(&number, (const char *)st + f->offset, sizeof(number));
		number = f->is_double ? number : (double)whole;
		printf("shmfs_%s{store=\"%s\"} ", f->metric, store);
		if (f->is_double || f->unit != 1) {
			ctl_format_number(text, number * f->unit);
			puts(text);
		} else {
			printf("%" PRIu64 "\n", whole);
		}
	}
}

static int collect(void *arg, const void *name, size_t size, uint64_t position)
{
	struct cursors *c = arg;
	struct cursor *one;

	if (c->count == c->room) {
		c->room = c->room * 2 + 16;
		one = realloc(c->list, c->room * sizeof(*one));
		if (!one)
			return -ENOMEM;
		c->list = one;
	}
	one = &c->list[c->count];
	*one = (struct cursor){.label = label_text(name, size), .position = position,
	                       .lag = {.struct_size = sizeof(one->lag)}};
	if (!one->label)
		return -ENOMEM;
	c->count++;
	return shmfs_log_lag(c->s, position, &one->lag);
}

/* All lines of a metric must follow one another. */
static void print_cursors(const struct cursors *c, const char *store, const char *metric,
                          const char *help, size_t offset)
{
	uint64_t number;

	if (c->count)
		print_head(metric, help);
	for (size_t i = 0; i < c->count; i++) {
		memcpy(&number, (const char *)&c->list[i] + offset, sizeof(number));
		printf("shmfs_%s{store=\"%s\",cursor=\"%s\"} %" PRIu64 "\n", metric, store,
		       c->list[i].label, number);
	}
}

int prometheus_print(const struct ctl_args *args, struct shmfs *s, const struct shmfs_stat *st,
                     const struct figure *figures)
{
	char *store = label_text(args->operand[0], strlen(args->operand[0]));
	struct cursors c = {.s = s};
	int rc = store ? shmfs_cursor_walk(s, collect, &c) : -ENOMEM;

	if (!rc) {
		print_figures(st, figures, store);
		print_cursors(&c, store, "cursor_position", "Where the cursor stands in the log.",
		              offsetof(struct cursor, position));
		print_cursors(&c, store, "cursor_lag_frames", "Frames from the cursor to the end of the log.",
		              offsetof(struct cursor, lag.frames));
		print_cursors(&c, store, "cursor_lag_bytes", "Bytes in those frames.",
		              offsetof(struct cursor, lag.bytes));
		print_cursors(&c, store, "cursor_lost_bytes",
		              "Bytes of the log that were trimmed in front of the cursor.",
		              offsetof(struct cursor, lag.lost));
	}
	while (c.count)
		free(c.list[--c.count].label);
	free(c.list);
	free(store);
	return rc ? ctl_failed(args, rc) : CTL_YES;
}
