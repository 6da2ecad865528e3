/* SPDX-License-Identifier: MIT */
/*
 * usage: what -h and -V print.
 */
#ifndef FS_USAGE_H
#define FS_USAGE_H

void fs_usage_help(void);
void fs_usage_version(void);

#endif
