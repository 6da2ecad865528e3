/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl bench: how fast is it here?
 *
 * The store is a new one, and gone at the end: its file has no name any more as soon as it is
 * open, so that not even SIGKILL leaves it behind.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bench.h"

#define KEYS	  100000
#define SIZE	  100
#define SIZE_MOST (1 << 20)
#define LOG_BYTES ((uint64_t)64 << 20)

static const struct ctl_option options[] = {
	{OPT_SECONDS, 0, "seconds", "N", "take about this long; default 2"},
	{OPT_KEYS, 0, "keys", "N", "put up to N keys; default 100000"},
	{OPT_SIZE, 0, "size", "SIZE", "bytes of a value and of a frame; default 100"},
	{OPT_JSON, 0, "json", NULL, "one JSON object"},
	{0},
};

static const char *file_system(const char *path, char text[32])
{
	static const struct {
		uint32_t magic;
		const char *name;
	} known[] = {
		{0x01021994, "tmpfs"},    {0xef53, "ext4"},       {0x58465342, "xfs"},
		{0x9123683e, "btrfs"},    {0xf2f52010, "f2fs"},   {0x2fc12fc1, "zfs"},
		{0x794c7630, "overlay"},  {0xca451a4e, "bcachefs"}, {0x858458f6, "ramfs"},
	};
	struct statfs fs;

	if (statfs(path, &fs))
		return "unknown";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].magic == (uint32_t)fs.f_type)
			return known[i].name;
	snprintf(text, 32, "0x%" PRIx32, (uint32_t)fs.f_type);
	return text;
}

/* ---- output -------------------------------------------------------------------------- */

struct report {
	struct json json;
	bool as_json;
};

static void print_head(struct report *r, const struct bench *b, const char *directory)
{
	char text[32];
	const char *fs = file_system(directory, text);

	if (!r->as_json) {
		printf("%s (%s), one thread, values and frames of %zu bytes\n", directory, fs, b->size);
		printf("%-16s%12s %10s %10s\n", "", "per second", "ns each", "MB/s");
		return;
	}
	json_open(&r->json, '{');
	json_bytes(&r->json, "directory", directory, strlen(directory));
	json_name(&r->json, "file_system");
	json_text(&r->json, fs, strlen(fs));
	json_name(&r->json, "threads");
	json_u64(&r->json, 1);
	json_name(&r->json, "key_bytes");
	json_u64(&r->json, BENCH_KEY_BYTES);
	json_name(&r->json, "value_bytes");
	json_u64(&r->json, b->size);
	json_name(&r->json, "results");
	json_open(&r->json, '[');
}

static void print_result(struct report *r, const struct bench *b, const struct bench_result *result)
{
	double n = (double)result->operations, seconds = (double)result->ns / 1e9;

	if (!r->as_json) {
		printf("%-16s%12.0f %10.1f %10.1f\n", result->name, n / seconds, 1e9 * seconds / n,
		       n * (double)b->size / seconds / 1e6);
		fflush(stdout);
		return;
	}
	json_open(&r->json, '{');
	json_name(&r->json, "name");
	json_text(&r->json, result->name, strlen(result->name));
	json_name(&r->json, "operations");
	json_u64(&r->json, result->operations);
	json_name(&r->json, "seconds");
	json_number(&r->json, seconds);
	json_name(&r->json, "per_second");
	json_number(&r->json, n / seconds);
	json_name(&r->json, "ns");
	json_number(&r->json, 1e9 * seconds / n);
	json_close(&r->json, '}');
}

static void print_end(struct report *r, const struct bench *b, uint64_t sync_ns, uint64_t disk)
{
	if (!r->as_json) {
		printf("%" PRIu64 " keys of %d bytes; one sync at the end took %.1f ms, the file %.0f MB.\n"
		       "Nothing before it waits for the disk.  The memory lines are the floor: copying\n"
		       "as many bytes out of an array, in any order or one behind the other.\n",
		       b->keys, BENCH_KEY_BYTES, (double)sync_ns / 1e6, (double)disk / 1e6);
		return;
	}
	json_close(&r->json, ']');
	json_name(&r->json, "keys");
	json_u64(&r->json, b->keys);
	json_name(&r->json, "sync_seconds");
	json_number(&r->json, (double)sync_ns / 1e9);
	json_name(&r->json, "disk_bytes");
	json_u64(&r->json, disk);
	json_end(&r->json);
}

/* ---- the verb ---------------------------------------------------------------------------- */

static int measure(struct bench *b, const char *directory)
{
	struct report r = {.json.file = stdout, .as_json = ctl_given(b->args, OPT_JSON)};
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct bench_result results[BENCH_RESULTS];
	uint64_t sync_ns;
	int i;

	if (!r.as_json)
		print_head(&r, b, directory);
	for (i = 0; i < BENCH_RESULTS; i++) {
		if (!bench_run(b, i, &results[i]))
			return CTL_TROUBLE;
		if (!r.as_json)
			print_result(&r, b, &results[i]);
	}
	if (!bench_sync(b, &sync_ns) || shmfs_stat(b->s, &st))
		return CTL_TROUBLE;
	if (r.as_json)
		print_head(&r, b, directory);
	for (i = 0; i < BENCH_RESULTS && r.as_json; i++)
		print_result(&r, b, &results[i]);
	print_end(&r, b, sync_ns, st.file_allocated);
	return CTL_YES;
}

/* Open the file that was made, as a store, and take its name away. */
static int open_store(struct bench *b)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .log_limit = LOG_BYTES};
	int rc = shmfs_open(&b->s, b->path, SHMFS_RDWR | SHMFS_CREATE, &o);

	if (rc)
		return ctl_trouble(b->path, "%s", shmfs_strerror(rc));
	return CTL_YES;
}

static int bench(struct bench *b, const char *directory)
{
	struct ctl_newfile file;
	char *path;
	int status;

	path = malloc(strlen(directory) + sizeof("/shmfs-bench"));
	if (!path)
		return ctl_trouble(NULL, "out of memory");
	sprintf(path, "%s/shmfs-bench", directory);
	status = ctl_newfile_open(&file, path);
	free(path);
	if (status)
		return status;
	b->path = file.temp;
	status = open_store(b);
	if (!status) {
		unlink(file.temp);
		status = measure(b, directory);
		shmfs_close(b->s);
	}
	ctl_newfile_abort(&file);
	return status;
}

/* The directory meant: DIR, or that of a file. */
static char *find_directory(const char *path)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (real && !stat(real, &st) && !S_ISDIR(st.st_mode))
		*strrchr(real, '/') = '\0';
	if (real && !*real)
		strcpy(real, "/"); /* room was for more */
	return real;
}

static int read_options(struct bench *b)
{
	const char *seconds = b->args->value[OPT_SECONDS];
	uint64_t size;
	double time = 2;

	if (seconds && (!ctl_parse_number(seconds, strlen(seconds), &time) || time < 0.01 || time > 3600))
		return ctl_trouble("bench", "--seconds is a number from 0.01 to 3600");
	if (ctl_option_size(b->args, OPT_KEYS, &b->keys) || ctl_option_size(b->args, OPT_SIZE, &size))
		return CTL_TROUBLE;
	b->keys = ctl_given(b->args, OPT_KEYS) ? b->keys : KEYS;
	size = ctl_given(b->args, OPT_SIZE) ? size : SIZE;
	if (!b->keys || !size || size > SIZE_MOST)
		return ctl_trouble("bench", "--keys is at least 1, --size from 1 to 1M");
	b->size = size;
	b->work_ns = (uint64_t)(time * 1e9 / BENCH_RESULTS);
	b->value = calloc(1, b->size);
	return b->value ? 0 : ctl_trouble(NULL, "out of memory");
}

static int run(const struct ctl_args *args)
{
	const char *path = args->operands ? args->operand[0] : ".";
	struct bench b = {.args = args, .random = 88172645463325252u};
	char *directory;
	int status;

	if (read_options(&b))
		return CTL_TROUBLE;
	directory = find_directory(path);
	ctl_signals_catch();
	status = directory ? bench(&b, directory)
	                   : ctl_trouble(path, "%s; name a directory that is there", strerror(errno));
	free(directory);
	free(b.value);
	return ctl_stopped() ? ctl_interrupted("bench", "its store is removed") : status;
}

const struct ctl_verb ctl_verb_bench = {
	.name = "bench",
	.operands = "[DIR]",
	.summary = "measure what a store does here, in two seconds",
	.details =
		"Makes a store of its own in DIR, or beside DIR if that is a file, by default in\n"
		"the current directory, and removes it: puts new keys (insert), then in random\n"
		"order replaces (put) and gets values, appends to the log and reads it, one\n"
		"thread, a seventh of the time each.  For comparison it copies as many bytes\n"
		"within memory.  Other stores are not touched.  Takes some 100 MB of the disk.\n",
	.options = options,
	.min_operands = 0,
	.max_operands = 1,
	.run = run,
};
