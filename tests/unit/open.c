/* SPDX-License-Identifier: MIT */
/* Opening: what is made, what is refused, and what several handles see. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

static int try_open(const char *path, int flags, const struct shmfs_options *o)
{
	struct shmfs *s = NULL;
	int got = shmfs_open(&s, path, flags, o);

	if (got == 0)
		store_close(s);
	return got;
}

static void made_once(void)
{
	const char *path = store_path("made");

	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR, NULL), -ENOENT);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDONLY, NULL), -ENOENT);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL, NULL), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL, NULL), -EEXIST);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR, NULL), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDONLY, NULL), 0);
}

static void bad_arguments(void)
{
	const char *path = store_path("bad");
	struct shmfs_options o = {.struct_size = sizeof(o)};
	struct shmfs *s;

	CU_ASSERT_EQUAL(shmfs_open(NULL, path, SHMFS_RDWR | SHMFS_CREATE, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_open(&s, NULL, SHMFS_RDWR, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_open(&s, path, SHMFS_CREATE, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_EXCL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE | 64, NULL), -EINVAL);
	o.garbage = 0.95;
	CU_ASSERT_EQUAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), -EINVAL);
	o.garbage = 0;
	o.flags = 1u << 20;
	CU_ASSERT_EQUAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), -EINVAL);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	CU_ASSERT_EQUAL(shmfs_close(NULL), 0);
}

static void empty_file(void)
{
	const char *path = store_path("empty");

	file_write(path, "", 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDONLY, NULL), -ENODATA);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDONLY, NULL), 0);
}

static void not_files(void)
{
	const char *path = store_path("fifo");

	CU_ASSERT_EQUAL(try_open(harness_dir(), SHMFS_RDWR, NULL), -EISDIR);
	CU_ASSERT_EQUAL(try_open(harness_dir(), SHMFS_RDWR | SHMFS_CREATE, NULL), -EISDIR);
	CU_ASSERT_NOT_EQUAL(try_open(harness_dir(), SHMFS_RDONLY, NULL), 0);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	alarm(10); /* opening a fifo waits for its other end */
	CU_ASSERT_NOT_EQUAL(try_open(path, SHMFS_RDONLY, NULL), 0);
	CU_ASSERT_NOT_EQUAL(try_open(path, SHMFS_RDWR, NULL), 0);
	CU_ASSERT_NOT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	CU_ASSERT_NOT_EQUAL(try_open("/dev/null", SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	alarm(0);
}

static void permissions(void)
{
	const char *path = store_path("mode");
	struct shmfs_options o = {.struct_size = sizeof(o), .mode = 0640};
	struct stat st;
	mode_t mask = umask(022);

	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640);
	path = store_path("mode2");
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0644);
	umask(mask);
}

/* Each option, another value of it, and what the message must name. */
static void kept_options(void)
{
	const char *path = store_path("options");
	char text[200];
	struct shmfs_options made = {
		.struct_size = sizeof(made), .max_size = 64 << 20, .log_limit = 64 << 20,
		.garbage = 0.25, .flags = SHMFS_OPT_NO_SYNC,
	};
	struct shmfs_options o = {.struct_size = sizeof(o), .message = text, .message_size = sizeof(text)};
	struct shmfs_stat st;
	struct shmfs *s;

	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE, &made), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR | SHMFS_CREATE, &made), 0);
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR, &o), 0);

	o.garbage = 0.5;
	strcpy(text, "-");
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR, &o), SHMFS_E_OPTION);
	CU_ASSERT(strstr(text, "garbage") && strstr(text, "0.5") && strstr(text, "0.25"));
	CU_ASSERT(!strchr(text, '\n'));
	o.garbage = 0;
	o.max_size = 128 << 20;
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR, &o), SHMFS_E_OPTION);
	CU_ASSERT(strstr(text, "max_size") != NULL);
	o.max_size = 0;
	o.log_limit = 128 << 20;
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR, &o), SHMFS_E_OPTION);
	CU_ASSERT(strstr(text, "log_limit") != NULL);
	o.log_limit = 0;
	o.flags = SHMFS_OPT_ALWAYS_WAKE;
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR, &o), SHMFS_E_OPTION);
	o.message_size = 4; /* too small to say it all */
	memset(text, 'x', sizeof(text));
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR, &o), SHMFS_E_OPTION);
	CU_ASSERT(memchr(text, 0, 4) && text[4] == 'x');

	s = store_open(path, SHMFS_RDWR);
	st = store_stat(s);
	CU_ASSERT_EQUAL(st.max_bytes, 64 << 20);
	CU_ASSERT_EQUAL(st.log_limit, 64 << 20);
	CU_ASSERT_DOUBLE_EQUAL(st.garbage, 0.25, 0.0005);
	store_close(s);
}

static void room_ahead(void)
{
	const char *path = store_path("ahead");
	struct shmfs_options o = {.struct_size = sizeof(o), .size = 32 << 20, .keys = 200000};
	struct shmfs_stat st;
	struct shmfs *s;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	st = store_stat(s);
	CU_ASSERT(st.file_bytes >= 32 << 20);
	CU_ASSERT(st.file_allocated >= 24 << 20);
	CU_ASSERT(st.index_buckets >= 400);
	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	CU_ASSERT(store_has(s, "k", "v"));
	store_good(s);
	store_close(s);
}

static void several_handles(void)
{
	const char *path = store_path("several");
	struct shmfs *a = store_new(path), *b = store_open(path, SHMFS_RDWR);
	struct shmfs *r = store_open(path, SHMFS_RDONLY);

	store_put(a, "k", "a");
	CU_ASSERT(store_has(b, "k", "a") && store_has(r, "k", "a"));
	store_put(b, "k", "b");
	CU_ASSERT(store_has(a, "k", "b") && store_has(r, "k", "b"));
	CU_ASSERT_EQUAL(store_stat(a).writers, 2);
	CU_ASSERT_EQUAL(store_stat(r).writers, 2);
	store_close(a);
	store_put(b, "k", "c");
	CU_ASSERT(store_has(r, "k", "c"));
	store_close(b);
	CU_ASSERT(store_has(r, "k", "c")); /* nobody writes any more */
	CU_ASSERT_EQUAL(store_stat(r).writers, 0);
	a = store_open(path, SHMFS_RDWR);
	store_put(a, "k", "d");
	CU_ASSERT(store_has(r, "k", "d"));
	store_close(r);
	store_close(a);
}

static void copies(void)
{
	const char *path = store_path("original"), *copy;
	struct shmfs *s = store_new(path);
	struct bytes b;

	store_put(s, "k", "v");
	b = file_read(path);
	copy = store_path("copy-of-open");
	file_write(copy, b.data, b.size);
	free(b.data);
	CU_ASSERT_EQUAL(try_open(copy, SHMFS_RDWR, NULL), SHMFS_E_NOT_CLOSED);
	CU_ASSERT_EQUAL(try_open(copy, SHMFS_RDONLY, NULL), SHMFS_E_NOT_CLOSED);
	store_close(s);
	b = file_read(path);
	copy = store_path("copy-of-closed");
	file_write(copy, b.data, b.size);
	free(b.data);
	s = store_open(copy, SHMFS_RDONLY);
	CU_ASSERT(store_has(s, "k", "v"));
	store_close(s);
	s = store_open(copy, SHMFS_RDWR);
	CU_ASSERT(store_has(s, "k", "v"));
	CU_ASSERT_EQUAL(store_put(s, "k", "w"), 0);
	store_good(s);
	store_close(s);
}

static int use_in_child(void *arg)
{
	struct shmfs *s = arg, *own;
	struct shmfs_view view;
	struct shmfs_iter *it;
	struct shmfs_pin *pin;
	struct shmfs_put *p;
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	char room[8];
	size_t size = sizeof(room);
	int bad = 0;

	bad |= shmfs_get(s, "k", 1, room, &size, NULL) != SHMFS_E_FORKED;
	bad |= shmfs_view(s, "k", 1, &view) != SHMFS_E_FORKED;
	bad |= shmfs_put(s, "k", 1, "child", 5, 0, NULL) != SHMFS_E_FORKED;
	bad |= shmfs_del(s, "k", 1, 0, NULL) != SHMFS_E_FORKED;
	bad |= shmfs_add(s, "n", 1, 1, NULL, NULL) != SHMFS_E_FORKED;
	bad |= shmfs_iter_open(s, &it, 0) != SHMFS_E_FORKED;
	bad |= shmfs_pin(s, &pin) != SHMFS_E_FORKED;
	bad |= shmfs_put_begin(s, &p, 0) != SHMFS_E_FORKED;
	bad |= shmfs_sync(s) != SHMFS_E_FORKED;
	bad |= shmfs_stat(s, &st) != SHMFS_E_FORKED;
	bad |= shmfs_close(s) != 0;
	own = store_open(store_path("child"), SHMFS_RDWR | SHMFS_CREATE);
	bad |= store_put(own, "k", "v") != 0;
	bad |= shmfs_close(own) != 0;
	return bad;
}

static void forked(void)
{
	const char *path = store_path("forked");
	struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);

	store_put(s, "k", "parent");
	CU_ASSERT_EQUAL(in_child(use_in_child, s), 0);
	CU_ASSERT(store_has(s, "k", "parent"));
	CU_ASSERT(store_has(r, "k", "parent"));
	CU_ASSERT_EQUAL(store_put(s, "k", "still"), 0);
	CU_ASSERT_EQUAL(store_stat(s).writers, 1);
	store_good(s);
	store_close(r);
	store_close(s);
}

static void every_code_has_words(void)
{
	for (int code = SHMFS_E_LEASES; code <= SHMFS_E_NOT_STORE; code++)
		CU_ASSERT(strlen(shmfs_strerror(code)) > 10 && !strchr(shmfs_strerror(code), '\n'));
	CU_ASSERT_STRING_EQUAL(shmfs_strerror(-EACCES), strerror(EACCES));
	CU_ASSERT_PTR_NOT_NULL(shmfs_strerror(12345));
	CU_ASSERT_PTR_NOT_NULL(shmfs_strerror(-2000000000));
	CU_ASSERT(strchr(shmfs_version(), '.') != NULL);
}

static const struct harness_test tests[] = {
	{"a store is created when asked for, and once if so asked", made_once},
	{"bad arguments are EINVAL and create nothing", bad_arguments},
	{"an empty file is a store to be", empty_file},
	{"directories, fifos and devices are refused without waiting", not_files},
	{"the mode of a new store is as asked, less the umask", permissions},
	{"a store keeps its options and names the one that differs", kept_options},
	{"room and index are made ahead on demand", room_ahead},
	{"handles see each other's writes, and readers outlast writers", several_handles},
	{"a copy of a closed store is complete, of an open volatile one refused", copies},
	{"a child of fork cannot use the handle and does no harm", forked},
	{"every code has a sentence", every_code_has_words},
};

HARNESS_MAIN("open", tests)
