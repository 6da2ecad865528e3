/* SPDX-License-Identifier: MIT */
/*
 * Damaged dumps, loaded: a store that is good, or one line that says why not and nothing left.
 *
 *	[DUMPS_SEED=n] [DUMPS_ROUNDS=n] [TORTURE_SECONDS=n] dumps
 *
 * Round k of seed n is round 0 of seed n + k.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <shmfs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dumptext.h"

#define HANG_SECONDS 60
#define FILE_MOST (128u << 20) /* whatever size the text asks for */
#define PIPE_MOST 60000u       /* a pipe takes them before anybody reads */
#define LONG_VALUE 1200000u    /* more than load keeps in memory */

static char home[64];
static uint64_t seed;

/* ---- the tool -------------------------------------------------------------------------- */

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

/* Its exit status.  Closes `in`. */
static int shmfsctl(const char *const args[], int in, const char *out)
{
	const char *argv[8] = {getenv("SHMFSCTL")};
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
		die("DUMPS_SEED=%llu: %s %s", (unsigned long long)seed, args[0],
		    WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status)));
	return WEXITSTATUS(status);
}

static int nothing(void)
{
	return open("/dev/null", O_RDONLY);
}

static void dump(const char *store, const char *to, struct text *t)
{
	const char *args[] = {"dump", store, NULL};

	if (shmfsctl(args, nothing(), to))
		die("DUMPS_SEED=%llu: %s cannot be dumped", (unsigned long long)seed, store);
	text_read(t, to);
}

/* ---- the stores that are dumped -------------------------------------------------------------- */

static void must(int rc, const char *what)
{
	if (rc)
		die("%s: %s", what, shmfs_strerror(rc));
}

static void put(struct shmfs *s, const void *key, size_t key_size, const void *value, size_t size,
                uint32_t type)
{
	must(shmfs_put(s, key, key_size, value, size, type, NULL), "put");
}

static void fill_keys(struct shmfs *s)
{
	static const uint64_t bits[] = {0, 0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000001, 1};
	unsigned char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	put(s, "", 0, "the empty key", 13, SHMFS_STRING);
	put(s, "empty", 5, "", 0, SHMFS_BYTES);
	put(s, all, sizeof(all), all, sizeof(all), SHMFS_BYTES);
	put(s, "text", 4, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac\ttab\nline\\", 20, SHMFS_STRING);
	for (unsigned char i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		put(s, &i, 1, bits + i, 8, SHMFS_NUMBER);
	for (int i = 0; i < 8; i++)
		put(s, all + i * 7, 20, all, (size_t)i * 3, SHMFS_BYTES);
}

static void fill_log(struct shmfs *s)
{
	static const char name[] = "c\x01\xff" "d"; /* and its ends */
	char frame[400];

	for (unsigned i = 0; i < 9; i++) {
		if (i % 3 == 0)
			must(shmfs_cursor_create(s, &name[i / 3], 4 - i / 3, SHMFS_LOG_END), "cursor");
		value_fill(frame, sizeof(frame), i);
		must(shmfs_log_append(s, frame, i * 40, NULL), "append");
	}
	must(shmfs_cursor_create(s, "at the end", 10, SHMFS_LOG_END), "cursor");
}

/* Lines that go on, and a value that does not fit in memory. */
static void fill_long(struct shmfs *s)
{
	char *value = malloc(LONG_VALUE);

	if (!value)
		die("no memory");
	memset(value, 'v', LONG_VALUE);
	put(s, "long", 4, value, LONG_VALUE, SHMFS_STRING);
	value_fill(value, 60000, 1);
	put(s, value, 60000, value, 30000, SHMFS_BYTES);
	must(shmfs_log_append(s, value, 50000, NULL), "append");
	free(value);
}

static void make(struct text *t, bool with_long)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .seed = 7 + with_long};
	struct shmfs *s;

	if (with_long) {
		o.log_limit = 32u << 20;
		o.garbage = 0.25;
		o.max_size = UINT64_C(1) << 30;
		o.flags = SHMFS_OPT_ALWAYS_WAKE | SHMFS_OPT_LOG_REFUSE | SHMFS_OPT_NO_SYNC;
	}
	must(shmfs_open(&s, "base", SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL, &o), "create");
	fill_keys(s);
	fill_log(s);
	if (with_long)
		fill_long(s);
	must(shmfs_close(s), "close");
	dump("base", "out", t);
	unlink("base");
}

/* ---- what comes of it ----------------------------------------------------------------------- */

static bool there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int files(void)
{
	DIR *d = opendir(".");
	int n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void must_be_good(const char *path)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};
	struct shmfs *s;
	int rc = shmfs_open(&s, path, SHMFS_RDWR, NULL);

	if (rc == 0)
		rc = shmfs_check(s, &result, NULL, NULL);
	if (rc || result.problems)
		die("DUMPS_SEED=%llu: what was loaded is not good: %s, %llu problems", (unsigned long long)seed,
		    shmfs_strerror(rc), (unsigned long long)result.problems);
	must(shmfs_close(s), "close");
}

static void must_say_why(void)
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
		die("DUMPS_SEED=%llu: load fails and does not say why", (unsigned long long)seed);
}

/* Its own dump makes the same store, whatever it was made of. */
static void must_dump_the_same(void)
{
	const char *args[] = {"load", "again", "out", NULL};
	static struct text one, two;

	dump("new", "out", &one);
	if (shmfsctl(args, nothing(), "said"))
		die("DUMPS_SEED=%llu: the dump of what was loaded does not load", (unsigned long long)seed);
	dump("again", "out", &two);
	if (!text_same(&one, &two))
		die("DUMPS_SEED=%llu: a store and its copy by dump and load dump differently",
		    (unsigned long long)seed);
	unlink("again");
}

static int on_stdin(const struct text *t, bool piped)
{
	int ends[2];

	if (!piped)
		return open("in", O_RDONLY);
	if (pipe(ends) || write(ends[1], t->data, t->size) != (ssize_t)t->size)
		die("pipe: %s", strerror(errno));
	close(ends[1]);
	return ends[0];
}

/* A store to be added to. */
static void make_store(void)
{
	struct shmfs *s;

	must(shmfs_open(&s, "new", SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
	put(s, "text", 4, "before", 6, SHMFS_BYTES);
	must(shmfs_log_append(s, "before", 6, NULL), "append");
	must(shmfs_cursor_create(s, "at the end", 10, 0), "cursor");
	must(shmfs_close(s), "close");
}

/* Does it load? */
static bool load(const struct text *t, const struct text *base, struct rng *r)
{
	bool merge = rng_once_in(r, 6), edited = !rng_once_in(r, 8), fresh = !merge && rng_once_in(r, 4);
	bool file = rng_once_in(r, 2), piped = !file && t->size < PIPE_MOST && rng_once_in(r, 2);
	const char *args[8] = {"load"};
	int n = 1, status;

	text_write(t, "in");
	if (merge)
		make_store();
	if (merge)
		args[n++] = "--merge";
	if (edited)
		args[n++] = "--edited";
	if (fresh)
		args[n++] = "--new-seed";
	args[n++] = "new";
	args[n] = file ? "in" : "-";
	status = shmfsctl(args, file ? nothing() : on_stdin(t, piped), "said");
	if (status != 0 && status != 2)
		die("DUMPS_SEED=%llu: exit status %d", (unsigned long long)seed, status);
	if (there("new") != (merge || status == 0) || files() != 4 + there("new"))
		die("DUMPS_SEED=%llu: exit status %d, and the files are not what it means",
		    (unsigned long long)seed, status);
	if (status == 0 && !edited && !text_same(t, base))
		die("DUMPS_SEED=%llu: the checksum of a changed dump is right", (unsigned long long)seed);
	if (there("new"))
		must_be_good("new");
	if (status)
		must_say_why();
	else if (!merge && rng_once_in(r, 6))
		must_dump_the_same();
	unlink("new");
	return status == 0;
}

static void clear(void)
{
	static const char *const names[] = {"in", "out", "err", "said", "new", "again", "base"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(names[i]);
	rmdir(home);
}

/* What no change was made to comes back as it was. */
static void unchanged(const struct text *base)
{
	const char *args[] = {"load", "new", "in", NULL};
	static struct text t;

	text_write(base, "in");
	if (shmfsctl(args, nothing(), "said"))
		die("a dump does not load");
	dump("new", "out", &t);
	if (!text_same(&t, base))
		die("a store and its copy by dump and load dump differently");
	unlink("new");
}

int main(void)
{
	struct budget budget = env_budget("DUMPS_ROUNDS", 150, 1);
	static struct text base[2], t;
	uint64_t done = 0, loaded = 0;

	seed = env_seed("DUMPS_SEED");
	printf("# DUMPS_SEED=%llu\n", (unsigned long long)seed);
	scratch(home, sizeof(home), "/dev/shm", "dumps");
	if (!getenv("SHMFSCTL") || mkdir(home, 0700) || chdir(home))
		die("%s: %s", home, strerror(errno));
	atexit(clear);
	for (int i = 0; i < 2; i++) {
		make(base + i, i);
		unchanged(base + i);
	}
	for (; budget_lasts(&budget, done); done++, seed++) {
		struct rng r = {seed};
		const struct text *from = base + rng_once_in(&r, 6);

		text_copy(&t, from);
		text_mutate(&t, &r);
		loaded += load(&t, from, &r);
	}
	passed("%llu damaged dumps: %llu make a good store, the others leave nothing and say why",
	       (unsigned long long)done, (unsigned long long)loaded);
	return 0;
}
