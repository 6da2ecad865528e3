/* SPDX-License-Identifier: MIT */
/*
 * calls: system calls from a shell, in one process.
 *
 *	calls open 3 m/keys/k rw,creat write 3 abc pread 3 0 9 close 3
 *
 * Each word is a call, the words behind it what it needs.  A call that returns something
 * prints it on a line, one that fails prints the name of its errno, and the next goes on:
 * a test compares the lines.  Numbers in front of a name are slots for descriptors, 0 to 9.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int slot[10];
static char *mapped;
static size_t mapped_size;
static DIR *dir;
static long told;
static char **word;

static char *next(void)
{
	if (!*word) {
		fprintf(stderr, "calls: a word is missing\n");
		exit(99);
	}
	return *word++;
}

static long long number(void)
{
	return strtoll(next(), NULL, 0);
}

static int *fd(void)
{
	return &slot[number() % 10];
}

static void result(long long rc)
{
	if (rc < 0)
		printf("%s\n", strerrorname_np(errno));
}

static void value(long long rc)
{
	result(rc);
	if (rc >= 0)
		printf("%lld\n", rc);
}

static void bytes(const char *buf, ssize_t n)
{
	result(n);
	if (n >= 0) {
		fwrite(buf, 1, (size_t)n, stdout);
		if (!n || buf[n - 1] != '\n')
			putchar('\n');
	}
}

static int flags(char *list)
{
	static const struct {
		const char *name;
		int flag;
	} known[] = {
		{"r", O_RDONLY},     {"w", O_WRONLY},   {"rw", O_RDWR},   {"creat", O_CREAT},
		{"excl", O_EXCL},    {"trunc", O_TRUNC}, {"append", O_APPEND}, {"sync", O_SYNC},
		{"dir", O_DIRECTORY}, {"nonblock", O_NONBLOCK}, {"direct", O_DIRECT},
	};
	int out = 0;

	for (char *one = strtok(list, ","); one; one = strtok(NULL, ","))
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (!strcmp(one, known[i].name))
				out |= known[i].flag;
	return out;
}

static void do_open(void)
{
	int *to = fd();
	const char *path = next();

	*to = open(path, flags(next()), 0666);
	result(*to);
}

static void do_read(bool at)
{
	int *from = fd();
	off_t offset = at ? number() : 0;
	size_t size = (size_t)number();
	char *buf = malloc(size + 1);

	bytes(buf, at ? pread(*from, buf, size, offset) : read(*from, buf, size));
	free(buf);
}

static void do_write(bool at)
{
	int *to = fd();
	off_t offset = at ? number() : 0;
	const char *text = next();
	size_t n = strlen(text);

	result(at ? pwrite(*to, text, n, offset) : write(*to, text, n));
}

/* fill SLOT COUNT BYTE: write(2) that many of them, a mebibyte at a time. */
static void do_fill(void)
{
	int *to = fd();
	long long left = number();
	char *buf = malloc(1 << 20);

	memset(buf, *next(), 1 << 20);
	while (left > 0) {
		ssize_t n = write(*to, buf, left < 1 << 20 ? (size_t)left : 1 << 20);

		if (n <= 0) {
			result(-1);
			break;
		}
		left -= n;
	}
	free(buf);
}

/* same SLOT SIZE: read to the end; how many bytes, and are all the same? */
static void do_same(void)
{
	int *from = fd();
	size_t room = (size_t)number();
	char *buf = malloc(room), first = 0;
	long long all = 0;
	bool same = true;
	ssize_t n;

	while ((n = read(*from, buf, room)) > 0) {
		if (!all)
			first = buf[0];
		for (ssize_t i = 0; i < n; i++)
			same &= buf[i] == first;
		all += n;
	}
	if (n < 0)
		result(n);
	else
		printf("%lld %s %c\n", all, same ? "same" : "mixed", all ? first : '-');
	free(buf);
}

static void do_stat(bool path)
{
	const char *what = path ? next() : NULL;
	int *of = path ? NULL : fd();
	const char *member = next();
	struct stat st;
	int rc = path ? stat(what, &st) : fstat(*of, &st);

	result(rc);
	if (rc)
		return;
	printf("%lld\n", !strcmp(member, "size")      ? (long long)st.st_size
	                 : !strcmp(member, "nlink")   ? (long long)st.st_nlink
	                 : !strcmp(member, "ino")     ? (long long)st.st_ino
	                 : !strcmp(member, "blocks")  ? (long long)st.st_blocks
	                 : !strcmp(member, "mode")    ? (long long)(st.st_mode & 07777)
	                 : (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

static void do_map(void)
{
	int *of = fd();
	const char *how = next();
	int prot = strchr(how, 'w') ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat st;

	fstat(*of, &st);
	mapped_size = (size_t)st.st_size;
	mapped = mmap(NULL, mapped_size, prot, strchr(how, 's') ? MAP_SHARED : MAP_PRIVATE, *of, 0);
	if (mapped == MAP_FAILED) {
		mapped = NULL;
		result(-1);
	}
}

/* poll SLOT MS: the events that came, as `in` and `err`, or `nothing`. */
static void do_poll(void)
{
	struct pollfd p = {.fd = *fd(), .events = POLLIN};
	int rc = poll(&p, 1, (int)number());

	if (rc < 0)
		result(rc);
	else
		printf("%s%s%s\n", rc ? "" : "nothing", p.revents & POLLIN ? "in" : "",
		       p.revents & POLLERR ? " err" : "");
}

static void noop(int signal)
{
}

static void do_readdir(void)
{
	struct dirent *e;

	while ((e = readdir(dir)) && e->d_name[0] == '.')
		continue;
	printf("%s\n", e ? e->d_name : "end");
}

static void run(const char *call)
{
	if (!strcmp(call, "open")) {
		do_open();
	} else if (!strcmp(call, "close")) {
		result(close(*fd()));
	} else if (!strcmp(call, "dup")) {
		int *from = fd();

		*fd() = dup(*from);
	} else if (!strcmp(call, "read") || !strcmp(call, "pread")) {
		do_read(call[0] == 'p');
	} else if (!strcmp(call, "write") || !strcmp(call, "pwrite")) {
		do_write(call[0] == 'p');
	} else if (!strcmp(call, "fill")) {
		do_fill();
	} else if (!strcmp(call, "same")) {
		do_same();
	} else if (!strcmp(call, "seek")) {
		int *of = fd();

		result(lseek(*of, number(), SEEK_SET));
	} else if (!strcmp(call, "end")) {
		value(lseek(*fd(), 0, SEEK_END));
	} else if (!strcmp(call, "ftruncate")) {
		int *of = fd();

		result(ftruncate(*of, number()));
	} else if (!strcmp(call, "truncate")) {
		const char *path = next();

		result(truncate(path, number()));
	} else if (!strcmp(call, "fallocate")) {
		int *of = fd();
		int mode = (int)number();
		off_t offset = number();

		result(fallocate(*of, mode, offset, number()));
	} else if (!strcmp(call, "fsync")) {
		result(fsync(*fd()));
	} else if (!strcmp(call, "fstat") || !strcmp(call, "stat")) {
		do_stat(call[0] == 's');
	} else if (!strcmp(call, "unlink")) {
		result(unlink(next()));
	} else if (!strcmp(call, "rename")) {
		const char *from = next(), *to = next();

		result(renameat2(AT_FDCWD, from, AT_FDCWD, to, (unsigned int)number()));
	} else if (!strcmp(call, "mknod")) {
		result(mknod(next(), S_IFREG | 0644, 0));
	} else if (!strcmp(call, "link")) {
		const char *from = next();

		result(link(from, next()));
	} else if (!strcmp(call, "symlink")) {
		const char *from = next();

		result(symlink(from, next()));
	} else if (!strcmp(call, "mkdir")) {
		result(mkdir(next(), 0755));
	} else if (!strcmp(call, "rmdir")) {
		result(rmdir(next()));
	} else if (!strcmp(call, "getxattr")) {
		const char *path = next(), *name = next();
		size_t room = (size_t)number();
		char buf[4096];
		ssize_t n = getxattr(path, name, buf, room);

		if (room)
			bytes(buf, n);
		else
			value(n);
	} else if (!strcmp(call, "setxattr")) {
		const char *path = next(), *name = next(), *text = next();

		result(setxattr(path, name, text, strlen(text), 0));
	} else if (!strcmp(call, "map")) {
		do_map();
	} else if (!strcmp(call, "mapped")) {
		bytes(mapped, (ssize_t)mapped_size);
	} else if (!strcmp(call, "poke")) {
		char *at = mapped + number();

		*at = *next();
	} else if (!strcmp(call, "msync")) {
		result(msync(mapped, mapped_size, MS_SYNC));
	} else if (!strcmp(call, "munmap")) {
		result(munmap(mapped, mapped_size));
	} else if (!strcmp(call, "opendir")) {
		dir = opendir(next());
		result(dir ? 0 : -1);
	} else if (!strcmp(call, "readdir")) {
		do_readdir();
	} else if (!strcmp(call, "telldir")) {
		told = telldir(dir);
	} else if (!strcmp(call, "seekdir")) {
		seekdir(dir, told);
	} else if (!strcmp(call, "rewinddir")) {
		rewinddir(dir);
	} else if (!strcmp(call, "child")) {
		/* a child that inherits every descriptor, does nothing and ends */
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	} else if (!strcmp(call, "sh")) {
		fflush(stdout);
		if (system(next()))
			printf("sh failed\n");
	} else if (!strcmp(call, "poll")) {
		do_poll();
	} else if (!strcmp(call, "alarm")) {
		/* a signal that interrupts what waits, in so many seconds */
		struct sigaction sa = {.sa_handler = noop};

		sigaction(SIGALRM, &sa, NULL);
		alarm((unsigned int)number());
	} else if (!strcmp(call, "sleep")) {
		usleep((useconds_t)number() * 1000);
	} else {
		fprintf(stderr, "calls: what is %s?\n", call);
		exit(99);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	word = argv + 1;
	while (*word)
		run(next());
	return 0;
}
