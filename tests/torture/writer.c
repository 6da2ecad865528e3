/* SPDX-License-Identifier: MIT */
/* The kill torture's writers. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ledger.h"

struct writer {
	struct shmfs *s;
	struct appender log;
	const char *path;
	struct books *books;
	struct ledger *ledger;
	unsigned number;
	struct rng rng;
	bool is_volatile;
	unsigned char room[VALUE_TOP];
};

static struct writer w; /* one per process, too large for a stack */

size_t ledger_key(unsigned writer, uint32_t slot, unsigned char key[KEY_TOP])
{
	size_t size = 8 + slot * 7 % 100 + (slot % 16 == 0) * 140;

	value_fill(key, size, UINT64_C(1000003) * slot + writer);
	return size;
}

size_t filler_key(uint64_t i, unsigned char key[KEY_TOP])
{
	value_fill(key, 16, ~i);
	return 16;
}

static void must(int got, const char *what)
{
	if (got)
		die("writer %u: %s: %s", w.number, what, shmfs_strerror(got));
}

static void open_store(void)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	must(shmfs_open(&w.s, w.path, SHMFS_RDWR, NULL), "open");
	must(shmfs_stat(w.s, &st), "stat");
	w.is_volatile = st.is_volatile;
	w.log.s = w.s;
}

/* ---- the books */

static struct change *note(size_t i, uint32_t slot, struct state after)
{
	w.ledger->changes[i] = (struct change){.slot = slot, .after = after};
	return &w.ledger->changes[i];
}

static void begin(const char *doing, unsigned n, bool one_by_one)
{
	strcpy(w.ledger->doing, doing);
	w.ledger->one_by_one = one_by_one;
	atomic_store(&w.ledger->in_flight, n);
}

static void end(void)
{
	unsigned n = atomic_load(&w.ledger->in_flight);

	atomic_signal_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < n; i++)
		w.ledger->states[w.ledger->changes[i].slot] = w.ledger->changes[i].after;
	atomic_store(&w.ledger->in_flight, 0);
	atomic_fetch_add(&w.ledger->ops, 1);
}

/* ---- operations */

static uint32_t any_slot(void)
{
	return (uint32_t)rng_below(&w.rng, SLOTS);
}

static struct state some_value(void)
{
	struct state st = {.there = true, .seed = rng_next(&w.rng)};

	st.type = rng_below(&w.rng, 2);
	st.size = (uint32_t)rng_size(&w.rng, 5000);
	if (rng_once_in(&w.rng, 60))
		st.size = (uint32_t)rng_below(&w.rng, rng_once_in(&w.rng, 4) ? VALUE_TOP : 400000);
	value_fill(w.room, st.size, st.seed);
	return st;
}

static void put(void)
{
	unsigned char key[KEY_TOP];
	uint32_t slot = any_slot(), flags;
	size_t key_size = ledger_key(w.number, slot, key);
	struct state after = some_value();

	flags = after.type;
	if (rng_once_in(&w.rng, 3))
		flags |= w.ledger->states[slot].there ? SHMFS_IF_PRESENT : SHMFS_IF_ABSENT;
	note(0, slot, after);
	begin("put", 1, false);
	must(shmfs_put(w.s, key, key_size, w.room, after.size, flags, NULL), "put");
	end();
}

static void put_many(void)
{
	static unsigned char keys[CHANGES][KEY_TOP];
	struct shmfs_item items[CHANGES] = {{0}};
	unsigned n = 1 + (unsigned)rng_below(&w.rng, rng_once_in(&w.rng, 8) ? CHANGES : 8);
	uint32_t slot = any_slot();

	for (unsigned i = 0; i < n; i++, slot = (slot + 1) % SLOTS) {
		struct state after = {.there = true, .seed = rng_next(&w.rng)};

		after.size = (uint32_t)rng_size(&w.rng, 3000);
		items[i].key = keys[i];
		items[i].key_size = ledger_key(w.number, slot, keys[i]);
		items[i].value = w.room + i * 4096;
		items[i].size = after.size;
		value_fill(items[i].value, after.size, after.seed);
		note(i, slot, after);
	}
	begin("put_many", n, true);
	must(shmfs_put_many(w.s, items, n), "put_many");
	end();
}

static void del(void)
{
	unsigned char key[KEY_TOP];
	uint32_t slot = any_slot();
	int got;

	note(0, slot, (struct state){0});
	begin("del", 1, false);
	got = shmfs_del(w.s, key, ledger_key(w.number, slot, key), 0, NULL);
	must(got == (w.ledger->states[slot].there ? 0 : -ENOENT) ? 0 : got ? got : -EEXIST, "del");
	end();
}

static void move(void)
{
	unsigned char from[KEY_TOP], to[KEY_TOP];
	uint32_t a = any_slot(), b = any_slot();
	size_t from_size = ledger_key(w.number, a, from), to_size = ledger_key(w.number, b, to);

	if (a == b || !w.ledger->states[a].there)
		return;
	note(0, b, w.ledger->states[a]);
	note(1, a, (struct state){0});
	begin("rename", 2, false);
	must(shmfs_rename(w.s, from, from_size, to, to_size, 0), "rename");
	end();
}

static void add(void)
{
	unsigned char key[KEY_TOP];
	uint32_t slot = any_slot();
	struct state after = w.ledger->states[slot];
	double sum = 0;

	if (after.there && after.type != SHMFS_NUMBER)
		return;
	if (after.there)
		memcpy(&sum, &after.seed, sizeof(sum));
	sum += 1.25;
	after = (struct state){.there = true, .size = sizeof(sum), .type = SHMFS_NUMBER};
	memcpy(&after.seed, &sum, sizeof(sum));
	note(0, slot, after);
	begin("add", 1, false);
	must(shmfs_add(w.s, key, ledger_key(w.number, slot, key), 1.25, NULL, NULL), "add");
	end();
}

static void stream(void)
{
	unsigned char key[KEY_TOP];
	uint32_t slot = any_slot();
	size_t key_size = ledger_key(w.number, slot, key), at;
	struct state after = some_value();
	struct shmfs_put *p;

	must(shmfs_put_begin(w.s, &p, rng_below(&w.rng, 2 * (uint64_t)after.size + 2)), "put_begin");
	/* The second half before the first. */
	at = after.size / 2;
	must(shmfs_put_write(p, at, w.room + at, after.size - at), "put_write");
	must(shmfs_put_write(p, 0, w.room, at), "put_write");
	if (rng_once_in(&w.rng, 5)) {
		shmfs_put_abort(p);
		return;
	}
	note(0, slot, after);
	begin("put_commit", 1, false);
	must(shmfs_put_commit(p, key, key_size, after.type, NULL), "put_commit");
	end();
}

static void look(void)
{
	unsigned char key[KEY_TOP];
	uint32_t slot = any_slot();
	struct state *st = &w.ledger->states[slot];
	size_t size = sizeof(w.room);
	int got = shmfs_get(w.s, key, ledger_key(w.number, slot, key), w.room, &size, NULL);

	if (got != (st->there ? 0 : -ENOENT))
		die("writer %u: get: %s", w.number, shmfs_strerror(got));
	if (!got && (size != st->size || !value_is(w.room, size, st->seed)))
		die("writer %u: slot %u is not what was put", w.number, slot);
}

static void measured(void (*operation)(void))
{
	unsigned checks = atomic_load(&w.books->checks);
	uint64_t start = clock_us(), took;

	operation();
	took = clock_us() - start;
	if (checks % 2 || checks != atomic_load(&w.books->checks))
		return;
	if (took > w.ledger->worst_us)
		w.ledger->worst_us = took;
	w.ledger->slow += took > 20000;
}

static void append(void)
{
	uint64_t choice = rng_below(&w.rng, 4);

	if (choice == 0)
		append_one(&w.log);
	else if (choice == 1)
		append_many(&w.log);
	else if (choice == 2)
		append_in_place(&w.log);
	else
		append_cursor(&w.log);
	atomic_fetch_add(&w.ledger->ops, 1);
}

void writer_run(const char *path, struct books *books, unsigned writer, uint64_t seed)
{
	w.path = path;
	w.books = books;
	w.ledger = &books->ledgers[writer];
	w.number = writer;
	w.rng.state = seed;
	w.log = (struct appender){.book = &w.ledger->log, .rng = {~seed}, .writer = writer, .usual = 500};
	open_store();
	append_one(&w.log);
	for (;;) {
		uint64_t choice = rng_below(&w.rng, 1000);

		if (choice < 400)
			measured(put);
		else if (choice < 500)
			measured(del);
		else if (choice < 570)
			measured(move);
		else if (choice < 640)
			measured(add);
		else if (choice < 690)
			put_many();
		else if (choice < 740)
			stream();
		else if (choice < 880)
			append();
		else if (choice < (w.is_volatile ? 900 : 884))
			must(shmfs_sync(w.s), "sync");
		else if (choice > 998 && rng_once_in(&w.rng, 4)) {
			must(shmfs_close(w.s), "close");
			open_store();
		} else
			look();
	}
}
