/* SPDX-License-Identifier: MIT */
/* Print one value: cc get.c $(pkg-config --cflags --libs shmfs) -o get; ./get STORE KEY */
#include <shmfs.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct shmfs *s;
	char value[4096];
	size_t size = sizeof(value);
	int err = argc == 3 ? shmfs_open(&s, argv[1], SHMFS_RDONLY, NULL) : 1;

	if (!err) {
		err = shmfs_get(s, argv[2], strlen(argv[2]), value, &size, NULL);
		if (!err)
			fwrite(value, 1, size, stdout);
		shmfs_close(s);
	}
	if (err)
		fprintf(stderr, "get: %s\n", err < 0 ? shmfs_strerror(err) : "STORE KEY wanted");
	return err != 0;
}
