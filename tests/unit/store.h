/* SPDX-License-Identifier: MIT */
/* Stores for unit tests, in the harness's directory. */
#ifndef SHMFS_TESTS_STORE_H
#define SHMFS_TESTS_STORE_H

#include <shmfs.h>
#include <stdio.h>

#include "harness.h"

/* DIR/NAME, and no such file.  Valid for the next 63 calls. */
const char *store_path(const char *name);

/* A new store, open for writing.  No flush but at the close, so that tests are quick. */
struct shmfs *store_new(const char *path);
/* Made so that syncs are real: NULL, and the case skipped, where SHMFS_TEST_DIR keeps nothing. */
struct shmfs *store_durable(const char *path);
struct shmfs *store_open(const char *path, int flags);
void store_close(struct shmfs *s);
/* The audit finds nothing. */
void store_good(struct shmfs *s);
int store_sound(struct shmfs *s); /* the same, for a child */
struct shmfs_stat store_stat(struct shmfs *s);

/* Short forms for keys and values that are strings. */
int store_put(struct shmfs *s, const char *key, const char *value);
/* Is the key there with this value?  NULL: is it not? */
int store_has(struct shmfs *s, const char *key, const char *value);

/* A key that is a number, and a value of up to 3 MiB that knows it is of that key. */
int store_number(struct shmfs *s, uint64_t key, size_t size);
int store_has_number(struct shmfs *s, uint64_t key, size_t size);

/* A whole file, to compare it with itself later. */
struct bytes {
	unsigned char *data;
	size_t size;
};
struct bytes file_read(const char *path);
void file_write(const char *path, const void *data, size_t size);
/* Is the file what it was?  Frees b. */
int file_is(const char *path, struct bytes b);

/* The path of a copy, whatever is in it. */
const char *store_copy(const char *path, const char *name);

/* In a child, whose exit status tells: 0, or 1 and a line that says where. */
#define WANT(what)                                                                            \
	do {                                                                                  \
		if (!(what)) {                                                                \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #what);                   \
			fflush(stdout);                                                       \
			return 1;                                                             \
		}                                                                             \
	} while (0)

/* What a function returns in a child of fork(), as small as an exit status must be. */
int in_child(int (*run)(void *arg), void *arg);

#endif
