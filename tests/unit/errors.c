/* SPDX-License-Identifier: MIT */
/* Each error that shmfs.h names comes: of the store, its keys, streamed puts, walks, pins and names. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gives.h"
#include "store.h"

#define HANDLES 1024
#define RD SHMFS_RDONLY
#define RW SHMFS_RDWR
#define NEW (SHMFS_RDWR | SHMFS_CREATE)
#define MIB (UINT64_C(1) << 20)

static char big[SHMFS_KEY_MAX + 1];
static struct shmfs *const wild = (struct shmfs *)big; /* anything but NULL */

static int stop(void *arg, uint64_t done, uint64_t total)
{
	(void)arg, (void)done, (void)total;
	return 1;
}

/* ---- the store ------------------------------------------------------------------------ */

static void opening(void)
{
	const char *none = store_path("none"), *file = store_path("file"), *path = store_path("s.db");
	struct shmfs_options o = {.struct_size = sizeof(o), .max_size = 1}, small = o, large = o;
	struct shmfs_options other = {.struct_size = sizeof(o), .log_limit = 64 * MIB};
	struct shmfs *s = wild;

	GIVES(shmfs_open, (&s, none, 1 << 20, NULL), -EINVAL);
	CU_ASSERT_PTR_NULL(s);
	s = wild;
	GIVES(shmfs_open, (&s, none, NEW, &o), -EINVAL);
	CU_ASSERT_PTR_NULL(s);
	small.struct_size--;
	GIVES(shmfs_open, (&s, none, NEW, &small), -EINVAL);
	GIVES(shmfs_open, (&s, none, SHMFS_CREATE, NULL), -EINVAL);
	GIVES(shmfs_open, (&s, none, RW | SHMFS_EXCL, NULL), -EINVAL);
	GIVES(shmfs_open, (&s, none, RW, NULL), -ENOENT);
	GIVES(shmfs_open, (&s, harness_dir(), RW, NULL), -EISDIR);
	GIVES(shmfs_open, (&s, harness_dir(), RD, NULL), -EISDIR);
	file_write(file, "", 0);
	GIVES(shmfs_open, (&s, file, RD, NULL), -ENODATA);
	GIVES(shmfs_open, (&s, file, RW, NULL), -ENODATA);
	file_write(file, "a text", 6);
	GIVES(shmfs_open, (&s, file, NEW, NULL), SHMFS_E_NOT_STORE);
	file_write(file, "shmfs", 5);
	GIVES(shmfs_open, (&s, file, RD, NULL), SHMFS_E_NOT_STORE);
	large.max_size = 0;
	large.size = UINT64_C(1) << 50; /* beyond any window */
	GIVES(shmfs_open, (&s, none, NEW, &large), -EFBIG);
	CU_ASSERT(access(none, F_OK) != 0);

	store_close(store_new(path));
	GIVES(shmfs_open, (&s, path, NEW | SHMFS_EXCL, NULL), -EEXIST);
	GIVES(shmfs_open, (&s, path, RW, &other), SHMFS_E_OPTION);
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_EQUAL(truncate(path, 4096), 0);
	GIVES(shmfs_open, (&s, path, RD, NULL), -EUCLEAN);
	HARD(shmfs_open, -ENOSPC, "a small file system: tests/unit/full.c");
	HARD(shmfs_open, -ENODEV, "/proc: tests/ctl/notstore.sh");
	HARD(shmfs_open, -EBUSY, "a path replaced a hundred times between two system calls");
}

static void handles(void)
{
	static struct shmfs *open[HANDLES];
	struct rlimit limit = {2 * HANDLES, 2 * HANDLES};
	struct shmfs *s = store_new(store_path("handles")), *more;
	size_t n = 0;
	int rc = 0;

	if (HARNESS_SANITIZED || setrlimit(RLIMIT_NOFILE, &limit)) {
		harness_skip("as many descriptors, and terabytes of addresses, are not to be had");
		store_close(s);
		return;
	}
	while (n < HANDLES && (rc = shmfs_snapshot(s, &open[n])) == 0)
		n++;
	CU_ASSERT(rc == -EMFILE && n == HANDLES - 1); /* one is that of the store */
	CU_ASSERT(store_stat(open[10]).window_bytes > store_stat(open[n - 1]).window_bytes);
	CU_ASSERT(store_stat(open[n - 1]).window_bytes >= UINT64_C(1) << 34);
	GIVES(shmfs_snapshot, (s, &more), -EMFILE);
	GIVES(shmfs_open, (&more, store_path("one more"), NEW, NULL), -EMFILE);
	while (n-- > 0)
		store_close(open[n]);
	store_close(s);
}

static void whole_store(void)
{
	const char *path = store_path("whole.db"), *there = store_path("there"), *none = store_path("none");
	struct shmfs_check_result r = {.struct_size = sizeof(r), .progress = stop};
	struct shmfs_check_result mend = {.struct_size = sizeof(mend)}, small = {.struct_size = 1};
	struct shmfs_options o = {0};
	struct shmfs_stat st = {.struct_size = sizeof(st) + 1};
	struct shmfs_pin *pin;
	struct shmfs *s = store_new(path), *readable, *more;

	CU_ASSERT_EQUAL(store_put(s, "key", "value"), 0);
	file_write(there, "x", 1);
	GIVES(shmfs_stat, (s, &st), -EINVAL);
	GIVES(shmfs_options_get, (s, &o), -EINVAL);
	GIVES(shmfs_check, (s, &small, NULL, NULL), -EINVAL);
	GIVES(shmfs_check, (s, &r, NULL, NULL), -ECANCELED);
	GIVES(shmfs_copy, (s, there, NULL, NULL), -EEXIST);
	GIVES(shmfs_copy, (s, none, stop, NULL), -ECANCELED);
	GIVES(shmfs_copy, (s, "/proc/none", NULL, NULL), -ENOENT);
	CU_ASSERT(access(none, F_OK) != 0);
	GIVES(shmfs_compact, (s, stop, NULL), -ECANCELED);
	CU_ASSERT_EQUAL(shmfs_pin(s, &pin), 0);
	GIVES(shmfs_compact, (s, NULL, NULL), -EBUSY);
	shmfs_unpin(pin);

	readable = store_open(path, RD);
	GIVES(shmfs_snapshot, (readable, &more), -EAGAIN); /* it is volatile, and open */
	GIVES(shmfs_sync, (readable), -EROFS);
	GIVES(shmfs_compact, (readable, NULL, NULL), -EROFS);
	GIVES(shmfs_put, (readable, "a", 1, "b", 1, 0, NULL), -EROFS);
	GIVES(shmfs_log_append, (readable, "b", 1, NULL), -EROFS);
	GIVES(shmfs_repair, (path, &mend, NULL, NULL), -EBUSY);
	store_close(readable);
	store_close(s);

	GIVES(shmfs_repair, (path, &small, NULL, NULL), -EINVAL);
	GIVES(shmfs_repair, (path, &r, NULL, NULL), -ECANCELED);
	GIVES(shmfs_repair, (none, &mend, NULL, NULL), -ENOENT);
	GIVES(shmfs_repair, (there, &mend, NULL, NULL), SHMFS_E_NOT_STORE);
	file_write(there, "", 0);
	GIVES(shmfs_repair, (there, &mend, NULL, NULL), -ENODATA);
	HARD(shmfs_close, -ENOSPC, "a flush that has no room on the disk");
	HARD(shmfs_sync, -EIO, "a disk that fails: tests/env/eio.sh");
	HARD(shmfs_copy, -ENOSPC, "a small file system: tests/unit/full.c");
	HARD(shmfs_copy, -EACCES, "as shmfs_open");
	HARD(shmfs_copy, SHMFS_E_REMOTE, "a network file system");
	HARD(shmfs_repair, -EUCLEAN, "damage that it does not know");
	HARD(shmfs_repair, -ENOSPC, "a small file system");
	HARD(shmfs_repair, -EFBIG, "RLIMIT_FSIZE");
	HARD(shmfs_repair, -ENOMEM, "RLIMIT_AS, and no sanitizer");
	HARD(shmfs_repair, SHMFS_E_VERSION, "tests/unit/rescue.c");
}

/* Its file was cut while it was open. */
static void cut(void)
{
	const char *path = store_path("cut.db");
	struct shmfs *s = store_new(path);

	CU_ASSERT_EQUAL(truncate(path, 0), 0);
	GIVES(shmfs_put, (s, "key", 3, "value", 5, 0, NULL), -EIO);
	GIVES(shmfs_close, (s), -EIO);
}

/* Its result is an exit status: 0, or 1 and more. */
static int no_rights(void *arg)
{
	struct shmfs *s, *none;
	int bad = 0;

	if (geteuid() == 0 && setuid(65534))
		return 1;
	s = *(struct shmfs **)arg;
	bad |= !REFUSES(shmfs_open, (&none, store_path("not allowed"), NEW, NULL), -EACCES) || none;
	return bad || !REFUSES(shmfs_put, (s, "key", 3, "value", 5, 0, NULL), SHMFS_E_FORKED) || shmfs_close(s) != 0;
}

static void rights(void)
{
	struct shmfs *s = store_new(store_path("rights.db"));

	chmod(harness_dir(), 0500);
	CU_ASSERT_EQUAL(in_child(no_rights, &s), 0);
	chmod(harness_dir(), 0700);
	store_close(s);
}

static int no_addresses(void *arg)
{
	struct shmfs *s, *none;
	struct rlimit limit;
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");
	int bad = !statm || fscanf(statm, "%lu", &pages) != 1;

	if (statm)
		fclose(statm);
	limit.rlim_cur = limit.rlim_max = pages * 4096 + 100 * MIB; /* a window of 64 MiB, not two */
	if (bad || setrlimit(RLIMIT_AS, &limit) || shmfs_open(&s, arg, RW, NULL))
		return 1;
	bad |= !REFUSES(shmfs_open, (&none, arg, RD, NULL), -ENOMEM) || none;
	bad |= !REFUSES(shmfs_snapshot, (s, &none), -ENOMEM);
	return bad || shmfs_close(s) != 0;
}

static void addresses(void)
{
	const char *path = store_path("addresses.db");

	if (HARNESS_SANITIZED) {
		harness_skip("sanitizers need all the address space");
		return;
	}
	store_close(store_new(path));
	CU_ASSERT_EQUAL(in_child(no_addresses, (void *)path), 0);
}

/* What waits for the end of frames does not wait for those of its own thread. */
static void deadlocks(void)
{
	const char *none = store_path("none");
	struct shmfs *s = store_open(store_path("deadlocks.db"), NEW), *more;
	struct shmfs_batch *b;

	CU_ASSERT_EQUAL(store_put(s, "key", "value"), 0);
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, 8, 1), 0);
	GIVES(shmfs_snapshot, (s, &more), -EDEADLK);
	GIVES(shmfs_copy, (s, none, NULL, NULL), -EDEADLK);
	if (store_stat(s).is_volatile) { /* it has no checkpoint to wait for */
		CU_ASSERT(shmfs_sync(s) == 0 && shmfs_compact(s, NULL, NULL) == 0);
	} else {
		GIVES(shmfs_sync, (s), -EDEADLK);
		GIVES(shmfs_compact, (s, NULL, NULL), -EDEADLK);
	}
	shmfs_log_abort(b);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	store_close(s);
}

static int small_files(void *arg)
{
	struct rlimit limit = {9 << 20, 9 << 20};
	struct shmfs *s, *readable = store_open(arg, RD), *none;
	struct shmfs_put *p;
	int bad = setrlimit(RLIMIT_FSIZE, &limit) != 0;

	s = store_open(arg, RW);
	bad |= !REFUSES(shmfs_put_begin, (s, &p, 8 * MIB), -EFBIG);
	bad |= shmfs_put_begin(s, &p, 0) != 0;
	bad |= !REFUSES(shmfs_put_write, (p, 8 * MIB, "x", 1), -EFBIG) || shmfs_put_size(p) != 0;
	bad |= !REFUSES(shmfs_put_resize, (p, 8 * MIB), -EFBIG) || shmfs_put_size(p) != 0;
	bad |= shmfs_put_write(p, 0, "value", 5) != 0 || shmfs_put_commit(p, "k", 1, 0, NULL) != 0;
	limit.rlim_cur = MIB;
	bad |= setrlimit(RLIMIT_FSIZE, &limit) != 0;
	bad |= !REFUSES(shmfs_copy, (s, store_path("copy"), NULL, NULL), -EFBIG);
	bad |= !REFUSES(shmfs_open, (&none, store_path("new"), NEW, NULL), -EFBIG) || none;
	return bad || shmfs_close(readable) != 0 || shmfs_close(s) != 0;
}

static void short_files(void)
{
	const char *path = store_path("short.db");

	store_close(store_new(path));
	CU_ASSERT_EQUAL(in_child(small_files, (void *)path), 0);
}

/* ---- keys ------------------------------------------------------------------------------- */

static void keys(void)
{
	struct shmfs *s = store_new(store_path("keys.db"));
	uint64_t version = 0, other = 12345;
	struct shmfs_view view;
	size_t size = 2;
	char room[8];

	GIVES(shmfs_get, (s, "none", 4, room, &size, NULL), -ENOENT);
	GIVES(shmfs_exists, (s, "none", 4, NULL), -ENOENT);
	GIVES(shmfs_view, (s, "none", 4, &view), -ENOENT);
	GIVES(shmfs_get, (s, big, sizeof(big), room, &size, NULL), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_put(s, "key", 3, "value", 5, 0, &version), 0);
	GIVES(shmfs_get, (s, "key", 3, room, &size, NULL), -EMSGSIZE);
	CU_ASSERT_EQUAL(size, 5);
	GIVES(shmfs_get, (s, NULL, 3, room, &size, NULL), -EINVAL);
	GIVES(shmfs_put, (s, "key", 3, "x", 1, SHMFS_IF_ABSENT, NULL), -EEXIST);
	GIVES(shmfs_put, (s, "none", 4, "x", 1, SHMFS_IF_PRESENT, NULL), -ENOENT);
	GIVES(shmfs_put, (s, "key", 3, "x", 1, SHMFS_IF_VERSION, &other), -ESTALE);
	CU_ASSERT_EQUAL(other, version);
	GIVES(shmfs_put, (s, "key", 3, "x", 1, SHMFS_IF_VERSION, NULL), -EINVAL);
	GIVES(shmfs_put, (s, "key", 3, "x", 1, SHMFS_IF_ABSENT | SHMFS_IF_PRESENT, NULL), -EINVAL);
	GIVES(shmfs_put, (s, "key", 3, "x", 1, SHMFS_NUMBER, NULL), -EINVAL);
	GIVES(shmfs_put, (s, "key", 3, "x", 1, 3, NULL), -EINVAL);
	GIVES(shmfs_put, (s, big, sizeof(big), "x", 1, 0, NULL), -E2BIG);
	GIVES(shmfs_put, (s, "key", 3, "x", SHMFS_VALUE_MAX + 1, 0, NULL), -EFBIG);
	GIVES(shmfs_del, (s, "none", 4, 0, NULL), -ENOENT);
	other++;
	GIVES(shmfs_del, (s, "key", 3, SHMFS_IF_VERSION, &other), -ESTALE);
	CU_ASSERT_EQUAL(other, version);
	GIVES(shmfs_del, (s, "key", 3, SHMFS_IF_ABSENT, NULL), -EINVAL);
	GIVES(shmfs_rename, (s, "none", 4, "key", 3, 0), -ENOENT);
	GIVES(shmfs_rename, (s, "key", 3, "key", 3, SHMFS_IF_ABSENT), -EEXIST);
	GIVES(shmfs_rename, (s, "key", 3, big, sizeof(big), 0), -E2BIG);
	GIVES(shmfs_add, (s, "key", 3, 1, NULL, NULL), -EINVAL);
	GIVES(shmfs_add, (s, "n", 1, INFINITY, NULL, NULL), -ERANGE);
	GIVES(shmfs_add, (s, "n", 1, NAN, NULL, NULL), -ERANGE);
	GIVES(shmfs_add, (s, "n", 1, 0x1p54, NULL, NULL), -ERANGE);
	GIVES(shmfs_add, (s, big, sizeof(big), 1, NULL, NULL), -E2BIG);
	CU_ASSERT(store_has(s, "key", "value") && store_has(s, "n", NULL));
	GIVES(shmfs_view_valid, (s, NULL), -EINVAL);
	HARD(shmfs_get, -EAGAIN, "a thousand writers, each in time");
	HARD(shmfs_exists, -EAGAIN, "see shmfs_get");
	HARD(shmfs_view, -EAGAIN, "see shmfs_get");
	HARD(shmfs_view_valid, -ESTALE, "space used again: tests/unit/pin.c");
	HARD(shmfs_put, SHMFS_E_COLLIDE, "thousands of hashes: tests/unit/seed.c");
	HARD(shmfs_add, SHMFS_E_COLLIDE, "see shmfs_put");
	HARD(shmfs_pin, -ENOMEM, "no memory");
	HARD(shmfs_pin, -ENOLCK, "no memory");
	store_close(s);
}

static void many(void)
{
	const char *path = store_path("many.db");
	struct shmfs_item items[3] = {
		{.key = "a", .key_size = 1, .value = big, .size = 1, .status = 1},
		{.key = big, .key_size = sizeof(big), .value = big, .size = 1, .status = 1},
		{.key = "c", .key_size = 1, .value = big, .size = 1, .status = 1},
	};
	struct shmfs *s = store_new(path);

	GIVES(shmfs_put_many, (s, items, 3), -E2BIG);
	CU_ASSERT(items[0].status == 0 && items[1].status == -E2BIG && items[2].status == -ECANCELED);
	store_close(s);
	s = store_open(path, RD);
	items[0].status = items[1].status = 1;
	GIVES(shmfs_put_many, (s, items, 3), -EROFS);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(items[i].status, -ECANCELED);
	store_close(s);
	GIVES(shmfs_put_many, (NULL, items, 3), -EINVAL);
	HARD(shmfs_put_many, -ECANCELED, "of an item");
}

static void streams(void)
{
	struct shmfs *s = store_new(store_path("streams.db"));
	struct shmfs_put *p;
	uint64_t version = 1;

	GIVES(shmfs_put_begin, (s, &p, SHMFS_VALUE_MAX + 1), -EFBIG);
	CU_ASSERT_EQUAL(shmfs_put_begin(s, &p, 0), 0);
	GIVES(shmfs_put_write, (p, SHMFS_VALUE_MAX, "x", 1), -EFBIG);
	GIVES(shmfs_put_resize, (p, SHMFS_VALUE_MAX + 1), -EFBIG);
	CU_ASSERT_EQUAL(shmfs_put_write(p, 0, "value", 5), 0);
	CU_ASSERT_EQUAL(store_put(s, "there", ""), 0);
	/* each leaves it to be tried again */
	GIVES(shmfs_put_commit, (p, "there", 5, SHMFS_IF_ABSENT, NULL), -EEXIST);
	GIVES(shmfs_put_commit, (p, "key", 3, SHMFS_IF_PRESENT, NULL), -ENOENT);
	GIVES(shmfs_put_commit, (p, "key", 3, SHMFS_IF_VERSION, &version), -ESTALE);
	CU_ASSERT_EQUAL(version, 0);
	GIVES(shmfs_put_commit, (p, big, sizeof(big), 0, NULL), -E2BIG);
	GIVES(shmfs_put_commit, (p, "key", 3, SHMFS_NUMBER, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "key", 3, SHMFS_IF_VERSION, &version), 0);
	CU_ASSERT(store_has(s, "key", "value"));
	HARD(shmfs_put_begin, -ENOSPC, "a small file system: tests/unit/full.c");
	HARD(shmfs_put_write, -ENOSPC, "as above");
	HARD(shmfs_put_resize, -ENOSPC, "as above");
	HARD(shmfs_put_commit, -ENOSPC, "as above");
	HARD(shmfs_put_commit, -EFBIG, "a store that cannot grow for its record");
	store_close(s);
}

static void walks_and_names(void)
{
	struct shmfs *s = store_new(store_path("walk.db"));
	char name[SHMFS_NAME_SIZE], key[SHMFS_NAME_SIZE];
	struct shmfs_entry entry;
	struct shmfs_iter *it;
	size_t size;

	CU_ASSERT_EQUAL(shmfs_iter_open(s, &it, 0), 0);
	GIVES(shmfs_iter_next, (it, &entry), -ENOENT);
	shmfs_iter_close(it);
	store_close(s);
	GIVES(shmfs_name_encode, (big, sizeof(big), name), -E2BIG);
	GIVES(shmfs_name_decode, ("a/b", 3, key, &size), -EINVAL);
	GIVES(shmfs_name_encode, (big, 1000, name), 1);
	GIVES(shmfs_name_decode, (name, strlen(name), key, &size), -ENAMETOOLONG);
	HARD(shmfs_iter_next, -EAGAIN, "see shmfs_get");
}

static const struct harness_test tests[] = {
	{"an open that fails says why, and leaves no handle", opening},
	{"a process has 1024 handles, snapshots among them", handles},
	{"what is done to the whole store fails as the header says", whole_store},
	{"what waits for frames does not wait for its own thread's", deadlocks},
	{"a file that was cut is an I/O error, also of its close", cut},
	{"without rights, and after a fork, there is no store", rights},
	{"without address space there is none either", addresses},
	{"a file that may not grow is an error that can be survived", short_files},
	{"gets, puts and deletes fail as the header says", keys},
	{"of many puts those after an error are not tried, and say so", many},
	{"a streamed put that is refused can be committed again", streams},
	{"a walk ends, and names are refused, as the header says", walks_and_names},
};

HARNESS_MAIN("errors", tests)
