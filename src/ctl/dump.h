/* SPDX-License-Identifier: MIT */
/*
 * The text form of a store, shmfs-dump(5): what `dump` and `load` share.
 *
 *	shmfs-dump 1
 *	option	seed	9215384759203948
 *	...
 *	string	greeting	hello
 *	number	visits	0.5
 *	bytes	long	the beginning of a value
 *	+ and its continuation
 *	frame	it began
 *	cursor	worker	1
 *	frame	one
 *	end	keys=3	frames=2	cursors=1	xxh128=...
 *
 * Owns	dumpout.c makes lines of bytes, loadin.c reads lines, loadtext.c makes records of
 *	lines, loadput.c puts records into a store; sum.c sums.
 * Invariant	one text for one content: the keys come in the order of the store's seed, which
 *	is in the text, and a byte is written in one way only.  Reading is more generous.
 * Distrust	the text: every byte of it may be wrong, and load says in which line.
 */
#ifndef SHMFSCTL_DUMP_H
#define SHMFSCTL_DUMP_H

#include "ctl.h"

#define DUMP_FIRST_LINE "shmfs-dump 1"
#define DUMP_LINE_MOST	65536 /* bytes of a line, its newline included */

struct dump_counts {
	uint64_t keys, frames, cursors;
};

#define DUMP_END_SIZE 160

/* What was dumped or loaded, as a JSON object. */
void dump_counts_json(const struct dump_counts *counts);

/* The last line as far as the counts go; the sum follows. */
void dump_end_text(char text[DUMP_END_SIZE], const struct dump_counts *counts);

/* ---- the checksum (sum.c): XXH128 of every byte before the last line ------------------ */

#define DUMP_SUM_SIZE 33

struct dump_sum *dump_sum_new(void); /* NULL: no memory */
void dump_sum_add(struct dump_sum *sum, const void *data, size_t size);
void dump_sum_text(const struct dump_sum *sum, char text[DUMP_SUM_SIZE]);
void dump_sum_free(struct dump_sum *sum);

/* ---- lines out (dumpout.c) ------------------------------------------------------------ */

struct dump_out {
	int fd;
	struct dump_sum *sum;
	char *buffer;
	size_t used;
	size_t column; /* bytes in the line so far */
	int error;     /* errno of the first write that failed; nothing is written after it */
};

bool dump_out_start(struct dump_out *o, int fd); /* false: no memory */
void dump_out_free(struct dump_out *o);

void dump_text(struct dump_out *o, const char *text);               /* as it is */
void dump_data(struct dump_out *o, const void *data, size_t size);  /* escaped */
void dump_newline(struct dump_out *o);
void dump_end(struct dump_out *o, const struct dump_counts *counts); /* and flush */

/* ---- lines in (loadin.c) -------------------------------------------------------------- */

struct load_in {
	int fd;
	const char *name; /* for messages */
	struct dump_sum *sum;
	char *buffer;
	size_t at, used;
	uint64_t line;  /* the one read last, from 1 */
	uint64_t bytes; /* read so far */
};

bool load_in_start(struct load_in *in, int fd, const char *name); /* false: no memory */
void load_in_free(struct load_in *in);

/* The next line without its newline, valid until the next call.  CTL_YES; CTL_NO at the end of
 * the text; CTL_TROUBLE after saying why. */
int load_line(struct load_in *in, const char **text, size_t *size);

/* Count the line just read in; all lines but the last. */
void load_line_sum(struct load_in *in, const char *text, size_t size);

/* "shmfsctl: NAME: line N: ..." */
int load_bad(const struct load_in *in, uint64_t line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- records (loadtext.c) -------------------------------------------------------------- */

struct load_put;

/* Read all of a text and put its records.  edited: the counts and the sum at its end, and the
 * numbers of the cursors, need not be true.  CTL_YES, or CTL_TROUBLE after saying why. */
int load_text(struct load_in *in, struct load_put *to, bool edited, struct ctl_progress *progress,
              uint64_t total);

/* ---- into the store (loadput.c) --------------------------------------------------------- */

struct load_put {
	const struct ctl_args *args;
	const struct load_in *in;
	const char *path; /* of the store to be made */
	struct shmfs *s;  /* NULL: not made yet */
	bool dry;         /* only look whether the text is good */
	bool merge;
	bool new_seed;
	struct shmfs_options options;
	struct dump_counts counts;
	struct shmfs_put *stream; /* of a value that is too long for memory */
	uint64_t streamed;
};

/* Each returns CTL_YES, or CTL_TROUBLE after saying why. */
int load_put_option(struct load_put *p, uint64_t line, const char *name, const char *value);
int load_put_start(struct load_put *p); /* behind the options */
int load_put_part(struct load_put *p, uint64_t line, const void *data, size_t size);
int load_put_key(struct load_put *p, uint64_t line, const void *key, size_t key_size,
                 const void *value, size_t size, uint32_t type);
int load_put_number(struct load_put *p, uint64_t line, const void *key, size_t key_size,
                    uint64_t bits);
int load_put_frame(struct load_put *p, uint64_t line, const void *data, size_t size);
int load_put_cursor(struct load_put *p, uint64_t line, const void *name, size_t size, bool stale);

#endif
