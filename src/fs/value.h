/* SPDX-License-Identifier: MIT */
/*
 * value: what a key reads as in the mount.  Bytes and strings read as they are, a number
 * as its shortest decimal and a newline.
 */
#ifndef FS_VALUE_H
#define FS_VALUE_H

#include "fs.h"

#define FS_NUMBER_SIZE 40u /* longest text of a number, newline and NUL included */
#define FS_NUMBER_TEXT 1024u /* longest text that is tried as a number */

struct fs_value {
	uint64_t size; /* as it reads */
	uint64_t version;
	uint64_t time_ns;
	uint32_t type;
	char text[FS_NUMBER_SIZE]; /* of a number */
};

/* Look at a key.  -ENOENT as shmfs_exists(). */
int fs_value_look(struct fs *fs, const void *key, size_t key_size, struct fs_value *value);

/*
 * Look at a key's bytes in place: *view is only for those that are not numbers, whose
 * text is in *value.  Check or pin as with shmfs_view().
 */
int fs_value_view(struct fs *fs, const void *key, size_t key_size, struct fs_value *value,
                  struct shmfs_view *view);

/* Text of a number, and back: -EINVAL unless it is one, with an optional newline. */
size_t fs_value_print(char text[FS_NUMBER_SIZE], double number);
int fs_value_parse(const void *text, size_t size, double *number);

/* "bytes", "string", "number"; and back: -EINVAL. */
const char *fs_value_type_name(uint32_t type);
int fs_value_type_parse(const char *name, size_t size, uint32_t *type);

#endif
