/* SPDX-License-Identifier: MIT */
/*
 * Base64 back to bytes, as RFC 4648 has it and json_base64() writes it: with its padding, without
 * blanks, and every byte in one form only.
 */
#include "ctl.h"

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Of the bytes that a group of four digits stands for, 3 or at the end fewer; 0: it is none. */
static size_t group(const char *text, bool last, unsigned char out[3])
{
	size_t n = !last || text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1, i;
	unsigned int bits = 0;

	for (i = 0; i <= n; i++) {
		if (digit(text[i]) < 0)
			return 0;
		bits |= (unsigned int)digit(text[i]) << (18 - 6 * i);
	}
	for (i = 0; i < n; i++)
		out[i] = (unsigned char)(bits >> (16 - 8 * i));
	/* Bits that stand for nothing are 0. */
	return bits & (0xffffff >> 8 * n) ? 0 : n;
}

bool ctl_base64_decode(const char *text, size_t size, void *out, size_t *out_size)
{
	unsigned char *to = out;
	size_t at, n;

	*out_size = 0;
	if (size % 4)
		return false;
	for (at = 0; at < size; at += 4, *out_size += n) {
		unsigned char bytes[3];

		n = group(text + at, at + 4 == size, bytes);
		if (!n)
			return false;
		for (size_t i = 0; i < n; i++)
			to[*out_size + i] = bytes[i];
	}
	return true;
}
