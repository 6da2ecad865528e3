/* SPDX-License-Identifier: MIT */
/*
 * options: the command line, with fuse_opt as every FUSE program has it.
 *
 * Owns: the strings and the arguments for libfuse.
 * Distrust: every word.  What neither we nor mount(8) know is an error that names it, not
 * something for libfuse to complain about later.
 */
#include "options.h"

#include "usage.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

enum {
	KEY_HELP,
	KEY_VERSION,
	KEY_VALUE,  /* name=value of the table below */
	KEY_FLAG,   /* a bare word of the table below */
	KEY_IGNORE, /* for mount(8) and systemd, nothing to us */
	KEY_PASS,   /* for libfuse and the kernel */
};

static const struct fuse_opt table[] = {
	FUSE_OPT_KEY("-h", KEY_HELP),
	FUSE_OPT_KEY("--help", KEY_HELP),
	FUSE_OPT_KEY("-V", KEY_VERSION),
	FUSE_OPT_KEY("--version", KEY_VERSION),
	FUSE_OPT_KEY("-f", KEY_FLAG),
	FUSE_OPT_KEY("-d", KEY_FLAG),
	FUSE_OPT_KEY("debug", KEY_FLAG),
	FUSE_OPT_KEY("ro", KEY_FLAG),
	FUSE_OPT_KEY("nocreate", KEY_FLAG),
	FUSE_OPT_KEY("strict", KEY_FLAG),
	FUSE_OPT_KEY("verify", KEY_FLAG),
	FUSE_OPT_KEY("always_wake", KEY_FLAG),
	FUSE_OPT_KEY("no_sync", KEY_FLAG),
	FUSE_OPT_KEY("root=", KEY_VALUE),
	FUSE_OPT_KEY("cache=", KEY_VALUE),
	FUSE_OPT_KEY("sync_interval=", KEY_VALUE),
	FUSE_OPT_KEY("uid=", KEY_VALUE),
	FUSE_OPT_KEY("gid=", KEY_VALUE),
	FUSE_OPT_KEY("umask=", KEY_VALUE),
	FUSE_OPT_KEY("mode=", KEY_VALUE),
	FUSE_OPT_KEY("size=", KEY_VALUE),
	FUSE_OPT_KEY("keys=", KEY_VALUE),
	FUSE_OPT_KEY("max_size=", KEY_VALUE),
	FUSE_OPT_KEY("log_limit=", KEY_VALUE),
	FUSE_OPT_KEY("log_full=", KEY_VALUE),
	FUSE_OPT_KEY("garbage=", KEY_VALUE),
	FUSE_OPT_KEY("rw", KEY_IGNORE),
	FUSE_OPT_KEY("defaults", KEY_IGNORE),
	FUSE_OPT_KEY("auto", KEY_IGNORE),
	FUSE_OPT_KEY("noauto", KEY_IGNORE),
	FUSE_OPT_KEY("nofail", KEY_IGNORE),
	FUSE_OPT_KEY("user", KEY_IGNORE),
	FUSE_OPT_KEY("user=", KEY_IGNORE),
	FUSE_OPT_KEY("nouser", KEY_IGNORE),
	FUSE_OPT_KEY("users", KEY_IGNORE),
	FUSE_OPT_KEY("owner", KEY_IGNORE),
	FUSE_OPT_KEY("group", KEY_IGNORE),
	FUSE_OPT_KEY("_netdev", KEY_IGNORE),
	FUSE_OPT_KEY("comment=", KEY_IGNORE),
	FUSE_OPT_KEY("default_permissions", KEY_IGNORE), /* always on */
	FUSE_OPT_KEY("allow_other", KEY_PASS),
	FUSE_OPT_KEY("allow_root", KEY_PASS),
	FUSE_OPT_KEY("auto_unmount", KEY_PASS),
	FUSE_OPT_KEY("fsname=", KEY_PASS),
	FUSE_OPT_KEY("subtype=", KEY_PASS),
	FUSE_OPT_KEY("dev", KEY_PASS),
	FUSE_OPT_KEY("nodev", KEY_PASS),
	FUSE_OPT_KEY("suid", KEY_PASS),
	FUSE_OPT_KEY("nosuid", KEY_PASS),
	FUSE_OPT_KEY("exec", KEY_PASS),
	FUSE_OPT_KEY("noexec", KEY_PASS),
	FUSE_OPT_KEY("atime", KEY_PASS),
	FUSE_OPT_KEY("noatime", KEY_PASS),
	FUSE_OPT_KEY("nodiratime", KEY_PASS),
	FUSE_OPT_KEY("sync", KEY_PASS),
	FUSE_OPT_KEY("async", KEY_PASS),
	FUSE_OPT_KEY("dirsync", KEY_PASS),
	FUSE_OPT_KEY("context=", KEY_PASS),
	FUSE_OPT_END,
};

/* ---- values --------------------------------------------------------------------------- */

static bool read_size(const char *text, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	uint64_t number = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return false;
	if (*text) {
		suffix = strchr(suffixes, *text & ~0x20);
		if (!suffix || !*suffix || text[1] ||
		    __builtin_mul_overflow(number, UINT64_C(1) << (10 * (suffix - suffixes + 1)),
		                           &number))
			return false;
	}
	*out = number;
	return true;
}

static bool read_id(const char *text, uint32_t *out)
{
	uint64_t id;

	if (!read_size(text, &id) || id >= UINT32_MAX || strspn(text, "0123456789") != strlen(text))
		return false;
	*out = (uint32_t)id;
	return true;
}

static bool read_mode(const char *text, mode_t *out)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end || mode > 0777)
		return false;
	*out = (mode_t)mode;
	return true;
}

static bool read_decimal(const char *text, double *out)
{
	char *end;

	if (!*text || strspn(text, "0123456789.") != strlen(text))
		return false;
	*out = strtod(text, &end);
	return !*end && isfinite(*out);
}

static int bad(const char *name, const char *value, const char *wanted)
{
	fs_say("-o %s=%s: %s", name, value, wanted);
	return -1;
}

static int size_option(const char *name, const char *value, uint64_t *out)
{
	if (read_size(value, out))
		return 0;
	return bad(name, value, "not a size; write digits, and K, M, G or T behind them if you like");
}

static int read_value(struct fs_options *o, const char *name, const char *value)
{
	double number;

	if (!strcmp(name, "root")) {
		o->root_keys = true;
		return strcmp(value, "keys") ? bad(name, value, "the only root to choose is keys") : 0;
	}
	if (!strcmp(name, "cache")) {
		o->cache_strict = true;
		return strcmp(value, "strict") ? bad(name, value, "a cache can only be strict") : 0;
	}
	if (!strcmp(name, "sync_interval")) {
		if (!read_decimal(value, &number) || number > 1e9)
			return bad(name, value, "not a number of seconds");
		o->sync_interval_ms = (uint64_t)(number * 1000);
		if (number > 0 && !o->sync_interval_ms)
			o->sync_interval_ms = 1;
		return 0;
	}
	if (!strcmp(name, "uid")) {
		o->has_uid = true;
		return read_id(value, &o->uid) ? 0 : bad(name, value, "not the number of a user");
	}
	if (!strcmp(name, "gid")) {
		o->has_gid = true;
		return read_id(value, &o->gid) ? 0 : bad(name, value, "not the number of a group");
	}
	if (!strcmp(name, "umask")) {
		o->has_umask = true;
		return read_mode(value, &o->umask) ? 0 : bad(name, value, "not an octal mask as 022");
	}
	if (!strcmp(name, "mode")) {
		o->has_mode = true;
		return read_mode(value, &o->mode) ? 0 : bad(name, value, "not an octal mode as 640");
	}
	if (!strcmp(name, "size"))
		return size_option(name, value, &o->create.size);
	if (!strcmp(name, "keys"))
		return size_option(name, value, &o->create.keys);
	if (!strcmp(name, "max_size"))
		return size_option(name, value, &o->create.max_size);
	if (!strcmp(name, "log_limit"))
		return size_option(name, value, &o->create.log_limit);
	if (!strcmp(name, "log_full")) {
		if (!strcmp(value, "refuse"))
			o->create.flags |= SHMFS_OPT_LOG_REFUSE;
		else if (strcmp(value, "trim"))
			return bad(name, value, "a full log can trim or refuse");
		return 0;
	}
	if (!read_decimal(value, &o->create.garbage) || o->create.garbage < 0.1 ||
	    o->create.garbage > 0.9)
		return bad("garbage", value, "not between 0.1 and 0.9");
	return 0;
}

static void read_flag(struct fs_options *o, const char *name)
{
	if (!strcmp(name, "-f"))
		o->foreground = true;
	else if (!strcmp(name, "-d") || !strcmp(name, "debug"))
		o->debug = o->foreground = true;
	else if (!strcmp(name, "ro"))
		o->read_only = true;
	else if (!strcmp(name, "nocreate"))
		o->no_create = true;
	else if (!strcmp(name, "strict"))
		o->strict = true;
	else if (!strcmp(name, "verify"))
		o->verify = true;
	else if (!strcmp(name, "always_wake"))
		o->create.flags |= SHMFS_OPT_ALWAYS_WAKE;
	else
		o->create.flags |= SHMFS_OPT_NO_SYNC;
}

/* ---- the line ------------------------------------------------------------------------- */

struct reading {
	struct fs_options o;
	int exit_code; /* -1: go on */
	const char *store, *dir;
	bool named;
};

static int usage(struct reading *r, const char *why, const char *what)
{
	fs_say("%s%s; `shmfs -h` shows how it is used", why, what);
	r->exit_code = FS_EXIT_USAGE;
	return -1;
}

static int one(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct reading *r = data;
	const char *equals = strchr(arg, '=');
	char name[32];

	switch (key) {
	case KEY_HELP:
		fs_usage_help();
		r->exit_code = FS_EXIT_OK;
		return -1;
	case KEY_VERSION:
		fs_usage_version();
		r->exit_code = FS_EXIT_OK;
		return -1;
	case KEY_FLAG:
		read_flag(&r->o, arg);
		return 0;
	case KEY_VALUE:
		snprintf(name, sizeof(name), "%.*s", (int)(equals - arg), arg);
		if (!read_value(&r->o, name, equals + 1))
			return 0;
		r->exit_code = FS_EXIT_USAGE;
		return -1;
	case KEY_IGNORE:
		return 0;
	case KEY_PASS:
		r->named |= !strncmp(arg, "fsname=", 7);
		return 1;
	case FUSE_OPT_KEY_OPT:
		if (!strncmp(arg, "x-", 2)) /* systemd and others talk to themselves */
			return 0;
		return usage(r, "there is no option ", arg);
	default:
		if (!r->store)
			r->store = arg;
		else if (!r->dir)
			r->dir = arg;
		else
			return usage(r, "one store and one directory, and then: ", arg);
		return 0;
	}
}

/* What libfuse gets: our fixed options, and a name for /proc/mounts. */
static int fuse_arguments(struct reading *r)
{
	struct fs_options *o = &r->o;
	char *list = NULL, *name = NULL;
	int rc;

	rc = fuse_opt_add_opt(&list, "default_permissions");
	if (o->read_only)
		rc |= fuse_opt_add_opt(&list, "ro");
	rc |= fuse_opt_add_opt(&list, "subtype=shmfs");
	if (!r->named && asprintf(&name, "fsname=%s", o->store) > 0)
		rc |= fuse_opt_add_opt_escaped(&list, name);
	rc |= fuse_opt_insert_arg(&o->fuse, 1, list ? list : "");
	rc |= fuse_opt_insert_arg(&o->fuse, 1, "-o");
	if (o->debug)
		rc |= fuse_opt_insert_arg(&o->fuse, 1, "-d");
	free(list);
	free(name);
	return rc;
}

/* The same file seen from "/".  It need not exist, its directory must. */
static char *absolute(const char *path)
{
	char cwd[PATH_MAX], *out = NULL;

	if (path[0] == '/')
		return strdup(path);
	if (!getcwd(cwd, sizeof(cwd)) || asprintf(&out, "%s/%s", cwd, path) < 0)
		return NULL;
	return out;
}

int fs_options_read(struct fs_options *o, int argc, char **argv)
{
	struct reading r = {.exit_code = -1, .o.sync_interval_ms = 5000};
	int rc;

	r.o.create.struct_size = sizeof(r.o.create);
	r.o.fuse = (struct fuse_args)FUSE_ARGS_INIT(argc, argv);
	rc = fuse_opt_parse(&r.o.fuse, &r, table, one);
	if (!rc && !r.store)
		rc = usage(&r, "which store, and which directory?", "");
	else if (!rc && !r.dir)
		rc = usage(&r, "which directory is to show ", r.store);
	if (!rc) {
		r.o.store = absolute(r.store);
		r.o.dir = absolute(r.dir);
		rc = r.o.store && r.o.dir ? fuse_arguments(&r) : -1;
	}
	*o = r.o;
	if (rc && r.exit_code < 0)
		r.exit_code = FS_EXIT_SYSTEM;
	return r.exit_code;
}

void fs_options_free(struct fs_options *o)
{
	fuse_opt_free_args(&o->fuse);
	free(o->store);
	free(o->dir);
}
