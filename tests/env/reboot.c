/* SPDX-License-Identifier: MIT */
/* Another boot id than the one the store was last open under: what a reboot leaves. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "env.h"

#define KEYS 3000

static int put_all(struct shmfs *s, const char *value)
{
	char key[16];
	int got = 0;

	for (int i = 0; i < KEYS && !got; i++) {
		snprintf(key, sizeof(key), "%d", i);
		got = store_put(s, key, value);
	}
	return got;
}

static bool all_are(struct shmfs *s, const char *value)
{
	char key[16];

	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "%d", i);
		if (!store_has(s, key, value))
			return false;
	}
	return true;
}

/* Synced: "old" and 100 frames, a cursor at the first; not synced, by who was killed: "new", a key
 * more, frames more, the cursor at the end. */
static int dies(struct child *c)
{
	struct shmfs *s = store_open(c->path, SHMFS_RDWR);
	uint64_t last;

	WANT(put_all(s, "new") == 0 && store_put(s, "more", "v") == 0);
	for (uint64_t n = 100; n < 250; n++)
		WANT(shmfs_log_append(s, &n, sizeof(n), &last) == 0);
	WANT(shmfs_cursor_set(s, "c", 1, last) == 0);
	child_wait(c);
	return 0;
}

static const char *killed(bool durable)
{
	const char *path = store_path("killed");
	struct shmfs *s = durable ? store_durable(path) : store_new(path);
	struct child c;

	if (!s)
		return NULL;
	CU_ASSERT_EQUAL(put_all(s, "old"), 0);
	for (uint64_t n = 0; n < 100; n++)
		CU_ASSERT_EQUAL(frame_put(s, n), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "c", 1, 0), 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	c = child_start(dies, path, 0);
	CU_ASSERT(child_at(&c, 1));
	store_close(s);
	child_kill(&c, SIGKILL);
	return path;
}

static void as_synced(struct shmfs *s)
{
	uint64_t at = 1;

	CU_ASSERT(all_are(s, "old"));
	CU_ASSERT(store_has(s, "more", NULL));
	CU_ASSERT_EQUAL(store_stat(s).keys, KEYS);
	CU_ASSERT_EQUAL(frames_in(s), 100);
	CU_ASSERT(shmfs_cursor_get(s, "c", 1, &at) == 0 && at == 0);
	store_good(s);
}

static void durable_killed(void)
{
	const char *path = killed(true);
	struct shmfs *r, *s;
	struct bytes before;

	if (!path)
		return;
	reboot(path);
	before = file_read(path);
	r = store_open(path, SHMFS_RDONLY);
	as_synced(r);
	CU_ASSERT_EQUAL(store_stat(r).writers, 0);
	store_close(r);
	CU_ASSERT(file_is(path, before)); /* a reader repairs nothing */
	s = store_open(path, SHMFS_RDWR);
	as_synced(s);
	CU_ASSERT_EQUAL(frame_put(s, 100), 0);
	CU_ASSERT_EQUAL(frames_in(s), 101);
	CU_ASSERT_EQUAL(put_all(s, "newer"), 0);
	store_good(s);
	store_close(s);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(all_are(s, "newer") && frames_in(s) == 101);
	store_close(s);
}

static void not_rebooted(void)
{
	const char *path = killed(true);
	struct shmfs *s;

	if (!path)
		return;
	s = store_open(path, SHMFS_RDONLY);
	CU_ASSERT(all_are(s, "new") && store_has(s, "more", "v") && frames_in(s) == 250);
	store_close(s);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(all_are(s, "new") && store_has(s, "more", "v") && frames_in(s) == 250);
	store_good(s);
	store_close(s);
}

static void volatile_killed(void)
{
	const char *path = killed(false);
	struct bytes before;

	reboot(path);
	before = file_read(path);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDONLY), SHMFS_E_NOT_CLOSED);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR), SHMFS_E_NOT_CLOSED);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE), SHMFS_E_NOT_CLOSED);
	CU_ASSERT(file_is(path, before));
}

static void volatile_closed(void)
{
	const char *path = store_path("closed");
	struct shmfs *s = store_new(path);

	CU_ASSERT_EQUAL(put_all(s, "v"), 0);
	CU_ASSERT_EQUAL(frame_put(s, 0), 0);
	store_close(s);
	for (int i = 0; i < 3; i++) {
		reboot(path);
		s = store_open(path, i == 1 ? SHMFS_RDONLY : SHMFS_RDWR);
		CU_ASSERT(all_are(s, "v") && frames_in(s) == 1);
		store_good(s);
		store_close(s);
	}
}

/* ---- a reader of the checkpoint sees a writer come ------------------------------------------ */

struct waiting {
	struct shmfs_reader *r;
	volatile int got;
};

static void *wait_for_frame(void *arg)
{
	struct waiting *w = arg;

	w->got = shmfs_reader_wait(w->r, 10000);
	return NULL;
}

/* Keys of a walk begun before the switch: each at most once; how many. */
static int walk_on(struct shmfs_iter *it, int met, char *seen)
{
	struct shmfs_entry e;
	char key[16];

	while (shmfs_iter_next(it, &e) == 0) {
		int n;

		snprintf(key, sizeof(key), "%.*s", (int)e.key_size, (const char *)e.key);
		n = atoi(key);
		if (!strcmp(key, "more") || n < 0 || n >= KEYS)
			continue;
		if (seen[n]++)
			return -1;
		if (++met == KEYS / 2)
			break;
	}
	return met;
}

static void switches(bool durable)
{
	const char *path = durable ? killed(true) : store_path("switch");
	static char seen[KEYS];
	struct waiting w = {NULL, 1};
	struct shmfs *r, *s;
	struct shmfs_reader *log;
	struct shmfs_iter *it;
	struct shmfs_pin *pin;
	struct shmfs_view view, loose;
	pthread_t thread;
	int met;

	if (!path)
		return;
	memset(seen, 0, sizeof(seen));
	if (!durable) {
		s = store_new(path);
		put_all(s, "old");
		for (uint64_t n = 0; n < 100; n++)
			frame_put(s, n);
		store_close(s);
	}
	reboot(path);
	r = store_open(path, SHMFS_RDONLY);
	CU_ASSERT_EQUAL(shmfs_view(r, "7", 1, &loose), 0);
	CU_ASSERT_EQUAL(shmfs_view_valid(r, &loose), 0);
	CU_ASSERT_EQUAL(shmfs_pin(r, &pin), 0);
	CU_ASSERT_EQUAL(shmfs_view(r, "8", 1, &view), 0);
	CU_ASSERT_EQUAL(shmfs_iter_open(r, &it, 0), 0);
	met = walk_on(it, 0, seen);
	CU_ASSERT_EQUAL(met, KEYS / 2);
	CU_ASSERT_EQUAL(shmfs_reader_open(r, &log, SHMFS_LOG_BEGIN), 0);
	for (int64_t n = 0; n < 50; n++)
		CU_ASSERT_EQUAL(frame_next(log), n);
	CU_ASSERT_EQUAL(shmfs_reader_open(r, &w.r, SHMFS_LOG_END), 0);
	CU_ASSERT_EQUAL(shmfs_reader_wait(w.r, 20), -ETIMEDOUT);
	pthread_create(&thread, NULL, wait_for_frame, &w);

	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(all_are(r, "old"));
	/* rounds enough to use every freed segment again, but for the pin */
	for (int i = 0; i < 200; i++)
		CU_ASSERT_EQUAL(put_all(s, i % 2 ? "newer" : "another value, somewhat longer than that"), 0);
	CU_ASSERT_EQUAL(frame_put(s, 100), 0);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(w.got, 0);
	CU_ASSERT_EQUAL(frame_next(w.r), 100);
	for (int64_t n = 50; n <= 100; n++)
		CU_ASSERT_EQUAL(frame_next(log), n);
	CU_ASSERT(memcmp(view.data, "old", 3) == 0); /* under the pin */
	CU_ASSERT_EQUAL(shmfs_view_valid(r, &loose), -ESTALE);
	CU_ASSERT(all_are(r, "newer"));
	met = walk_on(it, met, seen);
	CU_ASSERT_EQUAL(met, KEYS);
	CU_ASSERT_EQUAL(store_stat(r).writers, 1);
	store_close(s);
	CU_ASSERT(all_are(r, "newer"));
	shmfs_unpin(pin);
	shmfs_iter_close(it);
	shmfs_reader_close(log);
	shmfs_reader_close(w.r);
	store_close(r);
	s = store_open(path, SHMFS_RDWR);
	store_good(s);
	store_close(s);
}

static void switches_durable(void)
{
	switches(true);
}

static void switches_volatile(void)
{
	switches(false);
}

/* ---- a boot id of its own, as some containers have ------------------------------------------- */

static int other_boot_id(const char *file, char digit)
{
	char id[38];

	memset(id, digit, 36);
	id[8] = id[13] = id[18] = id[23] = '-';
	id[36] = '\n';
	file_write(file, id, 37);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(file, "/proc/sys/kernel/random/boot_id", NULL, MS_BIND, NULL))
		return 77;
	return 0;
}

static int contained(struct child *c)
{
	char file[5000], key[40];
	struct shmfs *s;

	snprintf(file, sizeof(file), "%s.%d", c->path, c->what);
	if (other_boot_id(file, (char)('a' + c->what)))
		return 77;
	s = store_open(c->path, SHMFS_RDWR);
	WANT(store_has(s, "outside", "v"));
	snprintf(key, sizeof(key), "of %d", c->what);
	WANT(store_put(s, key, "v") == 0);
	child_wait(c);
	for (int i = 0; i < 20000; i++)
		WANT(shmfs_add(s, "sum", 3, 1, NULL, NULL) == 0);
	WANT(shmfs_sync(s) == 0);
	child_wait(c); /* the others have closed by now */
	WANT(store_put(s, key, "w") == 0);
	WANT(shmfs_close(s) == 0);
	return 0;
}

static void several_boot_ids(void)
{
	const char *path = store_path("contained");
	struct shmfs *s = store_new(path);
	struct child c[2];
	double sum = 0;
	size_t size = sizeof(sum);

	store_put(s, "outside", "v");
	for (int i = 0; i < 2; i++)
		c[i] = child_start(contained, path, i);
	for (int i = 0; i < 2; i++)
		if (!child_at(&c[i], 1)) {
			CU_ASSERT_EQUAL(child_end(&c[i]), 77);
			child_kill(&c[!i], SIGKILL);
			store_close(s);
			harness_skip("needs root, for a mount namespace");
			return;
		}
	for (int i = 0; i < 2; i++)
		child_go(&c[i]);
	for (int i = 0; i < 20000; i++)
		if (shmfs_add(s, "sum", 3, 1, NULL, NULL))
			CU_FAIL("add");
	for (int i = 0; i < 2; i++)
		CU_ASSERT(child_at(&c[i], 2));
	CU_ASSERT_EQUAL(shmfs_get(s, "sum", 3, &sum, &size, NULL), 0);
	CU_ASSERT_EQUAL(sum, 60000);
	store_close(s);
	for (int i = 0; i < 2; i++) {
		child_go(&c[i]);
		CU_ASSERT_EQUAL(child_end(&c[i]), 0);
	}
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(store_has(s, "of 0", "w") && store_has(s, "of 1", "w"));
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a durable store killed before a reboot is as of its last sync", durable_killed},
	{"killed without a reboot, it has everything", not_rebooted},
	{"a volatile store killed before a reboot is refused, and left as it is", volatile_killed},
	{"a volatile store closed before a reboot is complete", volatile_closed},
	{"who reads the checkpoint goes over to the writer that comes (durable)", switches_durable},
	{"who reads the checkpoint goes over to the writer that comes (volatile)", switches_volatile},
	{"writers who know the boot by several ids share a store", several_boot_ids},
};

HARNESS_MAIN("reboot", tests)
