/* SPDX-License-Identifier: MIT */
/*
 * Where the library is listened to.  The linker puts these in front of the functions that
 * files of the library call in one another (--wrap, see Makefile.inc.am), so that the kernel
 * may write back, the power may fail, and other writers get their turn, in the midst of any
 * operation, and the same way again with the same seed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <time.h>

#include "../../lib/file.h"
#include "../../lib/log.h"
#include "../../lib/logwrite.h"
#include "../../lib/meta.h"
#include "../../lib/recover.h"
#include "../../lib/run.h"
#include "../../lib/sync.h"
#include "../../lib/treepage.h"
#include "../../lib/writer.h"
#include "cut.h"

struct world *world;

static bool simulated(void)
{
	return world && world->disk.fd >= 0;
}

/* A moment between two instructions.  Creation and recovery have few of them. */
static void moment(void)
{
	bool few = simulated() && (world->doing == CREATING || world->doing == RECOVERING);

	if (!simulated() || !rng_once_in(&world->rng, few ? 3 : 24))
		return;
	disk_write_back(&world->disk);
	if (rng_once_in(&world->rng, few ? 10 : 100))
		cut_here(world);
}

/* name() is called by its callers' files; __real_name() is what they meant. */
#define IN_FRONT_OF(type, name, parameters) \
	type __real_##name parameters;      \
	type __wrap_##name parameters;      \
	type __wrap_##name parameters

/* ---- the system */

IN_FRONT_OF(int, sfs_file_open, (struct sfs_file *f, const char *path, int flags, mode_t mode))
{
	int rc = __real_sfs_file_open(f, path, flags, mode);

	f->volatile_fs = false; /* the shadow is a disk, whatever is below it */
	return rc;
}

IN_FRONT_OF(int, sfs_file_grow, (struct sfs_file *f, uint64_t size))
{
	int rc;

	if (simulated() && world->full)
		return -ENOSPC;
	moment();
	rc = __real_sfs_file_grow(f, size);
	if (simulated())
		disk_note_length(&world->disk, false);
	moment();
	return rc;
}

IN_FRONT_OF(int, sfs_file_cut, (struct sfs_file *f, uint64_t size))
{
	int rc;

	moment();
	rc = __real_sfs_file_cut(f, size);
	if (simulated())
		disk_note_length(&world->disk, false);
	moment();
	return rc;
}

IN_FRONT_OF(int, sfs_file_write, (struct sfs_file *f, uint64_t at, const void *data, uint64_t n))
{
	int rc = __real_sfs_file_write(f, at, data, n);

	if (simulated())
		disk_note_length(&world->disk, true);
	moment();
	return rc;
}

IN_FRONT_OF(int, sfs_file_back, (struct sfs_file *f, uint64_t at, uint64_t n))
{
	int rc;

	if (simulated() && world->full)
		return -ENOSPC;
	rc = __real_sfs_file_back(f, at, n);
	moment();
	return rc;
}

IN_FRONT_OF(void, sfs_file_punch, (struct sfs_file *f, uint64_t at, uint64_t n))
{
	__real_sfs_file_punch(f, at, n);
	if (simulated())
		disk_note_punch(&world->disk, at, n);
	moment();
}

/* The hash seed of a new store decides where everything goes. */
IN_FRONT_OF(ssize_t, getrandom, (void *buf, size_t n, unsigned flags))
{
	if (!world)
		return __real_getrandom(buf, n, flags);
	value_fill(buf, n, rng_next(&world->rng));
	return (ssize_t)n;
}

/* Whoever keeps a sync waiting comes to an end. */
IN_FRONT_OF(int, nanosleep, (const struct timespec *time, struct timespec *rest))
{
	if (!world || !world->batch)
		return __real_nanosleep(time, rest);
	work_end_batch(world);
	return 0;
}

/* ---- sync */

/* From here on the checkpoint is what was there by now. */
static void freeze(struct world *w)
{
	struct shmfs *s = w->handles[0] ? w->handles[0] : w->handles[1];

	if (s)
		work_note_log(w, s);
	state_copy(&w->flying, &w->now);
	while (w->flying.n && w->flying.frames[w->flying.n - 1].position >= w->flying.end)
		w->flying.n--; /* behind an open batch */
}

static void between(void *arg, size_t i, size_t n)
{
	if (*(size_t *)arg == i)
		cut_here(world);
	if (rng_below(&world->rng, n) < 2)
		work_meanwhile(world);
}

static int flush(uint64_t at, uint64_t n)
{
	size_t cut_at = SIZE_MAX;

	if (!simulated())
		return 0;
	if (world->phase == BEGUN) {
		freeze(world);
		world->phase = FIRST;
	} else if (world->phase == BETWEEN) {
		world->phase = SECOND;
	}
	if (rng_once_in(&world->rng, world->doing == CLOSING ? 4 : 2)) /* the second writes few pages */
		cut_at = rng_size(&world->rng, world->phase != SECOND ? 4000 : world->one_flush ? 20 : 7);
	disk_flush(&world->disk, at, n, between, &cut_at);
	if (world->phase == SECOND) {
		state_copy(&world->synced, &world->flying);
		world->phase = IDLE;
	}
	return 0;
}

IN_FRONT_OF(int, sfs_file_flush, (struct sfs_file *f))
{
	(void)f; /* there is but one */
	return flush(0, UINT64_MAX);
}

IN_FRONT_OF(int, sfs_file_flush_part, (struct sfs_file *f, uint64_t at, uint64_t n))
{
	(void)f;
	return flush(at, n);
}

IN_FRONT_OF(void, sfs_meta_write, (struct shmfs *s, struct sfs_meta *m))
{
	__real_sfs_meta_write(s, m);
	if (!simulated())
		return;
	world->one_flush = world->phase == BEGUN;
	if (world->one_flush)
		freeze(world);
	world->phase = BETWEEN;
	if (rng_once_in(&world->rng, 4))
		disk_tear(&world->disk, SFS_AT_META + (m->turn & 1) * SFS_PAGE, m, sizeof(*m));
	for (uint64_t n = rng_below(&world->rng, 10); n; n--)
		disk_write_back(&world->disk);
	if (rng_once_in(&world->rng, world->doing == CLOSING ? 10 : 4))
		cut_here(world);
}

IN_FRONT_OF(int, sfs_sync, (struct shmfs *s))
{
	int rc;

	if (!simulated())
		return __real_sfs_sync(s);
	world->phase = BEGUN;
	rc = __real_sfs_sync(s);
	world->phase = IDLE;
	return rc;
}

IN_FRONT_OF(int, sfs_sync_last, (struct shmfs *s, uint64_t nseg))
{
	int rc;

	if (!simulated())
		return __real_sfs_sync_last(s, nseg);
	world->phase = BEGUN;
	rc = __real_sfs_sync_last(s, nseg);
	world->phase = IDLE;
	return rc;
}

IN_FRONT_OF(void, sfs_writer_lock, (struct shmfs *s))
{
	/* another writer may be faster, also between a sync's settling of the log and its note */
	if (simulated() && world->phase == BEGUN && rng_once_in(&world->rng, 2))
		work_meanwhile(world);
	__real_sfs_writer_lock(s);
	moment();
}

IN_FRONT_OF(int, sfs_recover, (struct shmfs *s))
{
	int rc = __real_sfs_recover(s);

	if (!simulated())
		return rc;
	for (uint64_t n = rng_below(&world->rng, 20); n; n--)
		disk_write_back(&world->disk);
	if (rng_once_in(&world->rng, 2))
		cut_here(world);
	return rc;
}

/* Runs in use that no key leads to.  Nothing would ever give them back. */
uint64_t lost_runs(struct shmfs *s)
{
	uint64_t lost = 0;

	for (uint64_t n = SFS_FIRST_SEG; n < sfs_segments(s); n++)
		lost += sfs_run_filled_by(s, n, 0) && !sfs_run_named(s, sfs_relaxed(&s->live->root.word), n);
	return lost;
}

/* ---- in the midst of operations */

#define BEFORE_AND_AFTER(name, parameters, arguments) \
	IN_FRONT_OF(void, name, parameters)           \
	{                                             \
		moment();                             \
		__real_##name arguments;              \
		moment();                             \
	}

BEFORE_AND_AFTER(sfs_writer_unlock, (struct shmfs * s), (s))
BEFORE_AND_AFTER(sfs_session_begin, (struct shmfs * s), (s))
BEFORE_AND_AFTER(sfs_lock_drop, (a64 * word), (word))
BEFORE_AND_AFTER(sfs_heap_keep, (struct shmfs * s, int head, uint64_t at, uint64_t n), (s, head, at, n))
BEFORE_AND_AFTER(sfs_seg_drop, (struct shmfs * s, uint64_t at, uint64_t n), (s, at, n))
BEFORE_AND_AFTER(sfs_seg_free, (struct shmfs * s, uint64_t n), (s, n))
BEFORE_AND_AFTER(sfs_run_unlink, (struct shmfs * s, uint64_t first), (s, first))
BEFORE_AND_AFTER(sfs_run_settle, (struct shmfs * s, uint64_t first), (s, first))
BEFORE_AND_AFTER(sfs_record_write,
                 (struct shmfs * s, uint64_t at, const struct sfs_draft *d, uint64_t seq, uint64_t ns),
                 (s, at, d, seq, ns))
BEFORE_AND_AFTER(sfs_tree_swing, (struct shmfs * s, const struct sfs_step *step, uint64_t a, uint64_t b),
                 (s, step, a, b))
BEFORE_AND_AFTER(sfs_log_inner, (const struct sfs_reservation *r, uint64_t in, uint64_t word),
                 (r, in, word))
BEFORE_AND_AFTER(sfs_log_done, (struct shmfs * s, const struct sfs_reservation *r, uint64_t word),
                 (s, r, word))
BEFORE_AND_AFTER(sfs_log_keep_totals, (struct shmfs * s, uint64_t n), (s, n))
