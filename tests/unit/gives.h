/* SPDX-License-Identifier: MIT */
/*
 * A call, and what it returns: tests/docs/libshmfs.sh looks for each error that the header names at a
 * function in a line of these.  REFUSES: is it so, for a child that cannot assert?  HARD: why an error
 * cannot be had here.
 */
#ifndef SHMFS_TESTS_GIVES_H
#define SHMFS_TESTS_GIVES_H

#define GIVES(function, arguments, error) CU_ASSERT_EQUAL(function arguments, error)
#define REFUSES(function, arguments, error) (function arguments == error)
#define HARD(function, error, why)

#endif
