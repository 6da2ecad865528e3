/* SPDX-License-Identifier: MIT */
/*
 * floor 0: the file name of a key, and back (shmfs(7), "Names").
 *
 * Bijective: every key has one name and every name that decodes is the one its key
 * encodes to; decode makes sure by encoding again.
 */
#include "shmfs.h"

#include <errno.h>

#include "hash.h"

#define PREFIX_MAX 200 /* of a long key's name; then ~ and 32 hex digits of its hash */

static const char hex[] = "0123456789ABCDEF";

/* Length of the valid UTF-8 sequence at p, or 0 (RFC 3629: no surrogates, no overlong forms). */
static size_t utf8_length(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
	uint32_t c;

	if (len < 2)
		return len;
	if (len > n)
		return 0;
	c = p[0] & (0xff >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 63);
	}
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

static bool plain(uint8_t c)
{
	return c >= 0x20 && c != 0x7f && c != '%' && c != '/';
}

/* Encode whole characters of the key while they fit; *used says how much of the key went in. */
static size_t encode_prefix(const uint8_t *key, size_t n, char *out, size_t room, size_t *used)
{
	size_t at = 0, i = 0;

	while (i < n) {
		size_t len = utf8_length(key + i, n - i);

		if (len > 1 || (len == 1 && plain(key[i]))) {
			if (at + len > room)
				break;
			memcpy(out + at, key + i, len);
			at += len;
			i += len;
		} else {
			if (at + 3 > room)
				break;
			out[at++] = '%';
			out[at++] = hex[key[i] >> 4];
			out[at++] = hex[key[i] & 15];
			i++;
		}
	}
	*used = i;
	return at;
}

/* The name of a key whose encoding is too long: prefix and hash. */
static void encode_long(const uint8_t *key, size_t n, char *name)
{
	size_t used, at = 2 + encode_prefix(key, n, name + 2, PREFIX_MAX, &used);
	XXH128_hash_t hash = XXH3_128bits(key, n);
	uint64_t half[2] = {hash.high64, hash.low64};

	memcpy(name, "%~", 2);
	name[at++] = '~';
	for (int i = 0; i < 32; i++)
		name[at++] = hex[half[i / 16] >> (60 - i % 16 * 4) & 15];
	name[at] = 0;
}

int shmfs_name_encode(const void *key, size_t key_size, char *name)
{
	const uint8_t *p = key;
	size_t used, n;

	if (!name || (!key && key_size))
		return -EINVAL;
	if (key_size > SHMFS_KEY_MAX)
		return -E2BIG;
	if (key_size == 0) {
		memcpy(name, "%_", 3);
		return 0;
	}
	if (key_size <= 2 && p[0] == '.' && p[key_size - 1] == '.') {
		memcpy(name, key_size == 1 ? "%2E" : "%2E%2E", key_size * 3 + 1);
		return 0;
	}
	n = encode_prefix(p, key_size, name, SHMFS_NAME_SIZE - 1, &used);
	if (used < key_size) {
		encode_long(p, key_size, name);
		return 1;
	}
	name[n] = 0;
	return 0;
}

static int hex_digit(char c)
{
	const char *at = c ? strchr(hex, c) : NULL;

	return at ? (int)(at - hex) : -1;
}

int shmfs_name_decode(const char *name, size_t name_size, void *key, size_t *key_size)
{
	char again[SHMFS_NAME_SIZE];
	uint8_t *out = key;
	size_t n = 0;

	if (!name || !key || !key_size || name_size == 0 || name_size >= SHMFS_NAME_SIZE)
		return -EINVAL;
	if (name_size >= 2 && name[0] == '%' && name[1] == '~')
		return -ENAMETOOLONG;
	if (name_size == 2 && memcmp(name, "%_", 2) == 0) {
		*key_size = 0;
		return 0;
	}
	for (size_t i = 0; i < name_size; i++) {
		if (name[i] == '%') {
			int high, low;

			if (i + 2 >= name_size || (high = hex_digit(name[i + 1])) < 0 ||
			    (low = hex_digit(name[i + 2])) < 0)
				return -EINVAL;
			out[n++] = (uint8_t)(high << 4 | low);
			i += 2;
		} else {
			out[n++] = (uint8_t)name[i];
		}
	}
	if (shmfs_name_encode(out, n, again) != 0 || strlen(again) != name_size ||
	    memcmp(again, name, name_size) != 0)
		return -EINVAL;
	*key_size = n;
	return 0;
}
