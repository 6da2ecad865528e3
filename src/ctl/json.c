/* SPDX-License-Identifier: MIT */
/*
 * JSON, written as it comes: no tree, no memory.  The caller keeps the order of calls.
 */
#include <inttypes.h>
#include <math.h>

#include "ctl.h"

static void item(struct json *j)
{
	if (j->comma)
		putc(',', j->file);
	j->comma = true;
}

void json_open(struct json *j, char bracket)
{
	item(j);
	putc(bracket, j->file);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	putc(bracket, j->file);
	j->comma = true;
}

void json_name(struct json *j, const char *name)
{
	item(j);
	fprintf(j->file, "\"%s\":", name);
	j->comma = false;
}

void json_u64(struct json *j, uint64_t number)
{
	item(j);
	fprintf(j->file, "%" PRIu64, number);
}

void json_number(struct json *j, double number)
{
	char text[CTL_NUMBER_SIZE];

	if (!isfinite(number)) {
		json_none(j);
		return;
	}
	item(j);
	ctl_format_number(text, number);
	fputs(text, j->file);
}

void json_none(struct json *j)
{
	item(j);
	fputs("null", j->file);
}

/* The text is UTF-8: ctl_is_utf8() said so, or it is our own. */
void json_text(struct json *j, const void *text, size_t size)
{
	const unsigned char *c = text, *end = c + size, *plain;

	item(j);
	putc('"', j->file);
	while (c < end) {
		for (plain = c; c < end && *c >= 0x20 && *c != 0x7f && *c != '"' && *c != '\\';)
			c++;
		fwrite(plain, 1, (size_t)(c - plain), j->file);
		if (c == end)
			break;
		fprintf(j->file, *c == '"' || *c == '\\' ? "\\%c" : "\\u%04x", *c);
		c++;
	}
	putc('"', j->file);
}

void json_bytes(struct json *j, const char *name, const void *data, size_t size)
{
	json_name(j, name);
	if (ctl_is_utf8(data, size)) {
		json_text(j, data, size);
		return;
	}
	json_none(j);
	item(j);
	fprintf(j->file, "\"%s_base64\":", name);
	j->comma = false;
	json_base64(j, data, size);
}

void json_end(struct json *j)
{
	json_close(j, '}');
	putc('\n', j->file);
	j->comma = false;
}

void base64_print(FILE *to, const void *data, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *from = data;

	for (; size; from += 3, size = size > 3 ? size - 3 : 0) {
		unsigned int group = (unsigned int)from[0] << 16;

		if (size > 1)
			group |= (unsigned int)from[1] << 8;
		if (size > 2)
			group |= from[2];
		putc(digits[group >> 18], to);
		putc(digits[group >> 12 & 63], to);
		putc(size > 1 ? digits[group >> 6 & 63] : '=', to);
		putc(size > 2 ? digits[group & 63] : '=', to);
	}
}

void json_base64(struct json *j, const void *data, size_t size)
{
	item(j);
	putc('"', j->file);
	base64_print(j->file, data, size);
	putc('"', j->file);
}
