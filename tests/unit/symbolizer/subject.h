/* SPDX-License-Identifier: Apache-2.0
 *
 * A file whose names are asked for, as the symbolizer does it, and addr2line's word on the same
 * addresses.
 */
#ifndef TESTS_SUBJECT_H
#define TESTS_SUBJECT_H

#include "tests/unit/symbolizer/compile.h"

#include "agent/base/vec.h"
#include "symbolizer/image.h"
#include "symbolizer/names.h"

struct subject {
	struct image *img;
	struct names *names;
	struct sym_info info;
};

static struct frames frames; /* too large for a stack */

static inline void open_subject(struct subject *s, const char *path)
{
	*s = (struct subject){0};
	assert_int_equal(image_open(open(path, O_RDONLY), &s->img), 0);
	assert_int_equal(names_open(s->img, &s->names), 0);
	names_info(s->names, &s->info);
}

static inline void close_subject(struct subject *s)
{
	names_close(&s->names);
	image_close(&s->img);
}

static inline bool wants(const struct subject *s, uint32_t kind)
{
	for (int i = 0; i < s->info.n_wants; i++)
		if (s->info.wants[i].kind == kind)
			return true;
	return false;
}

static inline void answer(struct subject *s, uint32_t kind, const char *path)
{
	assert_int_equal(names_debug(s->names, kind, path ? open(path, O_RDONLY) : -1), 0);
	names_info(s->names, &s->info);
}

static inline void look(struct subject *s, uint64_t addr)
{
	uint64_t budget = 1 << 24;

	names_at(s->names, addr, &budget, &frames);
}

static inline bool is(struct str s, const char *text)
{
	return s.at && s.len == strlen(text) && !memcmp(s.at, text, s.len);
}

static inline const char *outermost(struct subject *s, uint64_t addr)
{
	static char name[256];
	struct str n;

	look(s, addr);
	if (!frames.n)
		return "";
	n = frames.at[frames.n - 1].name;
	snprintf(name, sizeof(name), "%.*s", (int)n.len, n.at);
	return name;
}

/* A symbol's value by nm. */
static inline uint64_t value_of(const char *path, const char *name)
{
	char *text;
	uint64_t v;

	shell("nm '%s' | awk '$3 == \"%s\" { print $1 }' >value", path, name);
	text = read_file("value", NULL);
	v = strtoull(text, NULL, 16);
	free(text);
	return v;
}

/* A program with functions inlined three deep, one in two places, and one outside. */
static const char program[] __attribute__((unused)) =
	"#include <stdio.h>\n"
	"static volatile int sink;\n"
	"static inline __attribute__((always_inline)) int three(int x)\n"
	"{\n"
	"\tsink = x * 3;\n"
	"\treturn sink + 7;\n"
	"}\n"
	"static inline __attribute__((always_inline)) int two(int x)\n"
	"{\n"
	"\tint y = three(x + 1);\n"
	"\treturn y ^ three(y);\n"
	"}\n"
	"__attribute__((noinline)) int outer(int x)\n"
	"{\n"
	"\tfor (int i = 0; i < x; i++)\n"
	"\t\tx += two(i);\n"
	"\treturn x;\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"\tprintf(\"%d\\n\", outer(argc) + two(argc));\n"
	"\treturn 0;\n"
	"}\n";

typedef VEC(uint64_t) addresses;

/* Every `step`th byte of .text. */
static inline void text_addresses(struct subject *s, uint64_t step, addresses *ret)
{
	struct image_sec text;

	assert_true(image_sec_named(s->img, ".text", &text));
	for (uint64_t a = text.vaddr; a < text.vaddr + text.size; a += step)
		*vec_add(ret) = a;
}

struct score {
	int asked, chains, names, lines;
};

static inline bool same_name(const char *theirs, struct str ours)
{
	size_t n = strcspn(theirs, "\n");
	static const char internal[] = "__GI_"; /* glibc's own alias of its functions */

	if (!strncmp(theirs, internal, sizeof(internal) - 1) && n > 5)
		theirs += 5, n -= 5;
	return ours.len == n && !memcmp(theirs, ours.at, n);
}

/* One address of addr2line's output: "0x…", then pairs of name and file:line. Returns what is
 * behind it. */
static inline const char *score_one(struct subject *s, const char *at, struct score *score)
{
	unsigned n = 0, names = 0, lines = 0;

	look(s, strtoull(at, NULL, 16));
	at = strchr(at, '\n') + 1;
	for (; *at && strncmp(at, "0x", 2); n++) {
		const char *file = strchr(at, '\n') + 1, *end = strchr(file, '\n');
		const char *colon = file + strcspn(file, ":\n");
		if (n < frames.n) {
			const struct frame *f = &frames.at[n];
			names += same_name(at, f->name);
			lines += f->line == strtoul(colon + 1, NULL, 10);
		}
		at = end + 1;
	}
	if (frames.n) { /* padding is nobody's for us */
		score->asked++;
		score->chains += n == frames.n;
		score->names += names == n;
		score->lines += lines == n;
	}
	return at;
}

static inline struct score compare(struct subject *s, const char *debug_path, uint64_t step)
{
	struct score score = {0};
	addresses all = {0};
	FILE *f = fopen("asked", "w");
	char *text;

	text_addresses(s, step, &all);
	for (size_t i = 0; i < all.len; i++)
		fprintf(f, "%#llx\n", (unsigned long long)all.at[i]);
	fclose(f);
	vec_free(&all);
	assert_int_equal(shell("addr2line -a -i -f -e '%s' <asked >told", debug_path), 0);
	text = read_file("told", NULL);
	for (const char *at = text; *at;)
		at = score_one(s, at, &score);
	free(text);
	return score;
}

#endif
