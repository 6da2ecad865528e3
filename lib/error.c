/* SPDX-License-Identifier: MIT */
/* floor 0: what every code means, in words. */
#include "shmfs.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "config.h"

static const struct {
	int code;
	const char *text;
} messages[] = {
	{0, "success"},
	{SHMFS_E_NOT_STORE, "not a shmfs store"},
	{SHMFS_E_VERSION, "made by a newer version of shmfs: upgrade to open it"},
	{SHMFS_E_NOT_CLOSED, "copied, or caught by a reboot, while it was open: it has no checkpoint"},
	{SHMFS_E_OPTION, "an option differs from the one the store was created with"},
	{SHMFS_E_FORKED, "handle opened before fork(): open the store again in the child"},
	{SHMFS_E_COLLIDE, "too many keys share one hash prefix"},
	{SHMFS_E_REMOTE, "on a network file system, which cannot share a mapping: move it to a local one"},
	{SHMFS_E_LEASES, "1023 handles have the store open for writing: close one"},
	{SHMFS_E_LOG_FULL, "the log is full and a cursor still needs its oldest part: move or delete that cursor"},
	{-EUCLEAN, "the store is damaged: `shmfsctl check` says where"},
	{-EFBIG, "too large: the value, or the store beyond its max_size"},
	{-ENOSPC, "no space left on the device (deletes still work)"},
	{-EMSGSIZE, "the buffer is too small, or the frame too long"},
	{-ENODEV, "/proc is not mounted: the boot's id is read there"},
	{-EROFS, "the store is open read-only"},
	{-E2BIG, "key longer than 65,535 bytes, or cursor's name than 255"},
};

const char *shmfs_strerror(int code)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		if (messages[i].code == code)
			return messages[i].text;
	return code < 0 && code > -4096 ? strerror(-code) : "unknown error";
}

const char *shmfs_version(void)
{
	return PACKAGE_VERSION;
}
