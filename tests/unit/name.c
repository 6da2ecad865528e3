/* SPDX-License-Identifier: MIT */
/* Keys and their file names: shmfs(7), "Names". */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../rig.h"
#include "store.h"

static int is_name(const char *key, size_t n, const char *name)
{
	char got[SHMFS_NAME_SIZE], back[SHMFS_NAME_SIZE];
	size_t size = 0;

	return shmfs_name_encode(key, n, got) == 0 && !strcmp(got, name) &&
	       shmfs_name_decode(name, strlen(name), back, &size) == 0 && size == n &&
	       !memcmp(back, key, n);
}

static int refused(const char *name, size_t n)
{
	char key[SHMFS_NAME_SIZE];
	size_t size = 0;

	return shmfs_name_decode(name, n, key, &size) == -EINVAL;
}

#define NAME(key, name) CU_ASSERT(is_name(key, sizeof(key) - 1, name))
#define REFUSED(name) CU_ASSERT(refused(name, sizeof(name) - 1))

static void rules(void)
{
	NAME("plain", "plain");
	NAME("two words", "two words");
	NAME("100%", "100%25");
	NAME("a/b", "a%2Fb");
	NAME("", "%_");
	NAME(".", "%2E");
	NAME("..", "%2E%2E");
	NAME("...", "...");
	NAME(".hidden", ".hidden");
	NAME("a.", "a.");
	NAME("~", "~");
	NAME("_", "_");
	NAME("\0", "%00");
	NAME("a\nb\x1f", "a%0Ab%1F");
	NAME("\x7f", "%7F");
	NAME("k\xc3\xb6nig", "k\xc3\xb6nig");
	NAME("\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80");
	NAME("%_", "%25_");
	NAME("%~", "%25~");
}

static void not_utf8(void)
{
	NAME("\xff", "%FF");
	NAME("\xc3", "%C3");
	NAME("\xc3(", "%C3(");
	NAME("\xc0\xaf", "%C0%AF");                 /* overlong '/' */
	NAME("\xe0\x80\xaf", "%E0%80%AF");
	NAME("\xf0\x80\x80\xaf", "%F0%80%80%AF");
	NAME("\xed\xa0\x80", "%ED%A0%80");          /* a surrogate */
	NAME("\xed\x9f\xbf", "\xed\x9f\xbf");       /* the last before them */
	NAME("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"); /* U+10FFFF */
	NAME("\xf4\x90\x80\x80", "%F4%90%80%80");   /* beyond */
	NAME("\xf8\x88\x80\x80\x80", "%F8%88%80%80%80");
	NAME("\xe2\x82", "%E2%82");
	NAME("\xe2\x82\xac\xac", "\xe2\x82\xac%AC");
}

static void other_spellings(void)
{
	char key[SHMFS_NAME_SIZE];
	size_t size = 0;

	REFUSED("");
	REFUSED(".");
	REFUSED("..");
	REFUSED("%2E.");
	REFUSED("a%2Eb");
	REFUSED("%41");
	REFUSED("%2f");
	REFUSED("a%0a");
	REFUSED("%");
	REFUSED("%2");
	REFUSED("%G0");
	REFUSED("a%_");
	REFUSED("%_a");
	REFUSED("a/b");
	REFUSED("a\nb");
	REFUSED("a\0b");
	REFUSED("\xff");
	REFUSED("%C3%B6"); /* valid UTF-8 stands for itself */
	CU_ASSERT_EQUAL(shmfs_name_decode("%~abc", 5, key, &size), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(shmfs_name_encode("k", 1, NULL), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_name_decode(NULL, 1, key, &size), -EINVAL);
}

static void there_and_back(void)
{
	static const char *pieces[] = {"%", "/", ".", "~", "_", "\xc3\xb6", "\xe2\x82\xac", "\xff", "\x01", "A"};
	struct rng r = {env_seed("NAME_SEED")};
	uint64_t seed = r.state;
	int bad = 0;

	for (int n = 0; n < 300000 && !bad; n++) {
		char key[64], name[SHMFS_NAME_SIZE], back[SHMFS_NAME_SIZE];
		size_t size = 0, got = 0, want = rng_below(&r, 20);

		while (size < want) {
			const char *p = pieces[rng_below(&r, 10)];

			if (rng_once_in(&r, 2)) {
				key[size++] = (char)rng_next(&r);
				continue;
			}
			memcpy(key + size, p, strlen(p));
			size += strlen(p);
		}
		bad = shmfs_name_encode(key, size, name) || strchr(name, '/') || !*name ||
		      strlen(name) > 255 || shmfs_name_decode(name, strlen(name), back, &got) ||
		      got != size || memcmp(back, key, size);
	}
	if (bad)
		printf("# NAME_SEED=%llu\n", (unsigned long long)seed);
	CU_ASSERT_FALSE(bad);
}

/* A name that decodes is what its key encodes to. */
static void one_name_each(void)
{
	static const char letters[] = "%_~./0257EFa\xc3\xb6";
	struct rng r = {4};
	int bad = 0, good = 0;

	for (int n = 0; n < 500000 && !bad; n++) {
		char name[16], key[SHMFS_NAME_SIZE], again[SHMFS_NAME_SIZE];
		size_t size = 1 + rng_below(&r, 9), key_size = 0;

		for (size_t i = 0; i < size; i++)
			name[i] = letters[rng_below(&r, sizeof(letters) - 1)];
		if (shmfs_name_decode(name, size, key, &key_size))
			continue;
		good++;
		bad = shmfs_name_encode(key, key_size, again) || strlen(again) != size ||
		      memcmp(again, name, size);
	}
	CU_ASSERT_FALSE(bad);
	CU_ASSERT(good > 1000);
}

static void long_keys(void)
{
	static char key[SHMFS_KEY_MAX + 1];
	char name[SHMFS_NAME_SIZE], other[SHMFS_NAME_SIZE], back[SHMFS_NAME_SIZE];
	size_t size = 0;

	memset(key, 'k', sizeof(key));
	CU_ASSERT_EQUAL(shmfs_name_encode(key, 255, name), 0);
	CU_ASSERT_EQUAL(strlen(name), 255);
	CU_ASSERT_EQUAL(shmfs_name_decode(name, 255, back, &size), 0);
	CU_ASSERT(size == 255 && !memcmp(back, key, 255));

	CU_ASSERT_EQUAL(shmfs_name_encode(key, 256, name), 1);
	CU_ASSERT_EQUAL(strlen(name), 2 + 200 + 1 + 32);
	CU_ASSERT(!memcmp(name, "%~kkk", 5) && name[202] == '~');
	CU_ASSERT_EQUAL(strspn(name + 203, "0123456789ABCDEFabcdef"), 32);
	CU_ASSERT_EQUAL(shmfs_name_decode(name, strlen(name), back, &size), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(shmfs_name_encode(key, 257, other), 1);
	CU_ASSERT(strcmp(name, other) != 0);
	CU_ASSERT_EQUAL(shmfs_name_encode(key, SHMFS_KEY_MAX, name), 1);
	CU_ASSERT_EQUAL(shmfs_name_encode(key, SHMFS_KEY_MAX + 1, name), -E2BIG);

	/* Cut at a whole character, at a whole escape. */
	memset(key, 'k', 199);
	memcpy(key + 199, "\xc3\xb6", 2);
	CU_ASSERT_EQUAL(shmfs_name_encode(key, 300, name), 1);
	CU_ASSERT(name[201] == '~' && strlen(name) == 2 + 199 + 1 + 32);
	memset(key, '/', 300);
	CU_ASSERT_EQUAL(shmfs_name_encode(key, 85, name), 0);
	CU_ASSERT_EQUAL(strlen(name), 255);
	CU_ASSERT_EQUAL(shmfs_name_encode(key, 86, name), 1);
	CU_ASSERT_EQUAL(strlen(name), 2 + 198 + 1 + 32);
}

static const struct harness_test tests[] = {
	{"every rule of shmfs(7) gives the name it says", rules},
	{"bytes that are not UTF-8 are escaped, valid characters are not", not_utf8},
	{"spellings other than the canonical one are refused", other_spellings},
	{"random keys come back from their names", there_and_back},
	{"a name that decodes is the one its key encodes to", one_name_each},
	{"a key too long for a name gets a prefix and a hash", long_keys},
};

HARNESS_MAIN("name", tests)
