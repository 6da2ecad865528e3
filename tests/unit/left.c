/* SPDX-License-Identifier: MIT */
/* What the dead leave, and the slow: locks, frames, segments; and who gets them. */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/clean.h"
#include "../../lib/lock.h"
#include "../../lib/log.h"
#include "../../lib/writer.h"
#include "../rig.h"
#include "frames.h"
#include "trace.h"

/* ---- the lock -------------------------------------------------------------------------- */

static void take_lock(struct shmfs *s, void *arg)
{
	volatile int *taken = arg;

	*taken = 1 + sfs_lock_take(s, &s->live->lock);
	sfs_lock_drop(&s->live->lock);
}

static void *shared(void)
{
	return mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* The thief has the kernel's word that the owner is dead, and is slow to act on it. */
static void thief_and_heir(void)
{
	enum { DEAD = 9 };
	const char *path = store_path("heir");
	struct shmfs *s = store_new(path);
	volatile int *taken = shared();
	uint16_t mine = s->lease;
	pid_t pid;

	pid = trace_start(path, SHMFS_RDWR, take_lock, (void *)taken);
	sfs_set(&s->live->lock, DEAD);
	CU_ASSERT(trace_call(pid, SYS_fcntl, true));
	s->lease = DEAD;
	CU_ASSERT(sfs_lock_inherit(s, &s->live->lock));
	CU_ASSERT(trace_call(pid, SYS_futex, false));
	CU_ASSERT_EQUAL(*taken, 0);
	CU_ASSERT_EQUAL(sfs_relaxed(&s->live->lock) & 0xffff, DEAD);
	sfs_lock_drop(&s->live->lock);
	s->lease = mine;
	CU_ASSERT_EQUAL(trace_end(pid), 0);
	CU_ASSERT_EQUAL(*taken, 1);
	store_close(s);
}

static void *sleep_behind(void *word)
{
	const struct timespec limit = {.tv_sec = 2};
	uint32_t value_now = (uint32_t)sfs_relaxed((a64 *)word);
	uint64_t start = clock_us();

	syscall(SYS_futex, word, FUTEX_WAIT, value_now, &limit, NULL, 0);
	return (void *)(uintptr_t)(clock_us() - start);
}

static void unlock_wakes(void)
{
	enum { WAITERS = 0x10000 };
	struct shmfs *s = store_new(store_path("wakes"));
	pthread_t sleeper;
	void *slept;

	sfs_lock_take(s, &s->live->lock);
	atomic_fetch_or(&s->live->lock, WAITERS);
	pthread_create(&sleeper, NULL, sleep_behind, (void *)&s->live->lock);
	usleep(50000);
	sfs_lock_drop(&s->live->lock);
	pthread_join(sleeper, &slept);
	CU_ASSERT((uintptr_t)slept < 1000000);
	store_close(s);
}

/* Killed with the lock held, while a child forked before lives on. */
static void take_and_fork(struct shmfs *s, int told)
{
	sfs_lock_take(s, &s->live->lock);
	if (fork() == 0) {
		sleep(5);
		_exit(0);
	}
	raise(write(told, "", 1) == 1 ? SIGKILL : SIGABRT);
}

static void outlived_by_a_child(void)
{
	const char *path = store_path("outlived");
	struct shmfs *s = store_new(path);
	uint64_t start;
	int ends[2];
	char byte;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		take_and_fork(store_open(path, SHMFS_RDWR), ends[1]);
	}
	CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 1);
	waitpid(pid, NULL, 0);
	start = clock_us();
	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	CU_ASSERT(clock_us() - start < 1000000);
	kill(-pid, SIGKILL); /* the child's child */
	close(ends[0]);
	close(ends[1]);
	store_close(s);
}

/* ---- the log ---------------------------------------------------------------------------- */

static void sync_log(struct shmfs *s, void *arg)
{
	(void)arg;
	sfs_log_settle(s, UINT64_MAX, SFS_DEAD_PAD);
}

/* The owner finishes its frame and leaves between the look at it and at its lease. */
static void finished_before_the_probe(void)
{
	const char *path = store_path("probe");
	struct shmfs *s = store_new(path), *owner = store_open(path, SHMFS_RDWR), *r;
	struct shmfs_reader *reader;
	struct shmfs_batch *batch;
	void *room;
	pid_t pid;

	CU_ASSERT_EQUAL(shmfs_log_begin(owner, &batch, 100, 1), 0);
	CU_ASSERT_EQUAL(shmfs_log_frame(batch, 100, &room), 0);
	value_fill(room, 100, 5);
	pid = trace_start(path, SHMFS_RDWR, sync_log, NULL);
	CU_ASSERT(trace_call(pid, SYS_fcntl, false));
	CU_ASSERT_EQUAL(shmfs_log_commit(batch, NULL), 0);
	store_close(owner);
	CU_ASSERT_EQUAL(trace_end(pid), 0);
	r = store_open(path, SHMFS_RDONLY | SHMFS_VERIFY);
	reader = frame_reader(r, 0);
	CU_ASSERT(frame_next(reader, 5, 100));
	CU_ASSERT(frame_prev(reader, 5, 100));
	shmfs_reader_close(reader);
	store_close(r);
	store_close(s);
}

/* Its holder, stopped, may be about to reserve in it: it is freed when they are gone. */
static void held_segment(void)
{
	const char *path = store_path("held");
	struct shmfs *s = store_new(path), *slow = store_open(path, SHMFS_RDWR);
	const struct sfs_seg *e;
	uint64_t at;

	frame_append(slow, 1, 100);
	CU_ASSERT_EQUAL_FATAL(sfs_log_find_live(s, 0, &at), 0);
	e = sfs_seg(s, sfs_seg_of(at));
	frame_fill_to(s, SEGMENT);
	frame_append(s, 2, 100);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, SEGMENT), 0);
	CU_ASSERT_EQUAL(frame_bounds(s).head, SEGMENT);
	CU_ASSERT_EQUAL(sfs_relaxed(&e->died), 0);
	store_close(slow);
	store_close(store_open(path, SHMFS_RDWR)); /* under the same lease */
	CU_ASSERT(sfs_relaxed(&e->died) != 0);
	store_good(s);
	store_close(s);
}

/* ---- values --------------------------------------------------------------------------------- */

static int fill_and_die(void *path)
{
	static unsigned char part[1 << 20];
	struct shmfs *s = store_open(path, SHMFS_RDWR);
	struct shmfs_put *put;
	int rc = shmfs_put_begin(s, &put, 5 << 20);

	for (uint64_t at = 0; rc == 0 && at < 5 << 20; at += sizeof(part))
		rc = shmfs_put_write(put, at, part, sizeof(part));
	return rc ? 1 : 0;
}

static void filled_by_the_dead(void)
{
	const char *path = store_path("filled");
	struct shmfs *s = store_new(path);
	unsigned alive = 0;

	for (int i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(in_child(fill_and_die, (void *)path), 0);
	store_close(store_open(path, SHMFS_RDWR));
	for (uint64_t n = SFS_FIRST_SEG; n < sfs_segments(s); n++)
		alive += sfs_relaxed(&sfs_seg(s, n)->kind) == SFS_SEG_BIG &&
		         !sfs_relaxed(&sfs_seg(s, n)->died);
	CU_ASSERT_EQUAL(alive, 0);
	store_good(s);
	store_close(s);
}

/* Killed before it had space, on a disk that is full: to look at it there would be a SIGBUS. */
static void taken_without_space(void)
{
	struct shmfs *s = store_new(store_path("taken"));
	uint64_t n = 0;

	sfs_writer_lock(s);
	CU_ASSERT_EQUAL_FATAL(sfs_seg_keep_spares(s), 0);
	CU_ASSERT_EQUAL_FATAL(sfs_seg_alloc(s, 1, SFS_SEG_DATA, SFS_TO_STORE, &n), 0);
	sfs_seg_taken(s);
	sfs_set(&sfs_seg(s, n)->backed, 0);
	sfs_file_punch(&s->file, n << SFS_SEG_SHIFT, SFS_SEG);
	CU_ASSERT_EQUAL(mprotect(sfs_at(s, n << SFS_SEG_SHIFT), SFS_SEG, PROT_NONE), 0);
	CU_ASSERT(sfs_clean_segment(s, SFS_TO_CLEAN));
	CU_ASSERT(sfs_relaxed(&sfs_seg(s, n)->died) != 0);
	CU_ASSERT_EQUAL(mprotect(sfs_at(s, n << SFS_SEG_SHIFT), SFS_SEG, PROT_READ | PROT_WRITE), 0);
	sfs_writer_unlock(s);
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a thief slower than the heir gets the lock after it", thief_and_heir},
	{"unlocking wakes who sleeps", unlock_wakes},
	{"the lock of the dead is free though a child of theirs lives", outlived_by_a_child},
	{"a frame finished before its owner left is not padded", finished_before_the_probe},
	{"a segment trimmed under who is about to append to it waits for them", held_segment},
	{"what a dead writer was filling is freed", filled_by_the_dead},
	{"what it took, and got no space for, is freed without a look", taken_without_space},
};

HARNESS_MAIN("left", tests)
