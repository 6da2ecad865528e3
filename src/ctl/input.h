/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a file or a pipe, as many at once as somebody wants to look at.
 */
#ifndef SHMFSCTL_INPUT_H
#define SHMFSCTL_INPUT_H

#include "ctl.h"

struct ctl_input {
	int fd;
	const char *name; /* for messages */
	char *buffer;
	size_t room, at, used; /* what is at hand is from at to used */
	uint64_t bytes;	       /* read so far */
};

void ctl_input_start(struct ctl_input *in, int fd, const char *name);
void ctl_input_free(struct ctl_input *in);

/* See to it that so many bytes are at hand.  CTL_YES; CTL_NO: the end comes before; CTL_TROUBLE
 * after saying why, or in silence if a signal came. */
int ctl_input_need(struct ctl_input *in, size_t size);

/* The next line without its newline, which the last need not have; valid until the next call.
 * CTL_YES; CTL_NO: there is none; CTL_TROUBLE as above. */
int ctl_input_line(struct ctl_input *in, const char **text, size_t *size);

#endif
