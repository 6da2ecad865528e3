/* SPDX-License-Identifier: MIT */
/* Streamed puts: pieces in any order, gaps, cuts, read back, commits that fail and
 * are tried again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct draft {
	struct shmfs_put *put;
	unsigned char *bytes; /* what it should hold; zero behind size */
	uint64_t size;
	uint64_t top;
};

static void write_piece(struct model *m, struct draft *d)
{
	uint64_t size = rng_once_in(&m->rng, 6) ? rng_below(&m->rng, d->top / 2 + 1) :
	                                          rng_size(&m->rng, d->top / 2);
	uint64_t offset = rng_once_in(&m->rng, 2) ? d->size : rng_below(&m->rng, d->top);

	if (offset > d->top - size)
		offset = d->top - size;
	value_fill(m->room, size, rng_next(&m->rng));
	MODEL_SAME(m, "put_write", shmfs_put_write(d->put, offset, m->room, size), 0);
	memcpy(d->bytes + offset, m->room, size);
	if (size && offset + size > d->size)
		d->size = offset + size;
	/* Whether an empty write behind the end extends is not said: ask. */
	if (!size)
		d->size = shmfs_put_size(d->put);
}

static void resize(struct model *m, struct draft *d)
{
	uint64_t size = rng_once_in(&m->rng, 2) ? rng_below(&m->rng, d->size + 1) :
	                                          rng_below(&m->rng, d->top + 1);

	MODEL_SAME(m, "put_resize", shmfs_put_resize(d->put, size), 0);
	if (size < d->size)
		memset(d->bytes + size, 0, d->size - size);
	d->size = size;
}

static void read_back(struct model *m, struct draft *d)
{
	uint64_t offset = rng_below(&m->rng, d->size + 100);
	size_t size = rng_below(&m->rng, d->size + 200);
	uint64_t wanted = offset >= d->size ? 0 : d->size - offset;

	if (wanted > size)
		wanted = size;
	MODEL_SAME(m, "put_read", shmfs_put_read(d->put, offset, m->room, &size), 0);
	MODEL_SAME(m, "bytes read", size, wanted);
	if (memcmp(m->room, d->bytes + offset, size))
		model_fail(m, "what was read back differs, at", (int64_t)offset, -1);
}

static void finish(struct model *m, struct draft *d)
{
	struct fact *f = model_pick(m);
	uint32_t flags = rng_below(&m->rng, 2);
	uint64_t version;
	int wanted, got;

	if (rng_once_in(&m->rng, 10)) {
		shmfs_put_abort(d->put);
		model_compare(m, f);
		return;
	}
	if (d->size == sizeof(double))
		flags = SHMFS_NUMBER;
	flags |= model_condition(m, f, &version);
	wanted = model_judge(f, flags, version, d->size);
	got = shmfs_put_commit(d->put, f->key, f->key_size, flags, &version);
	model_settle(m, f, d->bytes, d->size, flags, got, wanted, version);
	if (!got)
		return;
	if (rng_once_in(&m->rng, 3)) {
		shmfs_put_abort(d->put);
		model_compare(m, f);
		return;
	}
	write_piece(m, d);
	flags = SHMFS_STRING;
	got = shmfs_put_commit(d->put, f->key, f->key_size, flags, &version);
	model_settle(m, f, d->bytes, d->size, flags, got, 0, version);
}

void model_stream(struct model *m)
{
	static const uint64_t tops[] = {8, 1000, 70000, 300000, 1200000, VALUE_TOP};
	struct draft d = {0};
	size_t pieces = rng_below(&m->rng, 12);
	uint64_t hint;

	m->doing = "streamed put";
	d.top = tops[rng_size(&m->rng, sizeof(tops) / sizeof(*tops) - 1)];
	if (d.top > m->value_top)
		d.top = m->value_top;
	d.bytes = calloc(1, VALUE_TOP + 1000);
	if (!d.bytes)
		die("out of memory");
	hint = rng_once_in(&m->rng, 3) ? 0 : rng_below(&m->rng, d.top * 2);
	MODEL_SAME(m, "put_begin", shmfs_put_begin(m->s, &d.put, hint), 0);
	while (pieces--) {
		switch (rng_below(&m->rng, 8)) {
		case 0:
			resize(m, &d);
			break;
		case 1:
		case 2:
			read_back(m, &d);
			break;
		case 3:
			model_put(m); /* others go on meanwhile */
			m->doing = "streamed put";
			break;
		default:
			write_piece(m, &d);
		}
		MODEL_SAME(m, "put_size", shmfs_put_size(d.put), d.size);
	}
	finish(m, &d);
	free(d.bytes);
}
