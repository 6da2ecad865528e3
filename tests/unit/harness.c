/* SPDX-License-Identifier: MIT */
/* A table of sentences as one CUnit suite, its results as one line per case. */
#include "config.h"

#include "harness.h"

#include <CUnit/TestRun.h>
#include <fnmatch.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 10

static const char *skipped_because;
static size_t skipped;
static char dir[PATH_MAX];

void harness_skip(const char *why)
{
	skipped_because = why;
}

const char *harness_dir(void)
{
	const char *parent = getenv("SHMFS_TEST_DIR");

	if (dir[0])
		return dir;
	if (!parent || !*parent)
		parent = getenv("TMPDIR");
	if (!parent || !*parent)
		parent = "/tmp";
	snprintf(dir, sizeof(dir), "%s/shmfs-unit-XXXXXX", parent);
	if (!mkdtemp(dir)) {
		perror(dir);
		exit(1);
	}
	return dir;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void started(const CU_pTest test, const CU_pSuite suite)
{
	(void)test, (void)suite;
	skipped_because = NULL;
}

static void completed(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	int shown = 0;

	(void)suite;
	if (failures) {
		printf("not ok - %s\n", test->pName);
		for (CU_pFailureRecord f = failures; f && shown < FAILURES_SHOWN; f = f->pNext, shown++)
			printf("# %s:%u: %s\n", f->strFileName ? f->strFileName : "?", f->uiLineNumber,
			       f->strCondition ? f->strCondition : "?");
	} else if (skipped_because) {
		printf("skip - %s: %s\n", test->pName, skipped_because);
		skipped++;
	} else {
		printf("ok - %s\n", test->pName);
	}
}

static int wanted(const char *sentence, char **patterns)
{
	if (!*patterns)
		return 1;
	for (; *patterns; patterns++)
		if (fnmatch(*patterns, sentence, 0) == 0)
			return 1;
	return 0;
}

static int cunit_error(const char *what)
{
	printf("not ok - %s: %s\n", what, CU_get_error_msg());
	CU_cleanup_registry();
	return 1;
}

int harness_main(const char *name, const struct harness_test *tests, size_t n, char **patterns)
{
	CU_pSuite suite;
	unsigned failed, run;

	setvbuf(stdout, NULL, _IOLBF, 0); /* lines before a crash are results too */
	if (CU_initialize_registry() != CUE_SUCCESS)
		return cunit_error("CUnit's registry");
	suite = CU_add_suite(name, NULL, NULL);
	if (!suite)
		return cunit_error(name);
	for (size_t i = 0; i < n; i++)
		if (wanted(tests[i].sentence, patterns) &&
		    !CU_add_test(suite, tests[i].sentence, tests[i].run))
			return cunit_error(tests[i].sentence);

	CU_set_test_start_handler(started);
	CU_set_test_complete_handler(completed);
	if (CU_run_all_tests() != CUE_SUCCESS)
		return cunit_error("CUnit's run");
	CU_print_run_results(stdout);
	putchar('\n');
	run = CU_get_number_of_tests_run();
	failed = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	if (dir[0])
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (run == 0) {
		printf("not ok - %s: no such case\n", name);
		return 1;
	}
	return failed ? 1 : skipped == run ? 77 : 0;
}
