/* SPDX-License-Identifier: MIT */
/*
 * export --format=json: a line for each key, as importjson.c has it.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "import.h"

#define BUFFER_SIZE ((size_t)1 << 18)

/* As text where it is UTF-8, else null and behind it the name of the base64. */
static void print_bytes(struct json *j, const char *name, const char *base64, const void *data,
			size_t size)
{
	json_name(j, name);
	if (ctl_is_utf8(data, size)) {
		json_text(j, data, size);
		return;
	}
	json_none(j);
	json_name(j, base64);
	json_base64(j, data, size);
}

/* JSON has no name for what is not finite: its bytes. */
static void print_number(struct json *j, const struct shmfs_view *value, double number)
{
	json_name(j, "value");
	json_number(j, number);
	if (isfinite(number))
		return;
	json_name(j, "value_base64");
	json_base64(j, value->data, value->info.size);
}

static int print_key(void *arg, const struct shmfs_entry *e)
{
	const struct shmfs_info *info = &e->view.info;
	const char *type = ctl_type_name(info->type);
	struct json j = {.file = arg};
	double number;

	json_open(&j, '{');
	print_bytes(&j, "key", "key_base64", e->key, e->key_size);
	json_name(&j, "type");
	json_text(&j, type, strlen(type));
	if (info->type != SHMFS_NUMBER)
		print_bytes(&j, "value", "value_base64", e->view.data, info->size);
	else if (export_number(&e->view, &number))
		print_number(&j, &e->view, number);
	json_close(&j, '}');
	putc('\n', j.file);
	/* Nobody reads on after a write error: no need to walk to the end. */
	return ferror(j.file) ? CTL_TROUBLE : CTL_YES;
}

int export_json(void *arg, int fd)
{
	struct export *ex = arg;
	int copy = dup(fd), status;
	FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
	bool failed;

	if (!file)
		return ctl_trouble(NULL, "cannot write the export: %s", strerror(errno));
	setvbuf(file, NULL, _IOFBF, BUFFER_SIZE);
	status = export_keys(ex, print_key, file);
	failed = ferror(file) || fflush(file);
	if (failed && !ctl_stopped())
		status = ctl_trouble(NULL, "cannot write the export: %s", strerror(errno));
	fclose(file);
	return failed ? CTL_TROUBLE : status;
}
