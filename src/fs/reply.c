/* SPDX-License-Identifier: MIT */
/*
 * reply: answers that kinds of file share.
 */
#include "fs.h"

size_t fs_add_direntry(fuse_req_t req, bool plus, char *buf, size_t size, const char *name,
                       const struct stat *st, uint64_t offset)
{
	const struct fuse_entry_param e = {.attr = *st};

	return plus ? fuse_add_direntry_plus(req, buf, size, name, &e, (off_t)offset)
	            : fuse_add_direntry(req, buf, size, name, st, (off_t)offset);
}

void fs_reply_fixed(fuse_req_t req, const struct fs_fixed *list, size_t n, size_t size,
                    uint64_t offset, bool plus)
{
	char buf[2048];
	size_t used = 0;

	if (size > sizeof(buf))
		size = sizeof(buf);
	for (uint64_t i = offset; i < n; i++) {
		struct stat st = {.st_ino = list[i].number, .st_mode = list[i].type};
		size_t one = fs_add_direntry(req, plus, buf + used, size - used, list[i].name, &st,
		                             i + 1);

		if (one > size - used)
			break;
		used += one;
	}
	fuse_reply_buf(req, buf, used);
}

void fs_reply_text(fuse_req_t req, const char *text, size_t n, size_t size, uint64_t offset)
{
	char buf[FS_TEXT];

	if (offset > n)
		offset = n;
	if (size > n - offset)
		size = n - offset;
	if (size > sizeof(buf))
		size = sizeof(buf);
	/* A copy: as soon as the kernel has the answer, a RELEASE may free the text. */
	memcpy(buf, text + offset, size);
	fuse_reply_buf(req, buf, size);
}
