/* SPDX-License-Identifier: MIT */
/* The text of a dump, and its damage (dumptext.h). */
#include "dumptext.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the text ------------------------------------------------------------------------- */

static void need(struct text *t, size_t room)
{
	if (room <= t->room)
		return;
	t->data = realloc(t->data, room);
	if (!t->data)
		die("no memory");
	t->room = room;
}

void text_read(struct text *t, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		die("%s: %s", path, strerror(errno));
	for (t->size = 0;; t->size += n) {
		need(t, t->size + 65536);
		n = fread(t->data + t->size, 1, 65536, f);
		if (!n)
			break;
	}
	fclose(f);
}

void text_write(const struct text *t, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(t->data, 1, t->size, f) != t->size || fclose(f))
		die("%s: %s", path, strerror(errno));
}

void text_copy(struct text *to, const struct text *from)
{
	need(to, from->size + 1);
	memcpy(to->data, from->data, from->size);
	to->size = from->size;
}

bool text_same(const struct text *a, const struct text *b)
{
	return a->size == b->size && !memcmp(a->data, b->data, a->size);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of a text, sorted; *held is what they are in, a NUL behind each.  Both are to be freed. */
static char **sorted_lines(const struct text *t, char **held, size_t *n)
{
	char *copy = malloc(t->size + 1), **lines = malloc((t->size + 1) * sizeof(*lines));

	if (!copy || !lines)
		die("no memory");
	*held = copy;
	memcpy(copy, t->data, t->size);
	copy[t->size] = '\0';
	*n = 0;
	lines[(*n)++] = copy;
	for (size_t i = 0; i < t->size; i++) {
		if (copy[i] == '\n') {
			copy[i] = '\0';
			lines[(*n)++] = copy + i + 1;
		}
	}
	qsort(lines, *n, sizeof(*lines), by_text);
	return lines;
}

bool text_same_lines(const struct text *a, const struct text *b)
{
	size_t n, m;
	char *held[2], **x = sorted_lines(a, &held[0], &n), **y = sorted_lines(b, &held[1], &m);
	bool same = n == m;

	for (size_t i = 0; same && i < n; i++)
		same = !strcmp(x[i], y[i]);
	free(x);
	free(y);
	free(held[0]);
	free(held[1]);
	return same;
}

void text_splice(struct text *t, size_t at, size_t out, const char *in, size_t size)
{
	need(t, t->size + size + 1);
	memmove(t->data + at + size, t->data + at + out, t->size - at - out);
	memcpy(t->data + at, in, size);
	t->size += size - out;
}

/* ---- lines ------------------------------------------------------------------------------ */

struct line {
	size_t at, size; /* its newline included */
};

static struct line line_at(const struct text *t, size_t at)
{
	const char *end = memchr(t->data + at, '\n', t->size - at);
	size_t start = at;

	while (start && t->data[start - 1] != '\n')
		start--;
	return (struct line){start, (end ? (size_t)(end - t->data) + 1 : t->size) - start};
}

/* Any of them, a short one as likely as a long one. */
static struct line some_line(const struct text *t, struct rng *r)
{
	size_t lines = 0, at = 0;

	for (size_t i = 0; i < t->size; i++)
		lines += t->data[i] == '\n';
	for (size_t n = rng_below(r, lines + 1); n && at < t->size; n--)
		at += line_at(t, at).size;
	return line_at(t, at < t->size ? at : t->size - 1);
}

static size_t some_place(const struct text *t, struct rng *r)
{
	struct line l = some_line(t, r);

	return l.at + rng_below(r, l.size);
}

static void insert_copy(struct text *t, size_t at, struct line l)
{
	char *copy = malloc(l.size + 1);

	if (!copy)
		die("no memory");
	memcpy(copy, t->data + l.at, l.size);
	text_splice(t, at, 0, copy, l.size);
	free(copy);
}

static void swap(struct text *t, struct rng *r)
{
	struct line a = some_line(t, r), b = some_line(t, r);
	struct line c = a.at < b.at ? a : b, d = a.at < b.at ? b : a;

	if (c.at == d.at)
		return;
	insert_copy(t, d.at + d.size, c);
	text_splice(t, c.at, c.size, "", 0);
	d.at -= c.size;
	insert_copy(t, c.at, d);
	text_splice(t, d.at + d.size, d.size, "", 0);
}

/* ---- bytes -------------------------------------------------------------------------------- */

static void insert_word(struct text *t, struct rng *r)
{
	static const char *const words[] = {
		"\t", "\n", "\r\n", "\\", "\\x", "\\x0g", "\\x00", "\\xff", "\\q", "+", "\n+", "\n+\n",
		"\n\n", "\x7f", "\x80", "\xc2\x85", "end\t", "\nend\t", "bytes\t", "\nframe\t\n", "\nnumber\tn\tnan\n",
		"\ncursor\tx\tstale\n", "\noption\tkeys\t1\n", "\nstring\t\t\n", "shmfs-dump 2\n", "0x", "-", "1e999", ".",
	};
	const char *word = words[rng_below(r, sizeof(words) / sizeof(*words))];

	text_splice(t, some_place(t, r), 0, word, strlen(word));
}

/* Every number is to be believed, and none of them trusted. */
static void change_number(struct text *t, struct rng *r)
{
	static const char *const odd[] = {
		"0", "1", "-1", "00", "2147483648", "4294967296", "9223372036854775808", "18446744073709551615",
		"18446744073709551616", "1e308", "1e-320", "16777216", "0.05", "nan", "inf", "0x7ff0000000000001",
	};
	size_t at = some_place(t, r), end = at;
	const char *word = odd[rng_below(r, sizeof(odd) / sizeof(*odd))];
	char small[24];

	while (at < t->size && !isdigit((unsigned char)t->data[at]))
		at++;
	for (end = at; end < t->size && isdigit((unsigned char)t->data[end]);)
		end++;
	if (rng_once_in(r, 2)) {
		snprintf(small, sizeof(small), "%llu", (unsigned long long)rng_size(r, UINT64_C(1) << 62));
		word = small;
	}
	text_splice(t, at, end - at, word, strlen(word));
}

/* So long that a limit of the format is met. */
static void lengthen(struct text *t, struct rng *r)
{
	size_t size = rng_size(r, 70000);
	char *bytes = malloc(size + 1);

	if (!bytes)
		die("no memory");
	memset(bytes, 'l', size);
	text_splice(t, some_place(t, r), 0, bytes, size);
	free(bytes);
}

static void mutate_once(struct text *t, struct rng *r)
{
	size_t at = some_place(t, r);
	struct line l = some_line(t, r);
	char byte = (char)rng_next(r);

	switch (rng_below(r, 12)) {
	case 0:
		t->data[at] ^= (char)(1 << rng_below(r, 8));
		break;
	case 1:
		t->data[at] = byte;
		break;
	case 2:
		text_splice(t, at, 0, &byte, 1);
		break;
	case 3:
		text_splice(t, at, 1, "", 0);
		break;
	case 4:
		text_splice(t, l.at, l.size, "", 0);
		break;
	case 5:
		insert_copy(t, l.at, l);
		break;
	case 6:
		insert_copy(t, line_at(t, at).at, l);
		break;
	case 7:
		swap(t, r);
		break;
	case 8:
	case 9:
		change_number(t, r);
		break;
	case 10:
		insert_word(t, r);
		break;
	case 11:
		if (rng_once_in(r, 3))
			t->size = at;
		else
			lengthen(t, r);
	}
}

void text_mutate(struct text *t, struct rng *r)
{
	for (uint64_t n = 1 + rng_size(r, 3); n && t->size; n--)
		mutate_once(t, r);
}
