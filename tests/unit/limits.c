/* SPDX-License-Identifier: MIT */
/* Small limits of the process: errors, never signals. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store.h"

static int small_files(void *arg)
{
	struct rlimit limit = {20 << 20, 20 << 20};
	struct shmfs *s = store_new(arg);
	uint64_t n;
	int got = 0;

	WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0); /* beyond it SIGXFSZ kills */
	for (n = 0; n < 100000 && !(got = store_number(s, n, 5000)); n++)
		;
	WANT(got == -EFBIG);
	WANT(store_number(s, n, 3 << 20) == -EFBIG);
	for (uint64_t i = 0; i < n; i++)
		WANT(store_has_number(s, i, 5000));
	for (uint64_t i = 0; i < n; i++)
		WANT(shmfs_del(s, &i, sizeof(i), 0, NULL) == 0);
	WANT(store_number(s, 1, 5000) == 0);
	WANT(store_sound(s));
	return shmfs_close(s) != 0;
}

static int little_memory(void *arg)
{
	struct rlimit limit = {1 << 30, 1 << 30};
	struct shmfs *s;

	WANT(setrlimit(RLIMIT_AS, &limit) == 0);
	WANT(shmfs_open(&s, arg, SHMFS_RDWR | SHMFS_CREATE, NULL) == 0);
	for (uint64_t i = 0; i < 100; i++)
		WANT(store_number(s, i, 100000) == 0 && store_has_number(s, i, 100000));
	WANT(store_sound(s));
	return shmfs_close(s) != 0;
}

static int few_files(void *arg)
{
	struct rlimit limit = {0, 0};
	struct shmfs *s;

	WANT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	WANT(shmfs_open(&s, arg, SHMFS_RDWR | SHMFS_CREATE, NULL) == -EMFILE);
	return 0;
}

static void file_limit(void)
{
	CU_ASSERT_EQUAL(in_child(small_files, (void *)store_path("fsize")), 0);
}

static void memory_limit(void)
{
	if (HARNESS_SANITIZED)
		harness_skip("sanitizers need all the address space");
	else
		CU_ASSERT_EQUAL(in_child(little_memory, (void *)store_path("as")), 0);
}

static void descriptor_limit(void)
{
	CU_ASSERT_EQUAL(in_child(few_files, (void *)store_path("nofile")), 0);
}

static const struct harness_test tests[] = {
	{"RLIMIT_FSIZE is an error, not a signal", file_limit},
	{"a gigabyte of address space is enough", memory_limit},
	{"no descriptor left is an error", descriptor_limit},
};

HARNESS_MAIN("limits", tests)
