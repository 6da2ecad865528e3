/* SPDX-License-Identifier: MIT */
/*
 * The KEY operands: raw bytes, with --name a file name as in a mount, with --key-file a
 * file that holds the bytes, which is how a key with NUL bytes is given.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static int read_all(int fd, char *buf, size_t room, size_t *size)
{
	ssize_t n;

	for (*size = 0; *size < room; *size += (size_t)n) {
		n = read(fd, buf + *size, room - *size);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -errno;
		else if (n == 0)
			break;
	}
	return 0;
}

static int read_key_file(const char *path, struct ctl_key *key)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return ctl_trouble(path, "cannot read the key: %s", strerror(errno));
	/* One byte more than allowed, to tell a key that is too long. */
	key->data = key->owned = malloc(SHMFS_KEY_MAX + 1);
	rc = key->owned ? read_all(fd, key->owned, SHMFS_KEY_MAX + 1, &key->size) : -ENOMEM;
	if (!is_stdin)
		close(fd);
	if (rc)
		return ctl_trouble(path, "cannot read the key: %s", strerror(-rc));
	return 0;
}

static int read_name(const char *name, struct ctl_key *key)
{
	int rc;

	key->data = key->owned = malloc(SHMFS_NAME_SIZE);
	if (!key->owned)
		return ctl_trouble(NULL, "out of memory");
	rc = shmfs_name_decode(name, strlen(name), key->owned, &key->size);
	if (rc == -ENAMETOOLONG) {
		key->long_name = name;
		key->size = 0;
		return 0;
	}
	if (rc) {
		char *quoted = ctl_quote(name, strlen(name));

		ctl_trouble(NULL, "%s is not the name of a key; `shmfsctl name encode` makes one",
		            quoted);
		free(quoted);
		return CTL_TROUBLE;
	}
	return 0;
}

int ctl_key_read(const struct ctl_args *args, const char *operand, struct ctl_key *key)
{
	int status = 0;

	*key = (struct ctl_key){.data = operand, .size = strlen(operand)};
	if (ctl_given(args, OPT_NAME) && ctl_given(args, OPT_KEY_FILE))
		return ctl_trouble(args->verb->name, "--name and --key-file exclude each other");
	if (ctl_given(args, OPT_NAME))
		status = read_name(operand, key);
	else if (ctl_given(args, OPT_KEY_FILE))
		status = read_key_file(operand, key);
	if (!status && key->size > SHMFS_KEY_MAX)
		status = ctl_trouble(args->operand[0], "the key is too long; %u bytes are allowed",
		                     SHMFS_KEY_MAX);
	if (status)
		ctl_key_free(key);
	return status;
}

/* Keep a copy of the entry's key: the iterator owns the original. */
static int take(struct ctl_key *key, const struct shmfs_entry *entry)
{
	void *copy = malloc(entry->key_size + 1);

	if (!copy)
		return ctl_trouble(NULL, "out of memory");
	memcpy(copy, entry->key, entry->key_size);
	free(key->owned);
	key->data = key->owned = copy;
	key->size = entry->key_size;
	key->long_name = NULL;
	return CTL_YES;
}

int ctl_key_find(const struct ctl_args *args, struct shmfs *s, struct ctl_key *key)
{
	char name[SHMFS_NAME_SIZE];
	struct shmfs_entry entry;
	struct shmfs_iter *it;
	int rc, status = CTL_NO;

	if (!key->long_name)
		return CTL_YES;
	rc = shmfs_iter_open(s, &it, 0);
	if (rc)
		return ctl_failed(args, rc);
	while (status == CTL_NO && !(rc = shmfs_iter_next(it, &entry)))
		if (shmfs_name_encode(entry.key, entry.key_size, name) == 1 &&
		    !strcmp(name, key->long_name))
			status = take(key, &entry);
	shmfs_iter_close(it);
	if (rc && rc != -ENOENT)
		return ctl_failed(args, rc);
	return status;
}

int ctl_key_find_or_refuse(const struct ctl_args *args, struct shmfs *s, struct ctl_key *key)
{
	int status = ctl_key_find(args, s, key);

	if (status != CTL_NO)
		return status;
	return ctl_trouble(args->operand[0],
	                   "no key has this name, and a name with a hash cannot make one; "
	                   "use --key-file");
}

void ctl_key_free(struct ctl_key *key)
{
	free(key->owned);
	key->owned = NULL;
}
