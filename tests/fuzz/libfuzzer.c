/* SPDX-License-Identifier: MIT */
/*
 * The targets under libFuzzer:
 *
 *	replay -u DIR && FUZZ_TARGET=get fuzzer -timeout=30 DIR/get
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("FUZZ_TARGET");

	target = fuzz_target(name ? name : "open");
	if (!target)
		die("FUZZ_TARGET=%s: there is no such target", name);
	fuzz_begin();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_run(target, data, size);
	return 0;
}
