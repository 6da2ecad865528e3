/* SPDX-License-Identifier: MIT */
/*
 * The targets (fuzz.h).  To add one, add a function and its line in the table at the end; the
 * corpus is corpus/NAME.txt.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "fuzz.h"
#include "use.h"

/* ---- over-reads: beyond the end of the file there is nothing, and the guard knows */

static volatile sig_atomic_t faults;
static struct sigaction guard;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	faults++;
	guard.sa_sigaction(sig, info, context);
}

void fuzz_begin(void)
{
	struct rlimit limit = {FUZZ_MOST, FUZZ_MOST};
	struct sigaction ours = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	fuzz_make_images();
	/* the library's came with the first store */
	sigaction(SIGBUS, &ours, &guard);
}

void fuzz_run(const struct fuzz_target *t, const uint8_t *data, size_t size)
{
	faults = 0;
	t->run(data, size);
	if (faults)
		die("%s looked beyond the end of the file", t->name);
}

/* ---- a store, damaged */

struct a_case {
	struct fuzz_head head;
	struct fuzz_arena *a;
	struct rng r;
	uint64_t keys;
	bool sum; /* is this one to be compared? */
	uint64_t before;
};

static struct a_case begin(const uint8_t *data, size_t size)
{
	struct a_case c = {0};

	memcpy(&c.head, data, size < sizeof(c.head) ? size : sizeof(c.head));
	c.a = fuzz_arena(c.head.image % FUZZ_IMAGES);
	c.r.state = c.head.seed;
	c.keys = c.a->image->keys + 1;
	fuzz_disk(c.a->image->durable);
	if (size > sizeof(c.head))
		fuzz_patch(c.a, &c.head, data + sizeof(c.head), size - sizeof(c.head));
	c.sum = c.head.flags & FUZZ_SUM;
	c.before = c.sum ? fuzz_sum(c.a) : 0;
	return c;
}

static struct shmfs *open_it(struct a_case *c, int flags)
{
	struct shmfs_options options = {.struct_size = sizeof(options)};
	char message[200];
	struct shmfs *s;

	options.message = message;
	options.message_size = sizeof(message);
	if (c->head.flags & FUZZ_VERIFY)
		flags |= SHMFS_VERIFY;
	return use_code(shmfs_open(&s, c->a->path, flags, &options)) ? NULL : s;
}

static void unchanged(struct a_case *c, const char *by)
{
	if (c->sum && fuzz_sum(c->a) != c->before)
		die("the file was changed %s", by);
}

typedef void use_fn(struct shmfs *s, struct a_case *c);

static void reading(const uint8_t *data, size_t size, use_fn *use)
{
	struct a_case c = begin(data, size);
	bool write = c.head.flags & FUZZ_WRITABLE;
	struct shmfs *s = open_it(&c, write ? SHMFS_RDWR : SHMFS_RDONLY);

	if (s) {
		use(s, &c);
		use_code(shmfs_close(s));
	}
	if (!write)
		unchanged(&c, "by a reader");
}

static void writing(const uint8_t *data, size_t size, use_fn *use)
{
	struct a_case c = begin(data, size);
	struct shmfs *s = open_it(&c, SHMFS_RDWR);
	uint64_t cursor = 0;

	if (!s)
		return;
	use(s, &c);
	use_code(shmfs_close(s));
	if (!(c.head.how & 1) || !(s = open_it(&c, SHMFS_RDONLY)))
		return;
	use_get(s, &c.r, c.keys, 5);
	use_walk(s, &cursor);
	use_check(s);
	use_code(shmfs_close(s));
}

/* ---- file: any bytes at all */

static bool is_store(const uint8_t *data, size_t size)
{
	return size == 0 || (size >= 8 && (!memcmp(data, SFS_MAGIC, 8) || !memcmp(data, SFS_MAGIC_UNFINISHED, 8)));
}

/* The last byte says whether a hole follows that makes it as long as a store. */
static void run_file(const uint8_t *data, size_t size)
{
	struct fuzz_arena *a = fuzz_arena_empty();
	struct a_case c = {.a = a, .sum = true};
	uint64_t cursor = 0;

	if (size && pwrite(a->fd, data, size, 0) != (ssize_t)size)
		die("pwrite");
	fuzz_resize(a, size && data[size - 1] & 1 ? 8 * SFS_SEG : size);
	fuzz_disk(false);
	c.before = fuzz_sum(a);
	for (int write = 0; write < 2; write++) {
		struct shmfs *s = open_it(&c, write ? SHMFS_RDWR | SHMFS_CREATE : SHMFS_RDONLY);

		if (!write || !is_store(data, size))
			unchanged(&c, write ? "that is not a store" : "by a reader");
		if (s && write && !is_store(data, size))
			die("what is not a store was opened");
		if (s) {
			use_walk(s, &cursor);
			use_code(shmfs_close(s));
		}
	}
}

/* ---- open */

static void open_any(struct shmfs *s, struct a_case *c)
{
	use_stat(s);
	use_code(shmfs_sync(s));
}

static void run_open(const uint8_t *data, size_t size)
{
	struct a_case c = begin(data, size);
	struct shmfs *s = open_it(&c, SHMFS_RDONLY);
	int rc;

	use_code(shmfs_close(s));
	unchanged(&c, "by a reader");
	rc = use_code(shmfs_open(&s, c.a->path, SHMFS_RDWR | (c.head.how & 1 ? SHMFS_CREATE : 0), NULL));
	if (rc == SHMFS_E_NOT_STORE || rc == SHMFS_E_VERSION)
		unchanged(&c, "that is not a store of ours");
	if (rc == 0) {
		open_any(s, &c);
		use_code(shmfs_close(s));
	}
}

/* ---- the others */

static void get(struct shmfs *s, struct a_case *c)
{
	use_get(s, &c->r, c->keys, 10 + c->head.how % 32);
	use_stat(s);
}

static void walk(struct shmfs *s, struct a_case *c)
{
	uint64_t cursor = 0;

	use_walk(s, &cursor);
	if (c->head.how & 1)
		use_walk(s, &cursor);
}

static void put(struct shmfs *s, struct a_case *c)
{
	use_put(s, &c->r, c->keys, 10 + c->head.how % 128);
	if (c->head.how & 2)
		use_stream(s, &c->r);
	if (c->head.how & 4)
		use_code(shmfs_sync(s));
	if (c->head.how & 8)
		use_put(s, &c->r, c->keys, 10);
}

static void log_read(struct shmfs *s, struct a_case *c)
{
	use_log_read(s, &c->r, 5 + c->head.how % 32);
}

static void log_append(struct shmfs *s, struct a_case *c)
{
	use_log_write(s, &c->r, 5 + c->head.how % 16);
	if (c->head.how & 16)
		use_code(shmfs_sync(s));
	use_log_read(s, &c->r, 5);
}

static void check(struct shmfs *s, struct a_case *c)
{
	use_check(s);
}

static void compact(struct shmfs *s, struct a_case *c)
{
	use_put(s, &c->r, c->keys, 5 + c->head.how % 64);
	use_code(shmfs_compact(s, NULL, NULL));
	use_put(s, &c->r, c->keys, 5);
}

static void snapshot(struct shmfs *s, struct a_case *c)
{
	struct shmfs *moment;
	uint64_t cursor = 0;

	if (use_code(shmfs_snapshot(s, &moment)))
		return;
	use_get(moment, &c->r, c->keys, 10);
	use_walk(moment, &cursor);
	use_log_read(moment, &c->r, 5 + c->head.how % 32);
	use_check(moment);
	use_code(shmfs_close(moment));
}

/* A copy that succeeds can be opened. */
static void copy(struct shmfs *s, struct a_case *c)
{
	uint64_t cursor = 0;
	struct shmfs *other;
	char path[100];

	scratch(path, sizeof(path), "/dev/shm", "fuzz-copy");
	if (use_code(shmfs_copy(s, path, NULL, NULL)))
		return;
	if (use_code(shmfs_open(&other, path, c->head.how & 1 ? SHMFS_RDWR : SHMFS_RDONLY, NULL)) == 0) {
		use_walk(other, &cursor);
		use_log_read(other, &c->r, 5);
		use_check(other);
		use_code(shmfs_close(other));
	}
	unlink(path);
}

static void run_get(const uint8_t *data, size_t size)
{
	reading(data, size, get);
}

static void run_walk(const uint8_t *data, size_t size)
{
	reading(data, size, walk);
}

static void run_read(const uint8_t *data, size_t size)
{
	reading(data, size, log_read);
}

static void run_check(const uint8_t *data, size_t size)
{
	reading(data, size, check);
}

static void run_put(const uint8_t *data, size_t size)
{
	writing(data, size, put);
}

static void run_append(const uint8_t *data, size_t size)
{
	writing(data, size, log_append);
}

static void run_compact(const uint8_t *data, size_t size)
{
	writing(data, size, compact);
}

static void run_snapshot(const uint8_t *data, size_t size)
{
	reading(data, size, snapshot);
}

static void run_copy(const uint8_t *data, size_t size)
{
	reading(data, size, copy);
}

/* ---- repair: what it calls good is good, and what is no store is left alone */

static void tell(void *who, uint64_t offset, const char *problem)
{
	printf("# %s: %#llx: %s\n", (const char *)who, (unsigned long long)offset, problem);
}

static int repair(struct a_case *c, struct shmfs_check_result *result, shmfs_check_fn *report)
{
	static char who[] = "repair";

	*result = (struct shmfs_check_result){.struct_size = sizeof(*result)};
	return use_code(shmfs_repair(c->a->path, result, report, who));
}

/* A repaired one, which is told to be wrong: by the check's own words. */
static void must_be_good(struct shmfs *s, const char *when)
{
	static char who[] = "check";
	struct shmfs_check_result result = {.struct_size = sizeof(result)};
	int rc = shmfs_check(s, &result, NULL, NULL);

	if (rc == 0 && result.problems == 0)
		return;
	shmfs_check(s, &result, tell, who);
	die("a repaired store has problems %s: %s", when, shmfs_strerror(rc));
}

static void run_repair(const uint8_t *data, size_t size)
{
	struct a_case c = begin(data, size);
	struct shmfs_check_result result;
	struct shmfs *s;
	int rc = repair(&c, &result, getenv("FUZZ_TELL") ? tell : NULL);

	if (rc == SHMFS_E_NOT_STORE || rc == SHMFS_E_VERSION)
		unchanged(&c, "though it is no store of ours");
	if (rc)
		return;
	s = open_it(&c, SHMFS_RDWR);
	if (!s)
		die("a repaired store does not open: %s", shmfs_strerror(rc = shmfs_open(&s, c.a->path, SHMFS_RDWR, NULL)));
	must_be_good(s, "at once");
	put(s, &c);
	log_append(s, &c);
	must_be_good(s, "when it was written to");
	use_code(shmfs_close(s));
}

/* ---- name: what decodes is what encodes to it */

static void run_name(const uint8_t *data, size_t size)
{
	unsigned char key[SHMFS_NAME_SIZE];
	char name[SHMFS_NAME_SIZE];
	size_t n = sizeof(key);
	int rc = shmfs_name_encode(data, size, name);

	if (rc < 0)
		use_code(rc);
	else if (strlen(name) >= SHMFS_NAME_SIZE || strchr(name, '/') || !*name)
		die("a key has a name that no file can have");
	else if (rc == 0 && (shmfs_name_decode(name, strlen(name), key, &n) || n != size || memcmp(key, data, n)))
		die("a name does not lead back to its key");
	n = sizeof(key);
	if (use_code(shmfs_name_decode((const char *)data, size, key, &n)) == 0) {
		if (n >= sizeof(key) || shmfs_name_encode(key, n, name) || strlen(name) != size ||
		    memcmp(name, data, size))
			die("two names decode to one key");
	}
}

const struct fuzz_target fuzz_targets[] = {
	{"file", run_file, false},
	{"open", run_open, true},
	{"get", run_get, true},
	{"walk", run_walk, true},
	{"put", run_put, true},
	{"read", run_read, true},
	{"append", run_append, true},
	{"name", run_name, false},
	{"check", run_check, true},
	{"compact", run_compact, true},
	{"snapshot", run_snapshot, true},
	{"copy", run_copy, true},
	{"repair", run_repair, true},
	{NULL, NULL, false},
};

const struct fuzz_target *fuzz_target(const char *name)
{
	const struct fuzz_target *t = fuzz_targets;

	while (t->name && strcmp(t->name, name) != 0)
		t++;
	return t->name ? t : NULL;
}
