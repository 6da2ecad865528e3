/* SPDX-License-Identifier: MIT */
/*
 * Records of a dump, made of its lines.
 *
 * Owns	the key and the value of the record at hand.  A value that grows beyond PART_SIZE is
 *	handed on part by part, so memory does not grow with it.
 * Invariant	a record is complete when a line starts that does not continue it.
 * Distrust	every byte.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"

#define PART_SIZE  ((size_t)1 << 20)
#define WORD_MOST  1024
#define NAME_MOST  255
#define FIELDS     2
#define STEP	   64 /* lines between two looks at the clock */
#define KEY_ROOM   (SHMFS_KEY_MAX + 1)
#define VALUE_ROOM (SHMFS_FRAME_MAX + 1)

enum kind { BYTES, STRING, NUMBER, FRAME, CURSOR, OPTION, KINDS, NONE = KINDS };

/* The first field goes to `key`, the second to `value`; a frame has but one. */
static const struct {
	const char *tag;
	int fields;
	size_t most[FIELDS]; /* 0: any size, in parts */
	const char *what[FIELDS];
} kinds[KINDS] = {
	[BYTES] = {"bytes", 2, {SHMFS_KEY_MAX, 0}, {"key", "value"}},
	[STRING] = {"string", 2, {SHMFS_KEY_MAX, 0}, {"key", "value"}},
	[NUMBER] = {"number", 2, {SHMFS_KEY_MAX, WORD_MOST}, {"key", "number"}},
	[FRAME] = {"frame", 1, {SHMFS_FRAME_MAX}, {"frame"}},
	[CURSOR] = {"cursor", 2, {NAME_MOST, WORD_MOST}, {"name of a cursor", "place"}},
	[OPTION] = {"option", 2, {WORD_MOST, WORD_MOST}, {"name of an option", "value"}},
};

struct text {
	struct load_in *in;
	struct load_put *to;
	bool edited;
	bool begun; /* the options are over */
	enum kind kind;
	int field;     /* the one at hand, from 0 */
	uint64_t line; /* where the record starts */
	char *key, *value;
	size_t key_size, value_size;
};

/* ---- whole records ------------------------------------------------------------------- */

static bool parse_bits(const char *text, uint64_t *bits)
{
	if (strlen(text) != 18 || strncmp(text, "0x", 2) != 0 ||
	    strspn(text + 2, "0123456789abcdef") != 16)
		return false;
	*bits = strtoull(text + 2, NULL, 16);
	return true;
}

static int finish_number(struct text *t)
{
	uint64_t bits;
	double number;

	if (ctl_parse_number(t->value, t->value_size, &number))
		memcpy(&bits, &number, sizeof(bits));
	else if (!parse_bits(t->value, &bits))
		return load_bad(t->in, t->line, "%.40s is not a number", t->value);
	return load_put_number(t->to, t->line, t->key, t->key_size, bits);
}

static int finish_cursor(struct text *t)
{
	bool stale = !strcmp(t->value, "stale");
	uint64_t place = 0;

	if (!stale && !ctl_parse_u64(t->value, &place))
		return load_bad(t->in, t->line, "%.40s is not the place of a cursor", t->value);
	if (!stale && !t->edited && place != t->to->counts.frames)
		return load_bad(t->in, t->line,
		                "the cursor is at frame %" PRIu64 ", but %" PRIu64
		                " frames are before it",
		                place, t->to->counts.frames);
	return load_put_cursor(t->to, t->line, t->key, t->key_size, stale);
}

static int finish(struct text *t)
{
	enum kind kind = t->kind;

	t->kind = NONE;
	if (kind == NONE)
		return CTL_YES;
	if (t->field + 1 < kinds[kind].fields)
		return load_bad(t->in, t->line, "no TAB and %s behind the %s",
		                kinds[kind].what[t->field + 1], kinds[kind].what[t->field]);
	/* The room has one byte more. */
	t->key[t->key_size] = t->value[t->value_size] = '\0';
	if (kinds[kind].most[1] == WORD_MOST && strlen(t->value) != t->value_size)
		return load_bad(t->in, t->line, "a NUL byte in a %s", kinds[kind].what[1]);
	switch (kind) {
	case BYTES:
	case STRING:
		return load_put_key(t->to, t->line, t->key, t->key_size, t->value, t->value_size,
		                    kind == BYTES ? SHMFS_BYTES : SHMFS_STRING);
	case NUMBER:
		return finish_number(t);
	case FRAME:
		return load_put_frame(t->to, t->line, t->value, t->value_size);
	case CURSOR:
		return finish_cursor(t);
	default:
		return load_put_option(t->to, t->line, t->key, t->value);
	}
}

/* ---- bytes of fields ------------------------------------------------------------------ */

/* Bytes of the field at hand. */
static int take(struct text *t, const char *data, size_t size)
{
	size_t most = kinds[t->kind].most[t->field];
	bool is_value = t->field == 1 || t->kind == FRAME;
	size_t *used = is_value ? &t->value_size : &t->key_size;

	if (most && *used + size > most)
		return load_bad(t->in, t->in->line, "a %s of more than %zu bytes",
		                kinds[t->kind].what[t->field], most);
	if (!most && *used + size > PART_SIZE) {
		if (load_put_part(t->to, t->line, t->value, *used))
			return CTL_TROUBLE;
		*used = 0;
	}
	memcpy((is_value ? t->value : t->key) + *used, data, size);
	*used += size;
	return CTL_YES;
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

/* Behind a backslash.  *size: how many bytes of the text it took. */
static int take_escape(struct text *t, const char *text, size_t left, size_t *size)
{
	static const char letters[] = "\\tnr", means[] = "\\\t\n\r";
	const char *letter = left && *text ? strchr(letters, *text) : NULL;
	char byte;

	*size = 1;
	if (letter)
		return take(t, means + (letter - letters), 1);
	if (left < 3 || *text != 'x' || hex(text[1]) < 0 || hex(text[2]) < 0)
		return load_bad(t->in, t->in->line,
		                "a backslash without \\, t, n, r or x and two hexadecimal digits");
	*size = 3;
	byte = (char)(hex(text[1]) << 4 | hex(text[2]));
	return take(t, &byte, 1);
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte != 0x7f && byte != '\\';
}

static int bad_byte(const struct text *t, char byte, bool last)
{
	if (byte == '\r' && last)
		return load_bad(t->in, t->in->line,
		                "ends in CR LF; something has changed the dump on its way");
	return load_bad(t->in, t->in->line, "a control character that should be \\x%02x",
	                (unsigned char)byte);
}

/* The rest of a line, from within a field on. */
static int take_text(struct text *t, const char *text, size_t size)
{
	int status = CTL_YES;
	size_t n;

	while (size && !status) {
		for (n = 0; n < size && is_plain((unsigned char)text[n]); n++)
			;
		if (n) {
			status = take(t, text, n);
		} else if (*text == '\\') {
			status = take_escape(t, text + 1, size - 1, &n);
			n++;
		} else if (*text != '\t') {
			return bad_byte(t, *text, size == 1);
		} else if (t->field + 1 == kinds[t->kind].fields) {
			return load_bad(t->in, t->in->line, "a TAB behind the %s; in it, it is \\t",
			                kinds[t->kind].what[t->field]);
		} else {
			t->field++;
			n = 1;
		}
		text += n;
		size -= n;
	}
	return status;
}

/* ---- lines ----------------------------------------------------------------------------- */

static int first_line(const struct text *t, const char *text, size_t size)
{
	static const char version[] = "shmfs-dump ";
	size_t n = sizeof(version) - 1;

	if (size == strlen(DUMP_FIRST_LINE) && !memcmp(text, DUMP_FIRST_LINE, size))
		return CTL_YES;
	if (size > n && !memcmp(text, version, n) && isdigit((unsigned char)text[n]) &&
	    text[size - 1] != '\r')
		return load_bad(t->in, 1, "the dump has version %.*s; this program reads version 1",
		                (int)(size - n < 20 ? size - n : 20), text + n);
	if (size == 6 && !memcmp(text, "shmfs\r", 6))
		return load_bad(t->in, 1, "not a dump but a store; `shmfsctl copy` copies one");
	if (size && *text == '{')
		return load_bad(t->in, 1, "not a dump; `shmfsctl import` takes JSON");
	if (size && text[size - 1] == '\r')
		return bad_byte(t, '\r', true);
	return load_bad(t->in, 1, "not a dump: it does not start with \"%s\"", DUMP_FIRST_LINE);
}

static int begin(struct text *t)
{
	if (t->begun)
		return CTL_YES;
	t->begun = true;
	return load_put_start(t->to);
}

static int new_record(struct text *t, const char *text, size_t size)
{
	const char *tab = memchr(text, '\t', size);
	size_t n = tab ? (size_t)(tab - text) : 0;
	enum kind kind = 0;

	while (kind < KINDS && (!tab || strlen(kinds[kind].tag) != n || memcmp(kinds[kind].tag, text, n)))
		kind++;
	if (kind == KINDS)
		return load_bad(t->in, t->in->line,
		                "does not start with bytes, string, number, frame, cursor, option or "
		                "end and a TAB, nor with +");
	if (kind == OPTION && t->begun)
		return load_bad(t->in, t->in->line, "an option behind what is stored");
	if (kind != OPTION && begin(t))
		return CTL_TROUBLE;
	t->kind = kind;
	t->field = 0;
	t->line = t->in->line;
	t->key_size = t->value_size = 0;
	return take_text(t, tab + 1, size - n - 1);
}

static int line(struct text *t, const char *text, size_t size)
{
	load_line_sum(t->in, text, size);
	if (t->in->line == 1)
		return first_line(t, text, size);
	if (!size || *text != '+')
		return finish(t) ? CTL_TROUBLE : new_record(t, text, size);
	if (t->kind == NONE)
		return load_bad(t->in, t->in->line, "continues nothing");
	return take_text(t, text + 1, size - 1);
}

static bool is_end(const char *text, size_t size)
{
	return size >= 4 && !memcmp(text, "end\t", 4);
}

/* The end line: what it says must be what was read. */
static int end_line(struct text *t, const char *text, size_t size)
{
	char wanted[DUMP_END_SIZE], sum[DUMP_SUM_SIZE];
	size_t n;

	if (finish(t) || begin(t))
		return CTL_TROUBLE;
	if (t->edited)
		return CTL_YES;
	dump_end_text(wanted, &t->to->counts);
	dump_sum_text(t->in->sum, sum);
	n = strlen(wanted);
	if (size < n || memcmp(text, wanted, n) != 0)
		return load_bad(t->in, t->in->line,
		                "the counts are not those of what was read, %" PRIu64 " keys, %" PRIu64
		                " frames, %" PRIu64 " cursors: lines are missing or too many",
		                t->to->counts.keys, t->to->counts.frames, t->to->counts.cursors);
	if (size != n + strlen(sum) || memcmp(text + n, sum, strlen(sum)) != 0)
		return load_bad(t->in, t->in->line,
		                "the checksum of the lines before is %s, not this: some byte has changed",
		                sum);
	return CTL_YES;
}

/* Bytes of the lines so far. */
static uint64_t load_done(const struct load_in *in)
{
	return in->bytes - (in->used - in->at);
}

static int lines(struct text *t, struct ctl_progress *progress, uint64_t total)
{
	const char *text;
	size_t size;
	int status;

	for (;;) {
		status = load_line(t->in, &text, &size);
		if (status || (t->in->line > 1 && is_end(text, size)))
			break;
		status = line(t, text, size);
		if (status || (t->in->line % STEP == 0 && ctl_progress(progress, load_done(t->in), total)))
			return CTL_TROUBLE;
	}
	if (status == CTL_YES) {
		if (end_line(t, text, size))
			return CTL_TROUBLE;
		status = load_line(t->in, &text, &size);
		if (status == CTL_YES)
			return load_bad(t->in, t->in->line, "something behind the end line");
	} else if (status == CTL_NO && t->in->line == 1) {
		return load_bad(t->in, 1, "not a dump: it is empty");
	} else if (status == CTL_NO && !t->edited) {
		return load_bad(t->in, t->in->line, "the dump is cut off: there is no end line");
	} else if (status == CTL_NO && (finish(t) || begin(t))) {
		return CTL_TROUBLE;
	}
	return status == CTL_NO ? CTL_YES : status;
}

int load_text(struct load_in *in, struct load_put *to, bool edited, struct ctl_progress *progress,
              uint64_t total)
{
	struct text t = {.in = in, .to = to, .edited = edited, .kind = NONE};
	int status = CTL_TROUBLE;

	t.key = malloc(KEY_ROOM);
	t.value = malloc(VALUE_ROOM);
	if (t.key && t.value)
		status = lines(&t, progress, total);
	else
		ctl_trouble(NULL, "out of memory");
	free(t.key);
	free(t.value);
	return status;
}
