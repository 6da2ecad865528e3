/* SPDX-License-Identifier: MIT */
/*
 * shmfs, the FUSE daemon: what all of its files share.
 *
 * One direction of flow:
 *
 *	main -> options -> start -> session, signals
 *	ops                  one function per FUSE request: finds the inode, asks its kind
 *	inode                the inodes the kernel knows, one per key
 *	root, keys_dir, key_file, stat_file, log_file, cursors_dir, cursor_dir,
 *	position_file, frames_file (next, wait), lag_file
 *	                     one file per kind of file in the mount
 *	handle, handle_io    open keys and what is done with them:
 *	staged, shared       written into a draft of its own, or into the key at once
 *	reading              read, one version at a time
 *	pages                read through the kernel's pages, which have one version
 *	cache, watcher       what the kernel keeps, and having it forget that
 *	draft, last          a value being written; one kept after unlink
 *	text_file            a short text made at open: stat, lag
 *	log_size             where the log begins and ends, in bytes of a file
 *	frames, waiter       reading frames from a cursor on, and waiting for them
 *	cursor               from a directory's name to a cursor
 *	settle, names, value, keeper, say
 *	<shmfs.h>
 *
 * Functions other files call are fs_room_verb(); those that can fail return 0 or a
 * negative code of <shmfs.h>, which fs_errno() turns into what the kernel gets.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "compat.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <shmfs.h>

#define FS_BLOCK        4096u            /* st_blksize, and the unit of statfs */
#define FS_SMALL        (256u << 10)     /* written at once up to this; larger is staged */
#define FS_KEPT         (1u << 20)       /* copied when unlinked or read; larger is pinned */
#define FS_PAGED        (128u << 10)     /* read from pages up to this: most read it at once */
#define FS_IO           (1u << 20)       /* largest read and write request */
#define FS_FRAME_MAX    (FS_IO - 4096u)  /* longest frame that surely is one request: a page
                                            less, for a buffer that begins within one */
#define FS_PIN_MS       60000u           /* no pin outlives this */
#define FS_STAGE_MS     1000u            /* a shared draft is published after this */
#define FS_TEXT         4096u            /* bytes of the longest text that is made for reading */
#define FS_FRESH_MS     20u              /* who opened it this recently reads one version */
#define FS_QUIET_NS     UINT64_C(1000000000) /* what has not changed for so long is read from pages */
#define FS_NEVER_CHANGE 3600.0           /* seconds the kernel may keep what it is told of when it changes */

struct fs;
struct fs_inode;
struct fs_options;

/* Numbers of the files that are always there; those of keys are above FS_INO_KEYS_FROM. */
enum {
	FS_INO_ROOT = 1,
	FS_INO_KEYS,
	FS_INO_LOG,
	FS_INO_CURSORS,
	FS_INO_STAT,
	FS_INO_KEYS_FROM = 256,
};

/*
 * A kind of file.  A function that is missing answers as the comment says.  Those with a
 * request reply themselves when they return 0 and leave a failure to the caller;
 * the others return 0 or a code, and the caller replies.
 */
struct fs_kind {
	mode_t type;           /* S_IFDIR, S_IFREG */
	unsigned int space;    /* of names: the same in another is another file */

	/* any file; `thread` is who asks, 0 if nobody, fh as open() set it or 0; *keep is 0, or
	 * becomes how many seconds the kernel may keep them */
	int (*attr)(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread, struct stat *st,
	            double *keep);
	int (*open)(struct fs *fs, fuse_req_t req, struct fs_inode *inode, struct fuse_file_info *fi);
	void (*release)(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi);
	int (*getxattr)(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const char *name,
	                size_t size); /* ENODATA */
	int (*listxattr)(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
	                 size_t size); /* none */
	int (*setxattr)(struct fs *fs, struct fs_inode *inode, const char *name, const char *value,
	                size_t size, int flags); /* EOPNOTSUPP */
	int (*removexattr)(struct fs *fs, struct fs_inode *inode, const char *name); /* ENODATA */

	/* files */
	int (*read)(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size,
	            uint64_t offset, struct fuse_file_info *fi);
	int (*write)(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const char *buf,
	             size_t size, uint64_t offset, struct fuse_file_info *fi); /* EPERM */
	int (*flush)(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi); /* 0 */
	int (*fsync)(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi); /* sync */
	int (*resize)(struct fs *fs, struct fs_inode *inode, uint64_t size,
	              struct fuse_file_info *fi); /* EPERM */
	int (*extend)(struct fs *fs, struct fs_inode *inode, uint64_t size,
	              struct fuse_file_info *fi); /* EPERM; never makes it shorter */
	int (*poll)(struct fs *fs, fuse_req_t req, struct fs_inode *inode, struct fuse_file_info *fi,
	            struct fuse_pollhandle *ph); /* always ready; owns ph */

	/* directories */
	int (*lookup)(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name);
	int (*readdir)(struct fs *fs, fuse_req_t req, struct fs_inode *dir, size_t size,
	               uint64_t offset, struct fuse_file_info *fi, bool plus);
	int (*create)(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name,
	              struct fuse_file_info *fi);                              /* EPERM */
	int (*unlink)(struct fs *fs, struct fs_inode *dir, const char *name); /* EPERM */
	int (*mkdir)(struct fs *fs, fuse_req_t req, struct fs_inode *dir,
	             const char *name);                                       /* EPERM */
	int (*rmdir)(struct fs *fs, struct fs_inode *dir, const char *name);  /* EPERM */
	int (*rename)(struct fs *fs, struct fs_inode *dir, const char *name, const char *newname,
	              unsigned int flags, pid_t thread); /* EPERM */
};

extern const struct fs_kind fs_root_kind, fs_keys_kind, fs_key_kind, fs_stat_kind, fs_log_kind,
	fs_cursors_kind, fs_cursor_kind, fs_position_kind, fs_next_kind, fs_wait_kind, fs_lag_kind;

enum { FS_SPACE_KEYS, FS_SPACE_CURSOR, FS_SPACE_POSITION, FS_SPACE_NEXT, FS_SPACE_WAIT,
       FS_SPACE_LAG };

/* When the set of keys was last seen to be another than before. */
struct fs_change {
	pthread_mutex_t lock;
	uint64_t puts, keys;
	struct timespec when;
};

/* ---- one mount ---------------------------------------------------------------- */

struct fs {
	struct shmfs *store;
	const struct fs_options *options;
	struct fuse_session *session;
	int store_fd;       /* O_PATH: free space of its file system */
	bool is_volatile;   /* the store has no checkpoint to make while open */
	mode_t file_mode;   /* permission bits of files ... */
	mode_t dir_mode;    /* ... and directories */
	uid_t uid;
	gid_t gid;
	struct timespec mounted;
	struct fs_change change;
	atomic_bool stopping; /* a signal came: nothing is opened any more */
	struct fs_inode *root;
	struct fs_inode *keys_dir;
	struct fs_inode *stat_file;
	struct fs_inode *log_file;
	struct fs_inode *cursors_dir;
	struct fs_inodes *inodes;
	struct fs_names *names;
	struct fs_keeper *keeper;
	struct fs_handles *handles;
	struct fs_settling *settling;
	struct fs_log *log;
	struct fs_waiter *waiter;
	struct fs_cache *cache;
	struct fs_watcher *watcher;
	struct fs_signals *signals;
	bool is_mounted;
};

/* What the kernel is told for a code of <shmfs.h>: a positive errno. */
int fs_errno(int code);

/* Milliseconds and microseconds of the monotonic clock. */
uint64_t fs_now_ms(void);
uint64_t fs_now_us(void);

/* ---- say: messages ------------------------------------------------------------ */

/* One line to standard error, or to syslog once the daemon has left the terminal. */
void fs_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fs_say_to_syslog(void);

/* READY=1 and STOPPING=1 for systemd; nothing without NOTIFY_SOCKET. */
void fs_say_notify(const char *state);

/* ---- the session, and what it calls --------------------------------------------- */

extern const struct fuse_lowlevel_ops fs_ops;

/* Attributes every file shares: owner, mode, link count.  The rest of *st is zero. */
void fs_attr_fill(const struct fs *fs, const struct fs_inode *inode, struct stat *st);

/* READDIR of a directory with fixed entries, the first two of which are . and .. */
struct fs_fixed {
	const char *name;
	uint64_t number;
	mode_t type;
};
void fs_reply_fixed(fuse_req_t req, const struct fs_fixed *list, size_t n, size_t size,
                    uint64_t offset, bool plus);

/* fuse_add_direntry(), or for READDIRPLUS: without attributes. */
size_t fs_add_direntry(fuse_req_t req, bool plus, char *buf, size_t size, const char *name,
                       const struct stat *st, uint64_t offset);

/* READ of a text that is made for it. */
void fs_reply_text(fuse_req_t req, const char *text, size_t n, size_t size, uint64_t offset);

/* GETATTR, and what else is answered with attributes; fh as attr() above. */
void fs_reply_attr(fuse_req_t req, struct fs_inode *inode, uint64_t fh);

/* shmfs_sync(), where there is something to sync. */
int fs_sync(struct fs *fs);

/* Bits for the INIT reply that this libfuse does not know; call after mounting. */
void fs_features_add(struct fuse_session *session);

/* Into the background, unless told otherwise, and serve.  The exit code. */
int fs_start(const struct fs_options *options);

#endif
