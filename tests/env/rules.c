/* SPDX-License-Identifier: MIT */
/* Who is the last to close, what a recovery may believe, and space that only seems to be there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/format.h"
#include "env.h"

/* Does a copy open?  A volatile store's has a checkpoint only while nobody writes. */
static int copy_opens(const char *path)
{
	const char *copy = store_path("presence-copy");

	copy_file(path, copy);
	return try_open(copy, SHMFS_RDONLY);
}

static void last_of_three(void)
{
	const char *path = store_path("three");
	struct shmfs *s[3], *r;

	s[0] = store_new(path);
	s[1] = store_open(path, SHMFS_RDWR);
	s[2] = store_open(path, SHMFS_RDWR);
	store_put(s[1], "k", "v");
	r = store_open(path, SHMFS_RDONLY); /* counts for nothing */
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(copy_opens(path), SHMFS_E_NOT_CLOSED);
		store_close(s[(i + 1) % 3]);
	}
	CU_ASSERT_EQUAL(copy_opens(path), 0);
	CU_ASSERT(store_has(r, "k", "v"));
	s[0] = store_open(path, SHMFS_RDWR);
	CU_ASSERT_EQUAL(copy_opens(path), SHMFS_E_NOT_CLOSED);
	store_close(r);
	CU_ASSERT_EQUAL(copy_opens(path), SHMFS_E_NOT_CLOSED);
	store_close(s[0]);
	CU_ASSERT_EQUAL(copy_opens(path), 0);
}

static int opens_and_waits(struct child *c)
{
	struct shmfs *s = store_open(c->path, SHMFS_RDWR);

	child_wait(c);
	return shmfs_close(s) != 0;
}

/* A killed writer is no writer: who closes then is the last. */
static void last_beside_the_dead(void)
{
	const char *path = store_path("dead");
	struct shmfs *s = store_new(path);
	struct child c = child_start(opens_and_waits, path, 0);

	CU_ASSERT(child_at(&c, 1));
	CU_ASSERT_EQUAL(store_stat(s).writers, 2);
	child_kill(&c, SIGKILL);
	store_close(s);
	CU_ASSERT_EQUAL(copy_opens(path), 0);
}

/* Readers that come and go all the time do not keep a writer from closing, nor the next from opening. */
static int reads_on(struct child *c)
{
	while (!c->stage->go) {
		struct shmfs *s = store_open(c->path, SHMFS_RDONLY);

		WANT(store_has(s, "k", "v"));
		WANT(shmfs_close(s) == 0);
		c->stage->ready = 1;
	}
	return 0;
}

static void readers_come_and_go(void)
{
	const char *path = store_path("come");
	struct shmfs *s = store_new(path);
	struct child c[2];
	uint64_t start;

	store_put(s, "k", "v");
	store_close(s);
	for (int i = 0; i < 2; i++)
		c[i] = child_start(reads_on, path, 0);
	for (int i = 0; i < 2; i++)
		CU_ASSERT(child_at(&c[i], 1));
	start = clock_us();
	for (int i = 0; i < 50; i++) {
		s = store_open(path, SHMFS_RDWR);
		CU_ASSERT_EQUAL(store_put(s, "n", "v"), 0);
		store_close(s);
	}
	printf("# open, put and close beside readers: %.1f ms each\n", (double)(clock_us() - start) / 50000);
	for (int i = 0; i < 2; i++) {
		child_go(&c[i]);
		CU_ASSERT_EQUAL(child_end(&c[i]), 0);
	}
	CU_ASSERT_EQUAL(copy_opens(path), 0);
}

/* ---- what a recovery believes -------------------------------------------------------------------- */

/* Half of it dead, so that counts and segments differ. */
static struct shmfs *half_dead(const char *path)
{
	struct shmfs *s = store_durable(path);
	static char value[3000];

	for (uint64_t i = 0; s && i < 2000; i++) {
		uint64_t key = i % 1000;

		CU_ASSERT_EQUAL(shmfs_put(s, &key, sizeof(key), value, sizeof(value), 0, NULL), 0);
	}
	return s;
}

static uint64_t live_after_recovery(const char *path)
{
	const char *copy = store_path("recovered");
	struct shmfs *s;
	uint64_t live;

	copy_file(path, copy);
	s = store_open(copy, SHMFS_RDWR);
	live = store_stat(s).live_bytes;
	store_good(s);
	store_close(s);
	return live;
}

static void counts_of_a_close(void)
{
	const char *path = store_path("counts");
	struct shmfs *s = half_dead(path);
	const struct sfs_seg *table;
	uint64_t live, n = SFS_FIRST_SEG, at;
	uint32_t count;
	struct bytes b;

	if (!s)
		return;
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	live = store_stat(s).live_bytes;
	CU_ASSERT(live > 3000000 && live < 4200000);
	/* synced, not closed: the table may be of any moment since, so each segment counts as full */
	CU_ASSERT(live_after_recovery(path) > live + 500000);
	store_close(s);
	CU_ASSERT_EQUAL(live_after_recovery(path), live);
	/* closed, but a count is not what the close summed */
	b = file_read(path);
	table = (const struct sfs_seg *)(const void *)(b.data + SFS_SEG);
	while (table[n].kind != SFS_SEG_DATA || table[n].died)
		n++;
	at = SFS_SEG + n * sizeof(*table) + offsetof(struct sfs_seg, live);
	count = table[n].live + 8;
	free(b.data);
	poke(path, at, &count, sizeof(count));
	CU_ASSERT(live_after_recovery(path) > live + 500000);
}

/* ---- space that only seems to be there ------------------------------------------------------------- */

/* Take what is left of the file system, to the last page. */
static void fill_up(const char *path)
{
	static char zeros[4096];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	close(fd);
}

/* A backup copied over the store looks like the same session, whose table says that there is space: the
 * handle meets the hole, and is lost; the store is not. */
static int goes_on_after(struct shmfs *s, const char *path, const char *ballast)
{
	WANT(shmfs_close(s) == -EIO);
	WANT(unlink(ballast) == 0);
	s = store_open(path, SHMFS_RDWR);
	WANT(store_has(s, "k", "v") && store_put(s, "k", "w") == 0);
	return shmfs_close(s) != 0;
}

/* A closed store with holes on a tmpfs: a copy of it, or, in place, copied over it.  When the rest of
 * the disk is taken, that is ENOSPC, and the handle lives on. */
static int holes_on_full(bool in_place)
{
	char command[21000], path[5000], copy[5000], ballast[5000];
	static char value[3000];
	struct shmfs *s;
	uint64_t n = 0;
	int got;

	snprintf(path, sizeof(path), "%s/s", harness_dir());
	snprintf(copy, sizeof(copy), "%s/copy", harness_dir());
	snprintf(ballast, sizeof(ballast), "%s/ballast", harness_dir());
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("shmfs-test", harness_dir(), "tmpfs", 0, "size=20m"))
		return 77;
	s = store_open(path, SHMFS_RDWR | SHMFS_CREATE);
	WANT(store_put(s, "k", "v") == 0 && frame_put(s, 0) == 0);
	WANT(shmfs_close(s) == 0);
	snprintf(command, sizeof(command), "cp --sparse=always '%s' '%s' && %s '%s' '%s'", path, copy,
	         in_place ? "cp --sparse=always" : "mv", copy, path);
	WANT(system(command) == 0);
	s = store_open(path, SHMFS_RDWR);
	fill_up(ballast);
	while ((got = shmfs_put(s, &n, sizeof(n), value, sizeof(value), 0, NULL)) == 0)
		n++;
	if (in_place && got == -EIO)
		return goes_on_after(s, path, ballast);
	WANT(got == -ENOSPC);
	while ((got = shmfs_log_append(s, value, sizeof(value), NULL)) == 0)
		;
	WANT(got == -ENOSPC);
	WANT(store_has(s, "k", "v"));
	got = shmfs_del(s, "k", 1, 0, NULL);
	WANT(got == 0 || got == -ENOSPC); /* it has no spares yet */
	WANT(unlink(ballast) == 0);
	WANT(store_put(s, "k", "w") == 0 && frame_put(s, 0) == 0);
	return shmfs_close(s) != 0;
}

static int copied(void *arg)
{
	(void)arg;
	return holes_on_full(false);
}

static int copied_over(void *arg)
{
	(void)arg;
	return holes_on_full(true);
}

static void holes(int (*run)(void *arg))
{
	int got;

	harness_dir();
	got = in_child(run, NULL);
	if (got == 77)
		harness_skip("needs root, to mount a small file system");
	else
		CU_ASSERT_EQUAL(got, 0);
}

static void holes_of_a_copy(void)
{
	holes(copied);
}

static void holes_in_place(void)
{
	holes(copied_over);
}

static const struct harness_test tests[] = {
	{"the last of three writers to close leaves a checkpoint, whoever reads", last_of_three},
	{"so does the last one alive", last_beside_the_dead},
	{"readers that come and go hold up neither open nor close", readers_come_and_go},
	{"a recovery believes the counts of a close, and no others", counts_of_a_close},
	{"holes of a copy on a full disk are ENOSPC, and the handle lives", holes_of_a_copy},
	{"those of a backup copied over the store may cost the handle, not the store", holes_in_place},
};

HARNESS_MAIN("rules", tests)
