/* SPDX-License-Identifier: MIT */
/*
 * A mount beside tmpfs, and beside one that caches nothing (strict).
 *
 * Wall time of one thread, for the daemon works meanwhile; it runs on the same CPU, as a kernel that
 * wakes it there would have it.  Both mounts are of one store on tmpfs, made before.  Without
 * $SHMFS, which tests/run.sh sets, or without /dev/fuse nothing is measured.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmfs.h>

#include "bench.h"

enum { PATH = 4096, SLICE_NS = 20000000, CHUNK = 16, FRAME = 64, READ = 1 << 20, LONG_ROUNDS = 3 };

#define LONG ((uint64_t)1 << 30)

static char top[PATH], store[PATH + 32];

static struct place {
	const char *who, *options; /* NULL: of a directory on tmpfs */
	char dir[PATH + 32], keys[PATH + 64], log[PATH + 64];
	bool mounted;
	char key[PATH + 80], missing[PATH + 80], large[PATH + 80];
	int fd, log_fd;
} places[] = {
	{.who = "floor"},
	{.who = "shmfs", .options = "log_limit=64M"},
	{.who = "strict", .options = "cache=strict"},
};

enum { PLACES = sizeof(places) / sizeof(*places) };

static char buf[READ];

/* ---- work ------------------------------------------------------------------------------ */

static void stat_key(struct place *p)
{
	struct stat st;

	if (stat(p->key, &st))
		err(1, "%s", p->key);
}

static void stat_missing(struct place *p)
{
	struct stat st;

	if (!stat(p->missing, &st) || errno != ENOENT)
		err(1, "%s", p->missing);
}

static void pread_open(struct place *p)
{
	if (pread(p->fd, buf, VALUE_SIZE, 0) != VALUE_SIZE)
		err(1, "%s", p->key);
}

static void open_read_close(struct place *p)
{
	int fd = open(p->key, O_RDONLY);

	if (fd < 0 || read(fd, buf, VALUE_SIZE) != VALUE_SIZE || close(fd))
		err(1, "%s", p->key);
}

static void echo(struct place *p)
{
	char path[sizeof(p->key) + 2];
	int fd;

	snprintf(path, sizeof(path), "%s2", p->key);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0 || write(fd, "v\n", 2) != 2 || close(fd))
		err(1, "%s", path);
}

static void append(struct place *p)
{
	if (write(p->log_fd, buf, FRAME) != FRAME)
		err(1, "%s", p->log);
}

static const struct {
	const char *name;
	void (*run)(struct place *);
} works[] = {
	{"mount: stat", stat_key},
	{"mount: stat of a missing key", stat_missing},
	{"mount: pread, open file", pread_open},
	{"mount: open, read, close", open_read_close},
	{"mount: echo v > k", echo},
	{"mount: append 64 B to the log", append},
};

/* For a while, so that what takes longer does not take all day. */
static void work(unsigned which, struct place *p)
{
	uint64_t start, now, n = 0;

	works[which].run(p);
	start = wall_ns();
	do {
		for (unsigned i = 0; i < CHUNK; i++)
			works[which].run(p);
		n += CHUNK;
		now = wall_ns();
	} while (now - start < SLICE_NS);
	bench_figure(works[which].name, p->who, "us", (double)(now - start) / 1e3 / (double)n);
}

static void read_long(struct place *p)
{
	uint64_t start, done = 0;
	int fd = open(p->large, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		err(1, "%s", p->large);
	start = wall_ns();
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		done += (uint64_t)n;
	if (done != LONG)
		err(1, "%s: %llu bytes", p->large, (unsigned long long)done);
	bench_figure("mount: read 1 GiB by 1 MiB", p->who, "GB/s", (double)done / (double)(wall_ns() - start));
	close(fd);
}

static void list(struct place *p)
{
	uint64_t start = wall_ns(), n = 0;
	DIR *dir = opendir(p->keys);

	if (!dir)
		err(1, "%s", p->keys);
	while (readdir(dir))
		n++;
	closedir(dir);
	if (n < bench.keys)
		errx(1, "%s: %llu names", p->keys, (unsigned long long)n);
	bench_figure("mount: readdir, for each name", p->who, "us",
	             (double)(wall_ns() - start) / 1e3 / (double)n);
}

/* ---- the store, tmpfs, mounts ------------------------------------------------------------ */

static int run(const char *program, const char *a, const char *b, const char *c, const char *d)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execlp(program, program, a, b, c, d, (char *)NULL);
		warn("%s", program);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "%s", program);
	return status;
}

static void end(void)
{
	for (struct place *p = places; p < places + PLACES; p++) {
		if (p->fd > 0)
			close(p->fd);
		if (p->log_fd > 0)
			close(p->log_fd);
		if (p->mounted)
			run("fusermount3", "-u", p->dir, NULL, NULL);
	}
	if (top[0])
		run("rm", "-rf", "--one-file-system", top, NULL);
}

static void name_of(uint64_t i, char *name)
{
	sprintf(name, "key-%012llu", (unsigned long long)i);
}

static void fill_store(bool large)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .log_limit = 64 << 20};
	char value[VALUE_SIZE] = {0}, name[32];
	struct shmfs_put *put = NULL;
	struct shmfs *s;
	int rc = shmfs_open(&s, store, SHMFS_RDWR | SHMFS_CREATE, &o);

	for (uint64_t i = 0; rc == 0 && i < bench.keys; i++) {
		name_of(i, name);
		rc = shmfs_put(s, name, strlen(name), value, sizeof(value), SHMFS_BYTES, NULL);
	}
	if (rc == 0 && large)
		rc = shmfs_put_begin(s, &put, LONG);
	for (uint64_t at = 0; rc == 0 && large && at < LONG; at += READ)
		rc = shmfs_put_write(put, at, buf, READ);
	if (rc == 0 && large)
		rc = shmfs_put_commit(put, "large", 5, SHMFS_BYTES, NULL);
	if (rc == 0)
		rc = shmfs_close(s);
	if (rc)
		errx(1, "%s: %s", store, shmfs_strerror(rc));
}

static void make_file(const char *path, uint64_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0666);

	for (uint64_t at = 0; at < size; at += READ) {
		size_t n = size - at < READ ? (size_t)(size - at) : READ;

		if (fd < 0 || write(fd, buf, n) != (ssize_t)n)
			err(1, "%s", path);
	}
	if (fd < 0 || close(fd))
		err(1, "%s", path);
}

/* As many names, which readdir lists without looking at what they are. */
static void fill_tmpfs(const struct place *p, bool large)
{
	int dir;

	if (mkdir(p->keys, 0700) || (dir = open(p->keys, O_RDONLY | O_DIRECTORY)) < 0)
		err(1, "%s", p->keys);
	for (uint64_t i = 0; i < bench.keys; i++) {
		char name[32];

		name_of(i, name);
		if (mknodat(dir, name, S_IFREG | 0600, 0))
			err(1, "%s", p->keys);
	}
	close(dir);
	unlink(p->key);
	make_file(p->key, VALUE_SIZE);
	make_file(p->log, 0);
	if (large)
		make_file(p->large, LONG);
}

static bool mount_store(struct place *p)
{
	p->mounted = run(getenv("SHMFS"), store, p->dir, "-o", p->options) == 0;
	return p->mounted;
}

static bool begin(struct place *p, bool large)
{
	char name[32];

	name_of(bench.keys / 2, name);
	snprintf(p->dir, sizeof(p->dir), "%s/%s", top, p->who);
	snprintf(p->keys, sizeof(p->keys), "%s/keys", p->dir);
	snprintf(p->log, sizeof(p->log), "%s/log", p->dir);
	snprintf(p->key, sizeof(p->key), "%s/%s", p->keys, name);
	snprintf(p->missing, sizeof(p->missing), "%s/none", p->keys);
	snprintf(p->large, sizeof(p->large), "%s/large", p->keys);
	if (mkdir(p->dir, 0700))
		err(1, "%s", p->dir);
	if (!p->options)
		fill_tmpfs(p, large);
	else if (!mount_store(p))
		return false;
	p->fd = open(p->key, O_RDONLY | O_CLOEXEC); /* not for the next daemon to keep */
	p->log_fd = open(p->log, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (p->fd < 0 || p->log_fd < 0)
		err(1, "%s", p->dir);
	return true;
}

/* Twice the long value, and what names and keys take. */
static bool room_for_long(void)
{
	struct statvfs fs;

	return statvfs(bench.dir, &fs) == 0 && fs.f_bavail * fs.f_frsize > 3 * LONG + bench.keys * 1500;
}

int main(int argc, char **argv)
{
	const char *program = getenv("SHMFS");
	bool large;

	bench_options(argc, argv);
	if (!program || !*program || access("/dev/fuse", R_OK | W_OK)) {
		bench_note("no mount: %s", program && *program ? "no /dev/fuse" : "built without FUSE");
		return 0;
	}
	snprintf(top, sizeof(top), "%s/shmfs-bench.%d.mount", bench.dir, (int)getpid());
	snprintf(store, sizeof(store), "%s/store", top);
	large = room_for_long();
	if (mkdir(top, 0700))
		err(1, "%s", top);
	atexit(end);
	if (!large)
		bench_note("no room for a value of 1 GiB");
	bench_of(bench.keys);
	fill_store(large);
	for (unsigned i = 0; i < PLACES; i++)
		if (!begin(&places[i], large)) {
			bench_note("no mount: it failed");
			return 0;
		}
	for (unsigned round = 0; round < bench.rounds; round++) {
		for (unsigned i = 0; i < sizeof(works) / sizeof(*works); i++)
			for (unsigned j = 0; j < PLACES; j++)
				work(i, &places[j]);
		for (unsigned j = 0; j < PLACES && round < LONG_ROUNDS; j++) {
			if (large)
				read_long(&places[j]);
			list(&places[j]);
		}
	}
	bench_report();
	return 0;
}
