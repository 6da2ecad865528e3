/* SPDX-License-Identifier: MIT */
/*
 * Text to values and back.  Numbers are read and written in the C locale: the program
 * never calls setlocale().
 */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* Digits only, as strtoull() alone would take " -1". */
static const char *parse_digits(const char *text, uint64_t *out)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return NULL;
	*out = number;
	return text;
}

bool ctl_parse_u64(const char *text, uint64_t *out)
{
	const char *end = parse_digits(text, out);

	return end && !*end;
}

bool ctl_parse_size(const char *text, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	const char *end = parse_digits(text, out);
	const char *suffix;

	if (!end)
		return false;
	if (!*end)
		return true;
	suffix = strchr(suffixes, toupper((unsigned char)*end));
	if (!suffix || end[1])
		return false;
	return !__builtin_mul_overflow(*out, UINT64_C(1) << (10 * (suffix - suffixes + 1)), out);
}

static const char *const type_names[] = {
	[SHMFS_BYTES] = "bytes",
	[SHMFS_STRING] = "string",
	[SHMFS_NUMBER] = "number",
};

#define TYPES (sizeof(type_names) / sizeof(type_names[0]))

bool ctl_parse_type(const char *text, uint32_t *out)
{
	uint32_t type;

	for (type = 0; type < TYPES; type++) {
		if (!strcmp(text, type_names[type])) {
			*out = type;
			return true;
		}
	}
	return false;
}

const char *ctl_type_name(uint32_t type)
{
	return type < TYPES ? type_names[type] : "unknown";
}

/* Decimal notation only: strtod() alone would take spaces, hexadecimal, inf and nan. */
bool ctl_parse_number(const char *text, size_t size, double *out)
{
	char copy[1024];
	char *end;

	if (size && text[size - 1] == '\n')
		size--;
	if (!size || size >= sizeof(copy))
		return false;
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (strspn(copy, "0123456789+-.eE") != size)
		return false;
	*out = strtod(copy, &end);
	return end == copy + size && isfinite(*out);
}

void ctl_format_number(char text[CTL_NUMBER_SIZE], double number)
{
	int digits;

	/* A whole number a double holds exactly never needs an exponent: 100000, not 1e+05. */
	if (fabs(number) <= 0x1p53 && number == trunc(number)) {
		snprintf(text, CTL_NUMBER_SIZE, "%.0f", number);
		return;
	}
	/* What 15 digits tell apart is as short as it gets without the zeros at its end; only the
	 * smallest numbers, which have fewer bits, may do with fewer digits. */
	for (digits = fabs(number) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
		snprintf(text, CTL_NUMBER_SIZE, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			return;
	}
}

int ctl_option_size(const struct ctl_args *args, enum ctl_option_id id, uint64_t *out)
{
	const struct ctl_option *option;
	const char *text = args->value[id];

	*out = 0;
	if (!text || ctl_parse_size(text, out))
		return 0;
	for (option = args->verb->options; option->id != id;)
		option++;
	return ctl_trouble(args->verb->name, "--%s is not a size; give digits and K, M, G or T",
	                   option->name);
}

int ctl_option_version(const struct ctl_args *args, uint64_t *out)
{
	const char *text = args->value[OPT_IF_VERSION];

	*out = 0;
	if (!text || ctl_parse_u64(text, out))
		return 0;
	return ctl_trouble(args->verb->name,
	                   "--if-version is not a number; `shmfsctl ls -l` shows it");
}
