/* SPDX-License-Identifier: MIT */
#ifndef SHMFS_TESTS_MANGLE_H
#define SHMFS_TESTS_MANGLE_H

#include "use.h"

#define MANGLE_PAGE 4096u
#define MANGLE_KEYS 3000

/* ---- images.c: good stores, and files made of bytes */

struct mangle_image {
	const char *what;
	bool in_place; /* to be tried only where it was made */
	unsigned char *bytes;
	size_t size;
};

/* One closed and one killed store, made at `home`, and one of a disk. */
void mangle_images(struct mangle_image images[3], const char *home);
void mangle_take(struct mangle_image *im, const char *what, const char *path, bool in_place);
/* Holes stay holes; a file that exists stays the same file. */
void mangle_write(const char *path, const unsigned char *bytes, size_t size);
bool mangle_same(const char *path, const unsigned char *bytes, size_t size);

/* ---- mangle_use.c */

/* Open the file and make every call, minding no result; then, if write, those that
 * change it, and read again. */
void mangle_use(const char *path, bool write, uint64_t seed);

#endif
