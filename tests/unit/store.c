/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../rig.h"

#define TMPFS_MAGIC 0x01021994

const char *store_path(const char *name)
{
	static char paths[64][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 64];

	snprintf(path, PATH_MAX, "%s/%s", harness_dir(), name);
	remove(path);
	return path;
}

struct shmfs *store_new(const char *path)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .flags = SHMFS_OPT_NO_SYNC};
	struct shmfs *s = NULL;
	int got = shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL, &o);

	if (got) {
		printf("# cannot make %s: %s\n", path, shmfs_strerror(got));
		exit(1);
	}
	return s;
}

struct shmfs *store_durable(const char *path)
{
	struct shmfs *s = NULL;
	struct statfs fs;

	if (statfs(harness_dir(), &fs) == 0 && fs.f_type == TMPFS_MAGIC) {
		harness_skip("needs SHMFS_TEST_DIR on a disk");
		return NULL;
	}
	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	return s;
}

struct shmfs *store_open(const char *path, int flags)
{
	struct shmfs *s = NULL;
	int got = shmfs_open(&s, path, flags, NULL);

	if (got) {
		printf("# cannot open %s: %s\n", path, shmfs_strerror(got));
		exit(1);
	}
	return s;
}

void store_close(struct shmfs *s)
{
	CU_ASSERT_EQUAL(shmfs_close(s), 0);
}

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	(void)arg;
	printf("# %#llx: %s\n", (unsigned long long)offset, text);
}

void store_good(struct shmfs *s)
{
	struct shmfs_check_result r = {.struct_size = sizeof(r)};

	CU_ASSERT_EQUAL(shmfs_check(s, &r, print_problem, NULL), 0);
	CU_ASSERT_EQUAL(r.problems, 0);
}

int store_sound(struct shmfs *s)
{
	struct shmfs_check_result r = {.struct_size = sizeof(r)};

	return shmfs_check(s, &r, print_problem, NULL) == 0 && r.problems == 0;
}

struct shmfs_stat store_stat(struct shmfs *s)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	CU_ASSERT_EQUAL(shmfs_stat(s, &st), 0);
	return st;
}

int store_put(struct shmfs *s, const char *key, const char *value)
{
	return shmfs_put(s, key, strlen(key), value, strlen(value), SHMFS_STRING, NULL);
}

int store_has(struct shmfs *s, const char *key, const char *value)
{
	char room[1000];
	size_t size = sizeof(room);
	int got = shmfs_get(s, key, strlen(key), room, &size, NULL);

	if (!value)
		return got == -ENOENT;
	return got == 0 && size == strlen(value) && memcmp(room, value, size) == 0;
}

int store_number(struct shmfs *s, uint64_t key, size_t size)
{
	static unsigned char room[3 << 20];

	value_fill(room, size, key);
	return shmfs_put(s, &key, sizeof(key), room, size, SHMFS_BYTES, NULL);
}

int store_has_number(struct shmfs *s, uint64_t key, size_t size)
{
	struct shmfs_view view;

	return shmfs_view(s, &key, sizeof(key), &view) == 0 &&
	       view.info.size == size && value_is(view.data, size, key);
}

struct bytes file_read(const char *path)
{
	struct bytes b = {NULL, 0};
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && (b.data = malloc((size_t)st.st_size + 1))) {
		b.size = (size_t)st.st_size;
		if (read(fd, b.data, b.size) != (ssize_t)b.size)
			b.size = 0;
	}
	if (fd >= 0)
		close(fd);
	return b;
}

void file_write(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		perror(path);
		exit(1);
	}
	close(fd);
}

int file_is(const char *path, struct bytes b)
{
	struct bytes now = file_read(path);
	int same = now.size == b.size && memcmp(now.data, b.data, b.size) == 0;

	free(now.data);
	free(b.data);
	return same;
}

const char *store_copy(const char *path, const char *name)
{
	const char *copy = store_path(name);
	struct bytes b = file_read(path);

	file_write(copy, b.data, b.size);
	free(b.data);
	return copy;
}

int in_child(int (*run)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(run(arg));
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}
