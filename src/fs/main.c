/* SPDX-License-Identifier: MIT */
/*
 * shmfs: show a store as files.
 */
#include "options.h"

int main(int argc, char **argv)
{
	struct fs_options options;
	int code = fs_options_read(&options, argc, argv);

	if (code < 0)
		code = fs_start(&options);
	fs_options_free(&options);
	return code;
}
