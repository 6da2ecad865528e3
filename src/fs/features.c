/* SPDX-License-Identifier: MIT */
/*
 * features: what the kernel offers and this libfuse does not know to ask for.
 *
 * libfuse before 3.15 never asks for FUSE_PARALLEL_DIROPS (lookups wait for one another)
 * and FUSE_HANDLE_KILLPRIV_V2 (a GETXATTR before buffered writes), before 3.17 not for
 * FUSE_DIRECT_IO_ALLOW_MMAP (no MAP_SHARED of a key).  So its answer to INIT goes through
 * here: bits the kernel offered are added.
 *
 * Owns: what the kernel offered, until INIT is answered.  A global, as the functions that
 * do the reading and writing are given the session's user data alone at times
 * libfuse does not fix; there is one session per process.
 * Distrust: sizes; anything unexpected passes unchanged.
 */
#include "fs.h"

#ifndef HAVE_FUSE_SESSION_CUSTOM_IO

void fs_features_add(struct fuse_session *session)
{
}

#else

#include <linux/fuse.h>
#include <sys/uio.h>

#ifndef FUSE_HANDLE_KILLPRIV_V2
#define FUSE_HANDLE_KILLPRIV_V2 (1u << 28)
#endif
#ifndef FUSE_INIT_EXT
#define FUSE_INIT_EXT (1u << 30)
#endif
#define ALLOW_MMAP 36 /* FUSE_DIRECT_IO_ALLOW_MMAP: bit 4 of flags2 */

static _Atomic uint64_t init_request; /* its number; 0: answered, or not come */
static uint64_t offered;

static ssize_t read_request(int fd, void *buf, size_t size, void *data)
{
	ssize_t n = read(fd, buf, size);
	const struct fuse_in_header *header = buf;
	const struct fuse_init_in *init = (const void *)(header + 1);

	if (n >= (ssize_t)(sizeof(*header) + sizeof(*init)) && header->opcode == FUSE_INIT) {
		offered = init->flags;
		if (init->flags & FUSE_INIT_EXT) {
			uint32_t more; /* flags2, which old headers do not name */

			memcpy(&more, (const char *)init + 16, sizeof(more));
			offered |= (uint64_t)more << 32;
		}
		init_request = header->unique;
	}
	return n;
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *data)
{
	const struct fuse_out_header *header = iov[0].iov_base;

	if (init_request && count == 2 && header->unique == init_request && !header->error &&
	    iov[1].iov_len >= 36) {
		struct fuse_init_out *out = iov[1].iov_base;
		uint32_t more;

		init_request = 0;
		out->flags |= offered & (FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2);
		if (offered >> ALLOW_MMAP & 1) {
			memcpy(&more, (char *)out + 32, sizeof(more));
			more |= 1u << (ALLOW_MMAP - 32);
			memcpy((char *)out + 32, &more, sizeof(more));
			out->flags |= FUSE_INIT_EXT;
		}
	}
	return writev(fd, iov, count);
}

void fs_features_add(struct fuse_session *session)
{
	static const struct fuse_custom_io io = {.read = read_request, .writev = write_reply};

	/* If it fails, the mount works as this libfuse alone makes it. */
	fuse_session_custom_io(session, &io, fuse_session_fd(session));
}

#endif
