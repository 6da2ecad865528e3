/* SPDX-License-Identifier: MIT */
/* floor 3: creation options: ranges, and agreement with a store that exists (super.h). */
#include <stdarg.h>
#include <stdio.h>

#include "super.h"

#define OPTION_FLAGS (SHMFS_OPT_NO_SYNC | SHMFS_OPT_ALWAYS_WAKE | SHMFS_OPT_LOG_REFUSE)
#define KEYS_MOST (UINT64_C(1) << 40)

void sfs_explain(const struct shmfs_options *o, const char *format, ...)
{
	va_list args;

	if (!o || !o->message || !o->message_size)
		return;
	va_start(args, format);
	vsnprintf(o->message, o->message_size, format, args);
	va_end(args);
}

static unsigned thousandths(double garbage)
{
	return (unsigned)(garbage * 1000 + 0.5);
}

int sfs_options_check(const struct shmfs_options *o)
{
	if (o->struct_size != sizeof(*o)) {
		sfs_explain(o, "struct_size of the options is not sizeof(struct shmfs_options)");
		return -EINVAL;
	}
	if (o->flags & ~(uint32_t)OPTION_FLAGS) {
		sfs_explain(o, "unknown option flag");
		return -EINVAL;
	}
	/* written so that NaN fails too */
	if (o->garbage != 0 && !(o->garbage >= 0.1 && o->garbage <= 0.9)) {
		sfs_explain(o, "garbage must be between 0.1 and 0.9");
		return -EINVAL;
	}
	if (o->max_size && o->max_size < SFS_MIN_SEGS << SFS_SEG_SHIFT) {
		sfs_explain(o, "max_size must be at least 7 MiB");
		return -EINVAL;
	}
	if (o->max_size && o->size > o->max_size) {
		sfs_explain(o, "size is larger than max_size");
		return -EINVAL;
	}
	if (o->keys > KEYS_MOST) {
		sfs_explain(o, "keys must be at most 2^40");
		return -EINVAL;
	}
	return 0;
}

static int differs(const struct shmfs_options *o, const char *name, uint64_t own, uint64_t asked)
{
	sfs_explain(o, "%s: the store has %llu, %llu was asked for; leave the option out", name,
	            (unsigned long long)own, (unsigned long long)asked);
	return SHMFS_E_OPTION;
}

int sfs_options_match(const struct shmfs *s, const struct shmfs_options *o)
{
	const struct sfs_super *super = s->super;

	if (o->max_size && o->max_size != super->max_size)
		return differs(o, "max_size", super->max_size, o->max_size);
	if (o->log_limit && o->log_limit != super->log_limit)
		return differs(o, "log_limit", super->log_limit, o->log_limit);
	if (o->seed && o->seed != super->seed)
		return differs(o, "seed", super->seed, o->seed);
	if (o->garbage != 0 && thousandths(o->garbage) != super->garbage) {
		sfs_explain(o, "garbage: the store has %.3f, %.3f was asked for; leave the option out",
		            super->garbage / 1000.0, o->garbage);
		return SHMFS_E_OPTION;
	}
	if (o->flags & ~super->flags) {
		uint32_t missing = o->flags & ~super->flags;

		sfs_explain(o, "%s: the store was created without it; leave the option out",
		            missing & SHMFS_OPT_NO_SYNC       ? "no_sync"
		            : missing & SHMFS_OPT_ALWAYS_WAKE ? "always_wake"
		                                              : "log_full=refuse");
		return SHMFS_E_OPTION;
	}
	return 0;
}
