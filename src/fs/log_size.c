/* SPDX-License-Identifier: MIT */
/*
 * log_size: where the log begins and ends, in bytes of a file.
 *
 * The log's file is the payload of its frames, from the base on.  The base is the oldest
 * frame kept, but stays while the file is open for reading: `tail -f` takes a file that shrinks
 * for another one.
 *
 * Owns: the base; a reader that walks behind the end and counts, so that a look costs what
 * was appended since the last one.
 * Invariant: `bytes` is all payload ever appended before the place of `end`.
 * Locks: its own.
 * Distrust: nothing stays where it was found: frames are appended and trimmed meanwhile.
 */
#include "log_size.h"

#define FAR 50000u /* frames; further behind, the library counts faster, by segments */

struct fs_log {
	pthread_mutex_t lock;
	unsigned int held;
	uint64_t base;
	struct shmfs_reader *end;
	uint64_t bytes;
	bool known;
	uint64_t head, trimmed; /* payload before the frame at head; of `known` */
	struct timespec changed;
};

int fs_log_open(struct fs *fs)
{
	struct fs_log *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;
	pthread_mutex_init(&log->lock, NULL);
	log->changed = fs->mounted;
	fs->log = log;
	return 0;
}

void fs_log_close(struct fs *fs)
{
	if (!fs->log)
		return;
	shmfs_reader_close(fs->log->end);
	pthread_mutex_destroy(&fs->log->lock);
	free(fs->log);
	fs->log = NULL;
}

int fs_log_step(struct shmfs_reader *r, uint64_t *size)
{
	struct shmfs_frame_view view;
	int rc;

	while ((rc = shmfs_reader_view(r, &view)) == 0) {
		*size = view.size;
		if (!shmfs_reader_view_valid(r, &view))
			return 0;
		rc = shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, -1);
		if (rc)
			return rc == -ERANGE ? -ESTALE : rc;
	}
	return rc;
}

static int find_head(struct fs *fs, uint64_t *head)
{
	struct shmfs_reader *r;
	int rc = shmfs_reader_open(fs->store, &r, SHMFS_LOG_BEGIN);

	if (rc)
		return rc;
	*head = shmfs_reader_position(r);
	shmfs_reader_close(r);
	return 0;
}

int fs_log_reader(struct fs *fs, uint64_t position, struct shmfs_reader **out)
{
	*out = NULL;
	/* no position, but a way to ask for one: a damaged cursor's */
	return position < SHMFS_LOG_BEGIN ? shmfs_reader_open(fs->store, out, position) : -ERANGE;
}

/* ---- under the lock ------------------------------------------------------------------- */

/* Let `end` stand at the end as the library tells it. */
static int jump(struct fs *fs, struct fs_log *log)
{
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};
	int rc = shmfs_log_bounds(fs->store, &b);

	if (!rc && !log->end)
		rc = shmfs_reader_open(fs->store, &log->end, SHMFS_LOG_BEGIN);
	if (!rc)
		rc = shmfs_reader_seek(log->end, SHMFS_SEEK_POSITION, (int64_t)b.end);
	if (rc)
		return rc;
	log->bytes = b.trimmed_bytes + b.bytes;
	log->head = b.head;
	log->trimmed = b.trimmed_bytes;
	log->known = true;
	return 0;
}

static int walk(struct fs_log *log)
{
	uint64_t size;

	for (unsigned int i = 0; i < FAR; i++) {
		int rc = fs_log_step(log->end, &size);

		if (rc)
			return rc == -ENODATA ? 0 : rc;
		log->bytes += size;
	}
	return -EAGAIN;
}

static int find_end(struct fs *fs, struct fs_log *log)
{
	uint64_t before = log->bytes;
	int rc = log->known ? walk(log) : -EAGAIN;

	if (rc == -EAGAIN || rc == -ESTALE) {
		rc = jump(fs, log);
		if (!rc)
			rc = walk(log);
		rc = rc == -EAGAIN ? 0 : rc; /* appended faster than walked: of a moment ago, then */
	}
	if (rc)
		log->known = false;
	if (log->bytes != before)
		clock_gettime(CLOCK_REALTIME, &log->changed);
	return rc;
}

/* Payload before the oldest frame. */
static int find_start(struct fs *fs, struct fs_log *log, uint64_t *start)
{
	uint64_t head;
	int rc = find_head(fs, &head);

	if (!rc && (!log->known || head != log->head))
		rc = jump(fs, log);
	*start = log->trimmed;
	return rc;
}

/* ---- what others call ------------------------------------------------------------------ */

int fs_log_measure(struct fs *fs, struct fs_log_size *out)
{
	struct fs_log *log = fs->log;
	int rc;

	pthread_mutex_lock(&log->lock);
	rc = find_end(fs, log);
	if (!rc && !log->held)
		rc = find_start(fs, log, &log->base);
	if (!rc) {
		out->base = log->base;
		out->size = log->bytes > log->base ? log->bytes - log->base : 0;
		out->changed = log->changed;
	}
	pthread_mutex_unlock(&log->lock);
	return rc;
}

int fs_log_hold(struct fs *fs, uint64_t *base)
{
	struct fs_log *log = fs->log;
	int rc = 0;

	pthread_mutex_lock(&log->lock);
	if (!log->held)
		rc = find_start(fs, log, &log->base);
	if (!rc) {
		log->held++;
		*base = log->base;
	}
	pthread_mutex_unlock(&log->lock);
	return rc;
}

void fs_log_drop(struct fs *fs)
{
	pthread_mutex_lock(&fs->log->lock);
	fs->log->held--;
	pthread_mutex_unlock(&fs->log->lock);
}
