/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/format.h"

/* ---- children ------------------------------------------------------------------------- */

struct child child_start(int (*run)(struct child *c), const char *path, int what)
{
	struct child c = {.path = path, .what = what};

	c.stage = mmap(NULL, sizeof(*c.stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	c.pid = fork_child();
	if (c.pid == 0) {
		alarm(60);
		_exit(run(&c));
	}
	return c;
}

void child_wait(struct child *c)
{
	int step = ++c->stage->ready;

	while (c->stage->go < step)
		usleep(200);
}

int child_at(struct child *c, int steps)
{
	int status;

	for (int i = 0; i < 50000 && c->stage->ready < steps; i++) {
		if (waitpid(c->pid, &status, WNOHANG | WNOWAIT) > 0)
			break;
		usleep(200);
	}
	return c->stage->ready >= steps;
}

void child_go(struct child *c)
{
	c->stage->go++;
}

int child_end(struct child *c)
{
	int status;

	if (waitpid(c->pid, &status, 0) < 0)
		return -1;
	munmap(c->stage, sizeof(*c->stage));
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("# a child ended by signal %d\n", WTERMSIG(status));
	return -1;
}

void child_kill(struct child *c, int sig)
{
	kill(c->pid, sig);
	if (sig == SIGKILL) {
		waitpid(c->pid, NULL, 0);
		munmap(c->stage, sizeof(*c->stage));
	}
}

/* ---- stores --------------------------------------------------------------------------- */

int try_open(const char *path, int flags)
{
	struct shmfs *s = NULL;
	int got = shmfs_open(&s, path, flags, NULL);

	shmfs_close(s);
	return got;
}

void copy_file(const char *from, const char *to)
{
	struct bytes b = file_read(from);

	file_write(to, b.data, b.size);
	free(b.data);
}

void poke(const char *path, uint64_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (pwrite(fd, bytes, n, (off_t)at) != (ssize_t)n)
		die("cannot write to %s: %s", path, strerror(errno));
	close(fd);
}

void reboot(const char *path)
{
	const uint64_t other[2] = {0x1234567812345679, 0x8765432187654321};

	poke(path, SFS_AT_LIVE + offsetof(struct sfs_live, boot), other, sizeof(other));
}

/* ---- frames --------------------------------------------------------------------------- */

int frame_put(struct shmfs *s, uint64_t n)
{
	return shmfs_log_append(s, &n, sizeof(n), NULL);
}

int64_t frame_next(struct shmfs_reader *r)
{
	uint64_t n;
	size_t size = sizeof(n);
	int got = shmfs_reader_next(r, &n, &size, NULL);

	return got ? got : size == sizeof(n) ? (int64_t)n : -EUCLEAN;
}

int64_t frames_in(struct shmfs *s)
{
	struct shmfs_reader *r;
	int64_t n = 0, got;

	if (shmfs_reader_open(s, &r, SHMFS_LOG_BEGIN))
		return -1;
	while ((got = frame_next(r)) == n)
		n++;
	shmfs_reader_close(r);
	return got == -ENODATA ? n : -1;
}
