/* SPDX-License-Identifier: MIT */
/*
 * What was meant by the name of something that is not there, or is something else: a store near by, the
 * store of a mount, a key, a cursor.
 *
 * A store may have more keys than anybody wants to wait for, and a script asks for keys that are not there
 * as a matter of course: only few keys are looked through, and only for somebody at a terminal.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ctl.h"

#define KEYS_MOST  100000
#define FILES_MOST 10000

/* ---- stores ------------------------------------------------------------------------ */

static bool looks_like_one(int dir, const char *name)
{
	static const char magic[] = {'s', 'h', 'm', 'f', 's', '\r', '\n', 1};
	char begin[sizeof(magic)];
	struct stat st;
	bool is;
	int fd;

	if (fstatat(dir, name, &st, 0) || !S_ISREG(st.st_mode)) /* opening a pipe would wait */
		return false;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	is = read(fd, begin, sizeof(begin)) == sizeof(begin) && !memcmp(begin, magic, sizeof(magic));
	close(fd);
	return is;
}

bool ctl_hint_store(const char *path, struct ctl_suggest *near)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	DIR *dir = parent ? opendir(parent) : NULL;
	unsigned files = 0;
	struct dirent *e;

	ctl_suggest_start(near, name, strlen(name));
	while (dir && files++ < FILES_MOST && (e = readdir(dir))) {
		struct ctl_suggest with = *near;

		if (ctl_suggest_try(&with, e->d_name, strlen(e->d_name)) && looks_like_one(dirfd(dir), e->d_name))
			*near = with;
	}
	if (dir)
		closedir(dir);
	free(parent);
	return near->found;
}

/* \040 and its like, as the kernel writes what would end a field. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned byte;

		if (*text == '\\' && sscanf(text + 1, "%3o", &byte) == 1) {
			*to++ = (char)byte;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

char *ctl_hint_mount(const char *path)
{
	char device[32], *line = NULL, *store = NULL;
	size_t room = 0;
	struct stat st;
	FILE *f;

	if (stat(path, &st) || !(f = fopen("/proc/self/mountinfo", "re")))
		return NULL;
	snprintf(device, sizeof(device), "%u:%u", major(st.st_dev), minor(st.st_dev));
	/* ID PARENT MAJOR:MINOR ROOT DIR OPTIONS ... - TYPE SOURCE OPTIONS */
	while (!store && getline(&line, &room, f) > 0) {
		char *type = strstr(line, " - "), of[32];
		char *source = type ? strchr(type + 3, ' ') : NULL;

		if (!source || strncmp(type, " - fuse.shmfs ", 14) != 0 ||
		    sscanf(line, "%*s %*s %31s", of) != 1 || strcmp(of, device) != 0)
			continue;
		source++;
		source[strcspn(source, " \n")] = '\0';
		unescape(source);
		store = strdup(source);
	}
	free(line);
	fclose(f);
	return store;
}

/* ---- keys and cursors ---------------------------------------------------------------- */

static int answer(const struct ctl_args *args, const char *what, const void *name, size_t size,
                  const struct ctl_suggest *near, const char *else_hint)
{
	char *quoted = ctl_quote(name, size < 200 ? size : 200);
	char *word = near->found ? ctl_quote(near->word, near->word_size) : NULL;

	ctl_no(args->operand[0], "no such %s: %s%s%s%s%s", what, quoted ? quoted : "", size < 200 ? "" : "...",
	       word ? "; did you mean " : else_hint, word ? word : "", word ? "?" : "");
	free(quoted);
	free(word);
	return CTL_NO;
}

int ctl_no_such_key(const struct ctl_args *args, struct shmfs *s, const struct ctl_key *key)
{
	struct shmfs_stat st = {.struct_size = offsetof(struct shmfs_stat, log_head)};
	struct ctl_suggest near;
	struct shmfs_entry entry;
	struct shmfs_iter *it;

	ctl_suggest_start(&near, key->data, key->size);
	if (isatty(STDERR_FILENO) && !shmfs_stat(s, &st) && st.keys <= KEYS_MOST && !shmfs_iter_open(s, &it, 0)) {
		while (!shmfs_iter_next(it, &entry))
			ctl_suggest_try(&near, entry.key, entry.key_size);
		shmfs_iter_close(it);
	}
	return answer(args, "key", key->data, key->size, &near, "");
}

static int try_cursor(void *near, const void *name, size_t size, uint64_t position)
{
	(void)position;
	ctl_suggest_try(near, name, size);
	return 0;
}

int ctl_no_such_cursor(const struct ctl_args *args, struct shmfs *s, const void *name, size_t size)
{
	struct ctl_suggest near;

	ctl_suggest_start(&near, name, size);
	shmfs_cursor_walk(s, try_cursor, &near);
	return answer(args, "cursor", name, size, &near, "; `shmfsctl cursor STORE list` shows which there are");
}
