/* SPDX-License-Identifier: MIT */
/* A user's program: the map, the log and a cursor, by what is installed.  Exits 0 if all is as it
 * should be, otherwise with the number of the line that is not. */
#include <errno.h>
#include <shmfs.h>
#include <string.h>

#define MUST(condition) \
	do { \
		if (!(condition)) \
			return __LINE__ & 127; \
	} while (0)

int main(int argc, char **argv)
{
	struct shmfs *s;
	struct shmfs_reader *r;
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	char value[100];
	size_t size = sizeof(value);
	uint64_t position = 0;

	MUST(argc == 2);
	MUST(shmfs_open(&s, argv[1], SHMFS_RDWR | SHMFS_CREATE, NULL) == 0);
	MUST(shmfs_put(s, "answer", 6, "42", 2, SHMFS_STRING, NULL) == 0);
	MUST(shmfs_get(s, "answer", 6, value, &size, NULL) == 0 && size == 2 && !memcmp(value, "42", 2));
	MUST(shmfs_get(s, "none", 4, value, &size, NULL) == -ENOENT);
	MUST(shmfs_log_append(s, "a frame", 7, NULL) == 0);
	MUST(shmfs_cursor_create(s, "c", 1, SHMFS_LOG_BEGIN) == 0);
	MUST(shmfs_cursor_get(s, "c", 1, &position) == 0);
	MUST(shmfs_reader_open(s, &r, position) == 0);
	size = sizeof(value);
	MUST(shmfs_reader_next(r, value, &size, NULL) == 0 && size == 7 && !memcmp(value, "a frame", 7));
	shmfs_reader_close(r);
	MUST(shmfs_stat(s, &st) == 0 && st.keys == 1 && st.log_frames == 1);
	MUST(!strcmp(shmfs_strerror(-ENOENT), strerror(ENOENT)));
	MUST(shmfs_close(s) == 0);
	return 0;
}
