/* SPDX-License-Identifier: MIT */
/*
 * The works of `shmfsctl bench`: one thread, through the library as any program would, each
 * repeated until its time is over.
 *
 * What get and read return is looked at, so that no work is measured that was not done.  The
 * floor is what memory alone takes: copying as many bytes out of an array as large as the
 * values, in any order or one behind the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define BATCH	   256 /* operations between two looks at the clock, at most */
#define BATCH_SIZE ((size_t)1 << 18)
#define FLOOR_MOST ((uint64_t)256 << 20)

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t next_random(struct bench *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

static bool is_good(struct bench *b, int rc)
{
	if (rc)
		ctl_trouble(b->path, "%s", shmfs_strerror(rc));
	b->failed |= rc != 0;
	return !rc;
}

/* One operation; false ends the work. */
typedef bool operation_fn(struct bench *b, void *arg);

static bool repeat(struct bench *b, struct bench_result *r, operation_fn *operation, void *arg,
                   uint64_t most)
{
	uint64_t start = now_ns(), until = start + b->work_ns, now = start;
	size_t batch = BATCH_SIZE / b->size < BATCH ? BATCH_SIZE / b->size + 1 : BATCH;
	bool good = true;

	for (r->operations = 0; good && now < until && r->operations < most && !ctl_stopped();
	     now = now_ns())
		for (size_t i = 0; good && i < batch && r->operations < most; i++) {
			good = operation(b, arg);
			r->operations += good;
		}
	r->ns = now - start;
	return good && !ctl_stopped();
}

/* ---- the map ------------------------------------------------------------------------ */

static bool put(struct bench *b, uint64_t key)
{
	memcpy(b->value, &key, b->size < sizeof(key) ? b->size : sizeof(key));
	return is_good(b, shmfs_put(b->s, &key, sizeof(key), b->value, b->size, SHMFS_BYTES, NULL));
}

static bool insert_one(struct bench *b, void *arg)
{
	uint64_t *next = arg;

	return put(b, (*next)++);
}

static bool put_one(struct bench *b, void *arg)
{
	(void)arg;
	return put(b, next_random(b) % b->keys);
}

static bool get_one(struct bench *b, void *buffer)
{
	uint64_t key = next_random(b) % b->keys;
	size_t size = b->size, head = size < sizeof(key) ? size : sizeof(key);

	if (!is_good(b, shmfs_get(b->s, &key, sizeof(key), buffer, &size, NULL)))
		return false;
	return is_good(b, size == b->size && !memcmp(buffer, &key, head) ? 0 : -EUCLEAN);
}

/* ---- the log -------------------------------------------------------------------------- */

static bool append_one(struct bench *b, void *arg)
{
	(void)arg;
	return is_good(b, shmfs_log_append(b->s, b->value, b->size, NULL));
}

struct reading {
	struct shmfs_reader *reader;
	unsigned char *buffer;
};

/* At the end of the log from its beginning again. */
static bool read_one(struct bench *b, void *arg)
{
	struct reading *r = arg;
	size_t size = b->size;
	int rc = shmfs_reader_next(r->reader, r->buffer, &size, NULL);

	if (rc == -ENODATA) {
		rc = shmfs_reader_seek(r->reader, SHMFS_SEEK_POSITION, (int64_t)SHMFS_LOG_BEGIN);
		size = b->size;
		if (!rc)
			rc = shmfs_reader_next(r->reader, r->buffer, &size, NULL);
	}
	return is_good(b, !rc && size != b->size ? -EUCLEAN : rc);
}

static bool read_log(struct bench *b, struct bench_result *result, unsigned char *buffer)
{
	struct reading r = {.buffer = buffer};
	bool good = is_good(b, shmfs_reader_open(b->s, &r.reader, SHMFS_LOG_BEGIN));

	if (good) {
		good = repeat(b, result, read_one, &r, UINT64_MAX);
		shmfs_reader_close(r.reader);
	}
	return good;
}

/* ---- the floor -------------------------------------------------------------------------- */

struct memory {
	unsigned char *array, *buffer;
	uint64_t items, at;
	bool in_order;
};

static bool copy_one(struct bench *b, void *arg)
{
	struct memory *m = arg;
	uint64_t item = next_random(b) % m->items; /* also in order: its price is not memory's */

	if (m->in_order) {
		m->at = m->at + 1 < m->items ? m->at + 1 : 0;
		item = m->at;
	}
	memcpy(m->buffer, m->array + item * b->size, b->size);
	__asm__ volatile("" ::"r"(m->buffer) : "memory"); /* the copy is wanted */
	return true;
}

static bool copy_memory(struct bench *b, struct bench_result *result, unsigned char *buffer,
                        bool in_order)
{
	uint64_t most = FLOOR_MOST / b->size;
	struct memory m = {
		.buffer = buffer,
		.items = b->keys < most || !most ? b->keys : most,
		.in_order = in_order,
	};
	bool good;

	m.array = malloc(m.items * b->size);
	if (!is_good(b, m.array ? 0 : -ENOMEM))
		return false;
	memset(m.array, 1, m.items * b->size);
	good = repeat(b, result, copy_one, &m, UINT64_MAX);
	free(m.array);
	return good;
}

/* ---- all of them -------------------------------------------------------------------------- */

static bool work(struct bench *b, int which, struct bench_result *r, unsigned char *buffer)
{
	uint64_t next = 0;
	bool good;

	switch (which) {
	case 0:
		good = repeat(b, r, insert_one, &next, b->keys);
		b->keys = r->operations;
		return good;
	case 1:
		return repeat(b, r, put_one, NULL, UINT64_MAX);
	case 2:
		return repeat(b, r, get_one, buffer, UINT64_MAX);
	case 3:
		return repeat(b, r, append_one, NULL, UINT64_MAX);
	case 4:
		return read_log(b, r, buffer);
	default:
		return copy_memory(b, r, buffer, which == 6);
	}
}

bool bench_run(struct bench *b, int which, struct bench_result *result)
{
	static const char *const names[BENCH_RESULTS] = {
		"insert", "put", "get", "append", "read", "memory_random", "memory_ordered",
	};
	unsigned char *buffer = malloc(b->size);
	bool good = is_good(b, buffer ? 0 : -ENOMEM);

	*result = (struct bench_result){.name = names[which]};
	good = good && work(b, which, result, buffer);
	free(buffer);
	return good;
}

bool bench_sync(struct bench *b, uint64_t *ns)
{
	uint64_t start = now_ns();
	bool good = is_good(b, shmfs_sync(b->s));

	*ns = now_ns() - start;
	return good && !ctl_stopped();
}
