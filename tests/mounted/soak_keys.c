/* SPDX-License-Identifier: MIT */
/* Who writes keys, and who reads them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak.h"

/* ---- writers ------------------------------------------------------------------------ */

static int change(struct self *self, unsigned key, uint64_t n)
{
	char name[NAME_MAX];
	size_t size, more;
	int rc;

	key_name(key, name);
	if (change_of(key, n) == GONE) {
		rc = io_unlink(self, name);
		if (value_size(key, n - 1) == 0)
			return rc == -ENOENT ? 0 : -EEXIST;
		return rc;
	}
	size = value_make(key, n, self->buf, &more);
	if (change_of(key, n) == LONGER)
		return io_append(self, name, self->buf, size, more);
	return io_write(self, name, self->buf, size);
}

/* Who wrote it sees it at once, whatever is cached. */
static void look_back(struct self *self, unsigned key, uint64_t n)
{
	size_t size = ROOM, wanted = value_size(key, n);
	uint64_t found = 0, length = 0;
	char name[NAME_MAX];
	int rc;

	key_name(key, name);
	rc = io_size(self, name, &length);
	if (wanted ? rc || length != wanted : rc != -ENOENT)
		wrong(self, UNSEEN, "%s: stat says %d, %" PRIu64 " bytes, not %zu, of version %" PRIu64, name,
		      rc, length, wanted, n);
	rc = io_read(self, name, self->other, &size);
	if (!wanted && rc == -ENOENT)
		return;
	if (!wanted || rc || !value_version(key, self->other, size, &found) || found != n)
		wrong(self, UNSEEN, "%s: %d, %zu bytes, version %" PRIu64 ", not %" PRIu64, name, rc, size,
		      found, n);
}

void run_writer(struct self *self)
{
	while (goes_on(self)) {
		unsigned key = self->index * KEYS_EACH + (unsigned)rng_below(&self->rng, KEYS_EACH);
		uint64_t n = ledger->of[key].done + 1;
		int rc;

		version_begin(key, n);
		rc = change(self, key, n);
		if (rc) {
			char name[NAME_MAX];

			key_name(key, name);
			failed(self, "changing", name, rc);
		}
		version_end(key, n);
		if (rng_once_in(&self->rng, 4))
			look_back(self, key, n);
	}
}

void run_mover(struct self *self)
{
	while (goes_on(self)) {
		unsigned which = KEYS + self->index;
		uint64_t n = ledger->of[which].done + 1;
		char from[NAME_MAX], to[NAME_MAX];
		int rc;

		token_name(self->index, place_of(self->index, n - 1), from);
		token_name(self->index, place_of(self->index, n), to);
		version_begin(which, n);
		rc = io_rename(self, from, to);
		if (rc)
			failed(self, "renaming", from, rc);
		version_end(which, n);
	}
}

void run_adder(struct self *self)
{
	while (goes_on(self)) {
		uint64_t n = ledger->of[SUM].done + 1;
		double sum = 0;
		int rc;

		version_begin(SUM, n);
		rc = shmfs_add(self->route.store, "sum", 3, 1, &sum, NULL);
		if (rc)
			failed(self, "adding to", "sum", rc);
		version_end(SUM, n);
		if (sum != (double)n)
			wrong(self, UNSEEN, "the sum is %.0f, not %" PRIu64, sum, n);
	}
}

/* ---- readers ------------------------------------------------------------------------ */

/* Is there a version it may see in which the key is there, or not, and as long? */
static bool possible(unsigned key, const struct entitled *e, bool there, uint64_t size, uint64_t *found)
{
	for (uint64_t n = e->hi + 1; n-- > e->lo;) {
		size_t of = value_size(key, n);

		*found = n;
		if (there ? of == size && of > 0 : of == 0)
			return true;
	}
	return false;
}

static void judge(struct self *self, unsigned which, const char *name, const struct entitled *e,
                  uint64_t n)
{
	if (n > e->hi)
		wrong(self, FUTURE, "%s: version %" PRIu64 ", only %" PRIu64 " was begun", name, n, e->hi);
	else if (n < e->lo)
		wrong(self, OLD,
		      "%s: version %" PRIu64 ", %" PRIu64 " was complete, the next one for %" PRIu64 " us", name,
		      n, e->done, e->start_us - ledger->of[which].time[(n + 1) % TIMES]);
	else if (n < self->seen[which] && !self->route.dir)
		wrong(self, OLD, "%s: version %" PRIu64 " after %" PRIu64, name, n, self->seen[which]);
	else
		entitled_found(self, e, which, n);
	self->seen[which] = n;
}

static void read_key(struct self *self, unsigned key)
{
	struct entitled e = entitled_from(self, key);
	size_t size = ROOM;
	char name[NAME_MAX];
	uint64_t n;
	int rc;

	key_name(key, name);
	rc = io_read(self, name, self->buf, &size);
	entitled_to(&e, key);
	if (rc == -ESTALE) {
		self->role->stale++;
	} else if (rc == -ENOENT) {
		if (!possible(key, &e, false, 0, &n))
			wrong(self, OLD, "%s: is not there in versions %" PRIu64 " to %" PRIu64, name, e.lo, e.hi);
		else
			entitled_found(self, &e, key, n);
	} else if (rc) {
		failed(self, "reading", name, rc);
	} else if (!value_version(key, self->buf, size, &n)) {
		wrong(self, TORN, "%s: %zu bytes, not a value, in versions %" PRIu64 " to %" PRIu64, name, size,
		      e.lo, e.hi);
	} else {
		judge(self, key, name, &e, n);
	}
}

static void size_key(struct self *self, unsigned key)
{
	struct entitled e = entitled_from(self, key);
	char name[NAME_MAX];
	uint64_t size = 0, n;
	int rc;

	key_name(key, name);
	rc = io_size(self, name, &size);
	entitled_to(&e, key);
	if (rc == -ESTALE)
		self->role->stale++;
	else if (rc && rc != -ENOENT)
		failed(self, "looking for", name, rc);
	else if (!possible(key, &e, !rc, size, &n))
		wrong(self, OLD, "%s: %d, %" PRIu64 " bytes, as in no version of %" PRIu64 " to %" PRIu64, name, rc,
		      size, e.lo, e.hi);
	else
		entitled_found(self, &e, key, n);
}

/* It is in one place, unless it moves meanwhile. */
static void read_token(struct self *self, unsigned token)
{
	unsigned which = KEYS + token, place = (unsigned)rng_below(&self->rng, PLACES);
	struct entitled e = entitled_from(self, which);
	size_t size = ROOM, wanted;
	bool there = false, absent = false;
	char name[NAME_MAX];
	int rc;

	token_name(token, place, name);
	rc = io_read(self, name, self->buf, &size);
	entitled_to(&e, which);
	if (rc == -ESTALE) {
		self->role->stale++;
		return;
	}
	if (rc && rc != -ENOENT)
		failed(self, "reading", name, rc);
	for (uint64_t n = e.lo; n <= e.hi; n++) {
		there |= place_of(token, n) == place;
		absent |= place_of(token, n) != place;
	}
	if (rc ? !absent : !there)
		wrong(self, OLD, "%s: %s, in versions %" PRIu64 " to %" PRIu64, name, rc ? "not there" : "there",
		      e.lo, e.hi);
	wanted = token_make(token, self->other);
	if (rc == 0 && (size != wanted || memcmp(self->buf, self->other, size)))
		wrong(self, TORN, "%s: %zu bytes, not its value", name, size);
}

static void read_sum(struct self *self)
{
	struct entitled e = entitled_from(self, SUM);
	size_t size = ROOM;
	double sum;
	int rc = io_read(self, "sum", self->buf, &size);

	entitled_to(&e, SUM);
	if (rc == -ESTALE || rc == -ENOENT) /* nothing was added so far */
		return;
	if (rc)
		failed(self, "reading", "sum", rc);
	self->buf[size] = 0;
	if (self->route.dir)
		sum = strtod(self->buf, NULL);
	else
		memcpy(&sum, self->buf, sizeof(sum));
	judge(self, SUM, "sum", &e, (uint64_t)sum);
}

void run_reader(struct self *self)
{
	while (goes_on(self)) {
		unsigned key = (unsigned)rng_below(&self->rng, KEYS);

		switch (rng_below(&self->rng, 8)) {
		case 0:
			read_token(self, (unsigned)rng_below(&self->rng, TOKENS));
			break;
		case 1:
			read_sum(self);
			break;
		case 2:
		case 3:
			size_key(self, key);
			break;
		default:
			read_key(self, key);
		}
	}
}
