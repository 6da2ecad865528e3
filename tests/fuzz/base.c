/* SPDX-License-Identifier: MIT */
/* The stores that scripts damage. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "handle.h"
#include "log.h"
#include "tree.h"
#include "use.h"

#define SEED UINT64_C(0x5a5a5a5a5a5a5a5a)

struct fuzz_image fuzz_images[FUZZ_IMAGES];

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static void take(struct fuzz_image *im, const struct fuzz_arena *a)
{
	static const unsigned char zeros[FUZZ_PAGE];
	struct stat st;

	if (fstat(a->fd, &st))
		die("fstat");
	im->size = (uint64_t)st.st_size;
	im->bytes = mmap(NULL, im->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	im->pages = malloc(im->size / FUZZ_PAGE * sizeof(*im->pages));
	if (im->bytes == MAP_FAILED || !im->pages)
		die("no memory");
	for (unsigned n = 0; n < im->size / FUZZ_PAGE; n++) {
		size_t at = (size_t)n * FUZZ_PAGE;

		if (memcmp(a->map + at, zeros, FUZZ_PAGE) == 0)
			continue;
		memcpy(im->bytes + at, a->map + at, FUZZ_PAGE);
		im->pages[im->npages++] = n;
	}
	fuzz_find_objects(im);
}

static void fill_zeros(struct shmfs *s, const char *name, size_t size)
{
	void *zeros = calloc(1, size);

	must(shmfs_put(s, name, strlen(name), zeros, size, SHMFS_BYTES, NULL), "put");
	free(zeros);
}

/* 200,000 bytes do not yet have a run of their own. */
static void fill_segments(struct shmfs *s)
{
	char name[] = "wide 0";

	for (int i = 0; i < 12; i++, name[5]++)
		fill_zeros(s, name, 200000);
}

static void fill_big(struct shmfs *s)
{
	fill_zeros(s, "big", 300000);
	fill_zeros(s, "bigger", 1500000);
	must(shmfs_del(s, "big", 3, 0, NULL), "del");
	fill_zeros(s, "biggest", 3000000);
}

/* As if killed: every redo record armed, with what is there already, and both locks held. */
static void arm(struct shmfs *s)
{
	struct sfs_live *live = s->live;
	struct sfs_key key = sfs_key(s, SFS_USER, "number", 6);
	struct sfs_path path;
	struct sfs_hit hit;

	must(sfs_index_find(s, live->root.word, &key, &hit), "find");
	must(sfs_tree_descend(s, key.hash, false, SFS_TO_STORE, &path), "descend");
	live->op.hash = key.hash;
	live->op.slot[0] = sfs_offset(s, hit.slot);
	live->op.word[0] = *hit.slot;
	live->op.count = live->count;
	live->op.kind = SFS_OP_SLOTS;
	if (path.depth) {
		const struct sfs_step *last = &path.step[path.depth];

		live->intent.node = sfs_offset(s, last->entry);
		live->intent.n = last->span;
		live->intent.w0 = live->intent.w1 = last->word;
		live->intent.epoch = live->epoch;
	}
	live->lock = live->sync_lock = 0x20000u | s->lease;
}

static void killed(struct shmfs *s, struct fuzz_image *im, const struct fuzz_arena *a)
{
	struct shmfs_batch *batch;
	struct shmfs_put *put;

	use_fill_log(s, 20);
	must(shmfs_put_begin(s, &put, 400000), "begin");
	must(shmfs_log_begin(s, &batch, 500, 3), "begin");
	arm(s);
	take(im, a);
	s->live->op.kind = s->live->intent.node = s->live->lock = s->live->sync_lock = 0;
	shmfs_put_abort(put);
	shmfs_log_abort(batch);
}

static void durable(struct shmfs *s, struct fuzz_image *im, const struct fuzz_arena *a)
{
	use_fill_log(s, 20);
	must(shmfs_sync(s), "sync");
	use_fill(s, im->keys);
	must(shmfs_log_append(s, "after the sync", 14, NULL), "append");
	take(im, a);
}

static void fill(struct shmfs *s, enum fuzz_which which, struct fuzz_image *im, const struct fuzz_arena *a)
{
	use_fill(s, im->keys);
	switch (which) {
	case FUZZ_TREE:
		fill_segments(s);
		break;
	case FUZZ_CLOSED:
		use_fill_log(s, 20);
		fill_big(s);
		break;
	case FUZZ_BIG:
		fill_big(s);
		break;
	case FUZZ_LOG:
		use_fill_log(s, 60);
		break;
	case FUZZ_KILLED:
		killed(s, im, a);
		break;
	case FUZZ_DURABLE:
		durable(s, im, a);
		break;
	default:
		break;
	}
}

void fuzz_make_images(void)
{
	static const uint64_t keys[FUZZ_IMAGES] = {
		[FUZZ_SMALL] = 40, [FUZZ_TREE] = 1200,  [FUZZ_BIG] = 30,     [FUZZ_LOG] = 20,
		[FUZZ_KILLED] = 900, [FUZZ_CLOSED] = 50, [FUZZ_DURABLE] = 100,
	};

	fuzz_freeze(true);
	for (unsigned i = 0; i < FUZZ_IMAGES; i++) {
		struct fuzz_image *im = &fuzz_images[i];
		struct fuzz_arena *a = fuzz_arena_empty();
		struct shmfs *s;

		im->keys = keys[i];
		im->durable = i == FUZZ_DURABLE;
		im->elsewhere = i == FUZZ_CLOSED;
		fuzz_disk(im->durable);
		must(shmfs_open(&s, a->path, SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
		if (s->seed != SEED)
			die("the images are not the same every time");
		fill(s, i, im, a);
		must(shmfs_close(s), "close");
		if (!im->bytes)
			take(im, a);
	}
	fuzz_disk(false);
	fuzz_freeze(false);
}
