/* SPDX-License-Identifier: MIT */
/*
 * shmfs: a hash map and a log in one mapped file, shared by any number of processes.
 *
 * A store is a regular file.  Keys are 0 to 65,535 arbitrary bytes, values 0 to
 * almost 64 GiB, each with a type, a version and a time.  Readers never lock and
 * never write: they need only read permission on the file.  Writers, in any number
 * of processes and threads, take turns.  A process killed at any instruction leaves
 * the store usable at once, with everything it had completed.
 *
 *	struct shmfs *s;
 *	char value[100];
 *	size_t size = sizeof(value);
 *
 *	shmfs_open(&s, "store.db", SHMFS_RDWR | SHMFS_CREATE, NULL);
 *	shmfs_put(s, "answer", 6, "42", 2, SHMFS_BYTES, NULL);
 *	shmfs_get(s, "answer", 6, value, &size, NULL);
 *	shmfs_close(s);
 *
 * Caveats, before the calls:
 *  - A value is durable after shmfs_sync(), as a file's data is after fsync().
 *    A killed process loses nothing; a power cut goes back to the last sync.
 *  - On tmpfs, or created with no_sync, there is no checkpoint while the store is
 *    open: such a store survives kills, not a reboot.
 *  - A handle does not survive fork(): in the child every call returns
 *    SHMFS_E_FORKED, except shmfs_close(), which frees the child's copy.
 *  - Local file systems only; x86-64 and other 64-bit little-endian machines.
 *
 * Results.  Every function that can fail returns 0 or a negative number: a negated
 * errno (-ENOENT) or one of the SHMFS_E_ codes; shmfs_strerror() names both.
 * Besides those listed at a call, any call on a handle may return
 *	-EINVAL        a NULL argument, a flag that does not exist, or a wrong struct_size
 *	-ENOMEM        no memory in the process, or others made the file longer than what this handle has
 *	               mapped (shmfs_stat.window_bytes): open the store again; where a pin is taken,
 *	               also -ENOLCK: no memory in the kernel
 *	-EUCLEAN       the file is damaged; `shmfsctl check` says where
 *	-EAGAIN        a call that reads: writers overtook it a thousand times; call again
 *	-EIO           the file was truncated under us, or a flush failed; nothing is written to a
 *	               file that is seen to be another store, or none
 *	SHMFS_E_FORKED the handle was opened before fork(), this is the child
 * and any call that changes the store
 *	-EROFS         the handle is read-only
 *	-ENOSPC        the file system is full (deletes still work)
 *	-EFBIG         the store's max_size, RLIMIT_FSIZE or the window is reached
 *
 * Threads.  A handle may be used by any number of threads at once.  What a call
 * creates (an iterator, a streamed put, a pin) belongs to one thread at a time.
 * Calls that write may wait for other writers: microseconds, or a few milliseconds
 * when the one before was killed.  Calls that read never wait, but for
 * shmfs_reader_wait() and shmfs_watch_wait().
 */
#ifndef SHMFS_H
#define SHMFS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHMFS_API_VERSION 1

struct shmfs;      /* an open store */
struct shmfs_iter; /* a walk over it */
struct shmfs_pin;  /* a guarantee that nothing freed from now on is reused */
struct shmfs_put;  /* a value being streamed in */

/* ---- errors beyond errno ---------------------------------------------------- */

enum {
	SHMFS_E_NOT_STORE = -20001,  /* the file is not a shmfs store; it is untouched */
	SHMFS_E_VERSION = -20002,    /* made by a newer format than this library knows */
	SHMFS_E_NOT_CLOSED = -20003, /* a copy of a volatile store taken while it was open, or
	                                one a reboot caught open: it has no checkpoint */
	SHMFS_E_OPTION = -20004,     /* an option differs from the one the store was made with */
	SHMFS_E_FORKED = -20005,     /* handle used in the child of fork() */
	SHMFS_E_COLLIDE = -20006,    /* dozens of keys share the first 47 bits of their hash */
	SHMFS_E_REMOTE = -20007,     /* a network file system cannot share a mapping */
	SHMFS_E_LEASES = -20008,     /* 1023 handles have the store open for writing */
	SHMFS_E_LOG_FULL = -20009,   /* log_limit is reached, and a cursor needs the oldest segment */
};

/* A sentence for any code a call returned, without newline.  Static for the codes
 * above; for an errno what strerror() gives.  Never NULL. */
const char *shmfs_strerror(int code);

/* The library's version, "0.1.0". */
const char *shmfs_version(void);

/* ---- store ------------------------------------------------------------------ */

enum {
	SHMFS_RDONLY = 0, /* needs only read permission; never writes a byte */
	SHMFS_RDWR = 1,
	SHMFS_CREATE = 2, /* with RDWR: create the file if it is missing or empty */
	SHMFS_EXCL = 4,   /* with CREATE: -EEXIST if there is a store already */
	SHMFS_VERIFY = 8, /* check every checksum on every read (SHMFS_DEBUG=1 does too) */
};

enum {                           /* shmfs_options.flags, kept in the store */
	SHMFS_OPT_NO_SYNC = 1,     /* never flush: checkpoint only at the last close */
	SHMFS_OPT_ALWAYS_WAKE = 2, /* log writers always wake read-only waiters */
	SHMFS_OPT_LOG_REFUSE = 4,  /* a full log refuses appends rather than trim */
};

/*
 * Options of a new store.  Zero every member you do not set (= {0}); 0 means the
 * default.  An existing store keeps its own: a non-zero option that differs from
 * the store's is SHMFS_E_OPTION, and `message` names both.
 */
struct shmfs_options {
	size_t struct_size; /* sizeof(struct shmfs_options) */
	uint64_t size;      /* bytes to allocate now (a new store only) */
	uint64_t keys;      /* index for this many keys now (a new store only) */
	uint64_t max_size;  /* the file never grows beyond this many bytes; 0 = no bound */
	uint64_t log_limit; /* bytes of log kept, in steps of 16 MiB; 0 = all */
	double garbage;     /* dead share of the space that starts the cleaner,
	                       0.1 to 0.9, kept in steps of 1/1000; 0 = 0.4 */
	uint64_t seed;      /* of the key hash, so of the order of a walk; 0 = random.  Whoever
	                       knows it can choose keys that collide */
	uint32_t flags;     /* SHMFS_OPT_* */
	uint32_t mode;      /* permission bits of a created file, less the umask; 0 = 0666 */
	char *message;      /* NULL, or where a failure is explained in one line ... */
	size_t message_size; /* ... of at most this many bytes */
};

/*
 * Open a store.  *out owns a descriptor and a mapping until shmfs_close(); NULL after a failure.
 * May wait for another process that is opening or closing the same store.
 *	-ENOENT -EACCES -EISDIR -EEXIST ...  as open(2)
 *	-EINVAL   an option is out of range: `message` says which
 *	-ENODATA  read-only, and the file is empty: nobody has created the store yet
 *	SHMFS_E_NOT_STORE _VERSION _NOT_CLOSED _OPTION _REMOTE _LEASES
 *	-EUCLEAN  the superblock or the checkpoints are damaged, or the file is truncated
 *	-ENOSPC -EFBIG  no room for a new store, or for its `size` and `keys`
 *	-ENOMEM   no address space for the file (see RLIMIT_AS)
 *	-ENODEV   /proc is not mounted: the boot's id is read there
 *	-EBUSY    the path is replaced by another file again and again
 *	-EMFILE   1024 handles in this process, snapshots among them
 */
int shmfs_open(struct shmfs **out, const char *path, int flags, const struct shmfs_options *options);

/*
 * Close a handle and free it, whatever is returned; iterators, pins and streamed puts
 * must be gone before.  The last writer checkpoints the store and gives back unused
 * space at the end of the file.  May wait for the disk.  NULL is allowed.
 *	-EIO, -ENOSPC  the checkpoint failed: what the last sync covered is safe
 *	-EIO           also: the file was truncated, or replaced in place, while it was open
 */
int shmfs_close(struct shmfs *s);

/*
 * Make everything that completed before this call survive a power cut.  Waits for
 * the disk; readers and writers go on meanwhile.  On a volatile store (tmpfs, or
 * no_sync) there is nothing to do and it returns at once.
 *	-EIO  the flush failed; sticky, since the kernel forgets which pages it lost, until
 *	      a reboot or in a copy, which are as of the last sync
 *	-EDEADLK  this thread has an open shmfs_log_begin(), for whose end it would wait
 */
int shmfs_sync(struct shmfs *s);

/*
 * A handle that reads the store as it is now: map, log and cursors of one moment, whatever is
 * written meanwhile.  Everything that only reads works on it.  While it is open no space
 * freed by anybody is used again, so the file may grow: keep it short.  *snapshot is closed with
 * shmfs_close(), before s.  Waits for frames that are being written; other writers wait no longer
 * than for a put.
 *	-EAGAIN   s is read-only, and the store has no checkpoint: a volatile one, open elsewhere
 *	-EDEADLK  this thread has an open shmfs_log_begin()
 *	-ENOMEM   no address space for another mapping
 *	-EMFILE   1024 handles in this process
 */
int shmfs_snapshot(struct shmfs *s, struct shmfs **snapshot);

/* Called now and then by what takes long: so much of so much is done, in units of the call.  Not 0
 * stops it: it returns -ECANCELED. */
typedef int shmfs_progress_fn(void *arg, uint64_t done, uint64_t total);

/*
 * Copy the store, as a snapshot would show it, into a new file, while others read and write.  Versions,
 * times, positions and cursors are kept.  The copy is on disk when this returns; a copy that
 * failed is removed, one cut short by a kill says of itself that it is unfinished.  Units: bytes.
 *	-EEXIST  there is a file of this name; it is left alone
 *	-ENOSPC -EFBIG -EACCES SHMFS_E_REMOTE ... of the new file; and as shmfs_snapshot()
 *	-ECANCELED  progress said so
 */
int shmfs_copy(struct shmfs *s, const char *path, shmfs_progress_fn *progress, void *arg);

/*
 * Move what is alive together, and give the space of the rest back to the file system; the file itself
 * is cut when its last writer closes it.  Others read and write meanwhile.  Needs a few MiB of
 * free space, in the file or on the disk.  The log segment that somebody appends to stays.
 * Units: segments of 1 MiB.
 *	-EBUSY  somebody has a pin or a snapshot, which holds back all that could be won
 *	-EDEADLK  this thread has an open shmfs_log_begin()
 *	-ECANCELED  progress said so
 */
int shmfs_compact(struct shmfs *s, shmfs_progress_fn *progress, void *arg);

/* What the store holds and has done.  Counters are of the file, not of the handle, unless
 * said so.  The names are the same in the mount's `stat` and in `shmfsctl stat --json`. */
struct shmfs_stat {
	size_t struct_size;         /* set by the caller: sizeof(struct shmfs_stat), or less */
	uint64_t format_version;
	uint64_t file_bytes;        /* length of the file */
	uint64_t file_allocated;    /* bytes the file system has given it */
	uint64_t max_bytes;         /* max_size, or what window and format allow */
	uint64_t free_bytes;        /* inside the file, ready for reuse (estimate) */
	uint64_t live_bytes;        /* records and index pages in use, an upper bound */
	uint64_t keys;
	uint64_t index_buckets;
	uint64_t index_buckets_max; /* 2^47 */
	double load_factor;         /* used slots / slots of the index */
	double load_factor_max;
	uint64_t epoch;             /* of the live tree */
	uint64_t epoch_durable;     /* of the last checkpoint known to be on disk */
	uint64_t puts;              /* commits so far: puts, deletes, renames */
	uint64_t gets_retried;      /* by this handle: reads a writer overtook */
	uint64_t cleaned_bytes;     /* moved by the cleaner since the last recovery */
	uint64_t log_head;          /* first position kept */
	uint64_t log_end;
	uint64_t log_frames;
	uint64_t log_bytes;
	uint64_t log_limit;
	uint64_t writers;           /* handles open for writing */
	uint64_t readers_present;   /* 1 if a read-only handle is open, else 0 */
	uint64_t watchers;
	uint64_t pins;              /* moments pinned, by any handle */
	uint64_t sync_age_ms;       /* since the last checkpoint; 0 on a volatile store */
	uint64_t io_error;          /* 1 after a failed flush */
	uint64_t is_volatile;       /* 1: no checkpoint while open */
	double garbage;             /* the cleaner's bound */
	uint64_t window_bytes;      /* address space reserved by this handle */
};

/* Fill *st, as far as its struct_size goes: offsetof(struct shmfs_stat, log_head) leaves out what
 * costs more than reading memory, the frames of the log's last segment and the locks. */
int shmfs_stat(struct shmfs *s, struct shmfs_stat *st);

/* Fill the options with those the store was made with, for another like it: mode is that of
 * the file, keys is 0, message and struct_size stay as the caller set them. */
int shmfs_options_get(struct shmfs *s, struct shmfs_options *options);

/* Called once for each problem found; `text` is one line, valid during the call. */
typedef void shmfs_check_fn(void *arg, uint64_t offset, const char *text);

struct shmfs_check_result {
	size_t struct_size;   /* set by the caller */
	uint64_t problems;
	uint64_t keys;        /* reachable keys of the user */
	uint64_t index_pages;
	uint64_t segments;
	uint64_t bytes;       /* of live records */
	uint64_t dropped;     /* shmfs_repair: references that led to no good record */
	uint64_t salvaged;    /* shmfs_repair: keys found by reading the segments */
	shmfs_progress_fn *progress; /* set by the caller, or NULL; units: about bytes */
	void *progress_arg;
};

/*
 * Audit the whole store: superblock, checkpoints, every page, every record and its
 * checksum, and the accounting.  Holds the writer lock meanwhile if the handle
 * may write; otherwise it reads beside writers, skips the accounting, and repeats what
 * they overtook.  Returns 0 also when it found problems: see result->problems.
 *	-ECANCELED  progress said so
 */
int shmfs_check(struct shmfs *s, struct shmfs_check_result *result, shmfs_check_fn *report, void *arg);

/*
 * Make a damaged store good again.  Nobody else may have it open.  What is found to be wrong is
 * reported, and put right: a key whose record is damaged is gone; where the index is damaged, the keys
 * it led to are looked for in all of the file, the newest intact value of each wins, and keys that were
 * deleted or values that were overwritten may come back (result->salvaged says how many
 * came this way).  A damaged frame of the log is skipped, the others keep their positions;
 * a cursor that no frame begins at is moved to the next one.  Options that the superblock has lost
 * get their defaults.  A good store is left as it is.
 *
 * result: problems found; keys, bytes and pages as they are afterwards.  0: the store is good
 * now.  It takes about as long as two shmfs_check(), and needs some MiB of disk space,
 * or as much as the index if that is lost.  If it is killed, stopped, or fails, what could be saved
 * before still can.  May wait for the disk.
 *	-EBUSY     somebody has the store open
 *	-ENODATA   the file is empty: there never was a store
 *	-EUCLEAN   problems are left: they were reported last
 *	-ECANCELED result->progress stopped it
 *	-ENOSPC -EFBIG -ENOMEM SHMFS_E_NOT_STORE SHMFS_E_VERSION, and as open(2)
 */
int shmfs_repair(const char *path, struct shmfs_check_result *result, shmfs_check_fn *report, void *arg);

/* ---- keys ------------------------------------------------------------------- */

/* One enum, as C++20 warns where constants of two are or-ed. */
enum {
	SHMFS_BYTES = 0,
	SHMFS_STRING = 1, /* text by convention; not validated */
	SHMFS_NUMBER = 2, /* exactly 8 bytes: an IEEE double, little-endian */

	/* conditions, or-ed to the type of a put */
	SHMFS_IF_ABSENT = 0x100,  /* -EEXIST if the key is there */
	SHMFS_IF_PRESENT = 0x200, /* -ENOENT if it is not */
	SHMFS_IF_VERSION = 0x400, /* -ESTALE unless its version is *version (0: absent) */
};

#define SHMFS_KEY_MAX 65535u
#define SHMFS_VALUE_MAX ((UINT64_C(64) << 30) - (UINT64_C(3) << 20) - 69632)

/* What is known of a value besides its bytes. */
struct shmfs_info {
	uint64_t size;    /* bytes */
	uint64_t version; /* never 0; larger after every put of any key */
	uint64_t time_ns; /* of the put, since 1970; strictly increasing in a store */
	uint32_t type;    /* SHMFS_BYTES, _STRING, _NUMBER */
	uint32_t reserved;
};

/*
 * Copy a value out.  On entry *size is the room in buf, on return the value's size.
 * info may be NULL.
 *	-ENOENT    no such key
 *	-EMSGSIZE  buf is too small: *size says what is needed, info is filled, buf is not
 *	-EAGAIN    writers overtook the copy a thousand times; not of 1 MiB or more, for which it takes
 *	           a pin
 */
int shmfs_get(struct shmfs *s, const void *key, size_t key_size, void *buf, size_t *size,
              struct shmfs_info *info);

/* Is the key there?  0 or -ENOENT (or -EAGAIN); info may be NULL. */
int shmfs_exists(struct shmfs *s, const void *key, size_t key_size, struct shmfs_info *info);

/* A value in place, in the mapping, 8-byte aligned. */
struct shmfs_view {
	const void *data;
	struct shmfs_info info;
	uint64_t stamp[2]; /* private */
};

/*
 * Look at a value without copying it.  The bytes are intact as long as
 * shmfs_view_valid() says so, or until unpin for a view taken under a pin.  Use them,
 * then ask; if the answer is no, what was computed from them is worthless.
 *	-ENOENT -EAGAIN  as shmfs_get
 */
int shmfs_view(struct shmfs *s, const void *key, size_t key_size, struct shmfs_view *view);

/* 0: every byte read through the view so far was intact.  -ESTALE: it may not have been. */
int shmfs_view_valid(struct shmfs *s, const struct shmfs_view *view);

/*
 * Store a value, replacing any other: one atomic step for every reader.  flags: a type,
 * and at most one condition.  version may be NULL; otherwise on success it is the new version,
 * and where a condition failed the present one (0: absent).
 *	-EEXIST -ENOENT -ESTALE  the condition failed, nothing changed
 *	-E2BIG     key longer than SHMFS_KEY_MAX
 *	-EFBIG     value longer than SHMFS_VALUE_MAX, or the store would pass max_size
 *	-EINVAL    SHMFS_NUMBER and not 8 bytes, two conditions, or SHMFS_IF_VERSION and no version
 *	SHMFS_E_COLLIDE
 */
int shmfs_put(struct shmfs *s, const void *key, size_t key_size, const void *value, size_t size,
              uint32_t flags, uint64_t *version);

/* Delete a key.  flags: 0 or SHMFS_IF_VERSION.  Works on a full disk.
 *	-ENOENT  no such key;  -ESTALE  another version, now in *version */
int shmfs_del(struct shmfs *s, const void *key, size_t key_size, uint32_t flags, uint64_t *version);

/* Give a value another key, replacing what is there: readers may for a moment
 * see both names, never neither.  flags: 0 or SHMFS_IF_ABSENT.  The value gets a new version,
 * unless both names are the same: then nothing happens.
 *	-ENOENT  no such key;  -EEXIST  `to` is there;  others as shmfs_put */
int shmfs_rename(struct shmfs *s, const void *from, size_t from_size, const void *to,
                 size_t to_size, uint32_t flags);

/* Add to a number, atomically; an absent key counts as 0 and is created.  value and
 * version may be NULL.
 *	-EINVAL  the value is not a number
 *	-ERANGE  the sum is not finite, or whole and beyond 2^53; nothing changed
 *	-E2BIG  SHMFS_E_COLLIDE  as shmfs_put */
int shmfs_add(struct shmfs *s, const void *key, size_t key_size, double delta, double *value,
              uint64_t *version);

/* One key of many.  The caller keeps all memory. */
struct shmfs_item {
	const void *key;
	size_t key_size;
	void *value;            /* get: room for it;  put: the bytes, not changed */
	size_t size;            /* get: as *size of shmfs_get;  put: the value's size */
	uint32_t flags;         /* put: as shmfs_put */
	int status;             /* out: 0 or what the single call would have returned */
	uint64_t version;       /* put: as *version;  get: out */
	struct shmfs_info info; /* get: out */
};

/* Get n keys at the price of fewer cache misses.  0 if every item was tried:
 * each item's status tells.  The values need not be of one moment. */
int shmfs_get_many(struct shmfs *s, struct shmfs_item *items, size_t n);

/* Put n keys in order, up to 64 under one lock.  Each is atomic on its own, not the whole:
 * stops at the first error that is not a failed condition, returns it, and
 * sets the status of the items not tried to -ECANCELED. */
int shmfs_put_many(struct shmfs *s, struct shmfs_item *items, size_t n);

/* ---- streamed put ----------------------------------------------------------- */

/*
 * Build a value in place, then publish it at once.  Nobody sees it before the commit;
 * if the process dies its space is reclaimed.  size_hint: expected bytes, 0 if unknown; it may
 * turn out smaller or larger.  *out is freed by commit or abort.
 *	-ENOSPC -EFBIG  no room for size_hint, or more than SHMFS_VALUE_MAX
 */
int shmfs_put_begin(struct shmfs *s, struct shmfs_put **out, uint64_t size_hint);

/* Write at any offset, in any order, again and again.  Gaps read as zero.
 *	-ENOSPC -EFBIG: what was written before stays, the put may go on or be aborted */
int shmfs_put_write(struct shmfs_put *p, uint64_t offset, const void *buf, size_t size);

/* Read back what was written; *size in: wanted, out: read (short at the end). */
int shmfs_put_read(struct shmfs_put *p, uint64_t offset, void *buf, size_t *size);

/* Cut or extend (with zeros) to this many bytes.  -ENOSPC -EFBIG as shmfs_put_write. */
int shmfs_put_resize(struct shmfs_put *p, uint64_t size);

/* Bytes so far. */
uint64_t shmfs_put_size(const struct shmfs_put *p);

/* Publish under this key; flags, version and errors as shmfs_put.  p is freed, unless the
 * result is -EEXIST, -ENOENT, -ESTALE, -ENOSPC, -EFBIG, -E2BIG or -EINVAL: then it may be
 * committed again, or aborted. */
int shmfs_put_commit(struct shmfs_put *p, const void *key, size_t key_size, uint32_t flags,
                     uint64_t *version);

/* Forget it.  NULL is allowed. */
void shmfs_put_abort(struct shmfs_put *p);

/* ---- walk ------------------------------------------------------------------- */

struct shmfs_entry {
	const void *key; /* owned by the iterator, valid until its next call */
	size_t key_size;
	struct shmfs_view view; /* the value; as from shmfs_view() */
	uint64_t cursor;        /* continue behind this entry: pass to shmfs_iter_open */
};

/*
 * Walk every key, in the order of their hashes, which is the same in every store with the same
 * seed.  A key present all the time is met exactly
 * once, whatever is put, deleted or split meanwhile; one put or deleted meanwhile, once or
 * not at all.  cursor: 0 for the start, or an entry's.  Any number of walks may
 * run on one handle.
 */
int shmfs_iter_open(struct shmfs *s, struct shmfs_iter **out, uint64_t cursor);

/* 0 and *entry, or -ENOENT at the end; -EAGAIN: overtaken again and again, call again. */
int shmfs_iter_next(struct shmfs_iter *it, struct shmfs_entry *entry);

void shmfs_iter_close(struct shmfs_iter *it);

/* ---- log -------------------------------------------------------------------- */

/*
 * An endless stream of frames.  A position is the byte offset of a frame in it: frames
 * are found by position, in the order they were appended, whoever appended them.  Writers
 * append without the map's lock, in parallel.
 */
#define SHMFS_FRAME_MAX ((UINT64_C(1) << 24) - 16) /* bytes of one frame */
#define SHMFS_LOG_BEGIN (UINT64_MAX - 1)           /* the oldest frame kept; 0 is a position */
#define SHMFS_LOG_END UINT64_MAX                   /* behind the newest one */

/* One frame of several; the caller keeps the memory. */
struct shmfs_frame {
	const void *data;
	size_t size;
	uint64_t position; /* out */
};

/*
 * Append one frame.  position may be NULL.  When this returns every reader sees it, as
 * soon as those have committed who reserved room before it.
 *	-EMSGSIZE  longer than SHMFS_FRAME_MAX
 *	SHMFS_E_LOG_FULL  log_limit is reached, and a cursor is behind (shmfs_options.flags)
 */
int shmfs_log_append(struct shmfs *s, const void *data, size_t size, uint64_t *position);

/* Append n frames, visible all at once, next to each other.
 *	-EMSGSIZE  with 16 to 31 bytes for each frame they pass 16 MiB
 *	others as shmfs_log_append; then none of them is in the log */
int shmfs_log_append_many(struct shmfs *s, struct shmfs_frame *frames, size_t n);

struct shmfs_batch; /* frames being written in place */

/*
 * Reserve room for up to max_bytes of payload in up to max_frames frames, to be written
 * in the mapping.  Readers and shmfs_sync() wait for the commit, other writers do not: be quick.
 * *out is freed by commit or abort.
 *	-EMSGSIZE  with 31 bytes for each frame they pass 16 MiB;  -EINVAL  max_frames is 0
 *	others as shmfs_log_append
 */
int shmfs_log_begin(struct shmfs *s, struct shmfs_batch **out, size_t max_bytes, size_t max_frames);

/* *data: room for the next frame, 8-byte aligned, until the commit.  Uninitialised.
 *	-EMSGSIZE  more than was reserved; the batch stays as it is */
int shmfs_log_frame(struct shmfs_batch *b, size_t size, void **data);

/* All frames become visible at once; position, of the first, may be NULL, and is left alone if there
 * is none.  b is freed, whatever is returned. */
int shmfs_log_commit(struct shmfs_batch *b, uint64_t *position);

/* None of them ever was.  NULL is allowed. */
void shmfs_log_abort(struct shmfs_batch *b);

struct shmfs_log_bounds {
	size_t struct_size;   /* set by the caller */
	uint64_t head;        /* position of the oldest frame kept */
	uint64_t end;         /* behind the newest one */
	uint64_t frames;      /* in between */
	uint64_t bytes;       /* payload in between */
	uint64_t trimmed_frames; /* before head */
	uint64_t trimmed_bytes;
};

/* What the log holds.  Time grows with the 16 MiB segments of the log, not with its frames.
 *	-EAGAIN  it was trimmed under us again and again */
int shmfs_log_bounds(struct shmfs *s, struct shmfs_log_bounds *bounds);

struct shmfs_log_lag {
	size_t struct_size; /* set by the caller */
	uint64_t frames;    /* at or behind the position, to the end */
	uint64_t bytes;     /* their payload */
	uint64_t lost;      /* bytes of log trimmed between the position and the head; 0: none */
};

/*
 * How far a position is behind the end: SHMFS_LOG_BEGIN, SHMFS_LOG_END, or that of a frame, where a
 * cursor stands, say.  Of one that was trimmed the frames from the head on count, and `lost` says
 * that there were others.  Time grows with the segments in between, not with the frames; but the frames
 * of the segments of position and end are walked over when this handle first gets there.
 *	-EINVAL  not a frame's position;  -ERANGE  beyond the end
 *	-EDEADLK  of a frame appended behind this thread's own open shmfs_log_begin()
 * Waits for the frames reserved before the position, as shmfs_reader_open.
 */
int shmfs_log_lag(struct shmfs *s, uint64_t position, struct shmfs_log_lag *lag);

/* Forget whole segments of 16 MiB before this position, of shmfs_log_bounds() say; frames at or after
 * it stay.
 *	-ERANGE  beyond the end, as SHMFS_LOG_BEGIN and _END are here */
int shmfs_log_trim(struct shmfs *s, uint64_t position);

/* ---- reading the log -------------------------------------------------------- */

struct shmfs_reader; /* a place in the log; any number, of one thread each */

/*
 * Start reading at a position: SHMFS_LOG_BEGIN, SHMFS_LOG_END, or that of a frame.
 *	-EINVAL  not a frame's position;  -ESTALE  trimmed;  -ERANGE  beyond the end
 *	-EDEADLK  of a frame appended behind this thread's own open shmfs_log_begin()
 * Waits for the frames reserved before this one, as a reader would.
 */
int shmfs_reader_open(struct shmfs *s, struct shmfs_reader **out, uint64_t position);

/*
 * Copy the next frame out and step behind it.  *size in: room; out: the frame's size.
 * position may be NULL.
 *	-ENODATA   nothing yet
 *	-EMSGSIZE  too small: *size is what is needed, the reader stays
 *	-ESTALE    trimmed; seek
 *	-EAGAIN    writers overtook the copy a thousand times
 */
int shmfs_reader_next(struct shmfs_reader *r, void *buf, size_t *size, uint64_t *position);

/* Copy as many whole frames as fit into max_frames entries and size bytes; *n: how
 * many.  frames[i].data points into buf.  Errors as above, if not even one fits or is there; how
 * much -EMSGSIZE takes, shmfs_reader_next() says. */
int shmfs_reader_next_batch(struct shmfs_reader *r, struct shmfs_frame *frames, size_t max_frames,
                            void *buf, size_t size, size_t *n);

/* A frame in place, in the mapping. */
struct shmfs_frame_view {
	const void *data;
	size_t size;
	uint64_t position;
	uint64_t stamp[2]; /* private */
};

/* Look at the next frame and step behind it, without a copy; as shmfs_view().
 *	-ENODATA -ESTALE -EAGAIN  as shmfs_reader_next */
int shmfs_reader_view(struct shmfs_reader *r, struct shmfs_frame_view *view);

/* 0: every byte read through the view so far was intact.  -ESTALE: it may not have been. */
int shmfs_reader_view_valid(struct shmfs_reader *r, const struct shmfs_frame_view *view);

/* Step back over the frame before, and copy it out; size and errors as shmfs_reader_next.
 *	-ENODATA  at the oldest frame kept */
int shmfs_reader_prev(struct shmfs_reader *r, void *buf, size_t *size, uint64_t *position);

enum {
	SHMFS_SEEK_POSITION = 0, /* as shmfs_reader_open */
	SHMFS_SEEK_FRAMES = 1,   /* from where it stands, in frames, back or forth */
	SHMFS_SEEK_BYTES = 2,    /* the frame that holds this byte of all payload ever appended */
};

/* Go elsewhere; one that fails moves nothing.
 *	-ERANGE  beyond an end;  -ESTALE  trimmed;  -EINVAL -EDEADLK  as shmfs_reader_open */
int shmfs_reader_seek(struct shmfs_reader *r, int how, int64_t to);

/* Where it stands: the position of the frame that next() would give. */
uint64_t shmfs_reader_position(const struct shmfs_reader *r);

/* Wait until there is a frame to read, at most timeout_ms (-1: for ever).
 *	-ETIMEDOUT  -EINTR  a signal came  -ESTALE  trimmed  -ENODATA  of a snapshot: there never will be */
int shmfs_reader_wait(struct shmfs_reader *r, int timeout_ms);

void shmfs_reader_close(struct shmfs_reader *r);

/* ---- cursors ---------------------------------------------------------------- */

/*
 * A cursor is a name for a position, kept in the store: where a consumer stands.  Reading
 * moves none; a consumer sets its cursor when it has dealt with a frame.
 */

/* Make it, at this position (SHMFS_LOG_BEGIN, _END or a frame's).
 *	-EEXIST  -EINVAL  -ESTALE  -ERANGE  -E2BIG: the name is longer than 255 bytes, or all names
 *	together pass 256 KiB, -EINVAL: empty */
int shmfs_cursor_create(struct shmfs *s, const void *name, size_t name_size, uint64_t position);

/* Where it stands, or -ENOENT.  The position may be trimmed by now. */
int shmfs_cursor_get(struct shmfs *s, const void *name, size_t name_size, uint64_t *position);

/* Move it.  -ENOENT, and as create */
int shmfs_cursor_set(struct shmfs *s, const void *name, size_t name_size, uint64_t position);

/* Move it if it stands at *expected; -EAGAIN: it does not, and *expected is where it does.
 * Others as set. */
int shmfs_cursor_cas(struct shmfs *s, const void *name, size_t name_size, uint64_t *expected,
                     uint64_t position);

/* Remove it, or -ENOENT. */
int shmfs_cursor_del(struct shmfs *s, const void *name, size_t name_size);

/* Called for each cursor, which it may move or delete; not 0 ends the walk and is returned.  name is
 * valid during the call. */
typedef int shmfs_cursor_fn(void *arg, const void *name, size_t name_size, uint64_t position);
int shmfs_cursor_walk(struct shmfs *s, shmfs_cursor_fn *fn, void *arg);

/* Rename it; -ENOENT -EEXIST, and -E2BIG as create, for which both names count. */
int shmfs_cursor_rename(struct shmfs *s, const void *from, size_t from_size, const void *to,
                        size_t to_size);

/* ---- watching --------------------------------------------------------------- */

/*
 * Be told when keys change.  Keys are watched by *sets*: 1 to 65,535, neighbours in the order of a
 * walk; which set a key is in never changes.  What you are told of means: any key of the set may
 * have changed, and it is one-shot: after it nobody is told of this set again until somebody
 * asks again.  So a cache is kept coherent, or one key followed, like this:
 *
 *	1. note in the cache, under the key's set, that the key is being read   (placeholder)
 *	2. shmfs_watch_add()                          (absent keys are watched as well)
 *	3. read the key: shmfs_get(), _exists() ...
 *	4. fill the placeholder with what was read, unless an event killed it meanwhile
 *	on an event, before anything else: drop all that is cached under its set, placeholders too,
 *	or note the set and go through 2. to 4. for each key of it, comparing versions;
 *	SHMFS_WATCH_EVERYTHING means every set
 *
 * Then what is cached, and not dropped, is what is stored, but for the time an event takes: some
 * microseconds; 0.1 s and a bit when the writer was killed in the middle.  States in between may be
 * missed, the last one never.  Whoever watches never makes a writer wait.
 */
struct shmfs_watch;

enum {                        /* flags of shmfs_watch_open() */
	SHMFS_WATCH_ALL = 1,  /* every change of every key, one event each; nothing needs to be added */
	SHMFS_WATCH_POLL = 2, /* look every 10 ms, say EVERYTHING if something changed; also read-only */
};

enum {                              /* kinds of events */
	SHMFS_WATCH_CHANGED = 1,    /* the key was there, and has a new value */
	SHMFS_WATCH_CREATED = 2,
	SHMFS_WATCH_DELETED = 3,
	SHMFS_WATCH_EVERYTHING = 4, /* we were overrun, or poll: any key may have changed */
};

#define SHMFS_WATCH_NAMES 0u /* instead of a set: which keys there are */

struct shmfs_watch_event {
	uint32_t kind;
	uint32_t set;   /* the key's; of EVERYTHING: 0 */
	uint32_t key;   /* 1: the set had been added, and has to be again; with ALL: 0 */
	uint32_t names; /* 1: SHMFS_WATCH_NAMES had been added, and has to be again; with ALL: 0 */
	uint64_t hash;  /* of the key (the order of a walk); of EVERYTHING: 0 */
	uint64_t where; /* private */
};

/*
 * Start watching: told of is what happens from now on.  *out belongs to s and is closed before it.
 * Calls on it may be made by any thread, shmfs_watch_wait() by one at a time.
 *	-EROFS   s is read-only, and flags are without SHMFS_WATCH_POLL
 *	-EUSERS  there are 64 watchers (those that poll do not count)
 */
int shmfs_watch_open(struct shmfs *s, struct shmfs_watch **out, uint32_t flags);

/* The set a key is in. */
uint32_t shmfs_watch_set(const struct shmfs *s, const void *key, size_t key_size);

/* Ask to be told of the key's set; then read the key.  set may be NULL: where it is put.  The same
 * whether the set was asked for already, by us or by others: that costs next to nothing. */
int shmfs_watch_add(struct shmfs_watch *w, const void *key, size_t key_size, uint32_t *set);

/* The same of a set by its number, or of SHMFS_WATCH_NAMES: told of when a key comes or goes.
 *	-EINVAL  no such set */
int shmfs_watch_add_set(struct shmfs_watch *w, uint32_t set);

/*
 * Wait for events, at most timeout_ms (-1: for ever, 0: only look); *n of at most `max` are there,
 * which is 1 at least.
 * After SHMFS_WATCH_EVERYTHING nothing counts as added any more.
 *	-ETIMEDOUT  -EINTR: a signal came  -ECANCELED: shmfs_watch_wake()
 */
int shmfs_watch_wait(struct shmfs_watch *w, int timeout_ms, struct shmfs_watch_event *events, size_t max,
                     size_t *n);

/* End the wait that is going on, or else the next one.  From any thread, or a signal handler. */
void shmfs_watch_wake(struct shmfs_watch *w);

/*
 * The key an event is about.  *size in: room, out: the key's size.
 *	-ENOENT    not to be found any more: it was deleted some time ago, and its space used again
 *	-EMSGSIZE  *size is what is needed; SHMFS_KEY_MAX is always enough
 */
int shmfs_watch_key(struct shmfs_watch *w, const struct shmfs_watch_event *event, void *key, size_t *size);

/* NULL is allowed. */
void shmfs_watch_close(struct shmfs_watch *w);

/* ---- pins ------------------------------------------------------------------- */

/*
 * From here to shmfs_unpin() no space freed by anybody is used again, so views taken
 * in between stay intact.  It holds back all reuse in the store: keep it short.
 * Works on a read-only handle; vanishes with the process.
 *	-ENOMEM -ENOLCK  no memory for it, here or in the kernel
 */
int shmfs_pin(struct shmfs *s, struct shmfs_pin **out);

/* Release and free it.  NULL is allowed. */
void shmfs_unpin(struct shmfs_pin *pin);

/* ---- names ------------------------------------------------------------------ */

#define SHMFS_NAME_SIZE 256 /* longest file name, and its NUL */

/*
 * The file name of a key in a mount (shmfs(7)).  name has room for SHMFS_NAME_SIZE bytes.
 * 0, -E2BIG, or 1 if the key is too long for a name of its own and a
 * hash stands for it, which only the store can decode.
 */
int shmfs_name_encode(const void *key, size_t key_size, char *name);

/* The key of a file name.  key has room for SHMFS_NAME_SIZE bytes.
 *	-EINVAL        not a name that shmfs_name_encode() writes
 *	-ENAMETOOLONG  the name of a long key: find it by walking the store */
int shmfs_name_decode(const char *name, size_t name_size, void *key, size_t *key_size);

#ifdef __cplusplus
}
#endif

#endif
