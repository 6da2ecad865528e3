/* SPDX-License-Identifier: MIT */
/*
 * A unit test program is a table of sentences and functions, run as one CUnit suite:
 *
 *	static void empty(void) { CU_ASSERT_EQUAL(sfs_heap_count(&heap), 0); }
 *
 *	static const struct harness_test tests[] = {
 *		{"an empty heap holds nothing", empty},
 *	};
 *	HARNESS_MAIN("heap", tests)
 *
 * For each case one line goes to stdout: "ok - SENTENCE", "not ok - SENTENCE" and
 * the failed assertions behind it, or "skip - SENTENCE: WHY"; then CUnit's summary.
 * The program exits 0, 1 if a case failed, 77 if all were skipped.  Its arguments,
 * if any, are patterns as the shell's; only sentences that match one of them run.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <CUnit/CUnit.h>
#include <stddef.h>

/* 1 where a sanitizer is built in: it takes terabytes of address space and slows things
 * down, so that cases about limits and time are better skipped. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define HARNESS_SANITIZED 1
#elif defined __has_feature
#define HARNESS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define HARNESS_SANITIZED 0
#endif

struct harness_test {
	const char *sentence;
	void (*run)(void);
};

/* Give up the running case without failing it; return from it afterwards. */
void harness_skip(const char *why);

/* A directory of its own for this program, made at the first call and removed with
 * all in it at the end.  SHMFS_TEST_DIR or TMPDIR says where. */
const char *harness_dir(void);

/* Run them; returns the exit status. */
int harness_main(const char *suite, const struct harness_test *tests, size_t n, char **patterns);

#define HARNESS_MAIN(suite, tests)                                                       \
	int main(int argc, char **argv)                                                  \
	{                                                                                \
		(void)argc;                                                              \
		return harness_main(suite, tests, sizeof(tests) / sizeof(*(tests)), argv + 1); \
	}

#endif
