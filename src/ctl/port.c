/* SPDX-License-Identifier: MIT */
/*
 * The formats of `import` and `export`, by name, and what both say at the end.
 */
#include <inttypes.h>
#include <string.h>

#include "import.h"

static const struct {
	const char *name;
	const char *unit;
} formats[PORT_FORMATS] = {
	[PORT_JSON] = {"json", "keys"},
	[PORT_SHMIO] = {"shmio", "frames"},
	[PORT_FILES] = {"files", "keys"},
};

int port_format(const struct ctl_args *args, enum port_format *out)
{
	const char *name = args->value[OPT_FORMAT];

	for (*out = PORT_JSON; name && strcmp(name, formats[*out].name) != 0;)
		if (++*out == PORT_FORMATS)
			return ctl_trouble(args->verb->name, "--format is json, shmio or files");
	return 0;
}

void port_report(const struct ctl_args *args, FILE *to, enum port_format format, uint64_t count)
{
	struct json j = {.file = to};

	if (!ctl_given(args, OPT_JSON)) {
		fprintf(to, "%s %" PRIu64 "\n", formats[format].unit, count);
		return;
	}
	json_open(&j, '{');
	json_name(&j, formats[format].unit);
	json_u64(&j, count);
	json_close(&j, '}');
	putc('\n', to);
}
