/* SPDX-License-Identifier: MIT */
/*
 * value: what a key reads as in the mount.
 *
 * Invariant: what is printed parses to the same number.  Numbers are of the C locale; the
 * program never calls setlocale().  shmfsctl writes and reads them the same way.
 * Distrust: a number in the store that is not 8 bytes long, which is damage.
 */
#include "value.h"

#include <math.h>
#include <stdio.h>

static const char *const type_names[] = {
	[SHMFS_BYTES] = "bytes",
	[SHMFS_STRING] = "string",
	[SHMFS_NUMBER] = "number",
};

#define TYPES (sizeof(type_names) / sizeof(type_names[0]))

const char *fs_value_type_name(uint32_t type)
{
	return type < TYPES ? type_names[type] : "unknown";
}

int fs_value_type_parse(const char *name, size_t size, uint32_t *type)
{
	for (uint32_t t = 0; t < TYPES; t++) {
		if (strlen(type_names[t]) == size && !memcmp(type_names[t], name, size)) {
			*type = t;
			return 0;
		}
	}
	return -EINVAL;
}

size_t fs_value_print(char text[FS_NUMBER_SIZE], double number)
{
	int n;

	/* A whole number a double holds exactly never needs an exponent: 100000, not 1e+05. */
	if (fabs(number) <= 0x1p53 && number == trunc(number))
		return (size_t)snprintf(text, FS_NUMBER_SIZE, "%.0f\n", number);
	for (int digits = 1;; digits++) {
		n = snprintf(text, FS_NUMBER_SIZE, "%.*g\n", digits, number);
		if (digits == 17 || strtod(text, NULL) == number)
			return (size_t)n;
	}
}

int fs_value_parse(const void *text, size_t size, double *number)
{
	char copy[FS_NUMBER_TEXT];
	char *end;

	if (size && ((const char *)text)[size - 1] == '\n')
		size--;
	if (!size || size >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	/* Decimal notation only: strtod() alone takes spaces, hexadecimal, inf and nan. */
	if (strspn(copy, "0123456789+-.eE") != size)
		return -EINVAL;
	*number = strtod(copy, &end);
	return end == copy + size && isfinite(*number) ? 0 : -EINVAL;
}

static void fill(struct fs_value *value, const struct shmfs_info *info)
{
	value->size = info->size;
	value->version = info->version;
	value->time_ns = info->time_ns;
	value->type = info->type;
}

/* The type is a number: its text, and what is known of exactly this version. */
static int look_number(struct fs *fs, const void *key, size_t key_size, struct fs_value *value)
{
	struct shmfs_info info;
	double number;
	size_t size = sizeof(number);
	int rc = shmfs_get(fs->store, key, key_size, &number, &size, &info);

	if (rc == -EMSGSIZE && info.type != SHMFS_NUMBER)
		return -EAGAIN; /* it is no number any more */
	if (rc)
		return rc == -EMSGSIZE ? -EUCLEAN : rc;
	if (info.type != SHMFS_NUMBER)
		return -EAGAIN;
	if (size != sizeof(number))
		return -EUCLEAN;
	fill(value, &info);
	value->size = fs_value_print(value->text, number);
	return 0;
}

int fs_value_look(struct fs *fs, const void *key, size_t key_size, struct fs_value *value)
{
	struct shmfs_info info;
	int rc;

	do {
		rc = shmfs_exists(fs->store, key, key_size, &info);
		if (rc)
			return rc;
		fill(value, &info);
		if (info.type == SHMFS_NUMBER)
			rc = look_number(fs, key, key_size, value);
	} while (rc == -EAGAIN);
	return rc;
}

int fs_value_view(struct fs *fs, const void *key, size_t key_size, struct fs_value *value,
                  struct shmfs_view *view)
{
	int rc;

	do {
		rc = shmfs_view(fs->store, key, key_size, view);
		if (rc)
			return rc;
		fill(value, &view->info);
		if (view->info.type == SHMFS_NUMBER)
			rc = look_number(fs, key, key_size, value);
	} while (rc == -EAGAIN);
	return rc;
}
