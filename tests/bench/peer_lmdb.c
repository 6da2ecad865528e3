/* SPDX-License-Identifier: MIT */
/* LMDB: a writable map, no flush but where sync is asked for, one transaction for each put. */
#include <err.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

struct lmdb {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *reader;
};

static int ok(int rc, const char *what)
{
	if (rc && rc != MDB_NOTFOUND)
		errx(1, "lmdb: %s: %s", what, mdb_strerror(rc));
	return rc;
}

static void *open_store(const char *path, uint64_t keys, int flags)
{
	unsigned how = MDB_NOSUBDIR | MDB_WRITEMAP | MDB_NOTLS | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NORDAHEAD;
	struct lmdb *l = need(sizeof(*l));
	MDB_txn *txn;

	if (flags & PEER_DISK)
		how &= ~(unsigned)(MDB_NOSYNC | MDB_NOMETASYNC); /* a commit is a sync */
	ok(mdb_env_create(&l->env), "create");
	ok(mdb_env_set_mapsize(l->env, (keys << 10) + (UINT64_C(1) << 28)), "map size");
	ok(mdb_env_open(l->env, path, how, 0600), "open");
	ok(mdb_txn_begin(l->env, NULL, 0, &txn), "begin");
	ok(mdb_dbi_open(txn, NULL, 0, &l->dbi), "open");
	ok(mdb_txn_commit(txn), "commit");
	ok(mdb_txn_begin(l->env, NULL, MDB_RDONLY, &l->reader), "begin");
	mdb_txn_reset(l->reader);
	return l;
}

static void close_store(void *store)
{
	struct lmdb *l = store;

	mdb_txn_abort(l->reader);
	mdb_env_close(l->env);
	free(l);
}

static MDB_val val(const void *p, size_t n)
{
	return (MDB_val){n, (void *)(uintptr_t)p};
}

static void put(void *store, const void *key, size_t klen, const void *value, size_t size)
{
	struct lmdb *l = store;
	MDB_val k = val(key, klen), v = val(value, size);
	MDB_txn *txn;

	ok(mdb_txn_begin(l->env, NULL, 0, &txn), "begin");
	ok(mdb_put(txn, l->dbi, &k, &v, 0), "put");
	ok(mdb_txn_commit(txn), "commit");
}

static bool del(void *store, const void *key, size_t klen)
{
	struct lmdb *l = store;
	MDB_val k = val(key, klen);
	MDB_txn *txn;
	int rc;

	ok(mdb_txn_begin(l->env, NULL, 0, &txn), "begin");
	rc = ok(mdb_del(txn, l->dbi, &k, NULL), "del");
	ok(mdb_txn_commit(txn), "commit");
	return rc == 0;
}

static bool find(struct lmdb *l, const void *key, size_t klen, MDB_val *v)
{
	MDB_val k = val(key, klen);

	ok(mdb_txn_renew(l->reader), "renew");
	return ok(mdb_get(l->reader, l->dbi, &k, v), "get") == 0;
}

static bool get(void *store, const void *key, size_t klen, void *buf, size_t room)
{
	struct lmdb *l = store;
	MDB_val v;
	bool there = find(l, key, klen, &v);

	if (there)
		memcpy(buf, v.mv_data, v.mv_size < room ? v.mv_size : room);
	mdb_txn_reset(l->reader);
	return there;
}

static int look(void *store, const void *key, size_t klen)
{
	struct lmdb *l = store;
	MDB_val v;
	int byte = find(l, key, klen, &v) ? *(const uint8_t *)v.mv_data : -1;

	mdb_txn_reset(l->reader);
	return byte;
}

static uint64_t walk(void *store, uint64_t *sum)
{
	struct lmdb *l = store;
	MDB_cursor *cursor;
	MDB_val k, v;
	uint64_t n = 0;

	ok(mdb_txn_renew(l->reader), "renew");
	ok(mdb_cursor_open(l->reader, l->dbi, &cursor), "cursor");
	for (; ok(mdb_cursor_get(cursor, &k, &v, MDB_NEXT), "next") == 0; n++)
		*sum += *(const uint8_t *)k.mv_data + *(const uint8_t *)v.mv_data;
	mdb_cursor_close(cursor);
	mdb_txn_reset(l->reader);
	return n;
}

static void sync_store(void *store)
{
	(void)store; /* the commit did it */
}

const struct peer peer_lmdb = {
	.name = "lmdb",
	.writes = 20,
	.reads = 4,
	.open = open_store,
	.close = close_store,
	.put = put,
	.del = del,
	.get = get,
	.look = look,
	.walk = walk,
	.sync = sync_store,
};
