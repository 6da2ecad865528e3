/* SPDX-License-Identifier: MIT */
/*
 * The file is cut while it is mapped: error codes, not signals; nobody hangs; and nothing is
 * written to a file that is the store no more.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/format.h"
#include "env.h"

#define KEYS 500
#define FRAMES 300

/* Where it is cut; LAST of them is made as long as it was, by zeros. */
static const struct {
	uint64_t length;
	bool zeros;
} cuts[] = {
	{0, false},           /* all of it */
	{0x1000, false},      /* the superblock is left */
	{0x2000, false},      /* and the live page */
	{0x100000, false},    /* all but the segment table, and behind */
	{0x101000, false},    /* the first page of the table is left */
	{0x300000, false},    /* no segment is left */
	{0x480000, false},    /* half of one */
	{0, true},
	{0x2000, true},
	{0x480000, true},
};
#define CUTS (int)(sizeof(cuts) / sizeof(*cuts))

static char value[200000];

static size_t value_size(uint64_t key)
{
	return key % 50 == 49 ? sizeof(value) : (size_t)(8 + key * 3);
}

static void fill_store(const char *path)
{
	struct shmfs *s = store_new(path);

	for (uint64_t key = 0; key < KEYS; key++) {
		value_fill(value, value_size(key), key);
		CU_ASSERT_EQUAL(shmfs_put(s, &key, sizeof(key), value, value_size(key), 0, NULL), 0);
	}
	for (uint64_t n = 0; n < FRAMES; n++)
		CU_ASSERT_EQUAL(frame_put(s, n), 0);
	store_close(s);
}

/* What a call may give on a file that was cut.  Zeros may also look like nothing there, or like
 * something that never stands still. */
static bool told(int got, bool zeros)
{
	return got == -EIO || got == -EUCLEAN ||
	       (zeros && (got == -ENOENT || got == -ENODATA || got == -EINVAL || got == -ESTALE ||
	                  got == -EAGAIN));
}

/* Superblock and live page as they were, and zeros behind: only checksums could tell. */
static bool unnoticed(int i)
{
	return cuts[i].zeros && cuts[i].length;
}

/* A get gives the value, or is told. */
static int gets(struct shmfs *s, bool zeros, int *errors)
{
	for (uint64_t key = 0; key < KEYS; key++) {
		size_t size = sizeof(value);
		int got = shmfs_get(s, &key, sizeof(key), value, &size, NULL);

		if (got == 0)
			WANT(size == value_size(key) && (zeros || value_is(value, size, key)));
		else
			WANT(told(got, zeros));
		*errors += got != 0;
	}
	return 0;
}

static int walks(struct shmfs *s, bool zeros)
{
	struct shmfs_entry e;
	struct shmfs_iter *it;
	int got = shmfs_iter_open(s, &it, 0), n = 0;

	if (got)
		return !told(got, zeros);
	while ((got = shmfs_iter_next(it, &e)) == 0)
		WANT(++n <= KEYS);
	shmfs_iter_close(it);
	WANT(told(got, zeros) || (got == -ENOENT && n == KEYS));
	return 0;
}

/* ---- a reader ------------------------------------------------------------------------- */

static int reader(struct child *c)
{
	struct shmfs *s = store_open(c->path, SHMFS_RDONLY);
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct shmfs_check_result check = {.struct_size = sizeof(check)};
	struct shmfs_log_bounds bounds = {.struct_size = sizeof(bounds)};
	bool zeros = cuts[c->what].zeros;
	struct shmfs_frame_view frame;
	struct shmfs_view view;
	struct shmfs_reader *r, *back;
	struct shmfs_pin *pin;
	uint64_t key = 49;
	int errors = 0, got;
	int64_t n;

	WANT(shmfs_view(s, &key, sizeof(key), &view) == 0);
	WANT(shmfs_reader_open(s, &r, SHMFS_LOG_BEGIN) == 0 && frame_next(r) == 0);
	WANT(shmfs_reader_view(r, &frame) == 0);
	WANT(shmfs_reader_open(s, &back, SHMFS_LOG_END) == 0);
	child_wait(c);

	/* bytes of a view held are intact, or the view says that they were not */
	got = value_is(view.data, view.info.size, key);
	WANT(got || shmfs_view_valid(s, &view) < 0 || unnoticed(c->what));
	got = memcmp(frame.data, "\1\0\0\0\0\0\0", 8) == 0;
	WANT(got || shmfs_reader_view_valid(r, &frame) < 0 || unnoticed(c->what));
	WANT(gets(s, zeros, &errors) == 0);
	WANT(errors > 0);
	WANT(walks(s, zeros) == 0);
	for (int64_t next = 2; (n = frame_next(r)) >= 0; next++)
		WANT(n == next || zeros);
	WANT(told((int)n, true));
	n = (size_t)sizeof(value);
	WANT(told(shmfs_reader_prev(back, value, (size_t *)&n, NULL), zeros));
	got = shmfs_reader_wait(r, 50);
	WANT(told(got, zeros) || (zeros && got == -ETIMEDOUT));
	got = shmfs_reader_seek(r, SHMFS_SEEK_POSITION, 0);
	WANT(got == 0 || got == -ERANGE || told(got, true));
	got = shmfs_log_bounds(s, &bounds);
	WANT(got == 0 || told(got, zeros));
	got = shmfs_stat(s, &st);
	WANT(got == 0 || told(got, zeros));
	got = shmfs_check(s, &check, NULL, NULL);
	WANT(told(got, zeros) || check.problems > 0);
	got = shmfs_pin(s, &pin);
	WANT(got == 0 || told(got, zeros));
	if (got == 0)
		shmfs_unpin(pin);
	shmfs_reader_close(back);
	shmfs_reader_close(r);
	WANT(shmfs_close(s) == 0);
	return 0;
}

/* ---- a writer ------------------------------------------------------------------------- */

struct waiting {
	struct shmfs_reader *r;
	volatile int got;
};

static void *wait_for_frame(void *arg)
{
	struct waiting *w = arg;

	w->got = shmfs_reader_wait(w->r, 20000);
	return NULL;
}

static int writer(struct child *c)
{
	struct shmfs *s = store_open(c->path, SHMFS_RDWR);
	bool fine = unnoticed(c->what);
	struct shmfs_batch *b, *begun;
	struct shmfs_put *p;
	struct waiting w = {NULL, 1};
	pthread_t thread;
	uint64_t start;
	int got = 0;

	WANT(shmfs_reader_open(s, &w.r, SHMFS_LOG_END) == 0);
	WANT(shmfs_put_begin(s, &p, 1 << 20) == 0);
	WANT(shmfs_put_write(p, 0, "begun", 5) == 0);
	WANT(shmfs_log_begin(s, &begun, 100, 1) == 0);
	pthread_create(&thread, NULL, wait_for_frame, &w);
	usleep(20000);
	child_wait(c);

	/* The start of the file may do for some puts, and they count; but none for ever. */
	start = clock_us();
	for (uint64_t key = 0; !got && !(fine && key == 5000); key++) {
		got = shmfs_put(s, &key, sizeof(key), value, 1000, 0, NULL);
		WANT(got == 0 || told(got, fine));
		WANT(key < 20000);
	}
#define TOLD(call) WANT(((got = (call)) == 0 && fine) || told(got, fine))
	TOLD(shmfs_put_write(p, 100000, "gone on", 7));
	TOLD(shmfs_put_commit(p, "p", 1, 0, NULL));
	TOLD(shmfs_log_append(s, "x", 1, NULL));
	shmfs_log_abort(begun);
	TOLD(shmfs_log_begin(s, &b, 100, 1));
	if (got == 0)
		shmfs_log_abort(b);
	TOLD(shmfs_sync(s));
	TOLD(shmfs_del(s, "k", 1, 0, NULL));
	TOLD(shmfs_rename(s, "a", 1, "b", 1, 0));
	TOLD(shmfs_add(s, "n", 1, 1, NULL, NULL));
	TOLD(shmfs_cursor_create(s, "c", 1, 0));
	TOLD(shmfs_log_trim(s, 0));
	pthread_join(thread, NULL);
	WANT((fine && w.got == 0) || told(w.got, fine));
	WANT(clock_us() - start < 10000000);
	shmfs_reader_close(w.r);
	TOLD(shmfs_close(s));
	return 0;
}

/* ---- cutting -------------------------------------------------------------------------- */

static bool all_zeros(const char *path)
{
	struct bytes b = file_read(path);
	bool zeros = true;

	for (size_t i = 0; i < b.size; i++)
		zeros &= b.data[i] == 0;
	free(b.data);
	return zeros;
}

/* Whoever has it open, the cut file keeps its length, and zeros stay zeros. */
static void cut_under(int (*run)(struct child *c))
{
	const char *whole = store_path("whole"), *path = store_path("cut");
	struct stat before, after;

	fill_store(whole);
	CU_ASSERT_EQUAL(stat(whole, &before), 0);
	for (int i = 0; i < CUTS; i++) {
		uint64_t length = cuts[i].length;
		struct child c;
		int got;

		unlink(path);
		copy_file(whole, path);
		c = child_start(run, path, i);
		CU_ASSERT(child_at(&c, 1));
		CU_ASSERT_EQUAL(truncate(path, (off_t)length), 0);
		if (cuts[i].zeros) {
			length = (uint64_t)before.st_size + (4 << 20);
			CU_ASSERT_EQUAL(truncate(path, (off_t)length), 0);
		}
		child_go(&c);
		got = child_end(&c);
		if (got)
			printf("# cut to %#llx%s\n", (unsigned long long)cuts[i].length,
			       cuts[i].zeros ? ", zeros behind" : "");
		CU_ASSERT_EQUAL(got, 0);
		CU_ASSERT_EQUAL(stat(path, &after), 0);
		if (!unnoticed(i))
			CU_ASSERT_EQUAL((uint64_t)after.st_size, length);
		if (cuts[i].length == 0)
			CU_ASSERT(all_zeros(path));
	}
}

/* A frame before the tail that is zeros will never be settled: sync says so, and does not wait. */
static int syncs(struct child *c)
{
	struct shmfs *s = NULL;
	int got;

	WANT(shmfs_open(&s, c->path, SHMFS_RDWR | SHMFS_CREATE, NULL) == 0);
	for (uint64_t n = 0; n < FRAMES; n++)
		WANT(frame_put(s, n) == 0);
	child_wait(c);
	alarm(10);
	got = shmfs_sync(s);
	WANT(got == -EUCLEAN || (got == 0 && store_stat(s).is_volatile));
	WANT(shmfs_close(s) == -EUCLEAN);
	return 0;
}

static void frames_gone(void)
{
	const char *path = store_path("frames");
	struct child c = child_start(syncs, path, 0);
	static const char zeros[FRAMES * 32];
	struct bytes b;

	CU_ASSERT(child_at(&c, 1));
	b = file_read(path);
	for (uint64_t at = SFS_SEG; at + 64 < b.size; at += 16) {
		/* the first frame: its word says 8 bytes, DONE; behind it its number */
		uint64_t word[2];

		memcpy(word, b.data + at, sizeof(word));
		if ((uint32_t)word[0] == 8 && word[0] >> 32 && word[1] == 0 && b.data[at + 24] == 8) {
			poke(path, at, zeros, sizeof(zeros));
			break;
		}
	}
	free(b.data);
	child_go(&c);
	CU_ASSERT_EQUAL(child_end(&c), 0);
}

static void under_reader(void)
{
	cut_under(reader);
}

static void under_writer(void)
{
	cut_under(writer);
}

static const struct harness_test tests[] = {
	{"a file cut under a reader gives errors or the truth, and no signal", under_reader},
	{"a file cut under a writer gives errors, and nothing is written to it", under_writer},
	{"a sync whose log was made zeros says so and does not wait for ever", frames_gone},
};

HARNESS_MAIN("cut", tests)
