/* SPDX-License-Identifier: MIT */
/*
 * floor 3: shmfs_copy: a consistent copy of a store that is being written.
 *
 * Order	a snapshot, and the segment table of its moment; then the new file, in the order of its
 *	creation: an "unfinished" magic, everything, the meta, flush, the true magic, flush.
 *	The copy is a store of no session, so its first writer recovers it from that meta.
 * Invariant	only segments alive at the snapshot's epoch are copied, the active ones up to their
 *	heads and the log up to its end: nothing later is in the copy, not even where nobody looks.
 * Locks	the writer lock for the snapshot; GATE of the copy until it is whole.
 * Distrust	a segment whose bytes went away (the store was cut): pwrite(2) says so.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "meta.h"
#include "oflock.h"
#include "run.h"
#include "snapshot.h"

#define STEP SFS_SEG

struct copy {
	struct shmfs *from; /* the snapshot */
	struct shmfs *to;
	struct sfs_meta meta;
	struct sfs_seg *table; /* as of the snapshot; NULL: as it is, live counts unknown */
	shmfs_progress_fn *progress;
	void *arg;
	uint64_t done, total;
};

static const struct sfs_seg *entry(struct copy *c, uint64_t n)
{
	return c->table ? c->table + n : sfs_seg(c->from, n);
}

/* Is it the snapshot's?  A run that was being filled then is not, unless its key leads to it. */
static bool alive(struct copy *c, uint64_t n)
{
	const struct sfs_seg *e = entry(c, n);

	if (!sfs_seg_ok(c->from, n) || !sfs_seg_alive_at(e, c->meta.epoch))
		return false;
	return sfs_relaxed(&e->kind) != SFS_SEG_BIG || sfs_run_named(c->from, c->meta.root_word, n);
}

/* Segments of a block of them, bounded by the file. */
static uint64_t length(struct copy *c, uint64_t n)
{
	const struct sfs_seg *e = entry(c, n);
	uint64_t run = sfs_relaxed(&e->kind) == SFS_SEG_BIG ? sfs_relaxed(&e->live) : 1;

	return sfs_min(sfs_max(run, 1), c->meta.nseg - n);
}

/* How many bytes of it anything may look at. */
static uint64_t bytes(struct copy *c, uint64_t n)
{
	uint64_t start = n << SFS_SEG_SHIFT, end = SFS_SEG, log;
	struct sfs_hit hit;

	for (int i = 0; i < 2; i++)
		if (sfs_seg_of(c->meta.head[i] - 1) == n)
			end = c->meta.head[i] - start;
	if (sfs_relaxed(&entry(c, n)->kind) != SFS_SEG_BIG)
		return end;
	if (sfs_record_check(c->from, sfs_relaxed((const a64 *)sfs_at(c->from, start)), &hit))
		return length(c, n) << SFS_SEG_SHIFT;
	end = hit.ref + sfs_record_size(hit.klen, hit.vlen) - start;
	if (hit.record->space == SFS_LOGSEG && hit.klen == sizeof(log)) {
		sfs_copy_out(&log, sfs_record_key(hit.record), sizeof(log));
		log <<= SFS_LOG_SHIFT;
		if (c->meta.log_tail < log + SFS_LOG_SEG)
			end = SFS_RUN_VALUE + (c->meta.log_tail > log ? c->meta.log_tail - log : 0);
	}
	return sfs_min(end, length(c, n) << SFS_SEG_SHIFT);
}

static int report(struct copy *c, uint64_t n)
{
	c->done += n;
	return c->progress && c->progress(c->arg, c->done, c->total) ? -ECANCELED : 0;
}

/* Straight from the mapping: the kernel says -EFAULT where the store has been cut. */
static int copy_bytes(struct copy *c, uint64_t at, uint64_t n)
{
	int rc = 0;

	for (; rc == 0 && n; at += STEP) {
		uint64_t step = sfs_min(n, STEP);

		rc = sfs_file_write(&c->to->file, at, sfs_at(c->from, at), step);
		n -= step;
		if (rc == 0)
			rc = report(c, step);
	}
	return rc == -EFAULT ? -EIO : rc;
}

/* Its entries in the copy's table, whose pages are allocated on the way. */
static int copy_entries(struct copy *c, uint64_t n)
{
	for (uint64_t i = n; i < n + length(c, n); i++) {
		struct sfs_seg *e = sfs_seg(c->to, i);
		int rc = sfs_file_back(&c->to->file, sfs_offset(c->to, e) & ~(SFS_PAGE - 1), SFS_PAGE);

		if (rc)
			return rc;
		sfs_set(&e->kind, i == n ? sfs_relaxed(&entry(c, n)->kind) : SFS_SEG_CONT);
		sfs_set(&e->born, sfs_relaxed(&entry(c, n)->born));
		if (i == n)
			sfs_set(&e->live, sfs_relaxed(&entry(c, n)->live));
	}
	return 0;
}

static int copy_segments(struct copy *c)
{
	uint64_t n;
	int rc = 0;

	for (n = SFS_FIRST_SEG; n < c->meta.nseg; n++)
		if (alive(c, n))
			c->total += bytes(c, n);
	for (n = SFS_FIRST_SEG; rc == 0 && n < c->meta.nseg; n++) {
		if (!alive(c, n))
			continue;
		rc = copy_entries(c, n);
		if (rc == 0)
			rc = copy_bytes(c, n << SFS_SEG_SHIFT, bytes(c, n));
		n += length(c, n) - 1;
	}
	return rc;
}

static int fill(struct copy *c)
{
	struct shmfs *to = c->to;
	struct sfs_super *super;
	int rc = sfs_file_write(&to->file, 0, SFS_MAGIC_UNFINISHED, sizeof(super->magic));

	if (rc == 0)
		rc = sfs_file_grow(&to->file, c->meta.nseg << SFS_SEG_SHIFT);
	if (rc == 0)
		rc = sfs_file_map(&to->file);
	if (rc == 0)
		rc = sfs_file_back(&to->file, 0, SFS_METADATA_BYTES);
	if (rc == 0)
		rc = copy_segments(c);
	if (rc)
		return rc;
	to->seed = c->from->seed;
	super = sfs_at(to, SFS_AT_SUPER);
	sfs_copy_in(&super->version, &c->from->super->version, sizeof(*super) - offsetof(struct sfs_super, version));
	c->meta.turn = 2;
	memset(c->meta.delta, 0, sizeof(c->meta.delta));
	c->meta.table_crc = c->table ? sfs_table_crc(to, c->meta.nseg, c->meta.epoch) : 0;
	sfs_meta_write(to, &c->meta);
	rc = sfs_file_flush(&to->file);
	if (rc)
		return rc;
	memcpy(super->magic, SFS_MAGIC, sizeof(super->magic));
	return sfs_file_flush(&to->file);
}

static int copy_to(struct copy *c, const char *path)
{
	struct stat st;
	int rc = fstat(c->from->file.fd, &st) < 0 ? -errno : 0;

	if (rc == 0)
		rc = sfs_file_open(&c->to->file, path, O_RDWR | O_CREAT | O_EXCL, st.st_mode & 07777);
	if (rc)
		return rc;
	rc = sfs_oflock_set(c->to->file.fd, F_WRLCK, SFS_BYTE_GATE, 1, true);
	if (rc == 0)
		rc = fill(c);
	if (rc == 0)
		rc = sfs_handle_result(c->from, sfs_handle_result(c->to, 0));
	if (rc)
		unlink(path);
	return rc;
}

int shmfs_copy(struct shmfs *s, const char *path, shmfs_progress_fn *progress, void *arg)
{
	struct copy c = {.progress = progress, .arg = arg};
	int rc = sfs_handle_usable(s);

	if (rc || !path)
		return rc ? rc : -EINVAL;
	rc = sfs_snapshot(s, &c.from, s->writable ? &c.table : NULL);
	if (rc)
		return sfs_handle_result(s, rc);
	c.meta = c.from->meta;
	c.to = sfs_handle_new();
	rc = c.to ? copy_to(&c, path) : -ENOMEM;
	if (c.to)
		sfs_handle_free(c.to);
	free(c.table);
	shmfs_close(c.from);
	return sfs_handle_result(s, rc);
}
