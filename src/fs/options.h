/* SPDX-License-Identifier: MIT */
/*
 * options: the command line.
 */
#ifndef FS_OPTIONS_H
#define FS_OPTIONS_H

#include "fs.h"

struct fs_options {
	char *store;         /* absolute: the daemon leaves its directory */
	char *dir;
	struct fuse_args fuse; /* what libfuse is given */

	bool foreground;
	bool debug;
	bool read_only;
	bool no_create;
	bool strict;
	bool cache_strict;
	bool verify;
	bool root_keys;
	uint64_t sync_interval_ms; /* 0: never */
	bool has_uid, has_gid, has_umask, has_mode;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	mode_t mode;

	struct shmfs_options create;
};

/* Exit codes. */
enum { FS_EXIT_OK = 0, FS_EXIT_USAGE = 1, FS_EXIT_SYSTEM = 2, FS_EXIT_MOUNT = 32 };

/*
 * Read the command line.  -1: go on; otherwise exit with this code, after -h, -V or a
 * message.  Free in any case.
 */
int fs_options_read(struct fs_options *o, int argc, char **argv);
void fs_options_free(struct fs_options *o);

#endif
