/* SPDX-License-Identifier: MIT */
/* The writers of the full disk torture (fullfill.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fullfill.h"

enum { USUAL = 100000, FRAME = 3000 };

struct filler {
	struct shmfs *s;
	struct fullbooks *books;
	struct rng rng;
	int64_t put_top, frame_top; /* halved by each ENOSPC; below 0: nothing goes any more */
	bool was_full;
};

static struct filler f;
static _Alignas(8) unsigned char room[FULL_VALUE_TOP];

static void must(int got, const char *what)
{
	if (got)
		die("filling: %s: %s", what, shmfs_strerror(got));
}

/* True if it did fit in. */
static bool fitted(int got, const char *what, uint64_t size, int64_t *top)
{
	if (got != -ENOSPC) {
		must(got, what);
		return true;
	}
	if ((int64_t)size > *top)
		return false; /* the odd long one: what is usual may fit still */
	f.was_full = true;
	*top = *top ? *top / 2 : -1;
	return false;
}

static void change(uint32_t i, struct fullstate after)
{
	f.books->after = after;
	atomic_store(&f.books->doing, i + 1);
}

static void changed(uint32_t i, bool done)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (done)
		f.books->states[i] = f.books->after;
	atomic_store(&f.books->doing, 0);
}

static void put(void)
{
	uint32_t i = (uint32_t)rng_below(&f.rng, FULL_KEYS);
	struct fullstate st = {.there = true, .seed = rng_next(&f.rng)};

	if (f.put_top < 0)
		return;
	/* once it is full nothing is replaced: that would make room */
	for (uint32_t n = 0; f.was_full && f.books->states[i].there; n++, i = (i + 1) % FULL_KEYS)
		if (n == FULL_KEYS) {
			f.put_top = -1; /* all are there */
			return;
		}
	st.size = (uint32_t)rng_size(&f.rng, (uint64_t)f.put_top);
	if (!f.was_full && rng_once_in(&f.rng, 100))
		st.size = (uint32_t)rng_below(&f.rng, FULL_VALUE_TOP);
	value_fill(room, st.size, st.seed);
	change(i, st);
	changed(i, fitted(shmfs_put(f.s, &i, sizeof(i), room, st.size, SHMFS_BYTES, NULL), "put", st.size,
	                  &f.put_top));
}

static void del(void)
{
	uint32_t i = (uint32_t)rng_below(&f.rng, FULL_KEYS);

	if (f.was_full || !f.books->states[i].there)
		return;
	change(i, (struct fullstate){0});
	must(shmfs_del(f.s, &i, sizeof(i), 0, NULL), "del");
	changed(i, true);
}

static void append(void)
{
	struct logframe *head = (struct logframe *)(void *)room;
	size_t size;

	if (f.frame_top < 0)
		return;
	size = rng_size(&f.rng, (uint64_t)f.frame_top);
	*head = (struct logframe){atomic_load(&f.books->log.acked), 0, 0, 1};
	value_fill(head + 1, size, head->number);
	atomic_store(&f.books->log.doing, 1);
	if (fitted(shmfs_log_append(f.s, room, sizeof(*head) + size, NULL), "append", size, &f.frame_top))
		atomic_fetch_add(&f.books->log.acked, 1);
	atomic_store(&f.books->log.doing, 0);
}

void full_fill(const char *path, struct fullbooks *books, uint64_t seed)
{
	f = (struct filler){.books = books, .rng = {seed}, .put_top = USUAL, .frame_top = FRAME};
	must(shmfs_open(&f.s, path, SHMFS_RDWR, NULL), "open");
	while (f.put_top >= 0 || f.frame_top >= 0) {
		uint64_t choice = rng_below(&f.rng, 100);

		if (choice < 70)
			put();
		else if (choice < 75)
			del();
		else if (choice < 99)
			append();
		else if (rng_once_in(&f.rng, 4))
			must(shmfs_sync(f.s), "sync");
	}
	must(shmfs_close(f.s), "close");
	exit(0);
}
