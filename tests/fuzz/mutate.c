/* SPDX-License-Identifier: MIT */
/* New inputs, blindly: for where libFuzzer is not. */
#include <string.h>

#include "corpus.h"

static uint64_t some_value(struct rng *r)
{
	static const uint64_t odd[] = {0, 1, 63, 64, 0xfff, 0x1000, UINT64_C(1) << 20, UINT64_C(1) << 40,
	                               UINT64_C(1) << 47, UINT64_C(1) << 62, UINT64_MAX, UINT64_MAX - 7};

	switch (rng_below(r, 4)) {
	case 0:
		return odd[rng_below(r, sizeof(odd) / sizeof(*odd))];
	case 1:
		return rng_size(r, UINT64_C(1) << 48);
	case 2:
		return -rng_size(r, 5000);
	}
	return rng_next(r);
}

static void fill(struct rng *r, uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)rng_next(r);
}

static struct fuzz_op some_op(struct rng *r)
{
	return (struct fuzz_op){
		.area = (uint8_t)rng_next(r),
		.what = (uint8_t)rng_next(r),
		.which = (uint16_t)rng_size(r, 0xffff),
		.word = (uint16_t)rng_size(r, 0xffff),
		.length = (uint16_t)rng_size(r, 0xffff),
		.value = some_value(r),
	};
}

static size_t fresh_script(struct rng *r, uint8_t *buf)
{
	struct fuzz_head head = {
		.image = (uint8_t)rng_next(r),
		.flags = (uint8_t)(rng_next(r) & rng_next(r)),
		.how = (uint8_t)rng_next(r),
		.seed = (uint32_t)rng_next(r),
	};
	size_t size = sizeof(head);

	memcpy(buf, &head, size);
	for (uint64_t n = 1 + rng_size(r, 8); n; n--) {
		struct fuzz_op op = some_op(r);

		memcpy(buf + size, &op, sizeof(op));
		size += sizeof(op);
	}
	return size;
}

static size_t fresh(const struct fuzz_target *t, struct rng *r, uint8_t *buf, size_t room)
{
	size_t size;

	if (t->script)
		return fresh_script(r, buf);
	size = rng_size(r, room < 600 ? room : 600);
	fill(r, buf, size);
	return size;
}

/* One change to what is there. */
static size_t change(const struct fuzz_target *t, struct rng *r, uint8_t *buf, size_t size, size_t room)
{
	size_t at = rng_below(r, size + 1), step = t->script ? sizeof(struct fuzz_op) : 1 + rng_below(r, 8);
	uint64_t value = some_value(r);

	switch (rng_below(r, 6)) {
	case 0:
	case 1:
		if (at < size)
			buf[at] ^= (uint8_t)(1 << rng_below(r, 8));
		break;
	case 2:
		if (at < size)
			buf[at] = (uint8_t)value;
		break;
	case 3:
		if (at + 8 <= size)
			memcpy(buf + at, &value, 8);
		break;
	case 4: /* more */
		if (size + step > room)
			break;
		memmove(buf + at + step, buf + at, size - at);
		if (t->script) {
			struct fuzz_op op = some_op(r);

			memcpy(buf + at, &op, sizeof(op));
		} else {
			fill(r, buf + at, step);
		}
		return size + step;
	case 5: /* less */
		if (at + step > size)
			break;
		memmove(buf + at, buf + at + step, size - at - step);
		return size - step;
	}
	return size;
}

size_t corpus_mutate(const struct fuzz_corpus *c, const struct fuzz_target *t, struct rng *r, uint8_t *buf,
                     size_t room)
{
	const struct fuzz_input *from;
	size_t size;

	if (!c->n || rng_once_in(r, 3))
		return fresh(t, r, buf, room);
	from = &c->input[rng_below(r, c->n)];
	size = from->size < room ? from->size : room;
	memcpy(buf, from->data, size);
	for (uint64_t n = 1 + rng_size(r, 8); n; n--)
		size = change(t, r, buf, size, room);
	return size;
}
