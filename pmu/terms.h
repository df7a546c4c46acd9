/* SPDX-License-Identifier: Apache-2.0
 *
 * The little languages of a PMU's files: a format ("config:0-7,32-35") and terms
 * ("event=0x3c,umask=0x1,edge"). Text in, no files.
 */
#ifndef PMU_TERMS_H
#define PMU_TERMS_H

#include <stdbool.h>
#include <stdint.h>

enum format_target { FORMAT_CONFIG, FORMAT_CONFIG1, FORMAT_CONFIG2 };
enum { FORMAT_RANGES = 16, TERM_MAX = 128 };

/* Where the bits of a value go, its lowest first. */
struct format {
	enum format_target target;
	unsigned n;
	struct {
		uint8_t from, to; /* bits, both included */
	} range[FORMAT_RANGES];
};

/* False when malformed: bits past 63, ranges that run backwards or meet. */
bool format_parse(const char *text, struct format *ret);

/* Replaces the format's bits in *config by `value`; false when it has more bits than the format. */
bool format_put(const struct format *f, uint64_t value, uint64_t *config);

struct term {
	char name[TERM_MAX], value[TERM_MAX];
	bool has_value;
};

/* The next of comma-separated terms; *text moves behind it. 1, 0 at the end, -EINVAL. */
int term_next(const char **text, struct term *ret);

#endif
