/* SPDX-License-Identifier: MIT */
/* What watchers are told, by the public calls. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../lib/handle.h"
#include "watches.h"

static uint32_t set_of(struct shmfs *s, const char *key)
{
	return shmfs_watch_set(s, key, strlen(key));
}


static bool silent(struct shmfs_watch *w)
{
	struct shmfs_watch_event e;
	size_t n = 1;

	return shmfs_watch_wait(w, 0, &e, 1, &n) == -ETIMEDOUT && n == 0;
}


/* Another key of the same set. */
static const char *neighbour(struct shmfs *s, const char *key)
{
	static char other[30];

	for (unsigned i = 0; i < 10000000; i++) {
		snprintf(other, sizeof(other), "neighbour%u", i);
		if (set_of(s, other) == set_of(s, key))
			return other;
	}
	CU_FAIL_FATAL("there is one");
	return NULL;
}

static void one_shot(void)
{
	struct shmfs *s = store_new(store_path("once"));
	struct shmfs_watch *w = watch(s, 0);
	struct shmfs_watch_event e;

	store_put(s, "k", "0");
	CU_ASSERT(silent(w));
	want(w, "k");
	CU_ASSERT(silent(w));
	store_put(s, "k", "1");
	store_put(s, "k", "2");
	e = told(w);
	CU_ASSERT_EQUAL(e.kind, SHMFS_WATCH_CHANGED);
	CU_ASSERT_EQUAL(e.set, set_of(s, "k"));
	CU_ASSERT(e.key == 1 && e.names == 0);
	store_put(s, "k", "3");
	CU_ASSERT(silent(w));
	want(w, "k");
	want(w, "k");
	CU_ASSERT_EQUAL(shmfs_del(s, "k", 1, 0, NULL), 0);
	CU_ASSERT_EQUAL(told(w).kind, SHMFS_WATCH_DELETED);
	want(w, "k");
	CU_ASSERT_EQUAL(shmfs_del(s, "k", 1, 0, NULL), -ENOENT);
	CU_ASSERT(silent(w));
	store_put(s, "k", "4");
	CU_ASSERT_EQUAL(told(w).kind, SHMFS_WATCH_CREATED);
	shmfs_watch_close(w);
	store_close(s);
}

static void one_bit(void)
{
	struct shmfs *s = store_new(store_path("bit"));
	struct shmfs_watch *w = watch(s, 0), *other = watch(s, 0);
	const char *near = neighbour(s, "k");
	uint32_t set = 0;

	CU_ASSERT_EQUAL(shmfs_watch_add(w, "k", 1, &set), 0);
	CU_ASSERT_EQUAL(set, set_of(s, near));
	store_put(s, near, "1");
	store_put(s, "k", "1");
	CU_ASSERT_EQUAL(told(w).set, set);
	CU_ASSERT_EQUAL(told(other).set, set); /* the bit is gone for all, so all are told */
	CU_ASSERT_EQUAL(shmfs_watch_add_set(other, set), 0);
	store_put(s, "k", "2");
	CU_ASSERT_EQUAL(told(w).set, set);
	shmfs_watch_close(other);
	shmfs_watch_close(w);
	store_close(s);
}

static void names(void)
{
	struct shmfs *s = store_new(store_path("names"));
	struct shmfs_watch *w = watch(s, 0);
	struct shmfs_watch_event e[8];
	size_t n;

	store_put(s, "k", "0");
	CU_ASSERT_EQUAL(shmfs_watch_add_set(w, SHMFS_WATCH_NAMES), 0);
	store_put(s, "k", "1");
	CU_ASSERT(silent(w));
	store_put(s, "new", "1");
	e[0] = told(w);
	CU_ASSERT(e[0].kind == SHMFS_WATCH_CREATED && e[0].key == 0 && e[0].names == 1);
	store_put(s, "newer", "1");
	CU_ASSERT(silent(w));
	shmfs_watch_add_set(w, SHMFS_WATCH_NAMES);
	want(w, "new");
	CU_ASSERT_EQUAL(shmfs_del(s, "new", 3, 0, NULL), 0);
	e[0] = told(w);
	CU_ASSERT(e[0].kind == SHMFS_WATCH_DELETED && e[0].key == 1 && e[0].names == 1);
	/* onto a key that is there: one name less */
	shmfs_watch_add_set(w, SHMFS_WATCH_NAMES);
	want(w, "k");
	CU_ASSERT_EQUAL(shmfs_rename(s, "newer", 5, "k", 1, 0), 0);
	CU_ASSERT_EQUAL(shmfs_watch_wait(w, 0, e, 8, &n), 0);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT(e[0].kind == SHMFS_WATCH_CHANGED && e[0].key == 1 && e[0].names == 0);
	CU_ASSERT(e[1].kind == SHMFS_WATCH_DELETED && e[1].key == 0 && e[1].names == 1);
	CU_ASSERT_EQUAL(shmfs_watch_add_set(w, 65536), -EINVAL);
	shmfs_watch_close(w);
	store_close(s);
}

static void every_write(void)
{
	struct shmfs *s = store_new(store_path("every"));
	struct shmfs_watch *w = watch(s, SHMFS_WATCH_ALL);
	static char big[1 << 20];
	struct shmfs_item items[2] = {{.key = "m1", .key_size = 2, .value = big, .size = 1},
	                              {.key = "m2", .key_size = 2, .value = big, .size = 1}};
	struct shmfs_put *p;

	store_put(s, "k", "1");
	CU_ASSERT(tells(w, SHMFS_WATCH_CREATED, "k"));
	store_put(s, "k", "2");
	CU_ASSERT(tells(w, SHMFS_WATCH_CHANGED, "k"));
	CU_ASSERT_EQUAL(shmfs_add(s, "n", 1, 1, NULL, NULL), 0);
	CU_ASSERT(tells(w, SHMFS_WATCH_CREATED, "n"));
	CU_ASSERT_EQUAL(shmfs_add(s, "n", 1, 1, NULL, NULL), 0);
	CU_ASSERT(tells(w, SHMFS_WATCH_CHANGED, "n"));
	CU_ASSERT_EQUAL(shmfs_put_many(s, items, 2), 0);
	CU_ASSERT(tells(w, SHMFS_WATCH_CREATED, "m1"));
	CU_ASSERT(tells(w, SHMFS_WATCH_CREATED, "m2"));
	CU_ASSERT_EQUAL(shmfs_put(s, "b", 1, big, sizeof(big), 0, NULL), 0);
	CU_ASSERT(tells(w, SHMFS_WATCH_CREATED, "b"));
	CU_ASSERT_EQUAL(shmfs_put_begin(s, &p, 0), 0);
	CU_ASSERT_EQUAL(shmfs_put_write(p, 0, "abc", 3), 0);
	CU_ASSERT(silent(w));
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "k", 1, 0, NULL), 0);
	CU_ASSERT(tells(w, SHMFS_WATCH_CHANGED, "k"));
	CU_ASSERT_EQUAL(shmfs_rename(s, "b", 1, "c", 1, 0), 0);
	CU_ASSERT(tells(w, SHMFS_WATCH_CREATED, "c"));
	CU_ASSERT(tells(w, SHMFS_WATCH_DELETED, "b"));
	CU_ASSERT_EQUAL(shmfs_rename(s, "k", 1, "n", 1, 0), 0);
	CU_ASSERT(tells(w, SHMFS_WATCH_CHANGED, "n"));
	CU_ASSERT(tells(w, SHMFS_WATCH_DELETED, "k"));
	CU_ASSERT_EQUAL(shmfs_del(s, "n", 1, 0, NULL), 0);
	CU_ASSERT(tells(w, SHMFS_WATCH_DELETED, "n"));
	store_put(s, "", "empty");
	CU_ASSERT(tells(w, SHMFS_WATCH_CREATED, ""));
	/* what is no change, and what is no key */
	CU_ASSERT_EQUAL(shmfs_put(s, "m1", 2, "y", 1, SHMFS_IF_ABSENT, NULL), -EEXIST);
	CU_ASSERT_EQUAL(shmfs_log_append(s, "frame", 5, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "cursor", 6, SHMFS_LOG_END), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_del(s, "cursor", 6), 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	CU_ASSERT(silent(w));
	shmfs_watch_close(w);
	store_close(s);
}

static void names_of_events(void)
{
	struct shmfs *s = store_new(store_path("keys"));
	struct shmfs_watch *w = watch(s, SHMFS_WATCH_ALL);
	struct shmfs_watch_event e;
	static char key[SHMFS_KEY_MAX], got[SHMFS_KEY_MAX];
	size_t size = 10;

	memset(key, 'k', sizeof(key));
	CU_ASSERT_EQUAL(shmfs_put(s, key, sizeof(key), "", 0, 0, NULL), 0);
	e = told(w);
	CU_ASSERT_EQUAL(shmfs_watch_key(w, &e, got, &size), -EMSGSIZE);
	CU_ASSERT_EQUAL(size, sizeof(key));
	CU_ASSERT_EQUAL(shmfs_watch_key(w, &e, got, &size), 0);
	CU_ASSERT(!memcmp(key, got, sizeof(key)));
	/* wherever it has gone since, and whatever the event says */
	e.where = UINT64_MAX - 8;
	CU_ASSERT_EQUAL(shmfs_watch_key(w, &e, got, &size), 0);
	e.where = SFS_SEG;
	CU_ASSERT_EQUAL(shmfs_watch_key(w, &e, got, &size), 0);
	CU_ASSERT_EQUAL(size, sizeof(key));
	CU_ASSERT_EQUAL(shmfs_del(s, key, sizeof(key), 0, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_watch_key(w, &e, got, &size), -ENOENT);
	e = told(w);
	CU_ASSERT_EQUAL(shmfs_watch_key(w, &e, got, &size), 0);
	CU_ASSERT_EQUAL(size, sizeof(key));
	shmfs_watch_close(w);
	store_close(s);
}

static void overrun(void)
{
	struct shmfs *s = store_new(store_path("overrun"));
	struct shmfs_watch *all = watch(s, SHMFS_WATCH_ALL), *w = watch(s, 0);
	struct shmfs_watch_event e[64];
	size_t n, most = 0;

	want(w, "k");
	for (int i = 0; i < MANY; i++)
		store_put(s, "k", "v");
	CU_ASSERT_EQUAL(told(all).kind, SHMFS_WATCH_EVERYTHING);
	CU_ASSERT(silent(all));
	/* one who follows does not overrun one who asked */
	CU_ASSERT_EQUAL(told(w).kind, SHMFS_WATCH_CREATED);
	for (int i = 0; i < MANY; i++) {
		want(w, "k");
		store_put(s, "k", "w");
	}
	CU_ASSERT_EQUAL(told(w).kind, SHMFS_WATCH_EVERYTHING);
	CU_ASSERT_EQUAL(told(all).kind, SHMFS_WATCH_EVERYTHING);
	store_put(s, "j", "v");
	CU_ASSERT(tells(all, SHMFS_WATCH_CREATED, "j"));
	/* as many as there is room for come one by one */
	for (int i = 0; i < SFS_RING_PLACES; i++)
		store_put(s, "k", "x");
	while (shmfs_watch_wait(all, 0, e, 64, &n) == 0)
		for (size_t i = 0; i < n; i++)
			most += e[i].kind == SHMFS_WATCH_CHANGED;
	CU_ASSERT_EQUAL(most, SFS_RING_PLACES);
	shmfs_watch_close(w);
	shmfs_watch_close(all);
	store_close(s);
}

static void slots(void)
{
	const char *path = store_path("slots");
	struct shmfs *s = store_new(path), *other = store_open(path, SHMFS_RDWR);
	struct shmfs_watch *w[SFS_WATCHERS], *more = NULL;

	for (unsigned i = 0; i < SFS_WATCHERS; i++)
		w[i] = watch(i % 2 ? s : other, 0);
	CU_ASSERT_EQUAL(store_stat(s).watchers, SFS_WATCHERS);
	CU_ASSERT_EQUAL(shmfs_watch_open(s, &more, 0), -EUSERS);
	more = watch(s, SHMFS_WATCH_POLL);
	shmfs_watch_close(more);
	CU_ASSERT_EQUAL(store_stat(s).watchers, SFS_WATCHERS);
	shmfs_watch_close(w[5]);
	w[5] = watch(other, 0);
	want(w[63], "k");
	store_put(s, "k", "v");
	for (unsigned i = 0; i < SFS_WATCHERS; i++) {
		CU_ASSERT_EQUAL(told(w[i]).kind, SHMFS_WATCH_CREATED);
		shmfs_watch_close(w[i]);
	}
	CU_ASSERT_EQUAL(store_stat(s).watchers, 0);
	store_close(other);
	store_close(s);
}

static void polling(void)
{
	const char *path = store_path("polling");
	struct shmfs *s = store_new(path), *r;
	struct shmfs_watch *w = NULL;
	struct shmfs_watch_event e;
	size_t n;

	store_put(s, "k", "1");
	r = store_open(path, SHMFS_RDONLY);
	CU_ASSERT_EQUAL(shmfs_watch_open(r, &w, 0), -EROFS);
	CU_ASSERT_EQUAL(shmfs_watch_open(r, &w, SHMFS_WATCH_ALL), -EROFS);
	w = watch(r, SHMFS_WATCH_POLL);
	CU_ASSERT(silent(w));
	want(w, "k");
	store_put(s, "k", "2");
	CU_ASSERT_EQUAL(shmfs_watch_wait(w, 1000, &e, 1, &n), 0);
	CU_ASSERT_EQUAL(e.kind, SHMFS_WATCH_EVERYTHING);
	CU_ASSERT(silent(w));
	CU_ASSERT_EQUAL(shmfs_del(s, "k", 1, 0, NULL), 0);
	CU_ASSERT_EQUAL(told(w).kind, SHMFS_WATCH_EVERYTHING);
	shmfs_watch_wake(w);
	CU_ASSERT_EQUAL(shmfs_watch_wait(w, -1, &e, 1, &n), -ECANCELED);
	CU_ASSERT_EQUAL(store_stat(s).watchers, 0);
	shmfs_watch_close(w);
	store_close(r);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"who asked is told once, and again after asking again", one_shot},
	{"two keys on one bit are told of as one, to every watcher", one_bit},
	{"who asked for the names is told when a key comes or goes", names},
	{"every way to change a key is told of, and nothing else", every_write},
	{"an event's key can be had, also when it is deleted", names_of_events},
	{"who is overrun is told that everything may have changed", overrun},
	{"sixty-four may watch", slots},
	{"who may only read polls", polling},
};

HARNESS_MAIN("watch", tests)
