/* SPDX-License-Identifier: MIT */
/*
 * floor 0: the file format, version 1: every structure in the file.  Its twin is shmfs(5).
 *
 *	0x00000  superblock       4 KiB, written once
 *	0x01000  live page        truth within one boot session
 *	0x02000  log page
 *	0x03000  meta 0, 0x04000 meta 1: the checkpoints
 *	0x05000  watch page, 0x06000 interest bits (8 KiB), 0x08000 ring of what was asked for (96 KiB)
 *	0x20000  fill table: lease -> runs being filled (8 KiB)
 *	0x22000  holds: lease -> 1 + the log segment it may be about to append to (8 KiB)
 *	0x28000  ring of all changes (96 KiB)
 *	0x40000  reserved, zero, to 1 MiB
 *	g * 64 GiB + 1 MiB        segment table of group g: 65,536 entries of 32 bytes
 *	n * 1 MiB                 segment n; 0, 1, 2 of every group are reserved
 *
 * Little-endian.  All shared fields are naturally aligned; those with an atomic
 * type are read or written by processes that hold no lock, or their order matters to a kill.
 *
 * A *reference* is the offset of a record in the file.  An *index word* is
 *	bits 47..12 page offset | bit 11 node | bits 5..0 depth
 * where depth is the number of hash bits, from the top, that the page's keys share.
 * A *node* of depth d has 256 entries indexed by hash bits d .. d+7; a child of depth c
 * fills 2^(d+8-c) equal, aligned ones.  A *bucket* has 64 lines of 8 slots.
 *
 * A *slot* is one word, so that one store commits an insert, an overwrite or a delete:
 *	bits 63..60 distance | bits 59..45 hash bits | bits 44..0 reference / 8
 * distance: 1 + how many lines past its home line (hash & 63) the entry stands, 1 to 14;
 * 15 marks a tombstone.  The hash bits are 15 from bit sfs_tag_base() on, counted from the top:
 * they hold the next prefix bits, so that a split reads its records again only at every
 * eighth depth (which one, the top three hash bits say, so that not all buckets have to in
 * the same doubling of the keys).  The exact tag to expect in a line is known, so that one
 * compare of the whole line finds home and displaced entries alike.  0 is a *virgin* slot; a
 * line that has one was never passed over, so a search ends there.
 */
#ifndef SFS_FORMAT_H
#define SFS_FORMAT_H

#include "bytes.h"

#define SFS_MAGIC "shmfs\r\n\1"
#define SFS_MAGIC_UNFINISHED "shmfs\r\n\0" /* creation was not completed: create again */
#define SFS_FORMAT_VERSION 1

#define SFS_SEG_SHIFT 20
#define SFS_SEG (UINT64_C(1) << SFS_SEG_SHIFT)
#define SFS_LOG_SHIFT 24
#define SFS_PAGE UINT64_C(4096)
#define SFS_GROUP_SHIFT 16 /* segments of a group, as a shift */
#define SFS_GROUP_SEGS (UINT64_C(1) << SFS_GROUP_SHIFT)
#define SFS_GROUP_RESERVED 3
#define SFS_FIRST_SEG 3
#define SFS_MIN_SEGS 7 /* 3 reserved, one DATA, one INDEX, two spares */
#define SFS_METADATA_BYTES UINT64_C(0x40000)

#define SFS_AT_SUPER 0x0000
#define SFS_AT_LIVE 0x1000
#define SFS_AT_LOG 0x2000
#define SFS_AT_META 0x3000
#define SFS_AT_WATCH 0x5000
#define SFS_AT_INTEREST 0x6000
#define SFS_AT_RING 0x8000
#define SFS_AT_FILL 0x20000
#define SFS_AT_HOLDS 0x22000
#define SFS_AT_RING_ALL 0x28000

#define SFS_LEASES 1023 /* numbered from 1; and a mask */

/* ---- superblock --------------------------------------------------------------- */

struct sfs_super {
	char magic[8];
	uint32_t version;
	uint32_t flags; /* SHMFS_OPT_* */
	uint8_t seg_shift;
	uint8_t log_shift;
	uint16_t reserved;
	uint32_t garbage; /* thousandths */
	uint64_t seed;
	uint8_t uuid[16];
	uint64_t created_ns;
	uint64_t log_limit;
	uint64_t max_size;
	uint64_t size; /* asked for at creation: the file is never cut below it */
	uint32_t crc;  /* crc32c of all before */
};

/* ---- live page ---------------------------------------------------------------- */

/* One index entry: a page, and the epoch it was born in.  An entry with another
 * epoch than the live one is copied before it is modified. */
struct sfs_entry {
	a64 word;
	a64 epoch;
};

enum { SFS_DATA_HEAD = 0, SFS_INDEX_HEAD = 1 };
enum { SFS_STATE_IOERROR = 1, SFS_STATE_VOLATILE = 2 };
enum { SFS_OP_NONE = 0, SFS_OP_SLOTS = 1 }; /* the low byte of op.kind */

/* What watchers are told of the first, and of the second slot of an op: SHMFS_WATCH_*, or 0 of what
 * is not a user's key.  In op.kind. */
#define SFS_OP_TELL(first, second) ((uint64_t)(first) << 8 | (uint64_t)(second) << 16)

struct sfs_live {
	/* what readers load: one line */
	struct sfs_entry root;
	a64 freed;   /* segment frees so far = the next free's stamp */
	a64 reused;  /* 1 + largest stamp ever taken back into use */
	a64 boot[2]; /* session id */
	a64 nseg;    /* file length in segments */
	a64 state;   /* SFS_STATE_* */

	a64 lock; /* the map's writer lock */
	uint64_t pad_lock[7];

	a64 epoch;     /* of the live tree: E */
	a64 frozen;    /* being, or last, checkpointed */
	a64 durable;   /* known to be on disk */
	a64 head[2];   /* next free byte of the active DATA and INDEX segment */
	a64 seq;       /* puts so far: the version of the last */
	a64 count;     /* keys of the user */
	a64 last_time; /* of the last put, ns since 1970 */

	struct { /* redo record of a swing; valid iff node != 0 */
		a64 node; /* file offset of the first entry */
		a64 n;
		a64 w0; /* first half of the entries */
		a64 w1; /* second half */
		a64 epoch;
	} intent;
	a64 taking;  /* segments being taken into use: the first | how many << 32 */
	a64 drop[2]; /* runs that are becoming unreachable, or reachable */

	struct { /* redo record of a commit; valid iff kind != 0 */
		a64 kind;    /* SFS_OP_* | SFS_OP_TELL() */
		a64 hash;    /* of the first slot's key */
		a64 slot[2]; /* file offsets; 0 = none */
		a64 word[2];
		a64 count; /* after */
		a64 other; /* hash of the second slot's key */
	} op;

	a64 cursor;    /* where the search for a free segment goes on */
	a64 victim;    /* segment being cleaned, or 0 */
	a64 clean_pos; /* next block in it */
	a64 pick;      /* where the next victim is looked for */
	a64 used;      /* DATA and INDEX segments in use */
	a64 live;      /* live bytes in them */
	a64 spare[2];  /* segments kept for the day the disk is full */

	a64 sync_lock;
	a64 moves; /* of segments from hand to hand: raised before each (delta.h) */
	uint64_t pad_sync[6];

	a64 idle;          /* segments that may be reusable (hint) */
	a64 big;           /* bytes of records in runs of their own */
	a64 changes;       /* commits so far */
	a64 sync_ns;       /* when the last checkpoint was durable */
	a64 cleaned;       /* bytes the cleaner moved */
	a64 buckets;
	a64 watchers;  /* bit i: watcher i is there; here, since a commit has the line at hand */
	a64 followers; /* of them, who is told of every change */
};

/* ---- log page ------------------------------------------------------------------- */

struct sfs_logpage {
	a64 tail;
	uint64_t pad_tail[7];
	a64 commit;
	uint64_t pad_commit[7];
	a64 head;
	a64 backed;
	a64 trimmed_bytes;
	a64 trimmed_frames;
	a64 cut_to;     /* redo record of a trim: head, and the two above; valid iff cut_to != 0 */
	a64 cut_bytes;
	a64 cut_frames;
	uint64_t pad_head;
	a32 waiters;
	a32 wake;
};

/* ---- watch region ------------------------------------------------------------------ */

#define SFS_WATCHERS 64
#define SFS_SETS 65536     /* interest bits; number 0 is SHMFS_WATCH_NAMES */
#define SFS_RING_PLACES 4096

enum sfs_ring { SFS_RING_ASKED = 0, SFS_RING_ALL = 1, SFS_RINGS = 2 };

struct sfs_watchpage {
	struct {
		a32 sleepers; /* not 0: somebody may sleep on `wake` */
		a32 wake;
		a64 head; /* changes told so far */
		uint64_t pad[6];
	} ring[SFS_RINGS];
};

/* A place of a ring.  Valid iff turn is 1 + its number, counted from the first change told. */
struct sfs_told {
	a64 turn;
	a64 hash;
	a64 what; /* bits 63..8 reference / 8 of the record, 0 = not known | 7..4 SFS_ASKED_* | 3..0 SHMFS_WATCH_* */
};

enum { SFS_ASKED_KEY = 1, SFS_ASKED_NAMES = 2 };

/* The set of keys that an interest bit stands for: neighbours in the order of a walk. */
static inline unsigned sfs_set_of(uint64_t hash)
{
	return hash >> 49 ? (unsigned)(hash >> 48) : 1;
}

/* ---- checkpoint --------------------------------------------------------------- */

#define SFS_DELTAS 4

struct sfs_range {
	uint64_t at;
	uint64_t size;
};

/* One sector.  Valid iff turn != 0 and crc matches, and the delta's bytes are there; the slot is
 * turn & 1. */
struct sfs_meta {
	uint64_t turn;
	uint64_t epoch;
	uint64_t root_word;
	uint64_t root_epoch;
	uint64_t head[2];
	uint64_t nseg;
	uint64_t freed;
	uint64_t count;
	uint64_t seq;
	uint64_t last_time;
	uint64_t changes;
	uint64_t buckets;
	uint64_t log_head;
	uint64_t log_tail;
	uint64_t trimmed_bytes;
	uint64_t trimmed_frames;
	uint64_t time_ns;   /* of the checkpoint */
	uint32_t table_crc; /* of the live segments' entries at a last close; 0 = not taken */
	uint32_t delta_crc; /* of the delta's bytes */
	uint64_t moves;
	struct sfs_range delta[SFS_DELTAS]; /* what was written since the last, if there is nothing else (delta.h) */
	uint32_t crc;
};

/* ---- segments ----------------------------------------------------------------- */

enum sfs_kind {
	SFS_SEG_FREE = 0,
	SFS_SEG_DATA = 1,  /* records, from +64 */
	SFS_SEG_INDEX = 2, /* a page of names, then 255 index pages */
	SFS_SEG_BIG = 3,   /* head of a run holding one record, its value at SFS_RUN_VALUE */
	SFS_SEG_CONT = 4,  /* the rest of the run */
	SFS_SEG_SPARE = 5,
};

#define SFS_BACK_SHIFT 16 /* space is allocated in steps of 64 KiB ... */
#define SFS_BACK_BATCH 8  /* ... eight at a time: rarer than one put of a thousand */

struct sfs_seg {
	a8 kind;
	a8 backed;  /* steps, from the start, that the file system has allocated */
	a16 lease;  /* BIG: who fills it; 0 once it is published */
	a32 live;   /* bytes; BIG: segments in the run */
	a64 born;   /* epoch */
	a64 died;   /* epoch, 0 = alive */
	a64 stamp;  /* of its free; BIG being filled: next run of the same lease */
};

#define SFS_DATA_START 64

/* A run begins with the offset of its record (8 bytes), which ends at a fixed place so that
 * the value can be written, page-aligned, before its key is known. */
#define SFS_RUN_VALUE UINT64_C(0x11000)

/* First page of an INDEX segment: what each page was made for, so that the cleaner
 * can look it up. */
struct sfs_name {
	a64 prefix;     /* hash bits, left-aligned */
	a64 depth_node; /* depth | node << 8 */
};

/* ---- index words and slots ------------------------------------------------------ */

#define SFS_WORD_NODE UINT64_C(0x800)
#define SFS_WORD_PAGE UINT64_C(0x0000fffffffff000)
#define SFS_LEVELS 10    /* more than any tree has */
#define SFS_DEPTH_MAX 47 /* of a bucket */
#define SFS_FAN 256

#define SFS_LINES 64
#define SFS_LINE_SLOTS 8
#define SFS_REACH 14       /* lines a search looks at, at most */
#define SFS_INSERT_REACH 8 /* lines an insert tries before it splits; no reader relies on it */
#define SFS_SLOT_REF_BITS 45
#define SFS_SLOT_REF ((UINT64_C(1) << SFS_SLOT_REF_BITS) - 1)
#define SFS_TAG_HASH_BITS 15
#define SFS_TOMBSTONE (UINT64_C(15) << 60)

static inline uint64_t sfs_word_page(uint64_t word)
{
	return word & SFS_WORD_PAGE;
}

static inline unsigned sfs_word_depth(uint64_t word)
{
	return word & 63;
}

/* First of the hash bits that tags hold in a bucket of this depth: depth - 7 to depth. */
static inline unsigned sfs_tag_base(uint64_t hash, unsigned depth)
{
	unsigned phase = depth < 3 ? 0 : (unsigned)(hash >> 61);

	return depth + phase < 8 ? 0 : depth - (depth + phase) % 8;
}

/* What a slot holds besides its reference, `distance` lines past its home. */
static inline uint64_t sfs_slot_tag(uint64_t hash, unsigned depth, unsigned distance)
{
	uint64_t bits = hash << sfs_tag_base(hash, depth) >> (64 - SFS_TAG_HASH_BITS);

	return ((uint64_t)(distance + 1) << SFS_TAG_HASH_BITS | bits) << SFS_SLOT_REF_BITS;
}

static inline uint64_t sfs_slot_ref(uint64_t slot)
{
	return (slot & SFS_SLOT_REF) << 3;
}

/* ---- records ------------------------------------------------------------------ */

#define SFS_LOGSEG_TYPE 3 /* the type of a log segment's record; its value is not in its crc */

enum sfs_space { SFS_USER = 0, SFS_LOGSEG = 1, SFS_CURSOR = 2, SFS_STOREDATA = 3, SFS_SPACES = 4 };

/*
 * Key and value follow, each padded to 8.  crc is crc32c over value, key, header from
 * klen on, in this order, so that the value can be summed before the lock is taken.
 * seq = 0 ends a segment.  The value of a log segment changes, so it is not summed.
 */
struct sfs_record {
	uint32_t crc;
	uint16_t klen;
	uint8_t type;
	uint8_t space;
	uint64_t vlen; /* low 48 bits; flags above */
	uint64_t seq;
	uint64_t time_ns;
};

#define SFS_VLEN ((UINT64_C(1) << 48) - 1)
#define SFS_SMALL (UINT64_C(256) << 10) /* a larger record has a run of its own */

static inline uint64_t sfs_record_size(uint64_t klen, uint64_t vlen)
{
	return sizeof(struct sfs_record) + sfs_align8(klen) + sfs_align8(vlen);
}

/* ---- lock bytes: OFD locks beyond any file offset -------------------------------- */

#define SFS_BYTE_LEASE (INT64_C(1) << 62) /* + lease, write-locked by its holder */
#define SFS_BYTE_GATE (SFS_BYTE_LEASE + 4096)
#define SFS_BYTE_READER (SFS_BYTE_LEASE + 4098)
#define SFS_BYTE_WATCH (SFS_BYTE_LEASE + 8192)
#define SFS_BYTE_PIN (INT64_C(1) << 61) /* + stamp */
#define SFS_STAMPS (UINT64_C(1) << 60)   /* a store that counts further is damaged */

/* ---- the offsets are the format: a change here is a new version ------------------ */

#define SFS_AT(type, field, at) \
	_Static_assert(offsetof(struct type, field) == (at), #type "." #field " moved")

SFS_AT(sfs_super, flags, 12);
SFS_AT(sfs_super, seg_shift, 16);
SFS_AT(sfs_super, garbage, 20);
SFS_AT(sfs_super, seed, 24);
SFS_AT(sfs_super, uuid, 32);
SFS_AT(sfs_super, created_ns, 48);
SFS_AT(sfs_super, log_limit, 56);
SFS_AT(sfs_super, max_size, 64);
SFS_AT(sfs_super, crc, 80);
SFS_AT(sfs_live, freed, 0x10);
SFS_AT(sfs_live, boot, 0x20);
SFS_AT(sfs_live, nseg, 0x30);
SFS_AT(sfs_live, lock, 0x40);
SFS_AT(sfs_live, epoch, 0x80);
SFS_AT(sfs_live, head, 0x98);
SFS_AT(sfs_live, seq, 0xa8);
SFS_AT(sfs_live, intent, 0xc0);
SFS_AT(sfs_live, taking, 0xe8);
SFS_AT(sfs_live, op, 0x100);
SFS_AT(sfs_live, cursor, 0x140);
SFS_AT(sfs_live, sync_lock, 0x180);
SFS_AT(sfs_live, idle, 0x1c0);
_Static_assert(sizeof(struct sfs_live) == 0x200, "live page");
SFS_AT(sfs_logpage, commit, 0x40);
SFS_AT(sfs_logpage, head, 0x80);
SFS_AT(sfs_logpage, waiters, 0xc0);
SFS_AT(sfs_live, watchers, 0x1f0);
SFS_AT(sfs_watchpage, ring[0].head, 8);
SFS_AT(sfs_watchpage, ring[1], 64);
_Static_assert(sizeof(struct sfs_told) * SFS_RING_PLACES == SFS_AT_FILL - SFS_AT_RING, "watch ring");
_Static_assert(SFS_AT_RING_ALL + SFS_AT_FILL - SFS_AT_RING <= SFS_METADATA_BYTES, "ring of all changes");
SFS_AT(sfs_meta, table_crc, 144);
SFS_AT(sfs_meta, delta, 160);
SFS_AT(sfs_meta, crc, 224);
_Static_assert(sizeof(struct sfs_seg) == 32, "segment entry");
_Static_assert(sizeof(struct sfs_entry) * SFS_FAN == SFS_PAGE, "node page");
_Static_assert(SFS_LINES * SFS_LINE_SLOTS * 8 == SFS_PAGE, "bucket page");
_Static_assert(sizeof(struct sfs_name) * 256 == SFS_PAGE, "name page");
SFS_AT(sfs_record, klen, 4);
SFS_AT(sfs_record, vlen, 8);
SFS_AT(sfs_record, seq, 16);
_Static_assert(sizeof(struct sfs_record) == 32, "record header");

#endif
