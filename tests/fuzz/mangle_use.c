/* SPDX-License-Identifier: MIT */
#include "mangle.h"

static void read_all(struct shmfs *s, struct rng *r)
{
	uint64_t cursor = 0;

	use_stat(s);
	use_get(s, r, MANGLE_KEYS, 300);
	use_walk(s, &cursor);
	use_log_read(s, r, 100);
}

void mangle_use(const char *path, bool write, uint64_t seed)
{
	struct shmfs_options options = {.struct_size = sizeof(options)};
	struct rng r = {seed};
	struct shmfs *s;
	char message[200];

	options.message = message;
	options.message_size = sizeof(message);
	if (use_code(shmfs_open(&s, path, write ? SHMFS_RDWR | SHMFS_CREATE : SHMFS_RDONLY, &options)))
		return;
	if (rng_once_in(&r, 2))
		use_check(s);
	read_all(s, &r);
	if (write) {
		use_put(s, &r, MANGLE_KEYS, 400);
		use_log_write(s, &r, 100);
		use_stream(s, &r);
		use_code(shmfs_sync(s));
		read_all(s, &r);
		use_check(s);
	}
	if (rng_once_in(&r, 4))
		return; /* as if killed */
	use_code(shmfs_close(s));
	if (write)
		mangle_use(path, false, seed);
}
