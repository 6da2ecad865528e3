/* SPDX-License-Identifier: MIT */
/* shmfsctl, run in a directory of its own on what a fuzzer made, and what must be true afterwards.
 */
#ifndef SHMFS_TESTS_TOOL_H
#define SHMFS_TESTS_TOOL_H

#include "dumptext.h"

extern uint64_t tool_seed; /* of the round at hand */

/* Go to a new directory, which is removed at the end with the files a round may leave: in, out,
 * err, said, new, again, base. */
void tool_start(const char *name, const char *seed_variable);

/* "SEED=n: ..." */
_Noreturn void tool_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tool_must(int rc, const char *what);

/* Run it; stdout goes to the file out, stderr to "err".  Its exit status.  Closes in. */
int tool_run(const char *const args[], int in, const char *out);

int tool_nothing(void);				  /* to be its stdin */
int tool_stdin(const struct text *t, bool piped); /* the text, in a pipe or the file "in" */

/* Run what makes the store "new" of the text, or adds to it if it is there: args gets that name and
 * where the text is, a file, a pipe or standard input, as r says.  Afterwards the store is good, and
 * only there if it was or the tool succeeded; which is what is returned. */
bool tool_fills(const char *args[], const struct text *t, bool there, struct rng *r);

bool tool_there(const char *path);
int tool_files(void); /* in the directory */

void tool_must_be_good(const char *store);
void tool_must_say_why(void); /* the last line of "err" */

#endif
