/* SPDX-License-Identifier: MIT */
/* Limits of the process beyond tests/unit/limits.c, and of a store: each an error code, and no harm
 * done. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/format.h"
#include "env.h"

static int limited(int resource, rlim_t to)
{
	return setrlimit(resource, &(struct rlimit){to, to});
}

/* ---- address space --------------------------------------------------------------------------- */

static int no_space_at_all(void *arg)
{
	WANT(limited(RLIMIT_AS, 40 << 20) == 0);
	WANT(try_open(arg, SHMFS_RDONLY) == -ENOMEM);
	WANT(try_open(arg, SHMFS_RDWR) == -ENOMEM);
	return 0;
}

static int small_window(void *arg)
{
	static char value[200000];
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct shmfs *s;
	int got = 0;

	WANT(limited(RLIMIT_AS, 200 << 20) == 0);
	WANT(shmfs_open(&s, arg, SHMFS_RDWR, NULL) == 0);
	WANT(shmfs_stat(s, &st) == 0);
	WANT(st.window_bytes >= 64 << 20 && st.window_bytes < 200 << 20);
	WANT(st.max_bytes == st.window_bytes);
	for (uint64_t key = 0; got == 0; key++)
		got = shmfs_put(s, &key, sizeof(key), value, sizeof(value), 0, NULL);
	WANT(got == -EFBIG);
	WANT(store_has(s, "k", "v"));
	WANT(shmfs_stat(s, &st) == 0 && st.file_bytes <= st.window_bytes);
	WANT(shmfs_del(s, "k", 1, 0, NULL) == 0 && store_put(s, "k", "w") == 0);
	return shmfs_close(s) != 0;
}

/* The others made the file larger than we can map. */
static int larger_than_window(void *arg)
{
	WANT(limited(RLIMIT_AS, 100 << 20) == 0);
	WANT(try_open(arg, SHMFS_RDONLY) == -ENOMEM);
	WANT(try_open(arg, SHMFS_RDWR) == -ENOMEM);
	return 0;
}

/* Others make it larger while we have it open: what we cannot see is not damage. */
static int outgrown(void *arg)
{
	static char value[100000];
	struct rlimit limit;
	struct shmfs *small, *reader, *large;
	int seen = 0, unseen = 0, got;

	WANT(getrlimit(RLIMIT_AS, &limit) == 0);
	limit.rlim_cur = 200 << 20; /* 128 MiB for each */
	WANT(setrlimit(RLIMIT_AS, &limit) == 0 && shmfs_open(&small, arg, SHMFS_RDWR, NULL) == 0);
	limit.rlim_cur = 330 << 20;
	WANT(setrlimit(RLIMIT_AS, &limit) == 0 && shmfs_open(&reader, arg, SHMFS_RDONLY, NULL) == 0);
	limit.rlim_cur = limit.rlim_max;
	WANT(setrlimit(RLIMIT_AS, &limit) == 0);
	WANT(shmfs_open(&large, arg, SHMFS_RDWR, NULL) == 0);
	for (uint64_t key = 0; key < 2000; key++)
		WANT(shmfs_put(large, &key, sizeof(key), value, sizeof(value), 0, NULL) == 0);
	for (uint64_t key = 0; key < 2000; key++) {
		got = shmfs_exists(reader, &key, sizeof(key), NULL);
		WANT(got == 0 || got == -ENOMEM);
		WANT(shmfs_exists(small, &key, sizeof(key), NULL) == 0 || got == -ENOMEM);
		*(got ? &unseen : &seen) += 1;
	}
	WANT(seen && unseen);
	got = store_put(small, "k", "v");
	WANT(got == 0 || got == -ENOMEM || got == -EFBIG);
	store_good(large);
	WANT(shmfs_close(reader) == 0);
	WANT(shmfs_close(small) == 0);
	for (uint64_t key = 0; key < 2000; key++)
		WANT(shmfs_del(large, &key, sizeof(key), 0, NULL) == 0);
	return shmfs_close(large) != 0;
}

static void address_space(void)
{
	const char *path = store_path("as");
	struct shmfs *s;

	if (HARNESS_SANITIZED) {
		harness_skip("sanitizers need all the address space");
		return;
	}
	s = store_new(path);
	store_put(s, "k", "v");
	store_close(s);
	CU_ASSERT_EQUAL(in_child(no_space_at_all, (void *)path), 0);
	CU_ASSERT_EQUAL(in_child(small_window, (void *)path), 0);
	CU_ASSERT_EQUAL(in_child(larger_than_window, (void *)path), 0);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(store_has(s, "k", "w"));
	store_good(s);
	store_close(s);
	path = store_path("outgrown");
	store_close(store_new(path));
	CU_ASSERT_EQUAL(in_child(outgrown, (void *)path), 0);
	s = store_open(path, SHMFS_RDWR);
	store_good(s);
	store_close(s);
}

/* ---- file size: beyond it the kernel sends SIGXFSZ ---------------------------------------------- */

static int no_creation(void *arg)
{
	WANT(limited(RLIMIT_FSIZE, 3 << 20) == 0);
	WANT(try_open(arg, SHMFS_RDWR | SHMFS_CREATE) == -EFBIG);
	WANT(access(arg, F_OK) < 0);
	WANT(limited(RLIMIT_FSIZE, 0) == 0);
	WANT(try_open(arg, SHMFS_RDWR | SHMFS_CREATE) == -EFBIG);
	WANT(access(arg, F_OK) < 0);
	return 0;
}

/* Whatever makes the file longer, and what does not. */
static int everything(void *arg)
{
	static char value[3 << 20];
	struct shmfs *s;
	struct shmfs_put *p;
	int got = 0;

	WANT(limited(RLIMIT_FSIZE, 30 << 20) == 0);
	WANT(shmfs_open(&s, arg, SHMFS_RDWR, NULL) == 0);
	while ((got = shmfs_log_append(s, value, 1 << 20, NULL)) == 0)
		;
	WANT(got == -EFBIG);
	WANT(shmfs_put(s, "big", 3, value, sizeof(value), 0, NULL) == 0 ||
	     shmfs_put(s, "big", 3, value, sizeof(value), 0, NULL) == -EFBIG);
	WANT(shmfs_put_begin(s, &p, 0) == 0);
	for (uint64_t at = 0; got == -EFBIG && at < 64 << 20; at += sizeof(value))
		if ((got = shmfs_put_write(p, at, value, sizeof(value))) == 0)
			got = -EFBIG;
		else
			break;
	WANT(got == -EFBIG);
	WANT(shmfs_put_write(p, (uint64_t)1 << 33, "far", 3) == -EFBIG);
	shmfs_put_abort(p);
	WANT(store_has(s, "k", "w") || store_has(s, "k", "v"));
	WANT(shmfs_del(s, "k", 1, 0, NULL) == 0 && store_put(s, "k", "v") == 0);
	return shmfs_close(s) != 0;
}

/* Others make the file longer than we may: what is there is ours to use. */
static int beyond_the_limit(void *arg)
{
	static char value[5000];
	struct shmfs *s;

	WANT(limited(RLIMIT_FSIZE, 1 << 20) == 0);
	WANT(shmfs_open(&s, arg, SHMFS_RDWR, NULL) == 0);
	for (uint64_t i = 0; i < 5000; i++) {
		uint64_t key = i % 20;

		WANT(shmfs_put(s, &key, sizeof(key), value, sizeof(value), 0, NULL) == 0);
	}
	WANT(frame_put(s, 1) == 0);
	WANT(store_has(s, "k", "v"));
	return shmfs_close(s) != 0;
}

static void file_size(void)
{
	const char *path = store_path("fsize");
	struct shmfs_options o = {.struct_size = sizeof(o), .size = 48 << 20, .flags = SHMFS_OPT_NO_SYNC};
	struct shmfs *s;

	CU_ASSERT_EQUAL(in_child(no_creation, (void *)path), 0);
	s = store_new(path);
	store_put(s, "k", "v");
	store_close(s);
	CU_ASSERT_EQUAL(in_child(everything, (void *)path), 0);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(store_has(s, "k", "v"));
	store_good(s);
	store_close(s);
	path = store_path("preallocated");
	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	store_put(s, "k", "v");
	store_close(s);
	CU_ASSERT_EQUAL(in_child(beyond_the_limit, (void *)path), 0);
	s = store_open(path, SHMFS_RDWR);
	store_good(s);
	store_close(s);
}

/* ---- descriptors ------------------------------------------------------------------------------- */

/* Whichever of the descriptors an open needs is one too many; and none is lost. */
static int each_descriptor(void *arg)
{
	int opened = 0;

	for (rlim_t most = 3; most < 20; most++) {
		int got, before, after;

		WANT(setrlimit(RLIMIT_NOFILE, &(struct rlimit){most, 1024}) == 0);
		before = dup(0);
		if (before >= 0)
			close(before);
		got = try_open(arg, SHMFS_RDWR);
		WANT(got == 0 || got == -EMFILE);
		opened += got == 0;
		after = dup(0);
		if (after >= 0)
			close(after);
		WANT(before == after);
	}
	WANT(opened > 0 && opened < 17);
	return 0;
}

static void descriptors(void)
{
	const char *path = store_path("nofile");

	store_close(store_new(path));
	CU_ASSERT_EQUAL(in_child(each_descriptor, (void *)path), 0);
}

/* ---- how many may write ------------------------------------------------------------------------ */

/* Hold what n handles open for writing hold, the first lease left out. */
static int leases(int fd, short type, int n)
{
	struct flock lock = {.l_type = type, .l_start = SFS_BYTE_LEASE + 2, .l_len = n};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

static void writers(void)
{
	const char *path = store_path("writers");
	struct shmfs *s = store_new(path), *reader;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	CU_ASSERT_EQUAL(leases(fd, F_WRLCK, 1021), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR), 0);
	CU_ASSERT_EQUAL(leases(fd, F_WRLCK, 1022), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR), SHMFS_E_LEASES);
	reader = store_open(path, SHMFS_RDONLY);
	CU_ASSERT(store_has(reader, "k", "v"));
	store_close(reader);
	CU_ASSERT_EQUAL(store_put(s, "k", "new"), 0);
	CU_ASSERT_EQUAL(leases(fd, F_UNLCK, 1), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR), 0);
	close(fd);
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"RLIMIT_AS makes the window smaller, then ENOMEM, and EFBIG at its end", address_space},
	{"RLIMIT_FSIZE is EFBIG for all that makes the file longer, and nothing else", file_size},
	{"1023 handles may write, one more is refused, and readers and those there go on", writers},
	{"RLIMIT_NOFILE is EMFILE at whichever descriptor, and none is lost", descriptors},
};

HARNESS_MAIN("limits", tests)
