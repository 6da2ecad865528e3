/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "disk.h"
#include "rig.h"

static char made[8][100];
static pid_t maker; /* children leave them alone */

static void drop_all(void)
{
	for (size_t i = 0; maker == getpid() && i < sizeof(made) / sizeof(*made); i++)
		if (*made[i])
			disk_drop(made[i]);
}

/* A mount namespace that the rest of the machine does not see. */
static const char *begin(void)
{
	if (maker == getpid())
		return NULL;
	if (geteuid() != 0)
		return "needs root";
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return "may not mount";
	maker = getpid();
	memset(made, 0, sizeof(made));
	atexit(drop_all);
	return NULL;
}

static int mount_loop(const char *dir, unsigned mib)
{
	char command[1000];

	snprintf(command, sizeof(command),
	         "exec 2>/dev/null; PATH=$PATH:/usr/sbin:/sbin; i=%s.image; truncate -s %uM $i && "
	         "mkfs.ext4 -q -m 0 $i && mount -o loop $i %s; s=$?; rm -f $i; exit $s",
	         dir, mib, dir);
	return system(command);
}

const char *disk_make(char *dir, size_t size, const char *type, unsigned mib)
{
	const char *why = begin();
	size_t i = 0;
	int got;

	while (i < sizeof(made) / sizeof(*made) - 1 && *made[i])
		i++;
	if (why)
		return why;
	snprintf(made[i], sizeof(made[i]), "/dev/shm/shmfs-disk-XXXXXX");
	if (!mkdtemp(made[i])) {
		*made[i] = 0;
		return "cannot make a directory";
	}
	snprintf(dir, size, "%s", made[i]);
	if (!strcmp(type, "ext4")) {
		got = mount_loop(dir, mib);
	} else {
		char options[40];

		snprintf(options, sizeof(options), "size=%uM", mib);
		got = mount("shmfs-test", dir, type, 0, options);
	}
	if (!got)
		return NULL;
	rmdir(dir);
	*made[i] = 0;
	return strcmp(type, "ext4") ? "cannot mount a tmpfs" : "cannot make a loop mount";
}

void disk_drop(const char *dir)
{
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		if (!strcmp(made[i], dir))
			*made[i] = 0;
}
