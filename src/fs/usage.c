/* SPDX-License-Identifier: MIT */
/*
 * usage: what -h and -V print.
 */
#include "usage.h"

#include "fs.h"

#include <stdio.h>

void fs_usage_help(void)
{
	fputs("usage: shmfs STORE DIR [-o OPTION,...] [-f] [-d]\n"
	      "\n"
	      "Shows the store in the file STORE, made when it is missing, as files in DIR.\n"
	      "Unmount with: fusermount3 -u DIR\n"
	      "\n"
	      "  -f                 stay in the foreground\n"
	      "  -d                 so too, and show every request\n"
	      "  -h, -V             this text; the version\n"
	      "\n"
	      "The mount:\n"
	      "  -o ro              read only: no key, frame or cursor is changed\n"
	      "  -o nocreate        do not make a store\n"
	      "  -o root=keys       DIR itself holds the keys\n"
	      "  -o sync_interval=S sync every S seconds (5); 0: only fsync and unmount do\n"
	      "  -o cache=strict    the kernel keeps nothing: slower, and never behind\n"
	      "  -o strict          chmod, chown and setting times fail; else they do nothing\n"
	      "  -o verify          check every checksum on every read\n"
	      "  -o uid=N,gid=N     owner of all files, instead of the store file's\n"
	      "  -o mode=N          permissions of all files, instead of the store file's\n"
	      "  -o umask=N         permissions taken away from those\n"
	      "  -o allow_other     for all users, as the permissions say\n"
	      "\n"
	      "A new store (an existing one keeps its own; N may end in K, M, G or T):\n"
	      "  -o size=N          allocate so many bytes now\n"
	      "  -o keys=N          index for so many keys now\n"
	      "  -o max_size=N      the file never grows beyond\n"
	      "  -o log_limit=N     bytes of log kept\n"
	      "  -o log_full=WHAT   a full log: trim (the default) or refuse\n"
	      "  -o garbage=R       dead share of the space that starts the cleaner, 0.1 to 0.9\n"
	      "  -o always_wake     log writers always wake read-only waiters\n"
	      "  -o no_sync         never flush; a checkpoint only at the last close\n"
	      "\n"
	      "Exit status: 0, 1 usage, 2 the store cannot be opened, 32 the mount failed.\n",
	      stdout);
}

void fs_usage_version(void)
{
	printf("shmfs %s, libfuse %s\n", shmfs_version(), fuse_pkgversion());
}
