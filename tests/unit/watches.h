/* SPDX-License-Identifier: MIT */
/* Watchers for unit tests. */
#ifndef SHMFS_TESTS_WATCHES_H
#define SHMFS_TESTS_WATCHES_H

#include <string.h>

#include "store.h"

enum { MANY = 5000 }; /* changes: more than a ring holds */

static inline struct shmfs_watch *watch(struct shmfs *s, uint32_t flags)
{
	struct shmfs_watch *w = NULL;

	CU_ASSERT_EQUAL_FATAL(shmfs_watch_open(s, &w, flags), 0);
	return w;
}

static inline void want(struct shmfs_watch *w, const char *key)
{
	CU_ASSERT_EQUAL(shmfs_watch_add(w, key, strlen(key), NULL), 0);
}

/* The one event that is there. */
static inline struct shmfs_watch_event told(struct shmfs_watch *w)
{
	struct shmfs_watch_event e[8];
	size_t n = 0;

	CU_ASSERT_EQUAL(shmfs_watch_wait(w, 0, e, 8, &n), 0);
	CU_ASSERT_EQUAL(n, 1);
	return n ? e[0] : (struct shmfs_watch_event){0};
}

/* The next event of a watcher of everything is this one. */
static inline bool tells(struct shmfs_watch *w, uint32_t kind, const char *key)
{
	struct shmfs_watch_event e;
	char name[100];
	size_t n, size = sizeof(name);

	return shmfs_watch_wait(w, 0, &e, 1, &n) == 0 && e.kind == kind && e.key == 0 && e.names == 0 &&
	       shmfs_watch_key(w, &e, name, &size) == 0 && size == strlen(key) && !memcmp(name, key, size);
}

#endif
