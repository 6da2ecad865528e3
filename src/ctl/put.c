/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl put: store a value, from the command line or from stdin.
 *
 * A value from stdin goes through one buffer: what fits is an ordinary put, more is
 * streamed into the store and published at its end, so nobody sees a part of it and
 * memory does not grow with it.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

#define BUFFER_SIZE ((size_t)1 << 20)

struct put {
	const struct ctl_args *args;
	struct shmfs *s;
	struct ctl_key key;
	uint32_t flags;
	uint64_t version;
};

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{OPT_TYPE, 0, "type", "bytes|string|number", "default bytes"},
	{OPT_IF_ABSENT, 0, "if-absent", NULL, "only if there is no such key"},
	{OPT_IF_PRESENT, 0, "if-present", NULL, "only if there is such a key"},
	{OPT_IF_VERSION, 0, "if-version", "N", "only if its version is N; 0: if it is absent"},
	{OPT_JSON, 0, "json", NULL, "print the new version as a JSON object"},
	{0},
};

static int read_flags(struct put *p)
{
	const struct ctl_args *args = p->args;
	const char *type = args->value[OPT_TYPE];
	int conditions = 0;

	if (type && !ctl_parse_type(type, &p->flags))
		return ctl_trouble("put", "no such type; --type is bytes, string or number");
	if (ctl_option_version(args, &p->version))
		return CTL_TROUBLE;
	if (ctl_given(args, OPT_IF_ABSENT) && ++conditions)
		p->flags |= SHMFS_IF_ABSENT;
	if (ctl_given(args, OPT_IF_PRESENT) && ++conditions)
		p->flags |= SHMFS_IF_PRESENT;
	if (ctl_given(args, OPT_IF_VERSION) && ++conditions)
		p->flags |= SHMFS_IF_VERSION;
	if (conditions > 1)
		return ctl_trouble("put",
		                   "--if-absent, --if-present and --if-version exclude each other");
	if (ctl_given(args, OPT_KEY_FILE) && args->operands < 3 && !strcmp(args->operand[1], "-"))
		return ctl_trouble("put", "key and value cannot both come from stdin");
	return 0;
}

static void print_json(uint64_t version)
{
	struct json j = {.file = stdout};

	json_open(&j, '{');
	json_name(&j, "version");
	json_u64(&j, version);
	json_end(&j);
}

static int answer(struct put *p, int rc)
{
	char what[80];

	switch (rc) {
	case 0:
		if (ctl_given(p->args, OPT_JSON))
			print_json(p->version);
		return CTL_YES;
	case -EEXIST:
		return ctl_key_answer(p->args, "the key is there", p->key.data, p->key.size);
	case -ENOENT:
		return ctl_key_answer(p->args, "no such key", p->key.data, p->key.size);
	case -ESTALE:
		snprintf(what, sizeof(what), "the key has version %llu",
		         (unsigned long long)p->version);
		if (!p->version)
			strcpy(what, "no such key");
		return ctl_key_answer(p->args, what, p->key.data, p->key.size);
	default:
		return ctl_failed(p->args, rc);
	}
}

static int put_bytes(struct put *p, const void *value, size_t size)
{
	return answer(
		p, shmfs_put(p->s, p->key.data, p->key.size, value, size, p->flags, &p->version));
}

/* Fill the buffer.  False after saying why. */
static bool fill(char *buffer, size_t *size)
{
	ssize_t n;

	for (*size = 0; *size < BUFFER_SIZE; *size += (size_t)n) {
		n = read(STDIN_FILENO, buffer + *size, BUFFER_SIZE - *size);
		if (n < 0 && errno == EINTR) {
			n = 0;
		} else if (n < 0) {
			ctl_trouble(NULL, "cannot read the value from stdin: %s", strerror(errno));
			return false;
		} else if (n == 0) {
			break;
		}
	}
	return true;
}

static uint64_t stdin_size(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) || !S_ISREG(st.st_mode) || st.st_size < 0)
		return 0;
	return (uint64_t)st.st_size;
}

bool ctl_stream_ours(int rc)
{
	return rc == -EEXIST || rc == -ENOENT || rc == -ESTALE || rc == -ENOSPC || rc == -EFBIG ||
	       rc == -E2BIG || rc == -EINVAL;
}

static int put_stream(struct put *p, char *buffer, size_t size)
{
	struct shmfs_put *stream;
	uint64_t offset = 0;
	int status;
	int rc = shmfs_put_begin(p->s, &stream, stdin_size());

	if (rc)
		return ctl_failed(p->args, rc);
	for (; size; offset += size) {
		if (offset && !fill(buffer, &size)) {
			status = CTL_TROUBLE;
			goto abort;
		}
		rc = shmfs_put_write(stream, offset, buffer, size);
		if (rc) {
			status = ctl_failed(p->args, rc);
			goto abort;
		}
	}
	rc = shmfs_put_commit(stream, p->key.data, p->key.size, p->flags, &p->version);
	status = answer(p, rc);
	if (!ctl_stream_ours(rc))
		return status;
abort:
	shmfs_put_abort(stream);
	return status;
}

static int put_number(struct put *p, const char *text, size_t size)
{
	double number;
	uint64_t bits;

	if (!ctl_parse_number(text, size, &number)) {
		char *quoted = ctl_quote(text, size < 60 ? size : 60);

		ctl_trouble("put", "%s is not a number; write it as -12, 0.5 or 1e9", quoted);
		free(quoted);
		return CTL_TROUBLE;
	}
	memcpy(&bits, &number, sizeof(bits));
	bits = htole64(bits);
	return put_bytes(p, &bits, sizeof(bits));
}

/* A number is parsed before the store is opened, so that a bad one creates nothing. */
static int check_number(struct put *p)
{
	const char *text = p->args->operands > 2 ? p->args->operand[2] : NULL;
	double number;

	if (!text || !(p->flags & SHMFS_NUMBER) || ctl_parse_number(text, strlen(text), &number))
		return 0;
	return put_number(p, text, strlen(text));
}

static int put_value(struct put *p)
{
	bool number = p->flags & SHMFS_NUMBER;
	char *buffer;
	size_t size;
	int status = CTL_TROUBLE;

	if (p->args->operands > 2) {
		const char *text = p->args->operand[2];

		return number ? put_number(p, text, strlen(text))
		              : put_bytes(p, text, strlen(text));
	}
	buffer = malloc(BUFFER_SIZE);
	if (!buffer)
		return ctl_trouble(NULL, "out of memory");
	if (fill(buffer, &size)) {
		if (number)
			status = put_number(p, buffer, size);
		else if (size < BUFFER_SIZE)
			status = put_bytes(p, buffer, size);
		else
			status = put_stream(p, buffer, size);
	}
	free(buffer);
	return status;
}

static int run(const struct ctl_args *args)
{
	struct put p = {.args = args};
	int status;

	if (read_flags(&p) || check_number(&p) || ctl_key_read(args, args->operand[1], &p.key))
		return CTL_TROUBLE;
	status = ctl_open(args, SHMFS_RDWR | SHMFS_CREATE, &p.s);
	if (!status) {
		status = ctl_key_find_or_refuse(args, p.s, &p.key);
		if (!status)
			status = put_value(&p);
		status = ctl_close(args, p.s, status);
	}
	ctl_key_free(&p.key);
	return status;
}

const struct ctl_verb ctl_verb_put = {
	.name = "put",
	.operands = "STORE KEY [VALUE]",
	.summary = "store a value",
	.details =
		"Stores VALUE, exactly and with nothing added, or without VALUE what stdin holds.\n"
		"The key has its old value until the new one is complete.  A missing STORE is\n"
		"made.  A VALUE that starts with '-' and is no number goes after `--`.\n"
		"Exit status 1: the condition does not hold, nothing was changed.\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 3,
	.run = run,
};
