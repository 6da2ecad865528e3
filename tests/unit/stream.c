/* SPDX-License-Identifier: MIT */
/* Streamed puts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../rig.h"
#include "store.h"

static struct shmfs_put *begin(struct shmfs *s, uint64_t hint)
{
	struct shmfs_put *p = NULL;

	CU_ASSERT_EQUAL_FATAL(shmfs_put_begin(s, &p, hint), 0);
	return p;
}

static void unseen_before_commit(void)
{
	const char *path = store_path("unseen");
	struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);
	struct shmfs_put *p;
	uint64_t version = 0;

	store_put(s, "k", "old");
	p = begin(s, 0);
	CU_ASSERT_EQUAL(shmfs_put_write(p, 0, "new", 3), 0);
	CU_ASSERT(store_has(s, "k", "old"));
	CU_ASSERT(store_has(r, "k", "old"));
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "k", 1, SHMFS_STRING, &version), 0);
	CU_ASSERT(version > 0);
	CU_ASSERT(store_has(s, "k", "new"));
	CU_ASSERT(store_has(r, "k", "new"));
	store_good(s);
	store_close(r);
	store_close(s);
}

/* 3 MiB backwards in pieces of a thousand bytes, beyond a hint of nothing, a little, enough. */
static void any_order(void)
{
	static const uint64_t hints[] = {0, 1, 5000, 300000, 1 << 20, 3 << 20, 100 << 20};
	struct shmfs *s = store_new(store_path("order"));
	size_t size = 3 << 20, got;
	unsigned char *in = malloc(size), *out = malloc(size);

	value_fill(in, size, 42);
	for (size_t h = 0; h < sizeof(hints) / sizeof(*hints); h++) {
		struct shmfs_put *p = begin(s, hints[h]);

		for (size_t at = size; at;) {
			size_t n = at % 1000 ? at % 1000 : 1000;

			at -= n;
			if (shmfs_put_write(p, at, in + at, n))
				CU_FAIL_FATAL("put_write");
		}
		CU_ASSERT_EQUAL(shmfs_put_size(p), size);
		CU_ASSERT_EQUAL(shmfs_put_commit(p, &h, sizeof(h), SHMFS_BYTES, NULL), 0);
		got = size;
		CU_ASSERT_EQUAL(shmfs_get(s, &h, sizeof(h), out, &got, NULL), 0);
		CU_ASSERT(got == size && value_is(out, size, 42));
	}
	store_good(s);
	free(in);
	free(out);
	store_close(s);
}

static int zeros(const unsigned char *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return n == 0;
}

static void gaps(void)
{
	static const size_t tops[] = {1000, 300000, 2500000};
	struct shmfs *s = store_new(store_path("gaps"));
	unsigned char *out = malloc(2500000);

	/* Let the space have been used before. */
	for (int i = 0; i < 30; i++) {
		memset(out, 0xff, 2500000);
		CU_ASSERT_EQUAL(shmfs_put(s, "filth", 5, out, 2500000 - (size_t)i * 80000, 0, NULL), 0);
	}
	shmfs_del(s, "filth", 5, 0, NULL);
	for (size_t i = 0; i < 3; i++) {
		struct shmfs_put *p = begin(s, 0);
		size_t top = tops[i], size = top;

		CU_ASSERT_EQUAL(shmfs_put_write(p, top - 1, "x", 1), 0);
		CU_ASSERT_EQUAL(shmfs_put_write(p, top / 2, "y", 1), 0);
		CU_ASSERT_EQUAL(shmfs_put_read(p, 0, out, &size), 0);
		CU_ASSERT_EQUAL(size, top);
		CU_ASSERT(zeros(out, top / 2) && zeros(out + top / 2 + 1, top - top / 2 - 2));
		CU_ASSERT_EQUAL(shmfs_put_commit(p, "k", 1, SHMFS_BYTES, NULL), 0);
		size = top;
		CU_ASSERT_EQUAL(shmfs_get(s, "k", 1, out, &size, NULL), 0);
		CU_ASSERT(out[top / 2] == 'y' && out[top - 1] == 'x');
		CU_ASSERT(zeros(out, top / 2) && zeros(out + top / 2 + 1, top - top / 2 - 2));
	}
	store_good(s);
	free(out);
	store_close(s);
}

static void cut_and_extend(void)
{
	struct shmfs *s = store_new(store_path("cut"));
	unsigned char *bytes = malloc(2000000);
	struct shmfs_put *p = begin(s, 0);
	size_t size = 2000000;

	memset(bytes, 0xee, size);
	CU_ASSERT_EQUAL(shmfs_put_write(p, 0, bytes, size), 0);
	CU_ASSERT_EQUAL(shmfs_put_resize(p, 10), 0);
	CU_ASSERT_EQUAL(shmfs_put_size(p), 10);
	CU_ASSERT_EQUAL(shmfs_put_resize(p, 1900000), 0);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "k", 1, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_get(s, "k", 1, bytes, &size, NULL), 0);
	CU_ASSERT_EQUAL(size, 1900000);
	CU_ASSERT(bytes[9] == 0xee && zeros(bytes + 10, size - 10));
	p = begin(s, 0);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "empty", 5, SHMFS_BYTES, NULL), 0);
	CU_ASSERT(store_has(s, "empty", ""));
	store_good(s);
	free(bytes);
	store_close(s);
}

static void tried_again(void)
{
	struct shmfs *s = store_new(store_path("again"));
	struct shmfs_put *p = begin(s, 0);
	uint64_t version = 9;

	store_put(s, "k", "old");
	shmfs_put_write(p, 0, "123456789", 9);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "k", 1, SHMFS_IF_ABSENT, NULL), -EEXIST);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "l", 1, SHMFS_IF_PRESENT, NULL), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "k", 1, SHMFS_IF_VERSION, &version), -ESTALE);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "k", 1, SHMFS_NUMBER, NULL), -EINVAL);
	CU_ASSERT(store_has(s, "k", "old"));
	CU_ASSERT_EQUAL(shmfs_put_write(p, 9, "0", 1), 0);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "k", 1, SHMFS_IF_VERSION, &version), 0);
	CU_ASSERT(store_has(s, "k", "1234567890"));
	CU_ASSERT_EQUAL(store_stat(s).keys, 1);
	store_close(s);
}

/* Many at once, each aborted: the file must not grow with their number. */
static void aborted(void)
{
	struct shmfs *s = store_new(store_path("aborted"));
	struct shmfs_put *puts[8];
	char *bytes = calloc(1, 1 << 20);
	uint64_t after_first = 0;

	store_put(s, "k", "v");
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 8; i++) {
			puts[i] = begin(s, i % 2 ? 0 : 1 << 20);
			CU_ASSERT_EQUAL(shmfs_put_write(puts[i], (uint64_t)i * 1000, bytes, 1 << 20), 0);
		}
		for (int i = 0; i < 8; i++)
			shmfs_put_abort(puts[(i * 3) % 8]);
		if (round == 0)
			after_first = store_stat(s).file_bytes;
	}
	shmfs_put_abort(NULL);
	CU_ASSERT(store_stat(s).file_bytes <= after_first + (8 << 20));
	CU_ASSERT_EQUAL(store_stat(s).keys, 1);
	CU_ASSERT(store_has(s, "k", "v"));
	store_good(s);
	free(bytes);
	store_close(s);
}

static void large(void)
{
	struct shmfs *s = store_new(store_path("large"));
	size_t piece = 1 << 20, pieces = 48, size = piece * pieces;
	unsigned char *bytes = malloc(size);
	struct shmfs_put *p = begin(s, 0);
	struct shmfs_view view;

	value_fill(bytes, size, 5);
	for (size_t i = 0; i < pieces; i++)
		CU_ASSERT_EQUAL(shmfs_put_write(p, i * piece, bytes + i * piece, piece), 0);
	CU_ASSERT_EQUAL(shmfs_put_commit(p, "large", 5, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_view(s, "large", 5, &view), 0);
	CU_ASSERT_EQUAL(view.info.size, size);
	CU_ASSERT(value_is(view.data, size, 5));
	CU_ASSERT_EQUAL(shmfs_view_valid(s, &view), 0);
	memset(bytes, 0, size);
	CU_ASSERT_EQUAL(shmfs_get(s, "large", 5, bytes, &size, NULL), 0);
	CU_ASSERT(value_is(bytes, size, 5));
	CU_ASSERT_EQUAL(shmfs_put(s, "copy", 4, bytes, size, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_rename(s, "copy", 4, "moved", 5, 0), 0);
	CU_ASSERT_EQUAL(shmfs_view(s, "moved", 5, &view), 0);
	CU_ASSERT(value_is(view.data, size, 5));
	store_good(s);
	free(bytes);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"nobody sees a streamed value before its commit", unseen_before_commit},
	{"pieces come in any order and beyond any hint", any_order},
	{"gaps read as zero, also where the space was used before", gaps},
	{"a cut forgets what was behind it", cut_and_extend},
	{"a commit whose condition fails may be tried again", tried_again},
	{"aborted puts leave nothing and give their space back", aborted},
	{"a value of 48 MiB streams in, is read, copied and renamed", large},
};

HARNESS_MAIN("stream", tests)
