/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "soak.h"

/* A value is blocks, one for each version that made it longer. */
struct block {
	uint64_t magic, version;
	uint32_t key, size; /* of the block */
};

enum { LEAST = sizeof(struct block) + 8, IN_A_ROW = 6 };

static uint64_t draw(unsigned key, uint64_t n, unsigned what)
{
	struct rng r = {ledger->seed ^ ((n << 10 | key) * 8 + what)};

	return rng_next(&r);
}

void key_name(unsigned key, char *name)
{
	sprintf(name, "w%u-%02u", key / KEYS_EACH, key % KEYS_EACH);
}

void token_name(unsigned token, unsigned place, char *name)
{
	sprintf(name, "token%u-%u", token, place);
}

enum change change_of(unsigned key, uint64_t n)
{
	unsigned of = (unsigned)(draw(key, n, 0) % 8);

	if (n == 0 || of == 0)
		return GONE;
	return of <= 2 && n % IN_A_ROW ? LONGER : WHOLE;
}

/* Places 0 and 2 take turns with 1 and 3. */
unsigned place_of(unsigned token, uint64_t n)
{
	return (unsigned)(n % 2 + draw(KEYS + token, n, 1) % 2 * 2);
}

/* Most are short, some of several pages, and one key of each writer is of MiB. */
static size_t block_size(unsigned key, uint64_t n)
{
	static const uint64_t most[KEYS_EACH] = {40, 100, 100, 100, 1000, 1000, 5000, 5000, 20000, 60000,
	                                         300000, 2000000};
	uint64_t top = most[key % KEYS_EACH];
	struct rng r = {draw(key, n, 3)};

	/* what is longer is more than one request of the kernel */
	if (change_of(key, n) == LONGER && top > 100000)
		top = 100000;
	return LEAST + rng_size(&r, top);
}

static size_t block_make(unsigned key, uint64_t n, char *buf, size_t size)
{
	struct block head = {ledger->seed, n, key, (uint32_t)size};

	memcpy(buf, &head, sizeof(head));
	value_fill(buf + sizeof(head), size - sizeof(head), draw(key, n, 4));
	return size;
}

/* Whose block is the first of version n; n + 1: there is none. */
static uint64_t first_of(unsigned key, uint64_t n)
{
	while (change_of(key, n) == LONGER)
		n--;
	return change_of(key, n) == GONE ? n + 1 : n;
}

size_t value_make(unsigned key, uint64_t n, char *buf, size_t *more)
{
	size_t size = 0, last = 0;

	for (uint64_t i = first_of(key, n); i <= n; i++)
		size += last = block_make(key, i, buf + size, block_size(key, i));
	*more = last;
	return size;
}

size_t value_size(unsigned key, uint64_t n)
{
	size_t size = 0;

	for (uint64_t i = first_of(key, n); i <= n; i++)
		size += block_size(key, i);
	return size;
}

bool value_version(unsigned key, const char *buf, size_t size, uint64_t *n)
{
	struct block head;

	*n = 0;
	for (size_t at = 0; at < size; at += head.size) {
		if (size - at < sizeof(head))
			return false;
		memcpy(&head, buf + at, sizeof(head));
		if (head.magic != ledger->seed || head.key != key || head.size > size - at ||
		    head.size != block_size(key, head.version) || (at > 0 && head.version != *n + 1) ||
		    !value_is(buf + at + sizeof(head), head.size - sizeof(head), draw(key, head.version, 4)))
			return false;
		*n = head.version;
		if (at == 0 && first_of(key, *n) != *n)
			return false;
		if (at > 0 && change_of(key, *n) != LONGER)
			return false;
	}
	return *n > 0;
}

size_t token_make(unsigned token, char *buf)
{
	static const size_t sizes[TOKENS] = {60, 3000, 300000};

	return block_make(KEYS + token, 0, buf, sizes[token]);
}

struct entitled entitled_from(const struct self *self, unsigned which)
{
	struct versions *of = &ledger->of[which];
	uint64_t bound = self->route.dir ? ledger->bound_us : 0;
	struct entitled e = {.start_us = clock_us(), .done = of->done};

	e.lo = e.done;
	while (bound && e.lo > 0 && e.done - e.lo < TIMES - 1 &&
	       of->time[e.lo % TIMES] + bound > e.start_us)
		e.lo--;
	/* times that were overwritten meanwhile say nothing */
	if (bound && of->done - e.lo >= TIMES - 2)
		e.lo = 0;
	return e;
}

void entitled_to(struct entitled *e, unsigned which)
{
	e->hi = ledger->of[which].started;
}

void entitled_found(const struct self *self, const struct entitled *e, unsigned which, uint64_t n)
{
	uint64_t then = ledger->of[which].time[(n + 1) % TIMES], age;
	unsigned bits = 0;

	if (n >= e->done || e->done - n >= TIMES / 2 || !self->route.dir)
		return;
	age = e->start_us > then ? e->start_us - then : 0;
	while (bits < BUCKETS - 1 && age >> bits)
		bits++;
	ledger->age[bits]++;
}

void version_begin(unsigned which, uint64_t n)
{
	ledger->of[which].started = n;
}

void version_end(unsigned which, uint64_t n)
{
	ledger->of[which].time[n % TIMES] = clock_us();
	ledger->of[which].done = n;
}
