/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean ...?": the word of a list that a mistyped one is nearest to.
 *
 * Near is one slip in a short word, two in a longer one: a letter too many, too few, another, or two
 * that changed places; or a beginning that only one of the list has.  Capitals are no slip.
 */
#include <ctype.h>
#include <string.h>

#include "ctl.h"

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Slips from a to b, both at most CTL_WORD_MOST bytes: optimal string alignment, three rows of it. */
static unsigned slips(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned rows[3][CTL_WORD_MOST + 1];

	for (size_t k = 0; k <= b_size; k++)
		rows[0][k] = (unsigned)k;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t k = 1; k <= b_size; k++) {
			now[k] = least(last[k], now[k - 1]) + 1;
			now[k] = least(now[k], last[k - 1] + !same(a[i - 1], b[k - 1]));
			if (i > 1 && k > 1 && same(a[i - 1], b[k - 2]) && same(a[i - 2], b[k - 1]))
				now[k] = least(now[k], before[k - 2] + 1);
		}
	}
	return rows[a_size % 3][b_size];
}

void ctl_suggest_start(struct ctl_suggest *s, const void *typed, size_t size)
{
	*s = (struct ctl_suggest){.typed = typed, .size = size, .nearest = UINT32_MAX};
}

bool ctl_suggest_try(struct ctl_suggest *s, const void *word, size_t size)
{
	unsigned most = s->size > 4 ? 2 : 1, n;

	if (!s->size || s->size > CTL_WORD_MOST || size > CTL_WORD_MOST)
		return false;
	n = slips(s->typed, s->size, word, size);
	if (n > most && s->size >= 2 && size > s->size && !memcmp(s->typed, word, s->size))
		n = most;
	if (n > most || n >= size || n >= s->nearest)
		return false;
	s->nearest = n;
	s->found = true;
	s->word_size = size;
	memcpy(s->word, word, size);
	s->word[size] = '\0';
	return true;
}
