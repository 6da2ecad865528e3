/* SPDX-License-Identifier: MIT */
/* What shmfs_check() tells while it goes on. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"

#define KEYS 20000

struct watch {
	uint64_t calls, last, total;
	uint64_t stop_at; /* the call, 0: never */
	int back;         /* it went */
};

static int step(void *arg, uint64_t done, uint64_t total)
{
	struct watch *w = arg;

	w->back += done < w->last || done > total || (w->calls && total != w->total);
	w->last = done;
	w->total = total;
	return ++w->calls == w->stop_at;
}

static int check(struct shmfs *s, struct watch *w)
{
	struct shmfs_check_result r = {
		.struct_size = sizeof(r),
		.progress = step,
		.progress_arg = w,
	};
	int rc = shmfs_check(s, &r, NULL, NULL);

	CU_ASSERT_EQUAL(r.problems, 0);
	return rc;
}

static struct shmfs *full(const char *name)
{
	struct shmfs *s = store_new(store_path(name));
	char key[16];

	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "%d", i);
		CU_ASSERT_EQUAL(store_put(s, key, key), 0);
	}
	for (unsigned i = 0; i < 1000; i++)
		frame_append(s, i, 100);
	return s;
}

static void forth(void)
{
	struct shmfs *s = full("forth");
	struct watch w = {0};

	CU_ASSERT_EQUAL(check(s, &w), 0);
	CU_ASSERT(w.calls > 1000);
	CU_ASSERT_EQUAL(w.back, 0);
	CU_ASSERT(w.last > w.total - w.total / 100);
	store_close(s);
}

static void stopped(void)
{
	struct shmfs *s = full("stopped");

	for (uint64_t at = 1; at < 1000; at = at * 3 + 1) {
		struct watch w = {.stop_at = at};

		CU_ASSERT_EQUAL(check(s, &w), -ECANCELED);
		CU_ASSERT_EQUAL(w.calls, at);
	}
	CU_ASSERT_EQUAL(store_put(s, "not", "locked"), 0);
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a check tells how far it is, forth only and up to its total", forth},
	{"a check that is stopped leaves the store to others", stopped},
};

HARNESS_MAIN("audit", tests)
