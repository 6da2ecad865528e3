/* SPDX-License-Identifier: MIT */
/* The kill torture's reader: it gets, walks the keys, and follows the log. */
#include <errno.h>
#include <string.h>

#include "ledger.h"

struct reader {
	const char *path;
	struct books *books;
	uint64_t fillers;
	struct rng rng;
	struct shmfs *s;
	struct shmfs_reader *log;
	uint64_t next[LOG_WRITERS + 1]; /* the number of each writer's next frame; 0: any */
	unsigned char room[VALUE_TOP];
};

static struct reader r; /* one per process, too large for a stack */

static void must(int got, const char *what)
{
	if (got)
		die("reader: %s: %s", what, shmfs_strerror(got));
}

static void get(void)
{
	bool filler = rng_once_in(&r.rng, 4);
	uint64_t i = rng_below(&r.rng, filler ? r.fillers : SLOTS);
	unsigned char key[KEY_TOP];
	size_t key_size = filler ? filler_key(i, key) :
	                           ledger_key((unsigned)rng_below(&r.rng, WRITERS_TOP), (uint32_t)i, key);
	size_t size = sizeof(r.room);
	int got = shmfs_get(r.s, key, key_size, r.room, &size, NULL);

	if (got != -ENOENT || filler)
		must(got, "get");
	if (!got && !(filler ? size == FILLER_SIZE && value_is(r.room, size, i) : value_whole(r.room, size)))
		die("reader: a torn or wrong value of %zu bytes", size);
	atomic_fetch_add(&r.books->reads, 1);
}

static bool is_filler(const struct shmfs_entry *e)
{
	uint64_t seed;

	if (e->key_size != 16)
		return false;
	memcpy(&seed, e->key, sizeof(seed));
	return ~seed < r.fillers;
}

/* A key present all the time is met exactly once. */
static void walk(void)
{
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t met = 0;
	int got;

	must(shmfs_iter_open(r.s, &it, 0), "iter_open");
	while (!(got = shmfs_iter_next(it, &e))) {
		bool good = value_whole(e.view.data, e.view.info.size);

		if (!good && !shmfs_view_valid(r.s, &e.view))
			die("reader: a walk meets a torn value of %llu bytes", (unsigned long long)e.view.info.size);
		met += is_filler(&e);
	}
	must(got == -ENOENT ? 0 : got, "iter_next");
	if (met != r.fillers)
		die("reader: a walk meets %llu of %llu keys that nobody touched", (unsigned long long)met,
		    (unsigned long long)r.fillers);
	shmfs_iter_close(it);
	atomic_fetch_add(&r.books->walks, 1);
}

/* Some frames: a writer's follow each other without a gap. */
static void follow_log(void)
{
	static _Alignas(8) unsigned char buf[LOG_FRAME_TOP];

	for (int i = 0; i < 50; i++) {
		const struct logframe *f = (const void *)buf;
		size_t size = sizeof(buf);
		int got = shmfs_reader_next(r.log, buf, &size, NULL);

		if (got == -ENODATA)
			return;
		if (got == -ESTALE) { /* trimmed */
			must(shmfs_reader_seek(r.log, SHMFS_SEEK_POSITION, SHMFS_LOG_BEGIN), "seek");
			memset(r.next, 0, sizeof(r.next));
			continue;
		}
		must(got, "next");
		if (!logframe_is(buf, size))
			die("reader: a torn frame");
		if (r.next[f->writer] && r.next[f->writer] != f->number)
			die("reader: writer %u's frame %llu, should be %llu", f->writer,
			    (unsigned long long)f->number, (unsigned long long)r.next[f->writer]);
		r.next[f->writer] = f->number + 1;
		atomic_fetch_add(&r.books->frames, 1);
	}
}

static void open_again(void)
{
	shmfs_reader_close(r.log);
	must(shmfs_close(r.s), "close");
	must(shmfs_open(&r.s, r.path, SHMFS_RDONLY, NULL), "open");
	must(shmfs_reader_open(r.s, &r.log, SHMFS_LOG_END), "reader_open");
	memset(r.next, 0, sizeof(r.next));
}

void reader_run(const char *path, struct books *books, uint64_t fillers, uint64_t seed)
{
	r.path = path;
	r.books = books;
	r.fillers = fillers;
	r.rng.state = seed;
	open_again();
	for (;;) {
		if (rng_once_in(&r.rng, 20000))
			open_again();
		else if (rng_once_in(&r.rng, 1000 + r.fillers / 4))
			walk();
		else if (rng_once_in(&r.rng, 50))
			follow_log();
		else
			get();
	}
}
