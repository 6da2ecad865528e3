/* SPDX-License-Identifier: MIT */
/*
 * libfuse, from 3.10 on.  What came later is used behind what configure found, and with
 * --disable-fuse-features none of it is.
 */
#ifndef FS_COMPAT_H
#define FS_COMPAT_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef HAVE_FUSE_LOOP_CFG_CREATE
#define FUSE_USE_VERSION 312
#define FS_HAVE_NOFLUSH /* struct fuse_file_info.noflush came a release earlier */
#else
#define FUSE_USE_VERSION 35
#endif

#include <fuse_lowlevel.h>

#endif
