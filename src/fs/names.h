/* SPDX-License-Identifier: MIT */
/*
 * names: from a file name to its key.
 */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include "fs.h"

struct fs_key {
	const void *bytes;
	size_t size;
	unsigned char own[SHMFS_NAME_SIZE];
	void *allocated;
};

int fs_names_open(struct fs *fs);
void fs_names_close(struct fs *fs);

/*
 * The key of a name; fs_names_drop() it afterwards, also after a failure.
 *	-EINVAL        no key has this name
 *	-ENAMETOOLONG  longer than a name can be
 *	-ENOENT        the name of a long key, and no key in the store has it
 */
int fs_names_key(struct fs *fs, const char *name, struct fs_key *key);
void fs_names_drop(struct fs_key *key);

/* This name stands for this long key: whoever walks the store tells. */
void fs_names_learn(struct fs *fs, const char *name, const void *key, size_t key_size);

#endif
