/* SPDX-License-Identifier: MIT */
/*
 * import --format=shmio: the frames of a log file of shmio, up to its committed end.  What is
 * behind it is the room its writer has left.
 */
#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "import.h"
#include "input.h"

struct source {
	struct import *im;
	struct ctl_input in;
	struct shmio_header header;
	uint64_t at;	 /* where the frame at hand begins */
	uint64_t number; /* from 1 */
};

static int read_header(struct source *src)
{
	struct shmio_header *h = &src->header;
	int status = ctl_input_need(&src->in, SHMIO_HEADER);

	if (status == CTL_NO)
		return ctl_trouble(src->im->name,
				   "not a log of shmio: shorter than the header of %d bytes",
				   SHMIO_HEADER);
	if (status)
		return status;
	memcpy(h, src->in.buffer, sizeof(*h));
	h->header_size = le64toh(h->header_size);
	h->data_offset = le64toh(h->data_offset);
	h->end = le64toh(h->end);
	if (h->header_size != SHMIO_HEADER)
		return ctl_trouble(src->im->name,
				   "not a log of shmio: the header says it has %" PRIu64
				   " bytes, not %d",
				   h->header_size, SHMIO_HEADER);
	if (h->data_offset != SHMIO_HEADER)
		return ctl_trouble(
			src->im->name,
			"not a log of shmio: the header says that data begins at %" PRIu64
			", not %d",
			h->data_offset, SHMIO_HEADER);
	if (h->end < SHMIO_HEADER)
		return ctl_trouble(src->im->name,
				   "damaged: the committed end, %" PRIu64 ", is inside the header",
				   h->end);
	src->in.at += SHMIO_HEADER;
	src->at = SHMIO_HEADER;
	return CTL_YES;
}

static int bad(const struct source *src, const char *what, uint64_t number, const char *rest)
{
	return ctl_trouble(src->im->name,
			   "damaged: frame %" PRIu64 " at offset %" PRIu64 " %s%" PRIu64 "%s",
			   src->number, src->at, what, number, rest);
}

static uint64_t word(const struct source *src, size_t at)
{
	uint16_t w;

	memcpy(&w, src->in.buffer + src->in.at + at, sizeof(w));
	return le16toh(w);
}

/* See to it that so many bytes of the frame are at hand. */
static int need(struct source *src, size_t size)
{
	int status = ctl_input_need(&src->in, size);

	if (status != CTL_NO)
		return status;
	return bad(src, "is cut off: the file ends at ", src->in.bytes,
		   ", before its committed end");
}

static int put(struct source *src, size_t size)
{
	struct import *im = src->im;
	int rc = 0;

	/* One by one: a log with a limit keeps as many as it can. */
	if (im->s)
		rc = shmfs_log_append(im->s, src->in.buffer + src->in.at + SHMIO_WORD, size, NULL);
	if (rc)
		return ctl_trouble(im->args->operand[0], "%s; at frame %" PRIu64 " of %s",
				   shmfs_strerror(rc), src->number, im->name);
	im->count++;
	return CTL_YES;
}

static int frame(struct source *src)
{
	uint64_t left = src->header.end - src->at, total;

	if (left < 2 * SHMIO_WORD)
		return bad(src, "has only ", left, " bytes before the committed end");
	if (need(src, 2 * SHMIO_WORD))
		return CTL_TROUBLE;
	total = word(src, 0);
	if (total < 2 * SHMIO_WORD)
		return bad(src, "says it has ", total, " bytes; its two sizes alone are 4");
	if (total > left)
		return bad(src, "reaches behind the committed end, by ", total - left, " bytes");
	if (need(src, total))
		return CTL_TROUBLE;
	if (word(src, total - SHMIO_WORD) != total)
		return bad(src, "has two sizes; the one behind it is ",
			   word(src, total - SHMIO_WORD), ", not that in front");
	if (put(src, total - 2 * SHMIO_WORD))
		return CTL_TROUBLE;
	src->in.at += total;
	src->at += total;
	return CTL_YES;
}

/* So that who writes into a pipe learns of no error where there was none. */
static int drain(struct source *src)
{
	int status;

	do {
		src->in.at = src->in.used;
		status = ctl_input_need(&src->in, 1);
	} while (status == CTL_YES);
	return status == CTL_NO ? CTL_YES : status;
}

int import_shmio(struct import *im)
{
	struct source src = {.im = im};
	int status;

	ctl_input_start(&src.in, im->fd, im->name);
	status = read_header(&src);
	while (!status && src.at < src.header.end) {
		src.number++;
		status = frame(&src);
		if (!status && src.number % PORT_STEP == 0 &&
		    ctl_progress(&im->progress, src.at, src.header.end))
			status = CTL_TROUBLE;
	}
	if (!status && !im->size)
		status = drain(&src);
	ctl_input_free(&src.in);
	return status;
}
