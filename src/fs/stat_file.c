/* SPDX-License-Identifier: MIT */
/*
 * stat_file: counters and figures of the store, one "name value" per line.
 */
#include "text_file.h"
#include "value.h"

#include <inttypes.h>
#include <stdio.h>

struct figure {
	const char *name;
	size_t offset;
	bool is_double;
};

#define U64(member)    {#member, offsetof(struct shmfs_stat, member), false}
#define DOUBLE(member) {#member, offsetof(struct shmfs_stat, member), true}

/* As in `shmfsctl stat`, in the order of struct shmfs_stat. */
static const struct figure figures[] = {
	U64(format_version), U64(file_bytes),    U64(file_allocated),    U64(max_bytes),
	U64(free_bytes),     U64(live_bytes),    U64(keys),              U64(index_buckets),
	U64(index_buckets_max), DOUBLE(load_factor), DOUBLE(load_factor_max), U64(epoch),
	U64(epoch_durable),  U64(puts),          U64(gets_retried),      U64(cleaned_bytes),
	U64(log_head),       U64(log_end),       U64(log_frames),        U64(log_bytes),
	U64(log_limit),      U64(writers),       U64(readers_present),   U64(watchers),
	U64(pins),           U64(sync_age_ms),   U64(io_error),          U64(is_volatile),
	DOUBLE(garbage),     U64(window_bytes),
};

static int make_text(struct fs *fs, struct fs_inode *inode, struct fs_text *t)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	size_t n = 0;
	int rc = shmfs_stat(fs->store, &st);

	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		const struct figure *f = &figures[i];
		const char *from = (const char *)&st + f->offset;
		char number[FS_NUMBER_SIZE];
		uint64_t whole;
		double real;

		if (f->is_double) {
			memcpy(&real, from, sizeof(real));
			fs_value_print(number, real);
			n += (size_t)snprintf(t->text + n, sizeof(t->text) - n, "%s %s", f->name, number);
		} else {
			memcpy(&whole, from, sizeof(whole));
			n += (size_t)snprintf(t->text + n, sizeof(t->text) - n, "%s %" PRIu64 "\n", f->name,
			                      whole);
		}
	}
	t->size = n;
	return 0;
}

static int stat_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                     struct stat *st, double *keep)
{
	struct fs_text text;
	int rc = make_text(fs, inode, &text);

	if (rc)
		return rc;
	fs_attr_fill(fs, inode, st);
	st->st_mode &= ~(mode_t)0222;
	st->st_size = (off_t)text.size;
	clock_gettime(CLOCK_REALTIME, &st->st_mtim);
	st->st_ctim = st->st_atim = st->st_mtim;
	return 0;
}

static int stat_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                     struct fuse_file_info *fi)
{
	return fs_text_open(fs, req, inode, fi, make_text);
}

const struct fs_kind fs_stat_kind = {
	.type = S_IFREG,
	.attr = stat_attr,
	.open = stat_open,
	.release = fs_text_release,
	.read = fs_text_read,
};
