/* SPDX-License-Identifier: MIT */
/*
 * floor 3: opening and closing (shmfs_open, shmfs_close).
 *
 * Locks	GATE, a byte lock, from the look at the superblock until the handle is ready: for
 *	writing exclusively, for reading shared.  So creation, recovery and the last close meet
 *	nobody half-way.
 * Order	the lease is taken under GATE; whatever its dead holder left is settled before the
 *	first operation.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "meta.h"
#include "oflock.h"
#include "open.h"
#include "pin.h"
#include "recover.h"
#include "run.h"
#include "session.h"
#include "super.h"
#include "sync.h"
#include "watch.h"
#include "writer.h"

#define OPEN_FLAGS (SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL | SHMFS_VERIFY)
#define REPLACED_MOST 100

int sfs_gate(struct shmfs *s, short type)
{
	return sfs_oflock_set(s->file.fd, type, SFS_BYTE_GATE, 1, type != F_UNLCK);
}

/* While we waited at the gate the path may have come to mean another file: a store made in an
 * unlinked one would be lost. */
int sfs_open_file(struct shmfs *s, const char *path, int flags, const struct shmfs_options *o, bool *made)
{
	int how = flags & SHMFS_RDWR ? O_RDWR : O_RDONLY;
	mode_t mode = o && o->mode ? o->mode & 07777 : 0666;

	for (int i = 0; i < REPLACED_MOST; i++) {
		int rc = sfs_file_open(&s->file, path, how, mode);

		*made = rc == -ENOENT && (flags & SHMFS_CREATE);
		if (*made)
			rc = sfs_file_open(&s->file, path, how | O_CREAT | O_EXCL, mode);
		if (*made && rc == -EEXIST) { /* a link to nowhere, or somebody was faster */
			*made = false;
			rc = sfs_file_open(&s->file, path, how | O_CREAT, mode);
		}
		if (rc)
			return rc;
		rc = sfs_gate(s, flags & SHMFS_RDWR ? F_WRLCK : F_RDLCK);
		if (rc == 0 && sfs_file_is(&s->file, path)) {
			sfs_file_refresh(&s->file);
			return 0;
		}
		sfs_file_close(&s->file);
		if (rc)
			return rc;
	}
	return -EBUSY;
}

/* Is the file as long as the live page says? */
static bool whole(struct shmfs *s)
{
	return sfs_relaxed(&s->live->nseg) <= sfs_file_refresh(&s->file) >> SFS_SEG_SHIFT;
}

/* ---- reading ------------------------------------------------------------------------ */

static int begin_reading(struct shmfs *s)
{
	int rc = sfs_oflock_set(s->file.fd, F_RDLCK, SFS_BYTE_READER, 1, true);

	if (rc)
		return rc;
	if (sfs_same_session(s) || sfs_writer_present(s))
		return whole(s) ? 0 : -EUCLEAN;
	if (!sfs_meta_newest(s, &s->meta))
		return sfs_is_volatile(s) || (s->super->flags & SHMFS_OPT_NO_SYNC) ? SHMFS_E_NOT_CLOSED
		                                                                   : -EUCLEAN;
	if (!sfs_file_inside(&s->file, 0, s->meta.nseg << SFS_SEG_SHIFT))
		return -EUCLEAN;
	sfs_set(&s->checkpoint, true);
	return 0;
}

/* ---- writing ------------------------------------------------------------------------ */

/* Nobody else has it open for writing: find out what state it is in. */
static int first_writer(struct shmfs *s)
{
	bool recover = !sfs_same_session(s);
	int rc = recover ? sfs_recover(s) : 0;

	if (rc)
		return rc;
	if (!recover && !whole(s))
		return -EUCLEAN;
	if (recover)
		sfs_session_begin(s);
	return sfs_should_be_volatile(s) ? sfs_volatile_begin(s) : 0;
}

void sfs_open_inherit(struct shmfs *s)
{
	if (sfs_lock_inherit(s, &s->live->sync_lock))
		sfs_lock_drop(&s->live->sync_lock);
	if (sfs_lock_inherit(s, &s->live->lock)) {
		sfs_writer_redo(s);
		sfs_lock_drop(&s->live->lock);
	}
	sfs_writer_lock(s);
	sfs_release((a64 *)sfs_at(s, SFS_AT_HOLDS) + s->lease, 0);
	sfs_run_reap(s, s->lease);
	sfs_log_inherit(s);
	sfs_watch_reap(s);
	sfs_writer_unlock(s);
}

static int begin_writing(struct shmfs *s, const struct shmfs_options *o, bool create)
{
	int rc;

	if (create) {
		rc = sfs_lease_take(s);
		return rc ? rc : sfs_super_create(s, o);
	}
	if (!sfs_writer_present(s)) {
		rc = first_writer(s);
		if (rc)
			return rc;
	}
	if (!whole(s))
		return -EUCLEAN;
	rc = sfs_lease_take(s);
	if (rc)
		return rc;
	/* the writers before us may know the boot by another id, in a container */
	s->session[0] = sfs_relaxed(&s->live->boot[0]);
	s->session[1] = sfs_relaxed(&s->live->boot[1]);
	sfs_open_inherit(s);
	return 0;
}

/* ---- open and close ------------------------------------------------------------------- */

static int open_store(struct shmfs *s, const char *path, int flags, const struct shmfs_options *o)
{
	bool create, made;
	int rc = sfs_open_file(s, path, flags, o, &made);

	if (rc)
		return rc;
	rc = sfs_super_probe(&s->file);
	if (rc < 0)
		return rc;
	create = rc == SFS_SUPER_EMPTY;
	if (create && !(flags & SHMFS_CREATE))
		return -ENODATA;
	if (!create && (flags & SHMFS_EXCL))
		return -EEXIST;
	rc = sfs_file_map(&s->file);
	if (rc)
		return rc;
	s->super = sfs_at(s, SFS_AT_SUPER);
	s->live = sfs_at(s, SFS_AT_LIVE);
	if (!create)
		s->seed = s->super->seed;
	rc = sfs_session_id(s->file.fd, s->session);
	if (rc == 0 && !create && o)
		rc = sfs_options_match(s, o);
	if (rc == 0)
		rc = s->writable ? begin_writing(s, o, create) : begin_reading(s);
	if (rc && create) { /* leave no half a store, nor a file that was not there */
		sfs_file_cut(&s->file, 0);
		if (made)
			unlink(path);
	}
	if (rc)
		return rc;
	return sfs_gate(s, F_UNLCK);
}

int shmfs_open(struct shmfs **out, const char *path, int flags, const struct shmfs_options *options)
{
	const char *debug = getenv("SHMFS_DEBUG");
	struct shmfs *s;
	int rc;

	if (out)
		*out = NULL;
	if (!out || !path || (flags & ~OPEN_FLAGS) || ((flags & SHMFS_CREATE) && !(flags & SHMFS_RDWR)) ||
	    ((flags & SHMFS_EXCL) && !(flags & SHMFS_CREATE)))
		return -EINVAL;
	rc = options ? sfs_options_check(options) : 0;
	if (rc)
		return rc;
	s = sfs_handle_new();
	if (!s)
		return -ENOMEM;
	s->writable = flags & SHMFS_RDWR;
	s->verify = (flags & SHMFS_VERIFY) || (debug && !strcmp(debug, "1"));
	rc = sfs_handle_result(s, open_store(s, path, flags, options));
	if (rc) {
		sfs_handle_free(s);
		return rc;
	}
	sfs_handle_plainly(s);
	*out = s;
	return 0;
}

/* Segments from the end of the file that nothing, and no checkpoint, needs. */
static uint64_t used_segments(struct shmfs *s)
{
	uint64_t n = sfs_segments(s);

	for (; n > SFS_FIRST_SEG; n--) {
		const struct sfs_seg *e = sfs_seg(s, n - 1);

		if (sfs_seg_reserved(n - 1))
			continue;
		if (sfs_relaxed(&e->kind) != SFS_SEG_FREE && sfs_relaxed(&e->died) == 0)
			break;
	}
	return n;
}

/* Segments behind the new end are as good as never used. */
static void forget_tail(struct shmfs *s, uint64_t nseg, uint64_t end)
{
	uint64_t idle = sfs_relaxed(&s->live->idle), gone = 0;

	for (uint64_t n = nseg; n < end; n++) {
		struct sfs_seg *e = sfs_seg(s, n);

		if (sfs_seg_reserved(n))
			continue;
		sfs_release(&e->backed, 0);
		sfs_release(&e->kind, SFS_SEG_FREE);
		gone++;
	}
	sfs_set(&s->live->idle, idle - sfs_min(idle, gone)); /* every one of them was counted */
}

int sfs_close_last(struct shmfs *s)
{
	uint64_t before = sfs_segments(s), nseg = before;
	bool alone = sfs_oflock_holder(s->file.fd, F_WRLCK, SFS_BYTE_READER, 1) < 0;
	int rc;

	if (!whole(s))
		return -EUCLEAN;
	if (alone)
		nseg = sfs_max(used_segments(s), sfs_min(before, (s->super->size + SFS_SEG - 1) >> SFS_SEG_SHIFT));
	rc = sfs_sync_last(s, nseg);
	if (rc == 0 && nseg < before) {
		forget_tail(s, nseg, before);
		rc = sfs_file_cut(&s->file, nseg << SFS_SEG_SHIFT);
	}
	return rc;
}

int shmfs_close(struct shmfs *s)
{
	int rc = 0;

	if (!s)
		return 0;
	if (s->writable && !sfs_relaxed(&s->forked)) {
		rc = sfs_handle_writable(s);
		if (rc == 0)
			rc = sfs_gate(s, F_WRLCK);
		if (rc == 0 && !sfs_writer_present(s))
			rc = sfs_handle_result(s, sfs_close_last(s));
	}
	if (s->parent)
		sfs_unpin(s->parent, s->meta.freed);
	sfs_handle_free(s);
	return rc;
}
