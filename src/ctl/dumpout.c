/* SPDX-License-Identifier: MIT */
/*
 * Lines of a dump, out: every byte in its one form, no line longer than the format allows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"

#define BUFFER_SIZE ((size_t)1 << 18)

bool dump_out_start(struct dump_out *o, int fd)
{
	*o = (struct dump_out){.fd = fd, .sum = dump_sum_new(), .buffer = malloc(BUFFER_SIZE)};
	return o->sum && o->buffer;
}

void dump_out_free(struct dump_out *o)
{
	dump_sum_free(o->sum);
	free(o->buffer);
}

static void flush(struct dump_out *o)
{
	if (!o->error)
		o->error = ctl_write_all(o->fd, o->buffer, o->used);
	o->used = 0;
}

static void emit(struct dump_out *o, const void *data, size_t size)
{
	if (o->used + size > BUFFER_SIZE) {
		dump_sum_add(o->sum, o->buffer, o->used);
		flush(o);
	}
	memcpy(o->buffer + o->used, data, size);
	o->used += size;
	o->column += size;
}

void dump_newline(struct dump_out *o)
{
	emit(o, "\n", 1);
	o->column = 0;
}

/* How many of this many bytes the line has room for, but not fewer than `least`: for those a
 * new line is begun. */
static size_t room(struct dump_out *o, size_t size, size_t least)
{
	size_t left = DUMP_LINE_MOST - 1 - o->column;

	if (left < least) {
		dump_newline(o);
		emit(o, "+", 1);
		left = DUMP_LINE_MOST - 2;
	}
	return size < left ? size : left;
}

/* What stays together. */
static void atom(struct dump_out *o, const void *data, size_t size)
{
	room(o, size, size);
	emit(o, data, size);
}

void dump_text(struct dump_out *o, const char *text)
{
	atom(o, text, strlen(text));
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '\\';
}

static void escape(struct dump_out *o, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	char text[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15], '\0'};

	switch (byte) {
	case '\\':
		return atom(o, "\\\\", 2);
	case '\t':
		return atom(o, "\\t", 2);
	case '\n':
		return atom(o, "\\n", 2);
	case '\r':
		return atom(o, "\\r", 2);
	default:
		return atom(o, text, 4);
	}
}

void dump_data(struct dump_out *o, const void *data, size_t size)
{
	const unsigned char *text = data;
	size_t n;

	while (size) {
		for (n = 0; n < size && is_plain(text[n]); n++)
			;
		if (n) {
			n = room(o, n, 1);
			emit(o, text, n);
		} else {
			n = ctl_visible_size(text, size);
			if (n > 1) {
				atom(o, text, n);
			} else {
				escape(o, *text);
				n = 1;
			}
		}
		text += n;
		size -= n;
	}
}

void dump_end_text(char text[DUMP_END_SIZE], const struct dump_counts *counts)
{
	snprintf(text, DUMP_END_SIZE,
	         "end\tkeys=%" PRIu64 "\tframes=%" PRIu64 "\tcursors=%" PRIu64 "\txxh128=",
	         counts->keys, counts->frames, counts->cursors);
}

void dump_counts_json(const struct dump_counts *counts)
{
	struct json j = {.file = stdout};

	json_open(&j, '{');
	json_name(&j, "keys");
	json_u64(&j, counts->keys);
	json_name(&j, "frames");
	json_u64(&j, counts->frames);
	json_name(&j, "cursors");
	json_u64(&j, counts->cursors);
	json_end(&j);
}

void dump_end(struct dump_out *o, const struct dump_counts *counts)
{
	char text[DUMP_END_SIZE], sum[DUMP_SUM_SIZE];

	dump_sum_add(o->sum, o->buffer, o->used);
	dump_sum_text(o->sum, sum);
	flush(o);
	dump_end_text(text, counts);
	dump_text(o, text);
	dump_text(o, sum);
	dump_newline(o);
	flush(o);
}
