/* SPDX-License-Identifier: MIT */
/*
 * For gate.sh: every kind of operation some thousand times, on a store that is the same every
 * time, each kind in a function of its own whose cost callgrind tells apart.
 *
 * usage: ops STORE	prints, for each function, its name and how many operations it does
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "shmfs.h"

enum { KEYS = 20000, KEY_SIZE = 16, VALUE_SIZE = 100, MANY = 16, FRAME_SIZE = 64, BATCH = 32 };

static uint8_t keys[KEYS][KEY_SIZE], absent[KEYS][KEY_SIZE], value[VALUE_SIZE];
static struct shmfs *s;
static struct shmfs_reader *reader;

static void ok(int rc, const char *what)
{
	if (rc)
		errx(1, "%s: %s", what, shmfs_strerror(rc));
}

static void fill(uint8_t (*key)[KEY_SIZE], uint64_t x)
{
	for (int i = 0; i < KEYS; i++) {
		for (int j = 0; j < KEY_SIZE; j++) {
			x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
			key[i][j] = (uint8_t)(x >> 56);
		}
	}
}

/* Another order than they were put in. */
static const uint8_t *key_at(int i)
{
	return keys[(unsigned)i * 7919u % KEYS];
}

static void gate_insert(void)
{
	for (int i = 0; i < KEYS; i++)
		ok(shmfs_put(s, keys[i], KEY_SIZE, value, sizeof(value), SHMFS_BYTES, NULL), "insert");
}

static void gate_overwrite(void)
{
	for (int i = 0; i < KEYS; i++)
		ok(shmfs_put(s, key_at(i), KEY_SIZE, value, sizeof(value), SHMFS_BYTES, NULL), "overwrite");
}

static void gate_del(void)
{
	for (int i = 0; i < KEYS; i++)
		ok(shmfs_del(s, key_at(i), KEY_SIZE, 0, NULL), "del");
}

static void gate_get(void)
{
	for (int i = 0; i < KEYS; i++) {
		uint8_t buf[VALUE_SIZE];
		size_t size = sizeof(buf);

		ok(shmfs_get(s, key_at(i), KEY_SIZE, buf, &size, NULL), "get");
	}
}

static void gate_get_miss(void)
{
	for (int i = 0; i < KEYS; i++) {
		uint8_t buf[VALUE_SIZE];
		size_t size = sizeof(buf);

		if (shmfs_get(s, absent[i], KEY_SIZE, buf, &size, NULL) == 0)
			errx(1, "found what was never put");
	}
}

static void gate_view(void)
{
	for (int i = 0; i < KEYS; i++) {
		struct shmfs_view view;

		ok(shmfs_view(s, key_at(i), KEY_SIZE, &view), "view");
		ok(shmfs_view_valid(s, &view), "view_valid");
	}
}

static void gate_get_many(void)
{
	for (int i = 0; i < KEYS; i += MANY) {
		struct shmfs_item item[MANY];
		uint8_t buf[MANY][VALUE_SIZE];

		for (int j = 0; j < MANY; j++)
			item[j] = (struct shmfs_item){.key = key_at(i + j),
			                              .key_size = KEY_SIZE,
			                              .value = buf[j],
			                              .size = sizeof(buf[j])};
		ok(shmfs_get_many(s, item, MANY), "get_many");
		ok(item[MANY - 1].status, "get_many");
	}
}

static void gate_iterate(void)
{
	struct shmfs_iter *it;
	struct shmfs_entry entry;
	int n = 0;

	ok(shmfs_iter_open(s, &it, 0), "iterate");
	while (shmfs_iter_next(it, &entry) == 0)
		n++;
	shmfs_iter_close(it);
	if (n != KEYS)
		errx(1, "met %d keys", n);
}

static void gate_append(void)
{
	for (int i = 0; i < KEYS; i++)
		ok(shmfs_log_append(s, value, FRAME_SIZE, NULL), "append");
}

static void gate_append_many(void)
{
	struct shmfs_frame frame[BATCH];

	for (int j = 0; j < BATCH; j++)
		frame[j] = (struct shmfs_frame){.data = value, .size = FRAME_SIZE};
	for (int i = 0; i < KEYS; i += BATCH)
		ok(shmfs_log_append_many(s, frame, BATCH), "append_many");
}

static void gate_next(void)
{
	for (int i = 0; i < KEYS; i++) {
		uint8_t buf[FRAME_SIZE];
		size_t size = sizeof(buf);

		ok(shmfs_reader_next(reader, buf, &size, NULL), "next");
	}
}

static void gate_next_batch(void)
{
	for (int i = 0; i < KEYS; i += BATCH) {
		struct shmfs_frame frame[BATCH];
		uint8_t buf[BATCH * FRAME_SIZE];
		size_t n;

		ok(shmfs_reader_next_batch(reader, frame, BATCH, buf, sizeof(buf), &n), "next_batch");
		if (n != BATCH)
			errx(1, "a batch of %zu", n);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} gates[] = {
	{"insert", gate_insert},
	{"get", gate_get},
	{"get_miss", gate_get_miss},
	{"view", gate_view},
	{"get_many", gate_get_many},
	{"iterate", gate_iterate},
	{"overwrite", gate_overwrite},
	{"del", gate_del},
	{"append", gate_append},
	{"append_many", gate_append_many},
	{"next", gate_next},
	{"next_batch", gate_next_batch},
};

/* On a stack of our own: where the process's lies depends on its environment, and with that how many
 * lines a buffer on it takes. */
static void run_all(void)
{
	for (unsigned i = 0; i < sizeof(gates) / sizeof(*gates); i++) {
		gates[i].run();
		printf("%s %d\n", gates[i].name, KEYS);
	}
}

static void on_own_stack(void (*run)(void))
{
	static _Alignas(4096) char stack[1 << 18];
	ucontext_t here, there;

	if (getcontext(&there) < 0)
		err(2, "getcontext");
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	there.uc_link = &here;
	makecontext(&there, run, 0);
	if (swapcontext(&here, &there) < 0)
		err(2, "swapcontext");
}

int main(int argc, char **argv)
{
	const struct shmfs_options options = {
		.struct_size = sizeof(options), .seed = 42, .flags = SHMFS_OPT_NO_SYNC};

	if (argc != 2)
		errx(2, "usage: ops STORE");
	fill(keys, 1);
	fill(absent, 2);
	ok(shmfs_open(&s, argv[1], SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL, &options), "open");
	/* the first frame makes the log's first segment */
	ok(shmfs_log_append(s, value, FRAME_SIZE, NULL), "append");
	ok(shmfs_reader_open(s, &reader, SHMFS_LOG_END), "reader");
	on_own_stack(run_all);
	shmfs_reader_close(reader);
	ok(shmfs_close(s), "close");
	return 0;
}
