/* SPDX-License-Identifier: MIT */
/*
 * export --format=shmio: the frames of the log, as a log file that shmio reads.
 *
 * Order	all frames are looked at before the first byte is written: one that is too long for
 *		the format leaves nothing behind, and the header tells where they end.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "import.h"

#define BUFFER_SIZE ((size_t)1 << 18)

struct out {
	struct export *ex;
	int fd;
	int error; /* errno of the first write that failed */
	size_t used;
	unsigned char buffer[BUFFER_SIZE];
};

static void flush(struct out *o)
{
	if (!o->error)
		o->error = ctl_write_all(o->fd, o->buffer, o->used);
	o->used = 0;
}

/* No piece is as large as the buffer. */
static void emit(struct out *o, const void *data, size_t size)
{
	if (o->used + size > BUFFER_SIZE)
		flush(o);
	memcpy(o->buffer + o->used, data, size);
	o->used += size;
}

static void emit_header(struct out *o, uint64_t end)
{
	struct shmio_header h = {htole64(SHMIO_HEADER), htole64(SHMIO_HEADER), htole64(end)};

	emit(o, &h, sizeof(h));
}

static void emit_frame(struct out *o, const struct shmfs_frame_view *frame)
{
	uint16_t total = htole16((uint16_t)(frame->size + 2 * SHMIO_WORD));

	emit(o, &total, sizeof(total));
	emit(o, frame->data, frame->size);
	emit(o, &total, sizeof(total));
}

static int too_long(const struct export *ex, const struct shmfs_frame_view *frame)
{
	return ctl_trouble(ex->args->operand[0],
			   "frame %" PRIu64 ", at position %" PRIu64
			   ", has %zu bytes; in a log of shmio "
			   "%d are the most, and nothing was written",
			   ex->count + 1, frame->position, frame->size, SHMIO_FRAME_MAX);
}

/* Of each frame add what it takes to *end, or write it. */
static int frames(struct export *ex, struct out *o, uint64_t *end)
{
	struct shmfs_frame_view frame;
	struct shmfs_reader *r;
	int status = CTL_YES, rc;

	ex->count = 0;
	rc = shmfs_reader_open(ex->s, &r, SHMFS_LOG_BEGIN);
	if (rc)
		return ctl_failed(ex->args, rc);
	while (!status && !(rc = shmfs_reader_view(r, &frame))) {
		if (frame.size > SHMIO_FRAME_MAX)
			status = too_long(ex, &frame);
		else if (o)
			emit_frame(o, &frame);
		else
			*end += frame.size + 2 * SHMIO_WORD;
		ex->count++;
		if ((o && o->error) || (ex->count % PORT_STEP == 0 &&
					ctl_progress(&ex->progress, ex->count, ex->total)))
			status = CTL_TROUBLE;
	}
	shmfs_reader_close(r);
	return !status && rc != -ENODATA ? ctl_failed(ex->args, rc) : status;
}

/* The size that --size wants the file to have, for its writer to grow into. */
static int check_size(const struct export *ex, uint64_t end, uint64_t *size)
{
	if (ctl_option_size(ex->args, OPT_SIZE, size))
		return CTL_TROUBLE;
	if (ctl_given(ex->args, OPT_SIZE) && *size < end)
		return ctl_trouble("export",
				   "--size is less than the %" PRIu64 " bytes that the frames take",
				   end);
	return 0;
}

int export_shmio(void *arg, int fd)
{
	static struct out o;
	struct export *ex = arg;
	uint64_t end = SHMIO_HEADER, size;
	int status = frames(ex, NULL, &end);

	if (status || check_size(ex, end, &size))
		return CTL_TROUBLE;
	o = (struct out){.ex = ex, .fd = fd};
	emit_header(&o, end);
	status = frames(ex, &o, NULL);
	flush(&o);
	if (!o.error && !status && size && ftruncate(fd, (off_t)size))
		return ctl_trouble("export", "--size is for a file: %s", strerror(errno));
	if (o.error && !ctl_stopped())
		return ctl_trouble(NULL, "cannot write the export: %s", strerror(o.error));
	return o.error ? CTL_TROUBLE : status;
}
