/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/terms.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* A bit number; -1 when there is none or it is past 63. */
static int bit(const char **text)
{
	int v = 0;

	if (!isdigit((unsigned char)**text))
		return -1;
	while (isdigit((unsigned char)**text)) {
		v = v * 10 + (*(*text)++ - '0');
		if (v > 63)
			return -1;
	}
	return v;
}

static const char *target_parse(const char *text, enum format_target *ret)
{
	size_t n = strcspn(text, ":");

	if (!text[n])
		return NULL;
	if (n == 6 && !strncmp(text, "config", n))
		*ret = FORMAT_CONFIG;
	else if (n == 7 && !strncmp(text, "config1", n))
		*ret = FORMAT_CONFIG1;
	else if (n == 7 && !strncmp(text, "config2", n))
		*ret = FORMAT_CONFIG2;
	else
		return NULL;
	return text + n + 1;
}

static uint64_t range_mask(unsigned from, unsigned to)
{
	unsigned width = to - from + 1;

	return (width == 64 ? ~0ull : (1ull << width) - 1) << from;
}

bool format_parse(const char *text, struct format *ret)
{
	struct format f = {0};
	uint64_t seen = 0;

	text = target_parse(text, &f.target);
	while (text) {
		int from = bit(&text), to = from;
		uint64_t mask;

		if (*text == '-') {
			text++;
			to = bit(&text);
		}
		if (from < 0 || to < from || f.n == FORMAT_RANGES)
			return false;
		mask = range_mask((unsigned)from, (unsigned)to);
		if (seen & mask)
			return false;
		seen |= mask;
		f.range[f.n].from = (uint8_t)from;
		f.range[f.n++].to = (uint8_t)to;
		if (!*text) {
			*ret = f;
			return true;
		}
		if (*text++ != ',')
			return false;
	}
	return false;
}

bool format_put(const struct format *f, uint64_t value, uint64_t *config)
{
	uint64_t out = *config;

	for (unsigned i = 0; i < f->n; i++) {
		unsigned from = f->range[i].from, width = f->range[i].to - from + 1u;
		uint64_t mask = range_mask(from, f->range[i].to);

		out = (out & ~mask) | (value << from & mask);
		value = width == 64 ? 0 : value >> width;
	}
	if (value)
		return false;
	*config = out;
	return true;
}

static bool copy(char out[TERM_MAX], const char *in, size_t n)
{
	if (n >= TERM_MAX)
		return false;
	memcpy(out, in, n);
	out[n] = '\0';
	return true;
}

int term_next(const char **text, struct term *ret)
{
	const char *at = *text;
	size_t n = strcspn(at, ","), name = strcspn(at, ",=");

	if (!*at)
		return 0;
	*ret = (struct term){.has_value = name < n};
	if (!name || !copy(ret->name, at, name))
		return -EINVAL;
	if (ret->has_value && !copy(ret->value, at + name + 1, n - name - 1))
		return -EINVAL;
	for (size_t i = 0; i < name; i++) {
		if (!isalnum((unsigned char)at[i]) && !strchr("_-.", at[i]))
			return -EINVAL;
	}
	at += n;
	/* A comma promises one more. */
	if (*at == ',' && !*++at)
		return -EINVAL;
	*text = at;
	return 1;
}
