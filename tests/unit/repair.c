/* SPDX-License-Identifier: MIT */
/* Stores damaged in every part, and made good again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wreck.h"

static void good(void)
{
	for (int durable = 0; durable < 2; durable++) {
		const char *path = wreck_made("good", durable);
		struct bytes before = file_read(path);
		struct shmfs_check_result r = wreck_repair(path);
		unsigned revived;

		/* the lock was taken and given back, and with it a lease */
		wreck_poke(path, SFS_AT_LIVE + offsetof(struct sfs_live, lock),
		     before.data + SFS_AT_LIVE + offsetof(struct sfs_live, lock), 8);
		wreck_poke(path, SFS_AT_HOLDS + 8, before.data + SFS_AT_HOLDS + 8, 8);
		CU_ASSERT_EQUAL(r.problems, 0);
		CU_ASSERT_EQUAL(r.keys, WRECK_KEYS - (WRECK_KEYS + 10) / 11);
		CU_ASSERT(file_is(path, before));
		CU_ASSERT_EQUAL(wreck_missing(path, &revived), 0);
		CU_ASSERT_EQUAL(revived, 0);
	}
}

static void records(void)
{
	const char *path = wreck_made("records", true);
	unsigned lost = 0;

	/* header, key, value, and a run's */
	for (unsigned i = 0; i < 40; i++) {
		unsigned key = 100 + i * 53, at[] = {0, 4, 8, 16, 24, 33, 41};
		struct wreck_where w;

		if (wreck_deleted(key))
			continue;
		w = wreck_find(path, key);
		wreck_flip(path, w.record + at[i % 7], 1 << i % 8);
		lost++;
	}
	wreck_flip(path, wreck_find(path, 1007).record + 200000, 1);
	wreck_expect_all(path, lost + 1, 2);
}

static void slots(void)
{
	const char *path = wreck_made("slots", true);

	for (unsigned i = 0; i < 60; i++)
		if (!wreck_deleted(i * 31 + 1))
			wreck_flip(path, wreck_find(path, i * 31 + 1).slot + i % 8, 1 << i / 8 % 8);
	wreck_expect_all(path, 0, 0);
}

static void bucket(void)
{
	const char *path = wreck_made("bucket", true);
	struct wreck_where w = wreck_find(path, 1);

	wreck_wipe(path, w.bucket + 64 * 10, 512, 0xa5);
	wreck_expect(path, 0, 50);
	w = wreck_find(path, 1);
	wreck_wipe(path, w.bucket, 4096, 0x55);
	wreck_expect_all(path, 0, 50);
}

static void root(void)
{
	for (int with = 0; with < 2; with++) {
		const char *path = wreck_made("root", with);
		struct wreck_where w = wreck_find(path, 1);

		wreck_wipe(path, w.root, 4096, with ? 0xff : 0);
		wreck_expect_all(path, 0, WRECK_KEYS);
	}
}

static void entries(void)
{
	const char *path = wreck_made("entries", true);
	struct wreck_where w = wreck_find(path, 1);

	for (unsigned i = 0; i < 256; i += 9)
		wreck_flip(path, w.root + i * 16 + i % 6, 0x40);
	wreck_expect_all(path, 0, WRECK_KEYS);
}

static void names(void)
{
	const char *path = wreck_made("names", true);
	struct wreck_where w = wreck_find(path, 1);

	wreck_wipe(path, w.root & ~(SFS_SEG - 1), 4096, 0);
	wreck_expect_all(path, 0, WRECK_KEYS);
}

static void checkpoints(void)
{
	const char *path = wreck_made("metas", true);
	uint64_t none = 0;

	wreck_wipe(path, SFS_AT_META, 100, 0xa5);
	wreck_wipe(path, SFS_AT_META + SFS_PAGE, 100, 0xa5);
	/* one that is volatile has none while it is open; so that alone is no problem */
	wreck_poke(path, SFS_AT_LIVE + offsetof(struct sfs_live, count), &none, sizeof(none));
	wreck_expect_all(path, 0, 0);
}

static void live_page(void)
{
	for (int with = 0; with < 256; with += 85) {
		const char *path = wreck_made("live", with % 2);

		wreck_wipe(path, SFS_AT_LIVE, 512, with);
		wreck_repair(path);
		wreck_expect_all((wreck_flip(path, wreck_find(path, 1).slot + 7, 0x80), path), 0, 2);
	}
}

static void live_fields(void)
{
	const char *path = wreck_made("fields", true);
	struct bytes b = file_read(path);

	/* each with the session id whole, so that it is believed */
	for (unsigned at = 0; at < 0x200; at += 8) {
		if (at >= 0x20 && at < 0x30)
			continue;
		for (int with = 0; with < 3; with++) {
			static const uint64_t words[] = {UINT64_MAX, 0x123450, 1};
			unsigned revived;

			wreck_restore(path, &b);
			wreck_poke(path, SFS_AT_LIVE + at, &words[with], 8);
			if (getenv("REPAIR_VERBOSE"))
				printf("# live page + %#x = %#llx\n", at, (unsigned long long)words[with]);
			wreck_repair(path);
			CU_ASSERT_EQUAL(wreck_missing(path, &revived), 0);
		}
	}
	free(b.data);
}

static void table(void)
{
	for (int with = 0; with < 2; with++) {
		const char *path = wreck_made("table", with);

		wreck_wipe(path, SFS_SEG, 4096, with ? 0 : 0xff);
		wreck_expect_all(path, 0, 0);
	}
}

static void all_but_records(void)
{
	const char *path = wreck_made("all", true);
	struct wreck_where w = wreck_find(path, 1);

	wreck_wipe(path, SFS_SEG, 4096, 0);
	wreck_wipe(path, w.root, 4096, 0);
	wreck_wipe(path, SFS_AT_LIVE, 4096, 0);
	wreck_wipe(path, SFS_AT_LOG, 4096, 0x11);
	wreck_wipe(path, SFS_AT_META, 8192, 0);
	wreck_expect_all(path, 0, WRECK_KEYS);
}

static void superblock(void)
{
	const char *path = wreck_made("super", true);
	struct wreck_where w = wreck_find(path, 1);

	for (size_t at = 8; at < offsetof(struct sfs_super, crc) + 4; at++) {
		struct wreck_where now;

		wreck_flip(path, at, (unsigned char)(at * 7 | 1));
		wreck_expect(path, 0, 0);
		now = wreck_find(path, 1);
		CU_ASSERT(memcmp(&now.super, &w.super, offsetof(struct sfs_super, crc) + 4) == 0);
	}
	wreck_wipe(path, 12, 72, 0x77);
	wreck_expect_all(path, 0, WRECK_KEYS);
}

static void log_frames(void)
{
	const char *path = wreck_made("frames", true);
	struct shmfs *s = store_open(path, SHMFS_RDONLY);
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_BEGIN);
	uint64_t at[WRECK_FRAMES], log = wreck_find(path, 1).log;
	unsigned revived;

	for (unsigned i = 0; i < WRECK_FRAMES; i++) {
		at[i] = shmfs_reader_position(r);
		CU_ASSERT(frame_next(r, i, i * 13 % 700));
	}
	shmfs_reader_close(r);
	store_close(s);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "hurt", 4, at[101]), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "fine", 4, at[103]), 0);
	store_close(s);
	wreck_flip(path, log + at[20] + 12, 1);       /* payload */
	wreck_flip(path, log + at[40], 4);            /* head word */
	wreck_flip(path, log + at[60] + 4, 7);        /* state */
	wreck_wipe(path, log + at[80], 8, 0);         /* never there */
	wreck_wipe(path, log + at[100] + 8, 1500, 9); /* several */
	wreck_flip(path, log + at[WRECK_FRAMES - 1] + 9, 1); /* the last one */
	wreck_repair(path);
	CU_ASSERT_EQUAL(wreck_missing(path, &revived), 0);
	CU_ASSERT_EQUAL(revived, 0);
	/* 100 to 102 or 103 stood where it was wiped */
	CU_ASSERT(wreck_frames(path) >= WRECK_FRAMES - 9 && wreck_frames(path) <= WRECK_FRAMES - 7);
	s = store_open(path, SHMFS_RDONLY);
	{
		uint64_t position;

		CU_ASSERT_EQUAL(shmfs_cursor_get(s, "hurt", 4, &position), 0);
		r = frame_reader(s, position);
		shmfs_reader_close(r);
	}
	store_close(s);
	wreck_writable(path);
}

static void log_page(void)
{
	for (int with = 0; with < 256; with += 51) {
		const char *path = wreck_made("logpage", with % 2);

		wreck_wipe(path, SFS_AT_LOG, 256, with);
		wreck_expect_all(path, 0, 0);
	}
}

static void cursors(void)
{
	const char *path = wreck_made("cursors", true);
	struct shmfs *s = store_open(path, SHMFS_RDONLY);
	struct sfs_key roll = sfs_key(s, SFS_STOREDATA, "cursors", 7);
	struct sfs_hit hit;
	uint64_t position, end;

	CU_ASSERT_EQUAL(sfs_index_find(s, sfs_relaxed(&s->live->root.word), &roll, &hit), 0);
	end = frame_bounds(s).end;
	store_close(s);
	wreck_flip(path, hit.ref + 42, 1);
	wreck_expect(path, 0, 0);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT_EQUAL(shmfs_cursor_get(s, "end", 3, &position), 0);
	CU_ASSERT_EQUAL(position, end);
	CU_ASSERT_EQUAL(shmfs_cursor_rename(s, "end", 3, "fin", 3), 0);
	store_close(s);
	wreck_writable(path);
}

static void cut(void)
{
	const char *path = wreck_made("cut", true);
	struct bytes b = file_read(path);
	size_t lengths[] = {8, 100, 5000, 0x41000, (1 << 20) + 100, (3 << 20) + 70000, b.size / 2, b.size - 500000,
	                    b.size - 100};
	unsigned before = 0;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		unsigned revived, n;

		file_write(path, b.data, lengths[i]);
		wreck_repair(path);
		n = WRECK_KEYS - wreck_missing(path, &revived);
		CU_ASSERT(n + 200 >= before);
		before = n;
		wreck_writable(path);
	}
	CU_ASSERT(before > WRECK_KEYS / 2);
	free(b.data);
}

/* A copy is of another session: the checkpoint counts. */
static void copies(void)
{
	const char *path = wreck_made("original", true), *copy = store_path("copy");
	struct wreck_where w = wreck_find(path, 1);
	struct bytes b = file_read(path);

	file_write(copy, b.data, b.size);
	wreck_flip(copy, w.record + 3, 1);
	wreck_flip(copy, w.slot + 64, 1);
	wreck_expect_all(copy, 1, 10);
	file_write(copy, b.data, b.size);
	wreck_wipe(copy, SFS_AT_META, 8192, 0);
	wreck_expect_all(copy, 0, 0);
	free(b.data);
}

static void foreign(void)
{
	const char *path = store_path("foreign");
	struct shmfs_check_result r = {.struct_size = sizeof(r)};
	struct bytes b;

	file_write(path, "#!/bin/sh\n", 10);
	b = file_read(path);
	CU_ASSERT_EQUAL(shmfs_repair(path, &r, wreck_tell, NULL), SHMFS_E_NOT_STORE);
	CU_ASSERT(file_is(path, b));
	file_write(path, "", 0);
	CU_ASSERT_EQUAL(shmfs_repair(path, &r, wreck_tell, NULL), -ENODATA);
	CU_ASSERT_EQUAL(shmfs_repair(store_path("none"), &r, wreck_tell, NULL), -ENOENT);
	r.struct_size = 1;
	CU_ASSERT_EQUAL(shmfs_repair(path, &r, wreck_tell, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_repair(path, NULL, wreck_tell, NULL), -EINVAL);
}

static void busy(void)
{
	const char *path = wreck_made("busy", false);

	for (int flags = SHMFS_RDONLY; flags <= SHMFS_RDWR; flags++) {
		struct shmfs *s = store_open(path, flags);
		struct shmfs_check_result r = {.struct_size = sizeof(r)};

		CU_ASSERT_EQUAL(shmfs_repair(path, &r, wreck_tell, NULL), -EBUSY);
		store_close(s);
	}
	wreck_repair(path);
}

struct far {
	uint64_t done, total;
	unsigned calls, most; /* stop behind so many */
	bool back;
};

static int how_far(void *arg, uint64_t done, uint64_t total)
{
	struct far *f = arg;

	f->back |= done < f->done || done > total;
	f->done = done;
	f->total = total;
	return f->calls++ == f->most;
}

static int repair_most(const char *path, struct far *f, unsigned most)
{
	struct shmfs_check_result r = {.struct_size = sizeof(r), .progress = how_far, .progress_arg = f};

	*f = (struct far){.most = most};
	return shmfs_repair(path, &r, NULL, NULL);
}

static void stopped(void)
{
	const char *path = wreck_made("stopped", true);
	struct wreck_where w = wreck_find(path, 1);
	struct far all, f;
	struct bytes b;
	unsigned revived;

	CU_ASSERT_EQUAL(repair_most(path, &all, UINT32_MAX), 0);
	CU_ASSERT(all.calls > 2 && !all.back);
	CU_ASSERT_EQUAL(all.done, all.total);

	wreck_wipe(path, w.root, 4096, 0);
	wreck_flip(path, w.log + 40, 3);
	b = file_read(path);
	CU_ASSERT_EQUAL(repair_most(path, &all, UINT32_MAX), 0);
	CU_ASSERT(all.calls > 100 && !all.back);
	CU_ASSERT(all.done > all.total / 10 * 9); /* the check at the end tells in front of a frame */
	for (unsigned i = 0; i < 24; i++) {
		wreck_restore(path, &b);
		CU_ASSERT_EQUAL(repair_most(path, &f, i < 12 ? i : all.calls * i / 24), -ECANCELED);
		CU_ASSERT_EQUAL(f.calls, f.most + 1);
		wreck_repair(path);
		CU_ASSERT_EQUAL(wreck_missing(path, &revived), 0);
		CU_ASSERT(wreck_frames(path) >= WRECK_FRAMES - 1);
	}
	free(b.data);
}

static const struct harness_test tests[] = {
	{"a good store is left as it is", good},
	{"a damaged record costs its key and nothing else", records},
	{"a damaged slot costs nothing", slots},
	{"a damaged bucket costs nothing", bucket},
	{"a lost root costs nothing", root},
	{"damaged entries of a node cost nothing", entries},
	{"lost names of index pages cost nothing", names},
	{"lost checkpoints cost nothing", checkpoints},
	{"a lost live page costs nothing", live_page},
	{"a damaged field of the live page costs nothing", live_fields},
	{"a lost segment table costs nothing", table},
	{"a store of which only the records are left has its keys and frames", all_but_records},
	{"a damaged superblock costs nothing but its options", superblock},
	{"damaged frames are skipped, the others stay in order", log_frames},
	{"a lost log page costs nothing", log_page},
	{"a lost roll of the cursors costs nothing", cursors},
	{"what a truncated file still has is kept", cut},
	{"copies are repaired from their checkpoint", copies},
	{"a file that is not a store is left as it is", foreign},
	{"an open store is not repaired", busy},
	{"a repair tells how far it is, and one that is stopped can be begun again", stopped},
};

HARNESS_MAIN("repair", tests)
