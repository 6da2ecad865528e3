/* SPDX-License-Identifier: MIT */
/*
 * What others meet while a writer, or a reader, stands between two instructions, and
 * what they make of it when it is killed there.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/log.h"
#include "../rig.h"
#include "frames.h"
#include "trace.h"

enum { BIG = 20000 };

static unsigned char value[BIG];

static int put_value(struct shmfs *s, uint64_t key, uint64_t seed)
{
	value_fill(value, BIG, seed);
	return shmfs_put(s, &key, sizeof(key), value, BIG, SHMFS_BYTES, NULL);
}

/* ---- a put, a delete, a rename, a split ------------------------------------------------ */

static void put_new(struct shmfs *s, void *arg)
{
	(void)arg;
	store_put(s, "k", "new");
}

/* The store is as of a checkpoint, so that the put has to copy its page. */
static void seen_during_put(void)
{
	const char *path = store_path("put");
	struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);
	uint64_t old, epoch;
	int whole = 1, in_order = 1, copied = 0;
	pid_t pid;

	store_put(s, "k", "old");
	sfs_set(&s->live->epoch, sfs_epoch(s) + 1);
	epoch = sfs_epoch(s);
	old = sfs_relaxed(&s->live->root.word);
	pid = trace_start(path, SHMFS_RDWR, put_new, NULL);
	while (trace_step(pid)) {
		whole &= store_has(r, "k", "old") || store_has(r, "k", "new");
		in_order &= sfs_relaxed(&s->live->root.epoch) != epoch ||
		            sfs_relaxed(&s->live->root.word) != old;
		copied |= sfs_relaxed(&s->live->root.word) != old;
	}
	CU_ASSERT(whole);
	CU_ASSERT(in_order); /* or a kill leaves a page that is changed, though a checkpoint has it */
	CU_ASSERT(copied);
	CU_ASSERT(store_has(r, "k", "new"));
	store_close(r);
	store_close(s);
}

static void delete_k(struct shmfs *s, void *arg)
{
	(void)arg;
	shmfs_del(s, "k", 1, 0, NULL);
}

static void rename_k(struct shmfs *s, void *arg)
{
	(void)arg;
	shmfs_rename(s, "k", 1, "z", 1, 0);
}

static uint64_t slot(struct shmfs *s, int i)
{
	uint64_t at = sfs_relaxed(&s->live->op.slot[i]);

	return at ? sfs_relaxed((a64 *)sfs_at(s, at)) : 0;
}

/* Run it until its first slot is stored, and nothing after that; kill it there. */
static void kill_after_commit(struct shmfs *s, const char *path, void (*run)(struct shmfs *, void *))
{
	const struct sfs_live *live = s->live;
	pid_t pid = trace_start(path, SHMFS_RDWR, run, NULL);
	bool there = false;

	while (!there && trace_step(pid))
		there = sfs_relaxed(&live->op.kind) && slot(s, 0) == sfs_relaxed(&live->op.word[0]);
	CU_ASSERT(there);
	trace_kill(pid);
}

static void half_committed(void)
{
	const char *path = store_path("half");
	struct shmfs *s = store_new(path);

	store_put(s, "k", "v");
	store_put(s, "l", "v");
	kill_after_commit(s, path, delete_k);
	CU_ASSERT_EQUAL(store_put(s, "l", "w"), 0);
	CU_ASSERT(store_has(s, "k", NULL));
	CU_ASSERT_EQUAL(store_stat(s).keys, 1);
	store_put(s, "k", "v");
	kill_after_commit(s, path, rename_k);
	CU_ASSERT_EQUAL(store_put(s, "l", "x"), 0);
	CU_ASSERT(store_has(s, "k", NULL));
	CU_ASSERT(store_has(s, "z", "v"));
	CU_ASSERT_EQUAL(store_stat(s).keys, 2);
	store_good(s);
	store_close(s);
}

static void put_numbers(struct shmfs *s, void *arg)
{
	for (uint64_t key = *(uint64_t *)arg;; key++)
		shmfs_put(s, &key, sizeof(key), &key, sizeof(key), SHMFS_BYTES, NULL);
}

static void half_split(void)
{
	const char *path = store_path("split");
	struct shmfs *s = store_new(path);
	const struct sfs_live *live = s->live;
	uint64_t keys = 0, seen;
	bool there = false;
	pid_t pid;

	/* the root is a node, whose entries a split changes by the dozen */
	for (uint64_t end = UINT64_MAX; keys < end; keys++) {
		CU_ASSERT_EQUAL(shmfs_put(s, &keys, sizeof(keys), &keys, 8, SHMFS_BYTES, NULL), 0);
		if (end == UINT64_MAX && store_stat(s).index_buckets == 2)
			end = keys + 150;
	}
	pid = trace_start(path, SHMFS_RDWR, put_numbers, &keys);
	while (!there && trace_step(pid)) {
		const struct sfs_entry *e = sfs_at(s, sfs_relaxed(&live->intent.node));
		uint64_t n = sfs_relaxed(&live->intent.n);

		there = sfs_relaxed(&live->intent.node) && n > 1 &&
		        sfs_relaxed(&e->word) == sfs_relaxed(&live->intent.w0) &&
		        sfs_relaxed(&e[n - 1].word) != sfs_relaxed(&live->intent.w1);
	}
	CU_ASSERT(there);
	trace_kill(pid);
	seen = store_stat(s).keys;
	CU_ASSERT(seen >= keys);
	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	CU_ASSERT_EQUAL(sfs_relaxed(&live->intent.node), 0);
	for (uint64_t key = 0; key < seen; key++)
		CU_ASSERT_EQUAL(shmfs_exists(s, &key, sizeof(key), NULL), 0);
	store_good(s);
	store_close(s);
}

/* ---- a reader that is overtaken --------------------------------------------------------- */

static void get_zero(struct shmfs *s, void *arg)
{
	uint64_t key = 0;
	size_t size = BIG;

	(void)arg;
	if (shmfs_get(s, &key, sizeof(key), value, &size, NULL) || !value_whole(value, BIG))
		_exit(1);
}

static void overtaken(void)
{
	const char *path = store_path("overtaken");
	struct shmfs *s = store_new(path);

	for (unsigned at = 0; at < 1500; at += 50) {
		uint64_t reused = sfs_relaxed(&s->live->reused);
		pid_t pid;

		CU_ASSERT_EQUAL(put_value(s, 0, at), 0);
		pid = trace_start(path, SHMFS_RDONLY, get_zero, NULL);
		if (!trace_steps(pid, at))
			break;
		/* until all that was free then has been used */
		for (uint64_t i = 0; i < 600 || sfs_relaxed(&s->live->reused) < reused + 10; i++)
			CU_ASSERT_EQUAL(put_value(s, i % 40, 5000 + i), 0);
		CU_ASSERT_EQUAL(trace_end(pid), 0);
	}
	store_close(s);
}

/* ---- appending ------------------------------------------------------------------------------ */

static void append_one(struct shmfs *s, void *arg)
{
	frame_append(s, *(uint64_t *)arg, 100);
}

static void append_and_stop(struct shmfs *s, void *arg)
{
	for (;;) {
		frame_append(s, *(uint64_t *)arg, 100);
		raise(SIGSTOP);
	}
}

static void seen_during_append(void)
{
	const char *path = store_path("append");
	struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY | SHMFS_VERIFY);
	uint64_t seed = 7, first = frame_append(s, 1, 100);
	struct shmfs_reader *back = frame_reader(r, first + frame_room(100));
	int there = 0, whole = 1;
	pid_t pid = trace_start(path, SHMFS_RDWR, append_one, &seed);

	while (trace_step(pid)) {
		int got = there ? -ENODATA : frame_none(back);

		if (got != -ENODATA) {
			whole = got == 0 && frame_prev(back, seed, 100);
			there = 1;
		}
	}
	CU_ASSERT(there && whole);
	shmfs_reader_close(back);
	store_close(r);
	store_close(s);
}

/* Whoever goes to sleep, at any instruction of the append: the frame is there, or he is woken. */
static void no_wakeup_lost(void)
{
	const char *path = store_path("wakeup");
	struct shmfs *s = store_new(path);
	struct sfs_logpage *log = sfs_log(s);
	uint64_t seed = 3, end, steps = 0;
	pid_t pid = trace_start(path, SHMFS_RDWR, append_and_stop, &seed);
	bool there = false;

	trace_go(pid);
	for (; !there; steps++) {
		uint32_t wake = sfs_relaxed(&log->wake);

		end = frame_bounds(s).end;
		trace_steps(pid, (unsigned)steps);
		atomic_store(&log->waiters, 1);
		there = frame_bounds(s).end != end;
		trace_go(pid);
		CU_ASSERT(there || sfs_relaxed(&log->wake) != wake);
		atomic_store(&log->waiters, 0);
	}
	CU_ASSERT(steps > 20);
	trace_kill(pid);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"at every instruction of a put the old value is there, or the new", seen_during_put},
	{"who is killed after the commit is completed by the next writer", half_committed},
	{"a split cut off in the middle is completed by the next writer", half_split},
	{"a reader overtaken at any point returns what was stored", overtaken},
	{"at every instruction of an append the frame is whole, or not there", seen_during_append},
	{"who goes to sleep during an append is woken by it", no_wakeup_lost},
};

HARNESS_MAIN("midway", tests)
