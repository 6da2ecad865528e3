/* SPDX-License-Identifier: MIT */
/*
 * One key and what is known of it, printed for `ls`, `exists` and `watch`.
 *
 * Into a pipe a key goes as it is, for xargs and grep; on a terminal it is quoted, as ls(1)
 * does.  A key that holds the byte which ends a line (or a NUL with -0) would look like two
 * keys, and `ls | xargs del` would delete the wrong ones: such a key is refused instead.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

static void print_time_json(struct json *j, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	char text[64];
	struct tm tm;
	size_t length;

	gmtime_r(&seconds, &tm);
	length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	length += (size_t)snprintf(text + length, sizeof(text) - length, ".%09" PRIu64 "Z",
	                           time_ns % 1000000000);
	json_string(j, text, length);
}

void json_key(struct json *j, const void *key, size_t size)
{
	char name[SHMFS_NAME_SIZE];

	json_name(j, "key");
	if (ctl_is_utf8(key, size)) {
		json_string(j, key, size);
	} else {
		json_null(j);
		json_name(j, "key_base64");
		json_base64(j, key, size);
	}
	shmfs_name_encode(key, size, name);
	json_name(j, "name");
	json_string(j, name, strlen(name));
}

static void print_json(const void *key, size_t size, const struct shmfs_info *info)
{
	struct json j = {.file = stdout};

	json_open(&j, '{');
	json_key(&j, key, size);
	json_name(&j, "type");
	json_string(&j, ctl_type_name(info->type), strlen(ctl_type_name(info->type)));
	json_name(&j, "size");
	json_u64(&j, info->size);
	json_name(&j, "version");
	json_u64(&j, info->version);
	json_name(&j, "time");
	print_time_json(&j, info->time_ns);
	json_close(&j, '}');
	putchar('\n');
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
