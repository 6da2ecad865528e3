/* SPDX-License-Identifier: MIT */
/*
 * floor 1: the session: one boot of one machine, one file.  While it lasts the page
 * cache keeps what killed processes wrote, so the live page is the truth; a copy of the
 * file, or the same file after a reboot, is another session and starts from a checkpoint.
 */
#ifndef SFS_SESSION_H
#define SFS_SESSION_H

#include "bytes.h"

SFS_HIDDEN int sfs_session_id(int fd, uint64_t id[2]);

#endif
