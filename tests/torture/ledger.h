/* SPDX-License-Identifier: MIT */
/*
 * The kill torture's books, in memory that parent and children share.
 *
 * A writer notes what it is about to change, does it, books it, and clears the note.
 * Killed anywhere, it leaves books that say what must be there, and a note of the one
 * operation that may or may not have happened.
 */
#ifndef SHMFS_TESTS_LEDGER_H
#define SHMFS_TESTS_LEDGER_H

#include "appender.h"

#define WRITERS_TOP LOG_WRITERS
#define SLOTS 150
#define CHANGES 100 /* of one put_many: more than it does under one lock */
#define VALUE_TOP (2u << 20)
#define KEY_TOP 256

/* What one key should hold: value_fill(size, seed).  A number's seed is its bits. */
struct state {
	uint64_t seed;
	uint32_t size;
	uint32_t type;
	bool there;
};

struct change {
	uint32_t slot;
	struct state after;
};

struct ledger {
	struct state states[SLOTS];
	struct change changes[CHANGES];
	atomic_uint in_flight; /* changes noted; 0: nothing is being done */
	bool one_by_one;       /* a prefix of them may be done; otherwise all or none */
	char doing[16];
	struct logbook log;
	atomic_ulong ops;
	uint64_t worst_us, slow; /* of puts, deletes, renames and additions */
};

struct books {
	struct ledger ledgers[WRITERS_TOP];
	atomic_uint checks; /* odd while the parent holds the lock for a check */
	atomic_ulong reads, walks, frames; /* of the reader */
};

/* The key of a writer's slot; returns its size. */
size_t ledger_key(unsigned writer, uint32_t slot, unsigned char key[KEY_TOP]);
/* The key and value of a key nobody touches. */
size_t filler_key(uint64_t i, unsigned char key[KEY_TOP]);
#define FILLER_SIZE 60

/* Children: they run until killed. */
_Noreturn void writer_run(const char *path, struct books *books, unsigned writer, uint64_t seed);
_Noreturn void reader_run(const char *path, struct books *books, uint64_t fillers, uint64_t seed);

/*
 * Compare a killed writer's keys with its books, and book what became of the operation in
 * flight.  repaired: somebody has taken the lock since; otherwise nothing is booked yet.
 * Returns how many keys it has.
 */
uint64_t compare_writer(struct shmfs *s, struct ledger *l, unsigned writer, bool repaired);
/* So many of the fillers, at random, or all of them. */
void compare_fillers(struct shmfs *s, struct rng *rng, uint64_t samples, uint64_t fillers);

#endif
