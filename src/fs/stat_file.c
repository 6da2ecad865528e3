/* SPDX-License-Identifier: MIT */
/*
 * stat_file: counters and figures of the store, one "name value" per line.
 *
 * Owns: the text, made at open(2), so that one open file never mixes two moments.
 */
#include "inode.h"
#include "value.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT_SIZE FS_TEXT

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

static int make_text(struct fs *fs, char text[TEXT_SIZE], size_t *size)
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
			n += (size_t)snprintf(text + n, TEXT_SIZE - n, "%s %s", f->name, number);
		} else {
			memcpy(&whole, from, sizeof(whole));
			n += (size_t)snprintf(text + n, TEXT_SIZE - n, "%s %" PRIu64 "\n", f->name,
			                      whole);
		}
	}
	*size = n;
	return 0;
}

static int stat_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                     struct stat *st)
{
	char text[TEXT_SIZE];
	size_t size;
	int rc = make_text(fs, text, &size);

	if (rc)
		return rc;
	fs_attr_fill(fs, inode, st);
	st->st_mode &= ~(mode_t)0222;
	st->st_size = (off_t)size;
	clock_gettime(CLOCK_REALTIME, &st->st_mtim);
	st->st_ctim = st->st_atim = st->st_mtim;
	return 0;
}

struct text {
	size_t size;
	char text[TEXT_SIZE];
};

static int stat_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                     struct fuse_file_info *fi)
{
	struct text *t = malloc(sizeof(*t));
	int rc = t ? make_text(fs, t->text, &t->size) : -ENOMEM;

	if (rc) {
		free(t);
		return rc;
	}
	fi->fh = (uintptr_t)t;
	fi->direct_io = 1;
#ifdef FS_HAVE_NOFLUSH
	fi->noflush = 1;
#endif
	if (fuse_reply_open(req, fi) == -ENOENT)
		free(t);
	return 0;
}

static void stat_release(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi)
{
	free((struct text *)(uintptr_t)fi->fh);
}

static int stat_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size,
                     uint64_t offset, struct fuse_file_info *fi)
{
	const struct text *t = (const struct text *)(uintptr_t)fi->fh;

	fs_reply_text(req, t->text, t->size, size, offset);
	return 0;
}

const struct fs_kind fs_stat_kind = {
	.type = S_IFREG,
	.attr = stat_attr,
	.open = stat_open,
	.release = stat_release,
	.read = stat_read,
};
