/* SPDX-License-Identifier: MIT */
/* Bytes of a file or a pipe (input.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"

#define FIRST_ROOM ((size_t)1 << 18)

void ctl_input_start(struct ctl_input *in, int fd, const char *name)
{
	*in = (struct ctl_input){.fd = fd, .name = name};
}

void ctl_input_free(struct ctl_input *in)
{
	free(in->buffer);
}

/* Room behind what is at hand, which moves to the front. */
static bool make_room(struct ctl_input *in)
{
	size_t room = in->room ? in->room * 2 : FIRST_ROOM;
	char *buffer;

	if (in->at)
		memmove(in->buffer, in->buffer + in->at, in->used - in->at);
	in->used -= in->at;
	in->at = 0;
	if (in->used < in->room)
		return true;
	buffer = room > in->room ? realloc(in->buffer, room) : NULL;
	if (!buffer)
		return false;
	in->buffer = buffer;
	in->room = room;
	return true;
}

/* More bytes behind those at hand.  CTL_NO: there are none. */
static int fill(struct ctl_input *in)
{
	size_t n;
	int status;

	if (!make_room(in))
		return ctl_trouble(in->name,
				   "a piece of more than %zu bytes does not fit in memory",
				   in->used);
	status = ctl_read_some(in->fd, in->name, in->buffer + in->used, in->room - in->used, &n);
	in->used += n;
	in->bytes += n;
	return status;
}

int ctl_input_need(struct ctl_input *in, size_t size)
{
	int status = CTL_YES;

	while (!status && in->used - in->at < size)
		status = fill(in);
	return status;
}

int ctl_input_line(struct ctl_input *in, const char **text, size_t *size)
{
	size_t seen = 0;
	const char *end = NULL;
	int status = CTL_YES;

	while (!status && !end) {
		if (in->used - in->at > seen)
			end = memchr(in->buffer + in->at + seen, '\n', in->used - in->at - seen);
		seen = in->used - in->at;
		if (!end)
			status = fill(in);
	}
	if (status == CTL_TROUBLE || (!end && !seen))
		return status;
	*text = in->buffer + in->at;
	*size = end ? (size_t)(end - *text) : seen;
	in->at += *size + (end != NULL);
	return CTL_YES;
}
