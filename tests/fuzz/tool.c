/* SPDX-License-Identifier: MIT */
/* shmfsctl, run by a fuzzer (tool.h). */
#define _GNU_SOURCE
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <shmfs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANG_SECONDS 60
#define PIPE_MOST    60000u /* a pipe takes them before anybody reads */
#define FILE_MOST    (128u << 20) /* whatever size the text asks for */

uint64_t tool_seed;
static const char *variable;
static char home[64];

void tool_die(const char *format, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	die("%s=%llu: %s", variable, (unsigned long long)tool_seed, text);
}

void tool_must(int rc, const char *what)
{
	if (rc)
		tool_die("%s: %s", what, shmfs_strerror(rc));
}

static void clear(void)
{
	static const char *const names[] = {"in", "out", "err", "said", "new", "again", "base"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(names[i]);
	rmdir(home);
}

void tool_start(const char *name, const char *seed_variable)
{
	variable = seed_variable;
	tool_seed = env_seed(variable);
	printf("# %s=%llu\n", variable, (unsigned long long)tool_seed);
	scratch(home, sizeof(home), "/dev/shm", name);
	if (!getenv("SHMFSCTL") || mkdir(home, 0700) || chdir(home))
		die("%s: %s", home, strerror(errno));
	atexit(clear);
}

static void as_child(const char *const argv[], int in, const char *out)
{
	struct rlimit file = {FILE_MOST, FILE_MOST}, core = {0, 0};
	int to = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (in < 0 || to < 0 || err < 0 || dup2(in, 0) < 0 || dup2(to, 1) < 0 || dup2(err, 2) < 0)
		_exit(99);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &file);
	setrlimit(RLIMIT_CORE, &core);
	alarm(HANG_SECONDS);
	execv(argv[0], (char *const *)argv);
	_exit(99);
}

int tool_run(const char *const args[], int in, const char *out)
{
	const char *argv[10] = {getenv("SHMFSCTL")};
	int status;
	pid_t pid;

	for (int i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		as_child(argv, in, out);
	close(in);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		tool_die("%s %s", args[0],
			 WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status)));
	return WEXITSTATUS(status);
}

int tool_nothing(void)
{
	return open("/dev/null", O_RDONLY);
}

int tool_stdin(const struct text *t, bool piped)
{
	int ends[2];

	if (!piped)
		return open("in", O_RDONLY);
	if (pipe(ends) || write(ends[1], t->data, t->size) != (ssize_t)t->size)
		die("pipe: %s", strerror(errno));
	close(ends[1]);
	return ends[0];
}

bool tool_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int tool_files(void)
{
	DIR *d = opendir(".");
	int n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

void tool_must_be_good(const char *store)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};
	struct shmfs *s;
	int rc = shmfs_open(&s, store, SHMFS_RDWR, NULL);

	if (rc == 0)
		rc = shmfs_check(s, &result, NULL, NULL);
	if (rc || result.problems)
		tool_die("what was made is not good: %s, %llu problems", shmfs_strerror(rc),
			 (unsigned long long)result.problems);
	tool_must(shmfs_close(s), "close");
}

void tool_must_say_why(void)
{
	static struct text err;
	static const char name[] = "shmfsctl: ";
	size_t at;

	text_read(&err, "err");
	for (at = err.size; at > 1 && err.data[at - 2] != '\n';)
		at--;
	at -= at > 0;
	if (err.size < sizeof(name) || err.data[err.size - 1] != '\n' ||
	    memcmp(err.data + at, name, sizeof(name) - 1) != 0)
		tool_die("it fails and does not say why");
}

bool tool_fills(const char *args[], const struct text *t, bool there, struct rng *r)
{
	bool file = rng_once_in(r, 2), piped = !file && t->size < PIPE_MOST && rng_once_in(r, 2);
	int n = 0, status;

	text_write(t, "in");
	while (args[n])
		n++;
	args[n++] = "new";
	args[n] = file ? "in" : "-";
	status = tool_run(args, file ? tool_nothing() : tool_stdin(t, piped), "said");
	if (status != 0 && status != 2)
		tool_die("exit status %d", status);
	if (tool_there("new") != (there || status == 0) || tool_files() != 4 + tool_there("new"))
		tool_die("exit status %d, and the files are not what it means", status);
	if (tool_there("new"))
		tool_must_be_good("new");
	if (status)
		tool_must_say_why();
	return status == 0;
}
