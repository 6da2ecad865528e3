/* SPDX-License-Identifier: MIT */
/* The short way of a get (plain.h) says what the long one does, at every length. */
#include <errno.h>
#include <string.h>

#include "../../lib/index.h"
#include "../rig.h"
#include "store.h"

enum { KEY_TOP = 560, VALUE_TOP = 3100, COPIES = 8 };

static unsigned char key[KEY_TOP], in[VALUE_TOP], out[VALUE_TOP + 1], again[VALUE_TOP + 1];

/* Keys that differ in one byte from others of their length, first, middle or last. */
static void make_key(size_t n, unsigned copy)
{
	struct rng r = {n};

	for (size_t i = 0; i < n; i++)
		key[i] = (unsigned char)rng_next(&r);
	if (n)
		key[copy % 3 == 0 ? 0 : copy % 3 == 1 ? n / 2 : n - 1] ^= (unsigned char)(copy * 16);
}

/* Around the limits of the short way, and of its copy. */
static size_t value_size(size_t n, unsigned copy)
{
	static const size_t near[] = {0, 16, 32, 64, 128, 3072, 200, 1000};

	return near[copy] + n % 20;
}

static bool same_info(const struct shmfs_info *a, const struct shmfs_info *b)
{
	return a->size == b->size && a->version == b->version && a->time_ns == b->time_ns && a->type == b->type &&
	       a->reserved == 0;
}

/* Both handles, the second of which takes the long way, agree. */
static bool found(struct shmfs *quick, struct shmfs *careful, size_t n, unsigned copy)
{
	size_t wanted = value_size(n, copy), size = wanted, size2 = VALUE_TOP;
	struct shmfs_info info, info2;
	struct shmfs_view view;

	value_fill(in, wanted, n * COPIES + copy);
	out[wanted] = 0xa5; /* not a byte more than there is room for */
	if (shmfs_get(quick, key, n, out, &size, &info) || size != wanted || memcmp(out, in, wanted) ||
	    out[wanted] != 0xa5)
		return false;
	if (shmfs_get(careful, key, n, again, &size2, &info2) || size2 != wanted || memcmp(again, in, wanted) ||
	    !same_info(&info, &info2))
		return false;
	if (shmfs_view(quick, key, n, &view) || memcmp(view.data, in, wanted) || !same_info(&view.info, &info) ||
	    shmfs_view_valid(quick, &view))
		return false;
	/* too little room: the size, and nothing else */
	size = wanted ? wanted - 1 : 0;
	out[0] = 0x5a;
	return wanted == 0 || (shmfs_get(quick, key, n, out, &size, NULL) == -EMSGSIZE && size == wanted && out[0] == 0x5a);
}

static void every_length(void)
{
	const char *path = store_path("lengths");
	struct shmfs *s = store_new(path), *careful;
	bool good = true;

	for (unsigned copy = 0; copy < COPIES; copy++)
		for (size_t n = copy ? 1 : 0; n < KEY_TOP; n++) {
			make_key(n, copy);
			value_fill(in, value_size(n, copy), n * COPIES + copy);
			CU_ASSERT_EQUAL_FATAL(shmfs_put(s, key, n, in, value_size(n, copy),
			                               copy % 2 ? SHMFS_STRING : SHMFS_BYTES, NULL),
			                     0);
		}
	careful = store_open(path, SHMFS_RDONLY | SHMFS_VERIFY);
	for (unsigned copy = 0; copy < COPIES; copy++)
		for (size_t n = copy ? 1 : 0; n < KEY_TOP; n++) {
			make_key(n, copy);
			good &= found(s, careful, n, copy);
		}
	CU_ASSERT(good);
	store_close(careful);
	store_good(s);
	store_close(s);
}

/* So many that some have the tag of another, and all the same first half. */
static void absent(void)
{
	enum { KEYS = 200000 };
	struct shmfs *s = store_new(store_path("absent"));
	struct shmfs_view view;
	unsigned char buf[16];
	bool good = true;

	for (uint64_t i = 0; i < KEYS; i++) {
		uint64_t k[2] = {7, i};

		CU_ASSERT_EQUAL_FATAL(shmfs_put(s, k, sizeof(k), &i, sizeof(i), SHMFS_BYTES, NULL), 0);
	}
	for (uint64_t i = 0; i < KEYS; i++) {
		uint64_t k[2] = {7, i + KEYS};
		size_t size = sizeof(buf);

		good &= shmfs_get(s, k, sizeof(k), buf, &size, NULL) == -ENOENT && size == sizeof(buf);
		good &= shmfs_view(s, k, sizeof(k), &view) == -ENOENT;
		k[1] = i;
		good &= shmfs_get(s, k, sizeof(k), buf, &size, NULL) == 0 && size == sizeof(i) && !memcmp(buf, &i, sizeof(i));
		good &= shmfs_get(s, k, 15, buf, &size, NULL) == -ENOENT;
		if (i % 2)
			good &= shmfs_del(s, k, sizeof(k), 0, NULL) == 0 && shmfs_view(s, k, sizeof(k), &view) == -ENOENT;
	}
	CU_ASSERT(good);
	store_close(s);
}

/* What both ways say of a key whose store says this at a place. */
static int says(struct shmfs *s, a64 *place, uint64_t word)
{
	const char *k = "sixteen bytes k";
	uint64_t before = sfs_relaxed(place);
	struct shmfs_view view;
	size_t size = sizeof(out);
	int rc;

	sfs_set(place, word);
	rc = shmfs_view(s, k, 16, &view);
	CU_ASSERT_EQUAL(shmfs_get(s, k, 16, out, &size, NULL), rc);
	sfs_set(place, before);
	return rc;
}

static void damaged(void)
{
	struct shmfs *s = store_new(store_path("damaged"));
	uint64_t root = sfs_relaxed(&s->live->root.word), end = sfs_relaxed(&s->file.size), seen = 0;
	struct shmfs_view view;
	struct sfs_record *r;
	a64 *page = sfs_at(s, sfs_word_page(root));

	CU_ASSERT_EQUAL(shmfs_put(s, "sixteen bytes k", 16, "v", 1, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(shmfs_view(s, "sixteen bytes k", 16, &view), 0);
	r = (struct sfs_record *)(uintptr_t)((const char *)view.data - 16 - sizeof(*r));
	CU_ASSERT_EQUAL(says(s, &s->live->root.word, root + end), -EUCLEAN);
	CU_ASSERT_EQUAL(says(s, &s->live->root.word, root & 0xfff), -EUCLEAN);
	CU_ASSERT_EQUAL(says(s, &s->live->root.word, root | SFS_WORD_NODE), -EUCLEAN);
	for (unsigned i = 0; i < SFS_PAGE / 8; i++) {
		uint64_t slot = sfs_relaxed(page + i);

		if (sfs_slot_ref(slot) != sfs_offset(s, r))
			continue;
		seen++;
		CU_ASSERT_EQUAL(says(s, page + i, slot + end / 8), -EUCLEAN);
		CU_ASSERT_EQUAL(says(s, page + i, slot & ~SFS_SLOT_REF), -EUCLEAN);
	}
	CU_ASSERT_EQUAL(seen, 1);
	CU_ASSERT_EQUAL(says(s, (a64 *)&r->vlen, UINT64_C(1) << 40), -EUCLEAN);
	CU_ASSERT_EQUAL(says(s, (a64 *)&r->vlen, end), -EUCLEAN);
	CU_ASSERT_EQUAL(says(s, (a64 *)&r->vlen, 2), 0);
	store_good(s);
	store_close(s);
}

static void arguments(void)
{
	struct shmfs *s = store_new(store_path("arguments"));
	char k[16] = "sixteen bytes k", buf[16];
	struct shmfs_view view;
	size_t size = 0;

	CU_ASSERT_EQUAL(shmfs_put(s, k, 16, k, 16, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_get(NULL, k, 16, buf, &size, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_get(s, NULL, 16, buf, &size, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_get(s, k, 16, buf, NULL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_get(s, k, 16, NULL, &size, NULL), -EMSGSIZE);
	CU_ASSERT_EQUAL(size, 16);
	CU_ASSERT_EQUAL(shmfs_get(s, k, 16, NULL, &size, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_view(s, k, 16, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_view(s, NULL, 16, &view), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_view(NULL, k, 16, &view), -EINVAL);
	store_close(s);
}

static int use_in_child(void *s)
{
	struct shmfs_view view;
	size_t size = 0;

	return shmfs_view(s, "sixteen bytes k", 16, &view) == SHMFS_E_FORKED &&
	               shmfs_get(s, "sixteen bytes k", 16, &view, &size, NULL) == SHMFS_E_FORKED
	           ? 0
	           : 1;
}

static void forked(void)
{
	struct shmfs *s = store_new(store_path("forked"));

	CU_ASSERT_EQUAL(shmfs_put(s, "sixteen bytes k", 16, "", 0, SHMFS_BYTES, NULL), 0);
	CU_ASSERT_EQUAL(in_child(use_in_child, s), 0);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"keys of every length come back whole, and not a byte more", every_length},
	{"keys that are not there, or any more, are not found", absent},
	{"damage is told, not followed", damaged},
	{"wrong arguments are told as ever", arguments},
	{"the child of fork has no store", forked},
};

HARNESS_MAIN("plain", tests)
