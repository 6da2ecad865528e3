/* SPDX-License-Identifier: MIT */
/*
 * One key and what is known of it, printed for `ls`, `exists` and `watch`.
 *
 * Into a pipe a key goes as it is, for xargs and grep; on a terminal it is quoted, as ls(1)
 * does.  A key that holds the byte which ends a line (or a NUL with -0) would look like two
 * keys, and `ls | xargs del` would delete the wrong ones: such a key is refused instead.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

size_t ctl_time_text(char text[CTL_TIME_SIZE], uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm tm;
	size_t length;

	gmtime_r(&seconds, &tm);
	length = strftime(text, CTL_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	return length + (size_t)snprintf(text + length, CTL_TIME_SIZE - length, ".%09" PRIu64 "Z",
	                                 time_ns % 1000000000);
}

void json_key(struct json *j, const void *key, size_t size)
{
	char name[SHMFS_NAME_SIZE];

	json_bytes(j, "key", key, size);
	shmfs_name_encode(key, size, name);
	json_name(j, "name");
	json_text(j, name, strlen(name));
}

void ctl_entry_json(struct json *j, const void *key, size_t size, const struct shmfs_info *info)
{
	char time[CTL_TIME_SIZE];

	json_key(j, key, size);
	json_name(j, "type");
	json_text(j, ctl_type_name(info->type), strlen(ctl_type_name(info->type)));
	json_name(j, "size");
	json_u64(j, info->size);
	json_name(j, "version");
	json_u64(j, info->version);
	json_name(j, "time");
	json_text(j, time, ctl_time_text(time, info->time_ns));
}

static void print_json(const void *key, size_t size, const struct shmfs_info *info)
{
	struct json j = {.file = stdout};

	json_open(&j, '{');
	ctl_entry_json(&j, key, size, info);
	json_end(&j);
}

static void print_columns(const struct shmfs_info *info)
{
	time_t seconds = (time_t)(info->time_ns / 1000000000);
	char text[64];
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &tm);
	printf("%-6s %11" PRIu64 " %9" PRIu64 " %s ", ctl_type_name(info->type), info->size,
	       info->version, text);
}

const char *ctl_key_shown(const struct ctl_args *args, const void *key, size_t *size, char **owned)
{
	bool nul = ctl_given(args, OPT_NUL);

	*owned = NULL;
	if (ctl_given(args, OPT_NAME)) {
		*owned = malloc(SHMFS_NAME_SIZE);
		if (*owned)
			shmfs_name_encode(key, *size, *owned);
		key = *owned;
		*size = key ? strlen(key) : 0;
	}
	if (key && !nul && args->terminal) {
		char *quoted = ctl_quote(key, *size);

		free(*owned);
		key = *owned = quoted;
		*size = key ? strlen(key) : 0;
	}
	return key && !memchr(key, nul ? '\0' : '\n', *size) ? key : NULL;
}

bool ctl_entry_print(const struct ctl_args *args, const void *key, size_t size,
                     const struct shmfs_info *info)
{
	const char *shown;
	char *owned;

	if (ctl_given(args, OPT_JSON)) {
		print_json(key, size, info);
		return true;
	}
	shown = ctl_key_shown(args, key, &size, &owned);
	if (shown) {
		if (ctl_given(args, OPT_LONG))
			print_columns(info);
		fwrite(shown, 1, size, stdout);
		putchar(ctl_given(args, OPT_NUL) ? '\0' : '\n');
	}
	free(owned);
	return shown != NULL;
}

/* ---- by a template ---------------------------------------------------------------- */

struct format {
	const struct ctl_args *args;
	const struct shmfs_entry *entry;
};

static void print_quoted(const struct shmfs_entry *e)
{
	char *quoted = ctl_quote(e->key, e->key_size);

	fputs(quoted ? quoted : "", stdout);
	free(quoted);
}

static void print_value(const struct shmfs_view *value)
{
	char text[CTL_NUMBER_SIZE];
	double number;
	uint64_t bits;

	if (value->info.type != SHMFS_NUMBER || value->info.size != sizeof(bits)) {
		fwrite(value->data, 1, value->info.size, stdout);
		return;
	}
	memcpy(&bits, value->data, sizeof(bits));
	bits = le64toh(bits);
	memcpy(&number, &bits, sizeof(number));
	ctl_format_number(text, number);
	fputs(text, stdout);
}

static void print_directive(void *arg, char directive)
{
	const struct format *f = arg;
	const struct shmfs_entry *e = f->entry;
	const struct shmfs_info *info = &e->view.info;
	char text[SHMFS_NAME_SIZE > CTL_TIME_SIZE ? SHMFS_NAME_SIZE : CTL_TIME_SIZE];

	switch (directive) {
	case 'k':
		if (!f->args->terminal) {
			fwrite(e->key, 1, e->key_size, stdout);
			break;
		}
		/* fall through */
	case 'q':
		print_quoted(e);
		break;
	case 'n':
		shmfs_name_encode(e->key, e->key_size, text);
		fputs(text, stdout);
		break;
	case 't':
		fputs(ctl_type_name(info->type), stdout);
		break;
	case 's':
		printf("%" PRIu64, info->size);
		break;
	case 'v':
		printf("%" PRIu64, info->version);
		break;
	case 'T':
		ctl_time_text(text, info->time_ns);
		fputs(text, stdout);
		break;
	case '@':
		printf("%" PRIu64 ".%09" PRIu64, info->time_ns / 1000000000, info->time_ns % 1000000000);
		break;
	case 'V':
		print_value(&e->view);
		break;
	}
}

void ctl_entry_format(const struct ctl_args *args, const char *text, const struct shmfs_entry *entry)
{
	struct format f = {args, entry};

	ctl_template_print(text, print_directive, &f);
}
