/* SPDX-License-Identifier: MIT */
/* A small file system of a test's own. */
#ifndef SHMFS_TESTS_DISK_H
#define SHMFS_TESTS_DISK_H

#include <stddef.h>

/*
 * Mount an empty "tmpfs" or "ext4" of so many MiB where only this process and its children see
 * it, and write the directory's name to `dir`.  It is gone with this process.  Ext4 is
 * a loop mount of a file in memory.  NULL, or why it cannot be.
 */
const char *disk_make(char *dir, size_t size, const char *type, unsigned mib);

/* Unmount it, before the process ends. */
void disk_drop(const char *dir);

#endif
