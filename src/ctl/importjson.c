/* SPDX-License-Identifier: MIT */
/*
 * import --format=json: a line is an object, and an object is a key.
 *
 *	{"key":"visits","type":"number","value":0.5}
 *	{"key":null,"key_base64":"/w==","type":"bytes","value":"text"}
 *
 * Distrust	what jansson takes is JSON and UTF-8, no name in it comes twice, and it says where
 *it is not.  What it means is looked at here.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "input.h"

struct line {
	struct import *im;
	uint64_t number; /* from 1 */
	json_t *root;
};

/* A key or a value. */
struct bytes {
	const void *data;
	size_t size;
	void *owned;
};

static int bad(const struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int bad(const struct line *l, const char *format, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return ctl_trouble(l->im->name, "line %" PRIu64 ": %s", l->number, text);
}

/* Text of the source, in a message: nothing of it may drive a terminal. */
static void tame(char *text)
{
	size_t left = strlen(text), n;

	for (; left; text += n, left -= n) {
		n = ctl_visible_size((const unsigned char *)text, left);
		if (!n) {
			*text = '?';
			n = 1;
		}
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool starts(const char *text, size_t size, const char *with)
{
	return size >= strlen(with) && !memcmp(text, with, strlen(with));
}

/* What is often given for lines of JSON, and what to do with it.  CTL_YES: none of that. */
static int other(const struct line *l, const char *text, size_t size)
{
	size_t left = size;

	if (l->number == 1 && starts(text, size, "shmfs\r"))
		return ctl_trouble(l->im->name, "is a store; `shmfsctl copy` copies one");
	if (l->number == 1 && starts(text, size, "shmfs-dump "))
		return ctl_trouble(l->im->name, "is a dump; `shmfsctl load` makes a store of it");
	if (l->number == 1 && size >= 8 && !memcmp(text, "\x18\0\0\0\0\0\0", 8))
		return ctl_trouble(l->im->name, "is not JSON; for a log of shmio say "
						"--format=shmio");
	if (starts(text, size, "\xef\xbb\xbf"))
		return bad(l, "a byte order mark, where { is expected; leave it out");
	while (left && is_blank(*text))
		text++, left--;
	if (!left)
		return bad(l, "is empty; an object is expected");
	if (*text == '[')
		return bad(l, "a list, not an object; `jq -c .[]` makes lines of a list");
	return CTL_YES;
}

/* Its parser takes a line for all there is. */
static void say_line(char *text)
{
	while ((text = strstr(text, "end of file")))
		memcpy(text, "end of line", strlen("end of line"));
}

static bool is_begun(const char *text, size_t size)
{
	while (size && is_blank(text[size - 1]))
		size--;
	return size && text[size - 1] != '}' && memchr(text, '{', size);
}

static int parse(struct line *l, const char *text, size_t size)
{
	json_error_t error;

	l->root = NULL; /* the last line's is gone */
	if (other(l, text, size))
		return CTL_TROUBLE;
	l->root = json_loadb(text, size,
			     JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
			     &error);
	if (!l->root) {
		tame(error.text);
		say_line(error.text);
		return bad(l, "%s, at column %d%s", error.text, error.column,
			   is_begun(text, size) ? "; an object is a line" : "");
	}
	if (!json_is_object(l->root))
		return bad(l, "not an object");
	return CTL_YES;
}

static bool is_known(const char *name)
{
	static const char *const names[] = {"key", "key_base64", "type", "value", "value_base64"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static int all_known(const struct line *l)
{
	const char *name;
	json_t *value;

	json_object_foreach(l->root, name, value)
	{
		if (!is_known(name)) {
			char copy[41];

			snprintf(copy, sizeof(copy), "%s", name);
			tame(copy);
			return bad(l, "\"%s\" is not key, key_base64, type, value or value_base64",
				   copy);
		}
	}
	return CTL_YES;
}

/* NULL: it is not there, or null. */
static const json_t *member(const struct line *l, const char *name)
{
	const json_t *value = json_object_get(l->root, name);

	return value && json_is_null(value) ? NULL : value;
}

/* One of the two must be there. */
static int one_of(const struct line *l, const char *plain, const char *base64)
{
	bool a = member(l, plain), b = member(l, base64);

	if (a && b)
		return bad(l, "both %s and %s", plain, base64);
	if (a || b)
		return CTL_YES;
	return bad(l, "no %s%s", plain, json_object_get(l->root, plain) ? ": it is null" : "");
}

static int decode(const struct line *l, const char *name, const json_t *text, struct bytes *out)
{
	if (!json_is_string(text))
		return bad(l, "%s is not text", name);
	out->owned = malloc(json_string_length(text) + 1);
	if (!out->owned)
		return ctl_trouble(NULL, "out of memory");
	if (!ctl_base64_decode(json_string_value(text), json_string_length(text), out->owned,
			       &out->size))
		return bad(l, "%s is not base64 with its padding and without blanks", name);
	out->data = out->owned;
	return CTL_YES;
}

static int read_key(const struct line *l, struct bytes *key)
{
	const json_t *plain = member(l, "key"), *base64 = member(l, "key_base64");
	int status = one_of(l, "key", "key_base64");

	if (!status && base64) {
		status = decode(l, "key_base64", base64, key);
	} else if (!status) {
		if (!json_is_string(plain))
			return bad(l, "key is not text");
		key->data = json_string_value(plain);
		key->size = json_string_length(plain);
	}
	if (!status && key->size > SHMFS_KEY_MAX)
		return bad(l, "a key of %zu bytes; %u are allowed", key->size, SHMFS_KEY_MAX);
	return status;
}

/* What the line says, or what its value is by itself. */
static int read_type(const struct line *l, uint32_t *type)
{
	const json_t *named = member(l, "type"), *plain = member(l, "value");

	if (named && (!json_is_string(named) ||
		      strlen(json_string_value(named)) != json_string_length(named) ||
		      !ctl_parse_type(json_string_value(named), type)))
		return bad(l, "type is not bytes, string or number");
	if (!named)
		*type = json_is_real(plain)	? SHMFS_NUMBER
			: json_is_string(plain) ? SHMFS_STRING
						: SHMFS_BYTES;
	return CTL_YES;
}

static int read_value(const struct line *l, uint32_t type, uint64_t *number, struct bytes *value)
{
	const json_t *plain = member(l, "value"), *base64 = member(l, "value_base64");
	int status = one_of(l, "value", "value_base64");
	double real;

	if (status)
		return status;
	if (base64) {
		status = decode(l, "value_base64", base64, value);
		if (!status && type == SHMFS_NUMBER && value->size != sizeof(*number))
			return bad(l, "a number of %zu bytes; it has 8", value->size);
		return status;
	}
	if (type == SHMFS_NUMBER) {
		if (!json_is_real(plain))
			return bad(l, "value is not a number, and type says it is");
		real = json_real_value(plain);
		memcpy(number, &real, sizeof(real));
		*number = htole64(*number);
		*value = (struct bytes){.data = number, .size = sizeof(*number)};
		return CTL_YES;
	}
	if (!json_is_string(plain) && !member(l, "type"))
		return bad(l, "value is not text, nor a number");
	if (!json_is_string(plain))
		return bad(l, "value is not text, and type says it is %s", ctl_type_name(type));
	*value =
		(struct bytes){.data = json_string_value(plain), .size = json_string_length(plain)};
	return CTL_YES;
}

static int put(const struct line *l, const struct bytes *key, const struct bytes *value,
	       uint32_t type)
{
	int rc = import_key(l->im, key->data, key->size, value->data, value->size, type);

	if (rc == -EEXIST)
		return bad(l, "the key was there before; with --merge, into a store that is "
			      "there, the last one stays");
	if (rc)
		return ctl_trouble(l->im->args->operand[0], "%s; at line %" PRIu64 " of %s",
				   shmfs_strerror(rc), l->number, l->im->name);
	return CTL_YES;
}

static int one_line(struct line *l, const char *text, size_t size)
{
	struct bytes key = {0}, value = {0};
	uint32_t type = SHMFS_BYTES;
	uint64_t number;
	int status;

	status = parse(l, text, size);
	if (!status)
		status = all_known(l);
	if (!status)
		status = read_key(l, &key);
	if (!status)
		status = read_type(l, &type);
	if (!status)
		status = read_value(l, type, &number, &value);
	if (!status)
		status = put(l, &key, &value, type);
	free(key.owned);
	free(value.owned);
	json_decref(l->root);
	return status;
}

int import_json(struct import *im)
{
	struct line l = {.im = im};
	struct ctl_input in;
	const char *text;
	size_t size;
	int status;

	ctl_input_start(&in, im->fd, im->name);
	while (!(status = ctl_input_line(&in, &text, &size))) {
		l.number++;
		status = one_line(&l, text, size);
		if (status)
			break;
		if (l.number % PORT_STEP == 0 && ctl_progress(&im->progress, in.bytes, im->size)) {
			status = CTL_TROUBLE;
			break;
		}
	}
	ctl_input_free(&in);
	return status == CTL_NO ? CTL_YES : status;
}
