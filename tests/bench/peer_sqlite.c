/* SPDX-License-Identifier: MIT */
/* SQLite: a table without row ids, WAL, a mapped file, prepared statements, a transaction for
 * each put. */
#include <err.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

struct sqlite {
	sqlite3 *db;
	sqlite3_stmt *put, *del, *get, *walk;
};

static int ok(const struct sqlite *s, int rc, const char *what)
{
	if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
		errx(1, "sqlite: %s: %s", what, sqlite3_errmsg(s->db));
	return rc;
}

static sqlite3_stmt *prepared(const struct sqlite *s, const char *sql)
{
	sqlite3_stmt *statement;

	ok(s, sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), sql);
	return statement;
}

static void run(const struct sqlite *s, const char *sql)
{
	ok(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), sql);
}

static void *open_store(const char *path, uint64_t keys, int flags)
{
	struct sqlite *s = need(sizeof(*s));

	(void)keys;
	ok(s, sqlite3_open(path, &s->db), "open");
	ok(s, sqlite3_busy_timeout(s->db, 10000), "timeout");
	run(s, "PRAGMA journal_mode = WAL");
	run(s, "PRAGMA mmap_size = 1099511627776");
	run(s, flags & PEER_DISK ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
	if (flags & PEER_CREATE)
		run(s, "CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
	s->put = prepared(s, "INSERT INTO kv VALUES (?1, ?2) ON CONFLICT(k) DO UPDATE SET v = ?2");
	s->del = prepared(s, "DELETE FROM kv WHERE k = ?1");
	s->get = prepared(s, "SELECT v FROM kv WHERE k = ?1");
	s->walk = prepared(s, "SELECT k, v FROM kv");
	return s;
}

static void close_store(void *store)
{
	struct sqlite *s = store;

	sqlite3_finalize(s->put);
	sqlite3_finalize(s->del);
	sqlite3_finalize(s->get);
	sqlite3_finalize(s->walk);
	ok(s, sqlite3_close(s->db), "close");
	free(s);
}

static int step(const struct sqlite *s, sqlite3_stmt *statement, const void *key, size_t klen)
{
	sqlite3_bind_blob(statement, 1, key, (int)klen, SQLITE_STATIC);
	return ok(s, sqlite3_step(statement), "step");
}

static void put(void *store, const void *key, size_t klen, const void *value, size_t size)
{
	const struct sqlite *s = store;

	sqlite3_bind_blob(s->put, 2, value, (int)size, SQLITE_STATIC);
	step(s, s->put, key, klen);
	sqlite3_reset(s->put);
}

static bool del(void *store, const void *key, size_t klen)
{
	const struct sqlite *s = store;

	step(s, s->del, key, klen);
	sqlite3_reset(s->del);
	return sqlite3_changes(s->db) == 1;
}

/* The first byte of the value, or -1. */
static int read_value(const struct sqlite *s, const void *key, size_t klen, void *buf, size_t room)
{
	int byte = -1;

	if (step(s, s->get, key, klen) == SQLITE_ROW) {
		const uint8_t *value = sqlite3_column_blob(s->get, 0);
		size_t size = (size_t)sqlite3_column_bytes(s->get, 0);

		byte = value[0];
		if (buf)
			memcpy(buf, value, size < room ? size : room);
	}
	sqlite3_reset(s->get);
	return byte;
}

static bool get(void *store, const void *key, size_t klen, void *buf, size_t room)
{
	return read_value(store, key, klen, buf, room) >= 0;
}

static int look(void *store, const void *key, size_t klen)
{
	return read_value(store, key, klen, NULL, 0);
}

static uint64_t walk(void *store, uint64_t *sum)
{
	const struct sqlite *s = store;
	uint64_t n = 0;

	for (; ok(s, sqlite3_step(s->walk), "walk") == SQLITE_ROW; n++)
		*sum += *(const uint8_t *)sqlite3_column_blob(s->walk, 0) +
			*(const uint8_t *)sqlite3_column_blob(s->walk, 1);
	sqlite3_reset(s->walk);
	return n;
}

static void sync_store(void *store)
{
	(void)store; /* the commit did it */
}

static void compact(void *store)
{
	const struct sqlite *s = store;

	run(s, "VACUUM");
	run(s, "PRAGMA wal_checkpoint(TRUNCATE)");
}

const struct peer peer_sqlite = {
	.name = "sqlite",
	.writes = 20,
	.reads = 10,
	.few = true,
	.open = open_store,
	.close = close_store,
	.put = put,
	.del = del,
	.get = get,
	.look = look,
	.walk = walk,
	.sync = sync_store,
	.compact = compact,
};
