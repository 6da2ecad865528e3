/* SPDX-License-Identifier: MIT */
/*
 * Lines of a dump, in: counted, summed, and no longer than the format allows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"

#define BUFFER_SIZE ((size_t)1 << 18)

bool load_in_start(struct load_in *in, int fd, const char *name)
{
	*in = (struct load_in){
		.fd = fd,
		.name = name,
		.sum = dump_sum_new(),
		.buffer = malloc(BUFFER_SIZE),
	};
	return in->sum && in->buffer;
}

void load_in_free(struct load_in *in)
{
	dump_sum_free(in->sum);
	free(in->buffer);
}

int load_bad(const struct load_in *in, uint64_t line, const char *format, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return ctl_trouble(in->name, "line %" PRIu64 ": %s", line, text);
}

/* More bytes behind those at hand.  CTL_NO: there are none. */
static int fill(struct load_in *in)
{
	size_t n;
	int status;

	memmove(in->buffer, in->buffer + in->at, in->used - in->at);
	in->used -= in->at;
	in->at = 0;
	status = ctl_read_some(in->fd, in->name, in->buffer + in->used, BUFFER_SIZE - in->used, &n);
	in->used += n;
	in->bytes += n;
	return status;
}

int load_line(struct load_in *in, const char **text, size_t *size)
{
	size_t seen = 0;
	const char *end;
	int status;

	in->line++;
	while (!(end = memchr(in->buffer + in->at + seen, '\n', in->used - in->at - seen))) {
		seen = in->used - in->at;
		if (seen >= DUMP_LINE_MOST)
			break;
		status = fill(in);
		if (status == CTL_NO && ctl_stopped())
			return CTL_TROUBLE; /* the signal was for both ends of the pipe */
		if (status == CTL_NO && seen)
			return load_bad(in, in->line, "the dump is cut off in this line");
		if (status)
			return status;
	}
	*text = in->buffer + in->at;
	if (!end || end - *text >= DUMP_LINE_MOST)
		return load_bad(in, in->line, "longer than %d bytes", DUMP_LINE_MOST);
	*size = (size_t)(end - *text);
	in->at += *size + 1;
	return CTL_YES;
}

void load_line_sum(struct load_in *in, const char *text, size_t size)
{
	dump_sum_add(in->sum, text, size + 1);
}
