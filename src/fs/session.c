/* SPDX-License-Identifier: MIT */
/*
 * session: one mount from open to close.
 *
 * Owns: the store, the FUSE session, the tables.
 * Order: the directory is looked at before the store is made; the store is open before
 * anything is mounted; at the end, when no request is being answered any more, who waits for
 * a frame is sent away, what is staged is published, then synced, then unmounted.
 */
#include "session.h"

#include "cache.h"
#include "handle.h"
#include "inode.h"
#include "keeper.h"
#include "log_size.h"
#include "names.h"
#include "settle.h"
#include "signals.h"
#include "waiter.h"
#include "watcher.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

/* What libfuse had to say last: it prints where we want to explain. */
static char fuse_said[256];

static void keep_log(enum fuse_log_level level, const char *format, va_list args)
{
	vsnprintf(fuse_said, sizeof(fuse_said), format, args);
	fuse_said[strcspn(fuse_said, "\n")] = '\0';
}

/* ---- what can be told before anything is done ------------------------------------------------ */

/* Another mount on top would hide the first from its users, and outlive its end. */
static bool is_mounted(const struct stat *dir)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	bool found = false;
	unsigned from, device;
	char *line = NULL;
	size_t room = 0;

	while (mounts && !found && getline(&line, &room, mounts) > 0)
		found = sscanf(line, "%*u %*u %u:%u", &from, &device) == 2 &&
		        makedev(from, device) == dir->st_dev && strstr(line, " - fuse.shmfs ");
	free(line);
	if (mounts)
		fclose(mounts);
	return found && dir->st_ino == FUSE_ROOT_ID;
}

static int check_dir(const struct fs_options *o)
{
	struct statvfs space;
	struct stat st;

	/* Attributes of the mount whose daemon died may be cached; its free space is not. */
	if (stat(o->dir, &st) || statvfs(o->dir, &space)) {
		if (errno == ENOTCONN)
			fs_say("%s: the daemon that was mounted here died; clear it with: "
			       "fusermount3 -u %s",
			       o->dir, o->dir);
		else
			fs_say("%s: %s", o->dir, strerror(errno));
		return FS_EXIT_MOUNT;
	}
	if (!S_ISDIR(st.st_mode)) {
		fs_say("%s: not a directory", o->dir);
		return FS_EXIT_MOUNT;
	}
	if (is_mounted(&st)) {
		fs_say("%s: a store is mounted here already; unmount it first: fusermount3 -u %s", o->dir,
		       o->dir);
		return FS_EXIT_MOUNT;
	}
	if (access("/dev/fuse", R_OK | W_OK)) {
		fs_say("/dev/fuse: %s; is the fuse module loaded?", strerror(errno));
		return FS_EXIT_MOUNT;
	}
	return 0;
}

static int open_store(struct fs *fs, const struct fs_options *o)
{
	struct shmfs_options create = o->create;
	char message[256] = "";
	int flags = o->read_only ? SHMFS_RDONLY : SHMFS_RDWR | (o->no_create ? 0 : SHMFS_CREATE);
	int rc;

	create.message = message;
	create.message_size = sizeof(message);
	rc = shmfs_open(&fs->store, o->store, flags | (o->verify ? SHMFS_VERIFY : 0), &create);
	if (!rc)
		return 0;
	if (rc == -EACCES || rc == -EROFS)
		fs_say("%s: %s; -o ro needs only permission to read", o->store, shmfs_strerror(rc));
	else if (rc == -ENOENT && (o->read_only || o->no_create))
		fs_say("%s: there is no such file, and -o %s makes none", o->store,
		       o->read_only ? "ro" : "nocreate");
	else
		fs_say("%s: %s", o->store, message[0] ? message : shmfs_strerror(rc));
	return FS_EXIT_SYSTEM;
}

/* Mode and owner come from the store file, unless options say otherwise. */
static int set_owner(struct fs *fs, const struct fs_options *o)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct stat file;
	int rc;

	fs->store_fd = open(o->store, O_PATH | O_CLOEXEC);
	if (fs->store_fd < 0 || fstat(fs->store_fd, &file)) {
		fs_say("%s: %s", o->store, strerror(errno));
		return FS_EXIT_SYSTEM;
	}
	rc = shmfs_stat(fs->store, &st);
	if (rc) {
		fs_say("%s: %s", o->store, shmfs_strerror(rc));
		return FS_EXIT_SYSTEM;
	}
	fs->is_volatile = st.is_volatile != 0;
	fs->change.puts = st.puts;
	fs->change.keys = st.keys;
	fs->uid = o->has_uid ? o->uid : file.st_uid;
	fs->gid = o->has_gid ? o->gid : file.st_gid;
	fs->file_mode = (o->has_mode ? o->mode : file.st_mode) & 0666;
	if (o->has_umask)
		fs->file_mode &= ~o->umask;
	fs->dir_mode = fs->file_mode | (fs->file_mode & 0444) >> 2; /* whoever reads may enter */
	return 0;
}

static int mount_store(struct fs *fs, const struct fs_options *o)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int rc = 0;

	if (!o->debug)
		fuse_set_log_func(keep_log);
	for (int i = 0; i < o->fuse.argc; i++)
		rc |= fuse_opt_add_arg(&args, o->fuse.argv[i]);
	if (!rc)
		fs->session = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), fs);
	fuse_opt_free_args(&args);
	if (!fs->session || fuse_session_mount(fs->session, o->dir)) {
		fs_say("%s: cannot be mounted on%s%s", o->dir, fuse_said[0] ? ": " : "", fuse_said);
		return FS_EXIT_MOUNT;
	}
	fs->is_mounted = true;
	fs_features_add(fs->session);
	return 0;
}

int fs_session_open(struct fs *fs, const struct fs_options *options)
{
	int code = check_dir(options);

	memset(fs, 0, sizeof(*fs));
	fs->options = options;
	fs->store_fd = -1;
	clock_gettime(CLOCK_REALTIME, &fs->mounted);
	fs->change.when = fs->mounted;
	pthread_mutex_init(&fs->change.lock, NULL);
	if (!code)
		code = open_store(fs, options);
	if (!code)
		code = set_owner(fs, options);
	if (!code && (fs_keeper_open(fs) || fs_cache_open(fs) || fs_inodes_open(fs) || fs_names_open(fs) ||
	              fs_handles_open(fs) || fs_settle_open(fs) || fs_log_open(fs) ||
	              fs_waiter_open(fs))) {
		fs_say("%s", strerror(ENOMEM));
		code = FS_EXIT_SYSTEM;
	}
	if (!code && options->root_keys) {
		struct fs_inode *keys = fs->keys_dir;

		fs->keys_dir = fs->root;
		fs->root = keys;
	}
	return code ? code : mount_store(fs, options);
}

int fs_session_start(struct fs *fs)
{
	int rc = fs_watcher_start(fs);

	if (!rc)
		rc = fs_signals_start(fs);
	if (!rc)
		rc = fs_keeper_start(fs);
	if (!rc)
		rc = fs_waiter_start(fs);
	if (!rc)
		return 0;
	fs_say("a thread cannot be started: %s", strerror(-rc));
	return FS_EXIT_SYSTEM;
}

/* libfuse's pool of threads.  Its default keeps ten idle ones; one alone is three times
 * slower, as threads come and go with every request. */
static int loop(struct fs *fs)
{
#if FUSE_USE_VERSION >= 312
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int rc;

	if (!config)
		return -ENOMEM;
	rc = fuse_session_loop_mt(fs->session, config);
	fuse_loop_cfg_destroy(config);
	return rc;
#else
	struct fuse_loop_config config = {.max_idle_threads = 10};

	return fuse_session_loop_mt(fs->session, &config);
#endif
}

int fs_session_run(struct fs *fs)
{
	int code = FS_EXIT_OK, rc = loop(fs);

	fs_signals_looped(fs);
	fs_watcher_join(fs);
	if (rc < 0) {
		fs_say("%s: %s", fs->options->dir, strerror(-rc));
		code = FS_EXIT_SYSTEM;
	}
	fs->stopping = true;
	fs_say_notify("STOPPING=1");
	fs_waiter_stop(fs);
	fs_handles_publish(fs);
	rc = fs_sync(fs);
	if (rc) {
		fs_say("%s: %s", fs->options->store, shmfs_strerror(rc));
		code = FS_EXIT_SYSTEM;
	}
	return code;
}

int fs_session_close(struct fs *fs, int code)
{
	int rc;

	fs_waiter_stop(fs); /* what it still has to answer belongs to the session ... */
	fs_watcher_join(fs);  /* ... which this one writes to */
	if (fs->is_mounted)
		fuse_session_unmount(fs->session);
	if (fs->session)
		fuse_session_destroy(fs->session);
	if (fs->keeper)
		fs_keeper_stop(fs);
	fs_handles_close(fs);
	fs_waiter_close(fs);
	fs_log_close(fs);
	if (fs->inodes)
		fs_inodes_close(fs);
	fs_cache_close(fs);
	fs_names_close(fs);
	fs_settle_close(fs);
	fs_keeper_close(fs);
	rc = shmfs_close(fs->store);
	if (rc) {
		fs_say("%s: %s", fs->options->store, shmfs_strerror(rc));
		code = code ? code : FS_EXIT_SYSTEM;
	}
	if (fs->store_fd >= 0)
		close(fs->store_fd);
	fs_signals_stop(fs);
	fs_watcher_close(fs);
	return code;
}
