/* SPDX-License-Identifier: MIT */
/*
 * position_file: where a cursor stands; writing moves it.
 *
 * One write(2) is one command, a newline behind it optional:
 *
 *	N  begin  end  +K  -K    there, or so many frames on or back
 *	A>... of any of these    only if it stands at A
 *
 * Distrust: what is written, to the last byte; where it stands, which others move too.
 */
#include "cursor.h"
#include "log_size.h"
#include "waiter.h"

#include <inttypes.h>
#include <stdio.h>

#define COMMAND 64u /* bytes; the longest is two numbers of 20 digits */
#define TEXT    24u

enum how { TO, BEGIN, END, FORTH, BACK };

struct move {
	enum how how;
	uint64_t n;
	bool guarded;
	uint64_t from;
};

/* ---- the grammar -------------------------------------------------------------------------- */

/* Digits up to `end` or `stop`; where they ended, or NULL. */
static const char *parse_number(const char *at, const char *end, uint64_t *n, bool *too_large)
{
	const char *first = at;

	for (*n = 0; at < end && *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*at - '0'), n))
			*too_large = true;
	return at > first ? at : NULL;
}

static bool is_word(const char *at, const char *end, const char *word)
{
	return (size_t)(end - at) == strlen(word) && !memcmp(at, word, strlen(word));
}

static int parse(const char *at, size_t size, struct move *m)
{
	const char *end = at + size, *behind;
	bool too_large = false;

	if (size > COMMAND)
		return -EINVAL;
	if (size && end[-1] == '\n')
		end--;
	memset(m, 0, sizeof(*m));
	behind = parse_number(at, end, &m->from, &too_large);
	if (behind && behind < end && *behind == '>') {
		m->guarded = true;
		at = behind + 1;
	}
	if (is_word(at, end, "begin") || is_word(at, end, "end")) {
		m->how = *at == 'b' ? BEGIN : END;
		return too_large ? -ERANGE : 0;
	}
	if (at < end && (*at == '+' || *at == '-')) {
		m->how = *at == '+' ? FORTH : BACK;
		at++;
	}
	if (parse_number(at, end, &m->n, &too_large) != end)
		return -EINVAL;
	return too_large || m->n > INT64_MAX ? -ERANGE : 0;
}

/* ---- moving --------------------------------------------------------------------------------- */

/* Where the command leads from here. */
static int find_target(struct fs *fs, const struct move *m, uint64_t at, uint64_t *target)
{
	struct shmfs_reader *r;
	int rc;

	switch (m->how) {
	case BEGIN:
		*target = SHMFS_LOG_BEGIN;
		return 0;
	case END:
		*target = SHMFS_LOG_END;
		return 0;
	case TO:
		*target = m->n; /* the library looks */
		return m->n < SHMFS_LOG_BEGIN ? 0 : -ERANGE;
	default:
		rc = fs_log_reader(fs, at, &r);
		if (rc)
			return rc;
		rc = shmfs_reader_seek(r, SHMFS_SEEK_FRAMES,
		                       m->how == FORTH ? (int64_t)m->n : -(int64_t)m->n);
		*target = shmfs_reader_position(r);
		shmfs_reader_close(r);
		return rc;
	}
}

static int move(struct fs *fs, struct fs_inode *inode, const struct move *m)
{
	struct fs_cursor cursor;
	uint64_t at, target;
	int rc;

	for (;;) {
		rc = fs_cursor_position(fs, inode, &cursor, &at);
		if (!rc && m->guarded && at != m->from)
			rc = -EAGAIN;
		if (!rc)
			rc = find_target(fs, m, at, &target);
		if (rc)
			return rc;
		if (!m->guarded && m->how != FORTH && m->how != BACK)
			rc = shmfs_cursor_set(fs->store, cursor.name, cursor.size, target);
		else
			rc = shmfs_cursor_cas(fs->store, cursor.name, cursor.size, &at, target);
		if (rc == -ENOENT)
			return -ESTALE;
		/* Of two that both step on, both do. */
		if (rc != -EAGAIN || m->guarded)
			return rc;
	}
}

/* ---- the file --------------------------------------------------------------------------------- */

static int make_text(struct fs *fs, struct fs_inode *inode, char text[TEXT], size_t *n)
{
	uint64_t position;
	int rc = fs_cursor_position(fs, inode, NULL, &position);

	if (!rc)
		*n = (size_t)snprintf(text, TEXT, "%" PRIu64 "\n", position);
	return rc;
}

static int position_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                         struct stat *st, double *keep)
{
	char text[TEXT];
	size_t n = 0;
	int rc = make_text(fs, inode, text, &n);

	fs_attr_fill(fs, inode, st);
	st->st_size = (off_t)n;
	return rc;
}

static int position_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                         struct fuse_file_info *fi)
{
	fi->direct_io = 1;
#ifdef FS_HAVE_NOFLUSH
	fi->noflush = 1;
#endif
	fuse_reply_open(req, fi);
	return 0;
}

static int position_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size,
                         uint64_t offset, struct fuse_file_info *fi)
{
	char text[TEXT];
	size_t n;
	int rc = make_text(fs, inode, text, &n);

	if (!rc)
		fs_reply_text(req, text, n, size, offset);
	return rc;
}

static int position_write(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const char *buf,
                          size_t size, uint64_t offset, struct fuse_file_info *fi)
{
	struct move m;
	int rc = parse(buf, size, &m);

	if (!rc)
		rc = move(fs, inode, &m);
	if (!rc) {
		fuse_reply_write(req, size);
		fs_waiter_look(fs);
	}
	return rc;
}

/* What a shell's > does first, where the kernel does not leave that to open(2). */
static int position_resize(struct fs *fs, struct fs_inode *inode, uint64_t size,
                           struct fuse_file_info *fi)
{
	return size ? -EPERM : 0;
}

const struct fs_kind fs_position_kind = {
	.type = S_IFREG,
	.space = FS_SPACE_POSITION,
	.attr = position_attr,
	.open = position_open,
	.read = position_read,
	.write = position_write,
	.resize = position_resize,
};
