/* SPDX-License-Identifier: MIT */
/* The file as a kill leaves it: what the live one holds now, written to another. */
#ifndef SHMFS_TESTS_IMAGE_H
#define SHMFS_TESTS_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

extern char image_live[4096], image_path[4096];

/* Where both are. */
void image_place(const char *dir);

/* The live file, which may be missing, is followed from now on. */
void image_begin(void);

/* These bytes may have changed, and the length.  Has anything? */
bool image_update(uint64_t at, uint64_t n);

/* Was the file never before as it is now? */
bool image_new(void);

/* Write the image.  same_session: as the killed process's file is, in the same boot; otherwise
 * as a copy, or the file after a reboot. */
void image_write(bool same_session);

/* Copy what the image holds now to another file, whose name is returned. */
const char *image_copy(void);

#endif
