/* SPDX-License-Identifier: MIT */
/*
 * frames: reading frames from a cursor on.
 *
 * An open file begins where the cursor stands at its first read, then goes on by itself;
 * the offset of a read says nothing, as an empty frame does not move it.
 *
 * Owns: the reader; a copy of a frame that is handed out in parts, so that no part is lost
 * when it is trimmed meanwhile.
 * Invariant: before anything was handed out, the reader stands where the cursor does.
 * Locks: the open file's.
 * Distrust: the cursor may have been moved or removed by others, at any time.
 */
#include "frames.h"

#include "cursor.h"
#include "log_size.h"

#include <fcntl.h>

#define BATCH 128u

void fs_frames_begin(struct fs_frames *f, struct fs_inode *inode, bool waits)
{
	memset(f, 0, sizeof(*f));
	f->inode = inode;
	f->waits = waits;
	pthread_mutex_init(&f->lock, NULL);
}

static void forget_reader(struct fs_frames *f)
{
	shmfs_reader_close(f->reader);
	f->reader = NULL;
	f->moved = false;
}

void fs_frames_end(struct fs_frames *f)
{
	/* The thread that answered the last READ may not have let go yet. */
	pthread_mutex_lock(&f->lock);
	forget_reader(f);
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_destroy(&f->lock);
	free(f->part);
}

/* ---- under the lock --------------------------------------------------------------------- */

/* Let there be a reader, where it belongs. */
static int place(struct fs *fs, struct fs_frames *f)
{
	uint64_t position;
	int rc;

	if (f->reader && f->moved)
		return 0;
	rc = fs_cursor_position(fs, f->inode, NULL, &position);
	if (!rc && f->reader && f->from == position)
		return 0;
	forget_reader(f);
	if (!rc)
		rc = fs_log_reader(fs, position, &f->reader);
	f->from = position;
	return rc;
}

/* Copy the next frame, of any size up to `most`. */
static int take(struct fs_frames *f, size_t most, struct fs_bytes *out)
{
	size_t size = 0;
	int rc = shmfs_reader_next(f->reader, NULL, &size, NULL);

	while (rc == -EMSGSIZE && size <= most) {
		char *grown = realloc(out->data, size);

		if (!grown)
			return -ENOMEM;
		out->data = grown;
		rc = shmfs_reader_next(f->reader, grown, &size, NULL);
	}
	out->size = rc ? 0 : size;
	f->moved |= !rc;
	return rc;
}

static int hand_out_part(struct fs_frames *f, size_t size, struct fs_bytes *out)
{
	size_t left = f->part_size - f->part_at;

	out->size = size < left ? size : left;
	out->data = malloc(out->size ? out->size : 1);
	if (!out->data)
		return -ENOMEM;
	memcpy(out->data, f->part + f->part_at, out->size);
	f->part_at += out->size;
	if (f->part_at == f->part_size) {
		free(f->part);
		f->part = NULL;
	}
	return 0;
}

/* A frame in as many parts as it takes. */
static int take_parts(struct fs_frames *f, size_t size, struct fs_bytes *out)
{
	struct fs_bytes frame = {0};
	int rc = take(f, SIZE_MAX, &frame);

	if (rc || frame.size <= size) {
		*out = frame;
		return rc;
	}
	f->part = frame.data;
	f->part_size = frame.size;
	f->part_at = 0;
	return hand_out_part(f, size, out);
}

/* As many whole frames as fit. */
static int take_many(struct fs_frames *f, size_t size, struct fs_bytes *out)
{
	int rc;

	out->data = malloc(size ? size : 1);
	if (!out->data)
		return -ENOMEM;
	do {
		struct shmfs_frame frames[BATCH];
		size_t n = 0;

		rc = shmfs_reader_next_batch(f->reader, frames, BATCH, out->data + out->size,
		                             size - out->size, &n);
		for (size_t i = 0; !rc && i < n; i++)
			out->size += frames[i].size;
		f->moved |= !rc;
	} while (!rc);
	if (out->size || rc == -ENODATA)
		return 0; /* an error comes with the next read */
	free(out->data);
	out->data = NULL;
	return rc == -EMSGSIZE ? take_parts(f, size, out) : rc;
}

static int take_direct(struct fs_frames *f, size_t size, struct fs_bytes *out)
{
	int rc = take(f, size < FS_FRAME_MAX ? size : FS_FRAME_MAX, out);

	return rc == -ENODATA && !f->waits ? 0 : rc;
}

static int read_frames(struct fs *fs, struct fs_frames *f, size_t size, int flags,
                       struct fs_bytes *out)
{
	int rc;

	if (f->part)
		return hand_out_part(f, size, out);
	if (f->done && !(flags & O_DIRECT))
		return 0;
	rc = place(fs, f);
	if (rc)
		return rc;
	if (flags & O_DIRECT)
		return take_direct(f, size, out);
	if (!f->waits)
		return take_many(f, size, out);
	rc = take_parts(f, size, out);
	f->done = !rc;
	return rc;
}

/* ---- what others call --------------------------------------------------------------------- */

int fs_frames_read(struct fs *fs, struct fs_frames *f, size_t size, int flags,
                   struct fs_bytes *out)
{
	int rc;

	*out = (struct fs_bytes){0};
	pthread_mutex_lock(&f->lock);
	rc = read_frames(fs, f, size, flags, out);
	if (rc == -ESTALE)
		forget_reader(f); /* once the cursor has been moved, from there */
	pthread_mutex_unlock(&f->lock);
	if (rc) {
		free(out->data);
		*out = (struct fs_bytes){0};
	}
	return rc;
}

int fs_frames_ready(struct fs *fs, struct fs_frames *f)
{
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	if (!f->part && !f->done) {
		rc = place(fs, f);
		if (!rc)
			rc = shmfs_reader_wait(f->reader, 0);
	}
	pthread_mutex_unlock(&f->lock);
	return rc == -ETIMEDOUT || rc == -EINTR ? -ENODATA : rc;
}
