/* SPDX-License-Identifier: MIT */
/* Stopped after every store (trap.h). */
#define _GNU_SOURCE
#include "trap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../../lib/format.h"
#include "../rig.h"

#define PAGE 4096
#define OPEN_MOST 8
#define WINDOW_LEAST (UINT64_C(64) << 20) /* no other mapping is as large */
#define PIECE 65536                       /* a kill may leave a part of a large write */

bool trap_on_disk;

#if TRAP_WORKS
static trap_fn *report;         /* NULL: not armed */
static uint8_t *base;           /* of the mapping */
static size_t window;
static uint8_t *open_pages[OPEN_MOST]; /* writable for one instruction */
static unsigned opened;
static struct rng randomness;
static uint64_t randomness_seed;
static int dying = -1;          /* a descriptor that holds a lease ... */
static int64_t dying_until;     /* ... until this byte is locked */

static void tell(enum trap_why why, uint64_t at, uint64_t n)
{
	trap_fn *fn = report;
	int saved = errno;

	if (!fn)
		return;
	report = NULL;
	fn(why, at, n);
	report = fn;
	errno = saved;
}

/* ---- stores */

#define TRAP_FLAG 0x100

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	uint8_t *page = (uint8_t *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));

	if (!report || page < base || page >= base + window || opened == OPEN_MOST ||
	    mprotect(page, PAGE, PROT_READ | PROT_WRITE)) {
		signal(sig, SIG_DFL); /* a true one: it comes again */
		return;
	}
	open_pages[opened++] = page;
	c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	uint8_t *page[OPEN_MOST];
	unsigned n = opened;

	(void)sig;
	(void)info;
	c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	opened = 0;
	for (unsigned i = 0; i < n; i++) {
		page[i] = open_pages[i];
		mprotect(page[i], PAGE, PROT_READ);
	}
	for (unsigned i = 0; i < n; i++)
		tell(TRAP_STORE, (uint64_t)(page[i] - base), PAGE);
}

/* The C library may clear and copy pages with one instruction for each byte of them (rep stosb,
 * movsb), which is four thousand stops.  Ask it for the loops of wide stores instead. */
void trap_prepare(char **argv)
{
	static const char tunables[] =
		"glibc.cpu.x86_rep_movsb_threshold=1073741824:glibc.cpu.x86_rep_stosb_threshold=1073741824";
	const struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	const struct sigaction step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};

	if (!getenv("GLIBC_TUNABLES")) {
		setenv("GLIBC_TUNABLES", tunables, 1);
		execv("/proc/self/exe", argv);
	}
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGTRAP, &step, NULL);
}

void trap_arm(trap_fn *fn, void *mapping, size_t size)
{
	base = mapping;
	window = size;
	if (base && mprotect(base, window, PROT_READ))
		die("mprotect: %s", strerror(errno));
	report = fn;
}

void trap_disarm(void)
{
	report = NULL;
	if (base && mprotect(base, window, PROT_READ | PROT_WRITE))
		die("mprotect: %s", strerror(errno));
	base = NULL;
}

void trap_seed(uint64_t seed)
{
	randomness_seed = seed;
	trap_seed_again();
}

void trap_seed_again(void)
{
	randomness.state = randomness_seed;
}

void trap_dying_holder(const char *path, unsigned lease)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = SFS_BYTE_LEASE + lease, .l_len = 1};

	dying = open(path, O_RDWR | O_CLOEXEC);
	dying_until = lock.l_start + 1;
	if (dying < 0 || syscall(SYS_fcntl, dying, F_OFD_SETLK, &lock) < 0)
		die("%s: %s", path, strerror(errno));
}

/* ---- system calls, in place of the C library's */

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	bool ours = report && n >= WINDOW_LEAST && (flags & MAP_SHARED) && (prot & PROT_WRITE);
	void *got = (void *)syscall(SYS_mmap, at, n, ours ? PROT_READ : prot, flags, fd, offset);

	if (ours && got != MAP_FAILED) {
		base = got;
		window = n;
	}
	return got;
}

int munmap(void *at, size_t n)
{
	if (report && at == base)
		base = NULL;
	return (int)syscall(SYS_munmap, at, n);
}

int ftruncate(int fd, off_t size)
{
	int rc = (int)syscall(SYS_ftruncate, fd, size);

	tell(TRAP_CALL, 0, 0);
	return rc;
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
	int rc = (int)syscall(SYS_fallocate, fd, mode, at, n);

	tell(TRAP_CALL, (uint64_t)at, mode ? (uint64_t)n : 0); /* a plain one changes no byte */
	return rc;
}

int posix_fallocate(int fd, off_t at, off_t n)
{
	return fallocate(fd, 0, at, n) ? errno : 0;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	ssize_t done = syscall(SYS_pwrite64, fd, data, report && n > PIECE ? PIECE : n, at);

	if (done > 0)
		tell(TRAP_CALL, (uint64_t)at, (uint64_t)done);
	return done;
}

int fdatasync(int fd)
{
	int rc = (int)syscall(SYS_fdatasync, fd);

	tell(TRAP_CALL, 0, 0);
	return rc;
}

int msync(void *at, size_t n, int flags)
{
	int rc = (int)syscall(SYS_msync, at, n, flags);

	tell(TRAP_CALL, 0, 0);
	return rc;
}

int fcntl(int fd, int command, ...)
{
	struct flock *lock;
	va_list args;
	int rc;

	va_start(args, command);
	lock = va_arg(args, struct flock *);
	va_end(args);
	rc = (int)syscall(SYS_fcntl, fd, command, lock);
	if (command == F_OFD_SETLK && rc == 0 && dying >= 0 && lock->l_start == dying_until) {
		close(dying);
		dying = -1;
	}
	tell(TRAP_CALL, 0, 0);
	return rc;
}

int fstatfs(int fd, struct statfs *fs)
{
	int rc = (int)syscall(SYS_fstatfs, fd, fs);

	if (rc == 0 && trap_on_disk)
		fs->f_type = EXT4_SUPER_MAGIC;
	return rc;
}

ssize_t getrandom(void *buf, size_t n, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < n; i++)
		((unsigned char *)buf)[i] = (unsigned char)rng_next(&randomness);
	return (ssize_t)n;
}
#else
/* step.c gives up before it calls any of these for good. */
void trap_prepare(char **argv)
{
	(void)argv;
}

void trap_arm(trap_fn *fn, void *mapping, size_t size)
{
	(void)fn;
	(void)mapping;
	(void)size;
}

void trap_disarm(void)
{
}

void trap_seed(uint64_t seed)
{
	(void)seed;
}

void trap_seed_again(void)
{
}

void trap_dying_holder(const char *path, unsigned lease)
{
	(void)path;
	(void)lease;
}
#endif
