/* SPDX-License-Identifier: MIT */
/*
 * What `import` and `export` and their formats share.
 *
 * import.c makes or opens the store and has one of import{json,shmio,files}.c read the source,
 * once, or twice where that is possible and the store is there already: the first time nothing is
 * stored.  export.c takes a moment of the store and has one of export{json,shmio,files}.c write it.
 *
 * Distrust	every byte of a source.
 */
#ifndef SHMFSCTL_IMPORT_H
#define SHMFSCTL_IMPORT_H

#include "ctl.h"

enum port_format { PORT_JSON, PORT_SHMIO, PORT_FILES, PORT_FORMATS };

/* What --format says.  0, or CTL_TROUBLE after saying why. */
int port_format(const struct ctl_args *args, enum port_format *out);

/* "keys N", or as an object with --json, when the work is done. */
void port_report(const struct ctl_args *args, FILE *to, enum port_format format, uint64_t count);

#define PORT_STEP 256 /* keys or frames between two looks at the clock */

/* ---- a log of shmio: a header of three u64, then frames between two u16, all little-endian */

#define SHMIO_HEADER	24
#define SHMIO_WORD	2
#define SHMIO_FRAME_MAX (UINT16_MAX - 2 * SHMIO_WORD)

struct shmio_header {
	uint64_t header_size; /* SHMIO_HEADER */
	uint64_t data_offset; /* SHMIO_HEADER */
	uint64_t end;	      /* of the frames that are committed, in the file */
};

/* ---- in ------------------------------------------------------------------------------ */

struct import {
	const struct ctl_args *args;
	const char *name; /* of the source, for messages */
	int fd;		  /* of the source; never written to */
	uint64_t size;	  /* of the source in bytes, 0: not known */
	struct shmfs *s;  /* NULL: only look whether the source is good */
	const char *path; /* of the store's file */
	bool merge;	  /* a key may be there already */
	uint64_t count;	  /* of keys or frames */
	struct ctl_progress progress;
};

/* Each reads all of the source.  CTL_YES, or CTL_TROUBLE after saying why. */
int import_json(struct import *im);
int import_shmio(struct import *im);
int import_files(struct import *im);

/* 0 or what the library returned.  Counts. */
int import_key(struct import *im, const void *key, size_t key_size, const void *value, size_t size,
	       uint32_t type);

/* ---- out ------------------------------------------------------------------------------- */

struct export
{
	const struct ctl_args *args;
	struct shmfs *s; /* of one moment */
	struct shmfs_options options;
	uint64_t total, count; /* of keys or frames */
	struct ctl_progress progress;
};

/* Write all of it; a signal is for the verb to tell.  CTL_YES, or CTL_TROUBLE after saying why. */
int export_json(void *ex, int fd);
int export_shmio(void *ex, int fd);
int export_files(struct export *ex, const char *path);

/* Call take() for each key.  CTL_YES, what take() returned if it was not that, or CTL_TROUBLE. */
int export_keys(struct export *ex, int (*take)(void *arg, const struct shmfs_entry *e), void *arg);

/* The number that a value is; false: it is none. */
bool export_number(const struct shmfs_view *value, double *out);

#endif
