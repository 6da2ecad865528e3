/* SPDX-License-Identifier: MIT */
/*
 * reply: answers that kinds of file share.
 */
#include "fs.h"

void fs_reply_fixed(fuse_req_t req, const struct fs_fixed *list, size_t n, size_t size,
                    uint64_t offset)
{
	char buf[1024];
	size_t used = 0;

	if (size > sizeof(buf))
		size = sizeof(buf);
	for (uint64_t i = offset; i < n; i++) {
		struct stat st = {.st_ino = list[i].number, .st_mode = list[i].type};
		size_t one = fuse_add_direntry(req, buf + used, size - used, list[i].name, &st,
		                               (off_t)i + 1);

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
