/* SPDX-License-Identifier: MIT */
/*
 * Killed at every instruction:
 *
 *	step [SCRIPT...]
 *
 * A child runs a script of operations, one machine instruction at a time.  Whenever the
 * index or what governs it has changed, the file as it is then, with no writer alive, is opened
 * and checked: it holds exactly what it held after one of the operations, and
 * never less than at the instruction before; and it can be used.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/format.h"
#include "../../lib/session.h"
#include "scripts.h"

#define WINDOW (UINT64_C(64) << 20)
#define STEPS_TOP 100

static char live_path[4096], image_path[4096];
static uint64_t states[STEPS_TOP + 1]; /* what the store holds after so many operations */

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static struct shmfs *open_store(const char *path)
{
	struct shmfs *s;

	must(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL), "open");
	return s;
}

/* A number that stands for all keys, values and types. */
static uint64_t state_of(struct shmfs *s)
{
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t sum = 0;
	int got;

	must(shmfs_iter_open(s, &it, 0), "iter_open");
	while (!(got = shmfs_iter_next(it, &e))) {
		const unsigned char *key = e.key, *value = e.view.data;
		uint64_t h = e.key_size * 31 + e.view.info.type;

		for (size_t i = 0; i < e.key_size; i++)
			h = (h ^ key[i]) * UINT64_C(0x100000001b3);
		for (size_t i = 0; i < e.view.info.size; i++)
			h = (h ^ value[i]) * UINT64_C(0x100000001b3);
		sum += h ^ h >> 31;
	}
	if (got != -ENOENT)
		die("iter_next: %s", shmfs_strerror(got));
	shmfs_iter_close(it);
	return sum;
}

static void print_problem(void *arg, uint64_t offset, const char *text)
{
	printf("# %s: %#llx: %s\n", (const char *)arg, (unsigned long long)offset, text);
}

static void check(struct shmfs *s, const char *when, unsigned long step)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};

	must(shmfs_check(s, &result, print_problem, (void *)when), "check");
	if (result.problems)
		die("%s, step %lu: check found %llu problems", when, step,
		    (unsigned long long)result.problems);
}

/* ---- the file of a killed process */

static void write_image(const unsigned char *bytes, size_t size)
{
	static const unsigned char zeros[4096];
	int fd = open(image_path, O_RDWR | O_CREAT, 0600);
	uint64_t session[2];

	if (fd < 0 || ftruncate(fd, 0) || ftruncate(fd, (off_t)size))
		die("%s: %s", image_path, strerror(errno));
	for (size_t at = 0; at < size; at += 4096)
		if (memcmp(bytes + at, zeros, 4096) && pwrite(fd, bytes + at, 4096, (off_t)at) != 4096)
			die("%s: %s", image_path, strerror(errno));
	/* The same boot, the same file: the live page is the truth. */
	must(sfs_session_id(fd, session), "session");
	if (pwrite(fd, session, sizeof(session), SFS_AT_LIVE + offsetof(struct sfs_live, boot)) !=
	    (ssize_t)sizeof(session))
		die("%s: %s", image_path, strerror(errno));
	close(fd);
}

/* Which of the states is it in?  Not one before `least`. */
static unsigned verify(const struct script *script, unsigned least, unsigned long step)
{
	struct shmfs *s = open_store(image_path);
	uint64_t state;
	unsigned i;

	check(s, script->name, step);
	state = state_of(s);
	for (i = least; i <= script->steps && states[i] != state; i++)
		;
	if (i > script->steps)
		die("%s, step %lu: neither what operation %u left nor what a later one did",
		    script->name, step, least);
	must(shmfs_put(s, "used", 4, "again", 5, SHMFS_STRING, NULL), "put");
	must(shmfs_del(s, "used", 4, 0, NULL), "del");
	if (state_of(s) != state)
		die("%s, step %lu: using it changed it", script->name, step);
	check(s, script->name, step);
	must(shmfs_close(s), "close");
	return i;
}

/* ---- stepping */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* ten times the instructions, none of them the library's */
#else
#define SANITIZED 0
#endif

static _Noreturn void skip(const char *why)
{
	printf("skip - killed at any instruction: %s\n", why);
	unlink(live_path);
	exit(77);
}

static pid_t start(const struct script *script)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		struct shmfs *s = open_store(live_path);

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(77);
		raise(SIGSTOP);
		for (unsigned i = 0; i < script->steps; i++)
			script->step(s, i);
		raise(SIGSTOP);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("ptrace is not allowed here");
	if (!WIFSTOPPED(status))
		die("%s: the child ended with status %#x", script->name, status);
	return pid;
}

/* Has anything changed that the index, the locks or the accounting is made of?  Records
 * are nothing until the index leads to them. */
static bool changed(const unsigned char *now, unsigned char *before)
{
	const struct sfs_live *live = (const struct sfs_live *)(now + SFS_AT_LIVE);
	uint64_t head = live->head[SFS_INDEX_HEAD], index = (head - 1) & ~(SFS_SEG - 1);
	const struct {
		uint64_t at, end;
	} parts[] = {
		{0, SFS_AT_FILL + 8192},
		{SFS_SEG, SFS_SEG + 64 * sizeof(struct sfs_seg)},
		{index, head},
	};
	bool any = false;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		size_t n = parts[i].end - parts[i].at;

		if (parts[i].end > WINDOW || !memcmp(now + parts[i].at, before + parts[i].at, n))
			continue;
		memcpy(before + parts[i].at, now + parts[i].at, n);
		any = true;
	}
	return any;
}

static void run(const struct script *script)
{
	unsigned char *before = calloc(1, WINDOW), *now;
	unsigned long steps = 0, images = 0;
	uint64_t begin = clock_us();
	unsigned state = 0;
	struct shmfs *s;
	pid_t pid;
	int fd, status;

	/* What it should hold after each operation, found without stepping. */
	for (int dry = 1; dry >= 0; dry--) {
		unlink(live_path);
		s = open_store(live_path);
		script->prepare(s);
		states[0] = state_of(s);
		for (unsigned i = 0; dry && i < script->steps; i++) {
			script->step(s, i);
			states[i + 1] = state_of(s);
		}
		must(shmfs_close(s), "close");
	}
	pid = start(script);
	fd = open(live_path, O_RDONLY);
	now = mmap(NULL, WINDOW, PROT_READ, MAP_SHARED, fd, 0);
	if (now == MAP_FAILED || !before)
		die("mmap: %s", strerror(errno));
	for (;; steps++) {
		struct stat st;

		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || waitpid(pid, &status, 0) < 0 ||
		    !WIFSTOPPED(status))
			die("%s: the child ended with status %#x", script->name, status);
		if (WSTOPSIG(status) == SIGSTOP)
			break;
		if (!changed(now, before))
			continue;
		fstat(fd, &st);
		write_image(now, (size_t)st.st_size);
		state = verify(script, state, steps);
		images++;
	}
	if (state != script->steps)
		die("%s: ended after operation %u of %u", script->name, state, script->steps);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	munmap(now, WINDOW);
	close(fd);
	free(before);
	passed("%s, killed at any of %lu instructions (%lu images, %.1f s)", script->name, steps, images,
	       (double)(clock_us() - begin) / 1e6);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (SANITIZED)
		skip("not under a sanitizer");
	scratch(live_path, sizeof(live_path), "/dev/shm", "step");
	scratch(image_path, sizeof(image_path), "/dev/shm", "step-image");
	for (const struct script *script = scripts; script->name; script++)
		for (int i = 1; i < argc || i == 1; i++)
			if (argc == 1 || strstr(script->name, argv[i])) {
				run(script);
				break;
			}
	unlink(live_path);
	unlink(image_path);
	return 0;
}
