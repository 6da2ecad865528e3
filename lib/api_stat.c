/* SPDX-License-Identifier: MIT */
/* floor 4: shmfs_stat, shmfs_options_get, shmfs_sync. */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "logread.h"
#include "oflock.h"
#include "pin.h"
#include "segment.h"
#include "sync.h"

#define BUCKET_SLOTS (SFS_LINES * SFS_LINE_SLOTS)

static uint64_t age_ms(uint64_t since_ns)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return ns > since_ns ? (ns - since_ns) / 1000000 : 0;
}

/* What changes with every put: from the live page, or from the checkpoint we read. */
static void fill_live(struct shmfs *s, struct shmfs_stat *st)
{
	const struct sfs_live *live = s->live;
	uint64_t used = sfs_relaxed(&live->used), idle = sfs_relaxed(&live->idle);
	uint64_t in_use = used << SFS_SEG_SHIFT, live_bytes = sfs_min(sfs_relaxed(&live->live), in_use);

	st->live_bytes = live_bytes + sfs_relaxed(&live->big);
	st->free_bytes = (idle << SFS_SEG_SHIFT) + in_use - live_bytes;
	st->keys = sfs_relaxed(&live->count);
	st->index_buckets = sfs_relaxed(&live->buckets);
	st->epoch = sfs_epoch(s);
	st->epoch_durable = sfs_relaxed(&live->durable);
	st->puts = sfs_relaxed(&live->changes);
	st->cleaned_bytes = sfs_relaxed(&live->cleaned);
	st->is_volatile = sfs_is_volatile(s);
	st->io_error = sfs_relaxed(&live->state) & SFS_STATE_IOERROR;
	st->sync_age_ms = st->is_volatile ? 0 : age_ms(sfs_relaxed(&live->sync_ns));
	st->watchers = (uint64_t)__builtin_popcountll(sfs_relaxed(&live->watchers));
}

static void fill_checkpoint(struct shmfs *s, struct shmfs_stat *st)
{
	st->keys = s->meta.count;
	st->index_buckets = s->meta.buckets;
	st->epoch = st->epoch_durable = s->meta.epoch;
	st->puts = s->meta.changes;
	st->sync_age_ms = age_ms(s->meta.time_ns);
}

static void fill_log(struct shmfs *s, struct shmfs_stat *st)
{
	struct shmfs_log_bounds b = {0};

	(void)sfs_log_bounds(s, &b); /* counts as far as the log is not damaged */
	st->log_head = b.head;
	st->log_end = b.end;
	st->log_bytes = b.bytes;
	st->log_frames = b.frames;
	st->log_limit = s->super->log_limit;
}

/* Who has it open: a system call for each lock. */
static void fill_present(struct shmfs *s, struct shmfs_stat *st)
{
	/* a snapshot shares the descriptor, and so the locks, of its parent */
	bool writer = (s->parent ? s->parent : s)->writable;

	st->writers = sfs_oflock_count(s->file.fd, SFS_BYTE_LEASE + 1, SFS_LEASES) + writer;
	st->readers_present = !writer ||
	                      sfs_oflock_holder(s->file.fd, F_WRLCK, SFS_BYTE_READER, 1) >= 0;
	st->pins = sfs_pin_count(s) + sfs_oflock_count(s->file.fd, SFS_BYTE_PIN, INT64_C(1) << 60);
}

/* Who asks for less, to be asked often, does not pay for the rest. */
static int stat_of(struct shmfs *s, size_t size, struct shmfs_stat *st)
{
	struct stat file;

	if (fstat(s->file.fd, &file) < 0)
		return -errno;
	*st = (struct shmfs_stat){
		.struct_size = size,
		.format_version = s->super->version,
		.file_bytes = (uint64_t)file.st_size,
		.file_allocated = (uint64_t)file.st_blocks * 512,
		.max_bytes = sfs_seg_limit(s) << SFS_SEG_SHIFT,
		.index_buckets_max = UINT64_C(1) << SFS_DEPTH_MAX,
		.load_factor_max = 1,
		.gets_retried = sfs_relaxed(&s->retries),
		.garbage = s->super->garbage / 1000.0,
		.window_bytes = s->file.window,
	};
	if (sfs_reads_meta(s))
		fill_checkpoint(s, st);
	else
		fill_live(s, st);
	if (size > offsetof(struct shmfs_stat, log_head))
		fill_log(s, st);
	if (size > offsetof(struct shmfs_stat, writers))
		fill_present(s, st);
	if (st->index_buckets)
		st->load_factor = (double)st->keys / (double)st->index_buckets / BUCKET_SLOTS;
	return 0;
}

int shmfs_stat(struct shmfs *s, struct shmfs_stat *st)
{
	int rc = sfs_handle_usable(s);
	struct shmfs_stat whole;

	if (rc || !st || st->struct_size < offsetof(struct shmfs_stat, format_version) ||
	    st->struct_size > sizeof(*st))
		return rc ? rc : -EINVAL;
	rc = stat_of(s, st->struct_size, &whole);
	if (rc)
		return rc;
	memcpy(st, &whole, whole.struct_size);
	return sfs_handle_result(s, 0);
}

int shmfs_options_get(struct shmfs *s, struct shmfs_options *options)
{
	const struct sfs_super *super;
	struct stat file;
	int rc = sfs_handle_usable(s);

	if (rc || !options || options->struct_size != sizeof(*options))
		return rc ? rc : -EINVAL;
	if (fstat(s->file.fd, &file) < 0)
		return -errno;
	super = s->super;
	*options = (struct shmfs_options){
		.struct_size = sizeof(*options),
		.size = super->size,
		.max_size = super->max_size,
		.log_limit = super->log_limit,
		.garbage = super->garbage / 1000.0,
		.seed = super->seed,
		.flags = super->flags,
		.mode = file.st_mode & 07777,
		.message = options->message,
		.message_size = options->message_size,
	};
	return sfs_handle_result(s, 0);
}

int shmfs_sync(struct shmfs *s)
{
	int rc = sfs_handle_writable(s);

	return rc ? rc : sfs_handle_result(s, sfs_sync(s));
}
