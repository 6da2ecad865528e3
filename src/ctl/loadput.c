/* SPDX-License-Identifier: MIT */
/*
 * Records of a dump, put into a store.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"

/* ---- options ------------------------------------------------------------------------- */

static bool parse_garbage(const char *text, double *out)
{
	return ctl_parse_number(text, strlen(text), out) && *out >= 0.1 && *out <= 0.9;
}

static bool parse_flag(const char *text, const char *no, const char *yes, uint32_t flag, uint32_t *flags)
{
	if (!strcmp(text, yes))
		*flags |= flag;
	else if (strcmp(text, no) != 0)
		return false;
	return true;
}

int load_put_option(struct load_put *p, uint64_t line, const char *name, const char *value)
{
	struct shmfs_options *o = &p->options;
	bool good;

	if (!strcmp(name, "seed"))
		good = ctl_parse_u64(value, &o->seed);
	else if (!strcmp(name, "size"))
		good = ctl_parse_u64(value, &o->size);
	else if (!strcmp(name, "max_size"))
		good = ctl_parse_u64(value, &o->max_size);
	else if (!strcmp(name, "garbage"))
		good = parse_garbage(value, &o->garbage);
	else if (!strcmp(name, "log_limit"))
		good = ctl_parse_u64(value, &o->log_limit);
	else if (!strcmp(name, "log_full"))
		good = parse_flag(value, "trim", "refuse", SHMFS_OPT_LOG_REFUSE, &o->flags);
	else if (!strcmp(name, "always_wake"))
		good = parse_flag(value, "0", "1", SHMFS_OPT_ALWAYS_WAKE, &o->flags);
	else if (!strcmp(name, "no_sync"))
		good = parse_flag(value, "0", "1", SHMFS_OPT_NO_SYNC, &o->flags);
	else
		return load_bad(p->in, line, "there is no option %.40s", name);
	if (good)
		return CTL_YES;
	return load_bad(p->in, line, "%.40s is no value for %s", value, name);
}

int load_put_start(struct load_put *p)
{
	char message[512] = "";
	int rc;

	if (p->dry || p->s)
		return CTL_YES;
	if (p->new_seed)
		p->options.seed = 0;
	p->options.struct_size = sizeof(p->options);
	p->options.message = message;
	p->options.message_size = sizeof(message);
	rc = shmfs_open(&p->s, p->path, SHMFS_RDWR | SHMFS_CREATE, &p->options);
	if (rc && message[0])
		return ctl_trouble(p->args->operand[0], "%s", message);
	return rc ? ctl_failed(p->args, rc) : CTL_YES;
}

/* ---- what is stored -------------------------------------------------------------------- */

static int failed(const struct load_put *p, uint64_t line, int rc)
{
	return ctl_trouble(p->args->operand[0], "%s; at line %" PRIu64 " of %s", shmfs_strerror(rc), line,
	                   p->in->name);
}

int load_put_part(struct load_put *p, uint64_t line, const void *data, size_t size)
{
	int rc = 0;

	if (p->dry)
		return CTL_YES;
	if (!p->stream)
		rc = shmfs_put_begin(p->s, &p->stream, 0);
	if (!rc)
		rc = shmfs_put_write(p->stream, p->streamed, data, size);
	p->streamed += size;
	return rc ? failed(p, line, rc) : CTL_YES;
}

static int commit(struct load_put *p, const void *key, size_t key_size, uint32_t flags)
{
	int rc = shmfs_put_commit(p->stream, key, key_size, flags, NULL);

	if (ctl_stream_ours(rc))
		shmfs_put_abort(p->stream);
	p->stream = NULL;
	p->streamed = 0;
	return rc;
}

int load_put_key(struct load_put *p, uint64_t line, const void *key, size_t key_size,
                 const void *value, size_t size, uint32_t type)
{
	uint32_t flags = type | (p->merge ? 0 : SHMFS_IF_ABSENT);
	int rc;

	p->counts.keys++;
	if (p->dry)
		return CTL_YES;
	if (p->stream && load_put_part(p, line, value, size))
		return CTL_TROUBLE;
	rc = p->stream ? commit(p, key, key_size, flags)
	               : shmfs_put(p->s, key, key_size, value, size, flags, NULL);
	if (rc == -EEXIST)
		return load_bad(p->in, line, "the key was there before");
	return rc ? failed(p, line, rc) : CTL_YES;
}

int load_put_number(struct load_put *p, uint64_t line, const void *key, size_t key_size, uint64_t bits)
{
	bits = htole64(bits);
	return load_put_key(p, line, key, key_size, &bits, sizeof(bits), SHMFS_NUMBER);
}

int load_put_frame(struct load_put *p, uint64_t line, const void *data, size_t size)
{
	int rc;

	p->counts.frames++;
	if (p->dry)
		return CTL_YES;
	/* One by one: they take no more segments than where they came from, and a log with a
	 * limit keeps them all. */
	rc = shmfs_log_append(p->s, data, size, NULL);
	return rc ? failed(p, line, rc) : CTL_YES;
}

static void tell(const struct load_put *p, const void *name, size_t size, const char *what)
{
	char *quoted = ctl_quote(name, size);

	ctl_no(p->args->operand[0], "cursor %s %s", quoted ? quoted : "", what);
	free(quoted);
}

int load_put_cursor(struct load_put *p, uint64_t line, const void *name, size_t size, bool stale)
{
	int rc;

	p->counts.cursors++;
	if (!size)
		return load_bad(p->in, line, "a cursor without a name");
	if (p->dry)
		return CTL_YES;
	rc = shmfs_cursor_create(p->s, name, size, SHMFS_LOG_END);
	if (rc == -EEXIST && p->merge)
		tell(p, name, size, "is there, and stays where it is");
	else if (rc == -EEXIST)
		return load_bad(p->in, line, "the cursor was there before");
	else if (rc)
		return failed(p, line, rc);
	else if (stale)
		tell(p, name, size,
		     "had missed frames that were trimmed; it stands at the oldest one there is");
	return CTL_YES;
}
