/* SPDX-License-Identifier: MIT */
/*
 * soak: many processes use one store, through two mounts and directly, and check each other.
 *
 * Every key has one writer.  Its versions are numbered, and what each of them is - a value,
 * a longer one, none - follows from the seed, so that a reader knows what it may find: what
 * the writer had completed before the reader began, or something newer it has begun since.
 * A mount may show what is older by `bound_us`, and no more.
 *
 *	soak_io      one use of a store, by a route: through a mount, or a handle
 *	soak_model   what each version of a key is; what a reader may find
 *	soak_keys    writers, movers, an adder; readers
 *	soak_log     appenders and three kinds of followers
 *	soak_names   shared appends, lock files, listings, cursors
 */
#ifndef SOAK_H
#define SOAK_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shmfs.h>

#include "tests/rig.h"

enum {
	ROUTES = 4,      /* two mounts, a handle that writes, one that only reads */
	WRITERS = 4,
	KEYS_EACH = 12,
	KEYS = WRITERS * KEYS_EACH,
	TOKENS = 3,      /* values that are renamed; their versions are behind those of the keys */
	PLACES = 4,      /* names each of them may have */
	SUM = KEYS + TOKENS, /* a number that is counted up: its version is its value */
	VERSIONED = SUM + 1,
	STABLE = 200,    /* keys that never change */
	APPENDERS = 3,
	SHARERS = 3,
	TIMES = 8192,    /* versions of a key whose time is remembered */
	ROOM = 4 << 20,  /* longest value */
	ROLES = 40,
	BUCKETS = 32,
};

enum wrong {
	TORN,      /* bytes that are no value of this key */
	OLD,       /* older than the bound allows */
	FUTURE,    /* a version that was never begun, or of another key */
	UNSEEN,    /* who wrote it does not see it */
	LOST,      /* of what many append to one key */
	DISORDER,  /* frames of the log missing, twice, or in another order */
	LISTING,   /* a stable name not listed, or twice */
	EXCLUSION, /* two hold the lock file */
	CURSORS,   /* a cursor that is not where it was put */
	FAILED,    /* a call failed that must not */
	WRONGS
};

struct versions {
	_Atomic uint64_t started, done;
	_Atomic uint64_t time[TIMES]; /* us: when version n was complete is at n % TIMES */
};

struct role {
	char name[48];
	_Atomic uint64_t done;
	_Atomic uint64_t nothing; /* answers that there is nothing to do, and there was not */
	_Atomic uint64_t stale; /* answers of ESTALE */
	bool follows;           /* ends when it has seen all that was appended */
};

/* Shared by all processes. */
struct ledger {
	uint64_t seed, bound_us;
	_Atomic int stop; /* 1: nobody begins anything new */
	struct role role[ROLES];
	_Atomic unsigned roles;
	struct versions of[VERSIONED];
	_Atomic uint64_t appended[APPENDERS];
	_Atomic int appending;
	_Atomic uint64_t refused; /* appends, because a cursor is behind */
	_Atomic uint64_t generation, arrived;
	_Atomic int inside;
	_Atomic uint64_t wrong[WRONGS];
	char what[WRONGS][300];
	_Atomic uint64_t age[BUCKETS]; /* of what a mount showed too late: up to 2^i us */
};

extern struct ledger *ledger;

struct route {
	const char *name, *dir; /* dir: of the mount, NULL of a handle */
	struct shmfs *store;
};

/* This process, of which there is one for each role. */
struct self {
	struct role *role;
	struct route route;
	unsigned index; /* among those of its kind */
	struct rng rng;
	char *buf, *other; /* ROOM bytes */
	uint64_t seen[VERSIONED];
};

/* Note it, and keep the first of each kind. */
void wrong(const struct self *self, enum wrong kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As wrong(FAILED), with the code, and exit. */
_Noreturn void failed(const struct self *self, const char *what, const char *name, int code);
/* One more is done; now and then a rest, so that others come between.  False: it is time to end. */
bool goes_on(struct self *self);

/* ---- soak_io: 0 or a negative errno ------------------------------------------------ */

void path_of(const struct self *self, const char *name, char *path);
/* *size: room, then bytes.  A mount is read in pieces. */
int io_read(struct self *self, const char *name, char *buf, size_t *size);
int io_size(struct self *self, const char *name, uint64_t *size);
/* Replaced as a whole, in one of the ways there are. */
int io_write(struct self *self, const char *name, const char *buf, size_t size);
/* The last `more` of these bytes are new. */
int io_append(struct self *self, const char *name, const char *buf, size_t size, size_t more);
int io_unlink(struct self *self, const char *name);
int io_rename(struct self *self, const char *from, const char *to);

/* ---- soak_model -------------------------------------------------------------------- */

enum change { GONE, WHOLE, LONGER };

void key_name(unsigned key, char *name);
void token_name(unsigned token, unsigned place, char *name);
/* What made version n of what it was before. */
enum change change_of(unsigned key, uint64_t n);
unsigned place_of(unsigned token, uint64_t n);
/* The value of version n, and how many bytes of it are new. */
size_t value_make(unsigned key, uint64_t n, char *buf, size_t *more);
size_t value_size(unsigned key, uint64_t n);
/* Which version these bytes are; false: none. */
bool value_version(unsigned key, const char *buf, size_t size, uint64_t *n);
size_t token_make(unsigned token, char *buf);

/* What a reader may find: versions from lo to hi. */
struct entitled {
	uint64_t start_us, lo, hi, done;
};

/* Before reading. */
struct entitled entitled_from(const struct self *self, unsigned which);
/* Behind it. */
void entitled_to(struct entitled *e, unsigned which);
/* That version n was found: how old is it? */
void entitled_found(const struct self *self, const struct entitled *e, unsigned which, uint64_t n);
void version_begin(unsigned which, uint64_t n);
void version_end(unsigned which, uint64_t n);

/* ---- roles ------------------------------------------------------------------------- */

typedef void role_fn(struct self *self);
role_fn run_writer, run_mover, run_adder, run_reader, run_appender, run_follower, run_file_follower,
	run_cursor_follower, run_sharer, run_locker, run_lister, run_cursors;

#endif
