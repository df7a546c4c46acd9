/* SPDX-License-Identifier: Apache-2.0
 *
 * The flame graph page: its structure, its columns decoded again, hostile names. With arguments,
 * `test_html STACKS FILE`, it writes a page of that many made-up stacks for the browser's test,
 * and to standard output what the page must say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/base/buf.h"
#include "agent/base/clock.h"
#include "agent/base/cursor.h"
#include "agent/base/fd.h"
#include "agent/wire/profile.h"
#include "exporters/html.h"
#include "exporters/sha256.h"
#include "exporters/tree.h"

enum { PAGE_MAX = 1 << 28 };

/* ---- profiles made up ---- */

static uint32_t frame(struct profile *p, uint32_t mapping, uint32_t flags, const char *inner,
		      const char *outer)
{
	struct profile_function f = {.name = profile_string(p, outer)};
	struct profile_line lines[2] = {0};
	struct profile_location l = {.mapping = mapping, .flags = flags};
	uint32_t n = 0;

	if (inner) {
		struct profile_function i = {.name = profile_string(p, inner)};
		lines[n++].function = profile_add_function(p, &i);
	}
	lines[n++].function = profile_add_function(p, &f);
	l.address = 0x1000 + 16 * (uint64_t)lines[0].function + (inner ? 1u << 24 : 0);
	return profile_add_location(p, &l, lines, n);
}

static uint32_t module(struct profile *p, const char *file, uint32_t kind)
{
	struct profile_mapping m = {.start = 0x1000, .limit = 0x10000000, .kind = kind};

	m.file = profile_string(p, file);
	m.build_id = profile_string(p, "3ba9ea1b");
	return profile_add_mapping(p, &m);
}

static void types(struct profile *p)
{
	assert_int_equal(profile_init(p), 0);
	profile_add_type(p, "samples", "count");
	profile_add_type(p, "cpu_clock", "nanoseconds");
	p->period_type = (struct profile_type){profile_string(p, "cpu_clock"),
					       profile_string(p, "nanoseconds")};
	p->period = 10101010;
	p->duration_nanos = 10 * (int64_t)NS_PER_S;
	p->default_type = profile_string(p, "cpu_clock");
}

static void sample(struct profile *p, const uint32_t *stack, uint32_t n, int64_t count,
		   const char *comm)
{
	struct profile_label label = {.key = profile_string(p, "comm")};
	int64_t values[] = {count, count * 10101010};

	if (comm)
		label.str = profile_string(p, comm);
	assert_int_equal(profile_add_sample(p, stack, n, &label, comm ? 1 : 0, values), 0);
}

static uint64_t dice = 88172645463325252u;

static uint32_t roll(uint32_t sides) /* xorshift64: the same on each run */
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)((dice >> 11) % sides);
}

static uint32_t low_roll(uint32_t sides) /* small numbers more often */
{
	uint32_t a = roll(sides), b = roll(sides), c = roll(sides);
	uint32_t least = a < b ? a : b;

	return least < c ? least : c;
}

static const char *const hostile[] = {
	"</script><script>window.owned=1</script>",
	"<img src=x onerror=window.owned=1>",
	"\"'`&amp;&lt;${window.owned=1}",
	"a\xe2\x80\xaegnp.exe\xe2\x81\xa6",
	"control\x01\x1b[31m\x7f\xc2\x9b",
	"bad\xff\xfe\xc0\xaf utf8",
	"--><!--@DATA@@JS@",
	"]]></noscript></title></style>",
};
enum { HOSTILE = sizeof(hostile) / sizeof(*hostile) };

/* ---- a large one, for the browser ---- */

enum { FUNCTIONS = 6000, MODULES = 12 };

static void function_name(char *s, size_t size, uint32_t i)
{
	static const char *const scopes[] = {"arena", "parser", "net::http", "storage::btree", "ssa",
					     "llvm::codegen", "std::__detail", "render", "query::plan"};
	static const char *const verbs[] = {"compute", "visit", "emit", "lookup", "insert", "read",
					    "flush", "resolve", "encode", "schedule", "hash"};
	static const char *const nouns[] = {"Node", "Block", "Entry", "Frame", "Token", "Value",
					    "Buffer", "Range", "Symbol", "Packet"};
	const char *scope = scopes[i % 9], *verb = verbs[i / 9 % 11], *noun = nouns[i / 99 % 10];

	if (i % 3 == 0)
		snprintf(s, size, "%s::%s%s%u(%s const&, unsigned long)", scope, verb, noun, i, noun);
	else if (i % 3 == 1)
		snprintf(s, size, "%s_%s_%u", verb, noun, i);
	else
		snprintf(s, size, "%s::%s<%s::%s, std::less<%s>>::%s%u() const", scope, noun,
			 scope, noun, noun, verb, i);
}

static const char *allocator(char *s) /* the name in front of its number */
{
	memcpy(s, "alloc", 5);
	return s;
}

static uint32_t *functions_make(struct profile *p)
{
	uint32_t *at = malloc(FUNCTIONS * sizeof(*at)), modules[MODULES];

	for (uint32_t i = 0; i < MODULES; i++) {
		char s[64];
		snprintf(s, sizeof(s), i ? "/usr/lib/lib%c%u.so.%u" : "[kernel]", 'a' + (int)i, i, i);
		modules[i] = module(p, s, i ? i == 1 ? PROFILE_MAP_JIT : PROFILE_MAP_FILE
					    : PROFILE_MAP_KERNEL);
	}
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		char s[256], inner[256];
		uint32_t m = i < 400 ? 0 : 1 + i % (MODULES - 1);
		function_name(s, sizeof(s), i);
		function_name(inner, sizeof(inner), (i * 7 + 1) % FUNCTIONS);
		at[i] = frame(p, modules[m], m ? 0 : PROFILE_LOC_KERNEL, i % 11 == 0 ? inner : NULL,
			      i < HOSTILE ? hostile[i] : i % 97 == 5 ? allocator(s) : s);
	}
	return at;
}

/* Random walks over a call graph: most functions hardly call but one other, some choose between
 * many. */
static uint32_t callee(uint32_t caller)
{
	bool chooses = caller * 2654435761u >> 28 < 3;
	uint32_t k = chooses ? low_roll(12) : roll(100) < 96 ? 0 : low_roll(12);
	uint64_t x = ((uint64_t)caller * 40503u + k) * 0x9e3779b97f4a7c15u;

	return k == 3 ? (uint32_t)(x >> 40) % 600 : (uint32_t)(x >> 40) % FUNCTIONS;
}

static void big(struct profile *p, uint32_t stacks)
{
	static const char *const comms[] = {"nginx", "postgres", "cc1plus", "</script>evil"};
	uint32_t *at, stack[128], leaf_first[128];

	types(p);
	profile_comment(p, "command: make -j2 <world>");
	profile_comment(p, "lost: 12 samples");
	profile_comment(p, "truncated: 0.03 %%");
	profile_comment(p, "fallback: cycles became cpu-clock (no PMU)");
	at = functions_make(p);
	while (p->samples.len < stacks) {
		uint32_t n = 5 + (roll(8) ? low_roll(60) : low_roll(115)), comm = low_roll(4);
		uint32_t f = 400 + comm;
		for (uint32_t k = 0; k < n; k++) {
			stack[k] = at[f];
			f = callee(f);
		}
		for (uint32_t k = 0; k < n; k++)
			leaf_first[k] = stack[n - 1 - k];
		sample(p, leaf_first, n, 1 + low_roll(30), comms[comm]);
	}
	free(at);
}

/* ---- the page read again ---- */

static void write_page(const struct profile *p, struct buf *page)
{
	char path[] = "/tmp/test-html-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(html_write(p, fd), 0);
	*page = BUF_INIT(PAGE_MAX);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(buf_read_fd(page, fd), 0);
	buf_put(page, "", 1);
	close(fd);
}

static int digit(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26
	     : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void from_base64(const char *s, struct buf *out)
{
	uint32_t v = 0;
	int bits = 0;

	for (; digit(*s) >= 0; s++) {
		v = v << 6 | (uint32_t)digit(*s);
		bits += 6;
		if (bits >= 8)
			buf_u8(out, (uint8_t)(v >> (bits -= 8)));
	}
}

static void inflate_page(const struct buf *page, struct buf *out)
{
	static const char mark[] = "id=\"data\">";
	const char *at = strstr((const char *)page->data, mark);
	struct buf packed = BUF_INIT(PAGE_MAX);
	z_stream z = {0};
	uint8_t step[65536];
	int r;

	assert_non_null(at);
	from_base64(at + strlen(mark), &packed);
	*out = BUF_INIT(PAGE_MAX);
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = packed.data;
	z.avail_in = (uInt)packed.len;
	do {
		z.next_out = step;
		z.avail_out = sizeof(step);
		r = inflate(&z, Z_NO_FLUSH);
		buf_put(out, step, sizeof(step) - z.avail_out);
	} while (r == Z_OK);
	assert_int_equal(r, Z_STREAM_END);
	inflateEnd(&z);
	buf_free(&packed);
}

enum { META, TYPES, MAPS, MODULES_, FUNCTIONS_, FN_MODULE, NAMES, NAME_INFO, DROP, NAME, INNER,
       SELF };

struct page_tree {
	struct buf data;
	struct cursor s[16];
	const char *functions[8192], *names[8192];
	uint32_t n_names, fn[8192], flags[8192];
};

static void open_page(const struct buf *page, struct page_tree *t)
{
	struct cursor c;
	uint32_t n, len[16];

	inflate_page(page, &t->data);
	c = cursor_over(t->data.data, t->data.len);
	n = cursor_u32(&c);
	assert_in_range(n, SELF + 1, 16);
	for (uint32_t i = 0; i < n; i++)
		len[i] = cursor_u32(&c);
	for (uint32_t i = 0; i < n; i++)
		t->s[i] = cursor_sub(&c, len[i]);
	assert_false(c.bad);
	assert_int_equal(cursor_left(&c), 0);
	for (n = 0; cursor_left(&t->s[FUNCTIONS_]); n++)
		t->functions[n] = cursor_str(&t->s[FUNCTIONS_]);
	for (n = 0; cursor_left(&t->s[NAMES]); n++) {
		uint64_t info = cursor_uleb(&t->s[NAME_INFO]);
		const char *own = cursor_str(&t->s[NAMES]);
		t->fn[n] = (uint32_t)(info >> 4);
		t->flags[n] = info & 15;
		t->names[n] = *own ? own : t->functions[t->fn[n]];
	}
	t->n_names = n;
}

/* The tree as lines of folded stacks with the second counter's weights, in the page's order. */
static char *fold(struct page_tree *t)
{
	struct cursor drop = t->s[DROP], name = t->s[NAME], inner = t->s[INNER], self = t->s[SELF + 1];
	uint32_t path[256], depth = 0, at = 0;
	uint64_t left = cursor_uleb(&inner), next = left ? cursor_uleb(&inner) : UINT64_MAX;
	struct buf out = BUF_INIT(PAGE_MAX);

	path[0] = 0;
	for (;; at++) {
		struct cursor peek = drop;
		bool last = !cursor_left(&drop), leaf = last || cursor_uleb(&peek) > 0;
		if (leaf || at == next) {
			for (uint32_t i = 1; i <= depth; i++)
				buf_printf(&out, "%s%s%s", i > 1 ? ";" : "", t->names[path[i]],
					   t->flags[path[i]] & TREE_INLINED ? "[i]" : "");
			buf_printf(&out, " %" PRIu64 "\n", cursor_uleb(&self));
		}
		if (at == next)
			next = --left ? next + cursor_uleb(&inner) : UINT64_MAX;
		if (last)
			break;
		depth = depth + 1 - (uint32_t)cursor_uleb(&drop);
		path[depth] = (uint32_t)cursor_uleb(&name);
	}
	assert_false(drop.bad || name.bad || inner.bad || self.bad);
	assert_int_equal(cursor_left(&name) + cursor_left(&self) + cursor_left(&inner), 0);
	buf_put(&out, "", 1);
	return (char *)out.data;
}

/* ---- tests ---- */

static void small(struct profile *p)
{
	uint32_t m, main_, parse, alloc, read_, gone;

	types(p);
	m = module(p, "/usr/bin/app", PROFILE_MAP_FILE);
	main_ = frame(p, m, 0, NULL, "main");
	parse = frame(p, m, 0, "inner", "parse");
	alloc = frame(p, m, 0, NULL, "alloc");
	read_ = frame(p, module(p, "[kernel]", PROFILE_MAP_KERNEL), PROFILE_LOC_KERNEL, NULL, "read");
	gone = profile_add_location(p, &(struct profile_location){.mapping = m, .address = 0x4711},
				    NULL, 0);
	sample(p, (uint32_t[]){alloc, parse, main_}, 3, 5, NULL);
	sample(p, (uint32_t[]){main_}, 1, 2, NULL);
	sample(p, (uint32_t[]){read_, main_}, 2, 9, NULL);
	sample(p, (uint32_t[]){parse, main_}, 2, 1, NULL);
	sample(p, (uint32_t[]){gone, alloc, parse, main_}, 4, 3, NULL);
}

static void test_columns_decode_to_the_profile(void **state)
{
	struct profile p;
	struct buf page;
	struct page_tree *t = calloc(1, sizeof(*t));
	char *folded;

	small(&p);
	write_page(&p, &page);
	open_page(&page, t);
	folded = fold(t);
	/* weights are in units of their greatest common divisor: 10101010 ns */
	assert_string_equal(folded, "main 2\n"
				    "main;parse;inner[i] 1\n"
				    "main;parse;inner[i];alloc 5\n"
				    "main;parse;inner[i];alloc;app+0x4711 3\n"
				    "main;read 9\n");
	free(folded);
	buf_free(&t->data);
	buf_free(&page);
	free(t);
	profile_free(&p);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One line a sample, as fold() makes them. */
static char *expect_line(const struct profile *p, const struct profile_sample *s)
{
	struct buf b = BUF_INIT(PAGE_MAX);

	for (uint32_t l = 0; l < s->n_labels; l++)
		if (strcmp(profile_str(p, p->labels.at[s->first_label + l].key), "comm") == 0)
			buf_printf(&b, "%s", profile_str(p, p->labels.at[s->first_label + l].str));
	for (uint32_t k = s->n_locations; k-- > 0;) {
		const struct profile_location *l = &p->locations.at[p->stack.at[s->first_location + k]];
		for (uint32_t i = l->n_lines; i-- > 0;) {
			const struct profile_line *line = &p->lines.at[l->first_line + i];
			buf_printf(&b, ";%s%s", profile_str(p, p->functions.at[line->function].name),
				   i + 1 < l->n_lines ? "[i]" : "");
		}
	}
	buf_printf(&b, " %" PRId64, p->values.at[s->first_value + 1] / 10101010);
	buf_put(&b, "", 1);
	return (char *)b.data;
}

static void compare_folded(const struct profile *p, char *folded)
{
	char **want = calloc(p->samples.len, sizeof(*want));
	char **got = calloc(p->samples.len, sizeof(*got)), *save = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->samples.len; i++)
		want[i] = expect_line(p, &p->samples.at[i]);
	for (char *s = strtok_r(folded, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		assert_true(n < p->samples.len);
		got[n++] = s;
	}
	assert_int_equal(n, p->samples.len);
	qsort(want, n, sizeof(*want), by_text);
	qsort(got, n, sizeof(*got), by_text);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(got[i], want[i]);
		free(want[i]);
	}
	free(want);
	free(got);
}

static void test_every_stack_comes_back(void **state)
{
	struct profile p;
	struct buf page;
	struct page_tree *t = calloc(1, sizeof(*t));
	char *folded;

	big(&p, 3000);
	/* names that the page must not carry as they are would not compare equal: plain ones here */
	for (size_t i = 0; i < p.strings.len; i++)
		for (uint32_t k = 0; k < p.strings.at[i].len; k++)
			if ((uint8_t)p.strings.at[i].s[k] < ' ' || (uint8_t)p.strings.at[i].s[k] > '~')
				p.strings.at[i].s[k] = '?';
	write_page(&p, &page);
	open_page(&page, t);
	folded = fold(t);
	compare_folded(&p, folded);
	free(folded);
	buf_free(&t->data);
	buf_free(&page);
	free(t);
	profile_free(&p);
}

static void test_same_profile_same_bytes(void **state)
{
	struct profile p;
	struct buf a, b;

	big(&p, 500);
	write_page(&p, &a);
	write_page(&p, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	buf_free(&a);
	buf_free(&b);
	profile_free(&p);
}

static void test_hostile_names_never_appear_raw(void **state)
{
	struct profile p;
	struct buf page;
	const char *s;
	uint32_t m, stack[HOSTILE];
	size_t scripts = 0;

	types(&p);
	m = module(&p, "/tmp/</script><b>", PROFILE_MAP_FILE);
	for (uint32_t i = 0; i < HOSTILE; i++) {
		stack[i] = frame(&p, m, 0, NULL, hostile[i]);
		sample(&p, stack, i + 1, 10, hostile[i]);
		profile_comment(&p, "%s", hostile[i]);
		sample(&p, &stack[i], 1, 10 + i, i % 2 ? hostile[0] : "x");
	}
	write_page(&p, &page);
	s = (const char *)page.data;
	for (uint32_t i = 0; i < HOSTILE; i++)
		assert_null(strstr(s, hostile[i]));
	assert_null(strstr(s, "</script><b>"));
	assert_null(strstr(s, "\xe2\x80\xae"));
	assert_non_null(strstr(s, "&#60;/script&#62;")); /* in the table without JavaScript */
	for (const char *at = s; (at = strstr(at, "</script")); at++)
		scripts++;
	assert_int_equal(scripts, 2);
	assert_null(strchr(s, '\x1b'));
	assert_int_equal(strlen(s), page.len - 1);
	buf_free(&page);
	profile_free(&p);
}

static void test_page_forbids_all_requests(void **state)
{
	struct profile p;
	struct buf page;
	const char *s, *policy, *addresses[] = {"http:", "https:", "//www", "@import", "url(", "src="};

	small(&p);
	write_page(&p, &page);
	s = (const char *)page.data;
	policy = strstr(s, "content=\"default-src 'none'; script-src 'sha256-");
	assert_non_null(policy);
	assert_true(policy < strstr(s, "<style") && policy < strstr(s, "<script"));
	assert_null(strstr(s, "unsafe"));
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		assert_null(strstr(s, addresses[i]));
	assert_true(page.len < 64 * 1024);
	buf_free(&page);
	profile_free(&p);
}

static void test_empty_and_odd_profiles(void **state)
{
	struct profile p;
	struct buf page;
	uint32_t leaf;

	assert_int_equal(profile_init(&p), 0);
	write_page(&p, &page); /* no types, no samples */
	buf_free(&page);
	profile_free(&p);
	types(&p);
	sample(&p, NULL, 0, 3, NULL); /* a stack without frames is the root's own weight */
	leaf = profile_add_location(&p, &(struct profile_location){.mapping = PROFILE_NONE}, NULL, 0);
	sample(&p, &leaf, 1, -4, NULL);
	write_page(&p, &page);
	buf_free(&page);
	profile_free(&p);
}

static void test_deep_stack(void **state)
{
	enum { DEEP = 1000000 };
	struct profile p;
	struct buf page;
	uint32_t *stack = calloc(DEEP, sizeof(*stack)), f[2];

	types(&p);
	f[0] = frame(&p, PROFILE_NONE, 0, NULL, "even");
	f[1] = frame(&p, PROFILE_NONE, 0, NULL, "odd");
	for (size_t i = 0; i < DEEP; i++)
		stack[i] = f[i % 2];
	sample(&p, stack, DEEP, 1, NULL);
	sample(&p, stack, DEEP - 1, 1, NULL);
	write_page(&p, &page);
	assert_true(page.len < 256 * 1024);
	buf_free(&page);
	free(stack);
	profile_free(&p);
}

static void test_totals_count_recursion_once(void **state)
{
	struct profile p;
	struct tree t;
	uint32_t a, b;
	uint64_t *w;

	types(&p);
	a = frame(&p, PROFILE_NONE, 0, NULL, "a");
	b = frame(&p, PROFILE_NONE, 0, NULL, "b");
	sample(&p, (uint32_t[]){a, b, a, a}, 4, 3, NULL);
	sample(&p, (uint32_t[]){a}, 1, 2, NULL);
	sample(&p, (uint32_t[]){b}, 1, 4, NULL);
	assert_int_equal(tree_build(&p, &t), 0);
	w = calloc(2 * t.functions.len, sizeof(*w));
	assert_int_equal(tree_functions(&t, w, w + t.functions.len), 0);
	for (size_t i = 0; i < t.functions.len; i++) {
		const char *s = tree_text(&t, t.functions.at[i].text);
		uint64_t self = w[i] / 10101010, total = w[t.functions.len + i] / 10101010;
		assert_int_equal(self, *s == 'b' ? 4 : s[1] ? 0 : 5);
		assert_int_equal(total, *s == 'b' ? 7 : s[1] ? 9 : 5);
	}
	free(w);
	tree_free(&t);
	profile_free(&p);
}

static void hex_is(const char *text, size_t len, const char *want)
{
	uint8_t hash[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	sha256(text, len, hash);
	for (int i = 0; i < SHA256_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	assert_string_equal(hex, want);
}

static void test_sha256(void **state) /* FIPS 180-2, appendix B, and the empty message */
{
	char *million = malloc(1000000);

	hex_is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hex_is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hex_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
	       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', 1000000);
	hex_is(million, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

/* ---- for the browser ---- */

/* The weight below any function whose name contains `word`, over all stacks: what search says. */
static void say_share(const struct profile *p, const char *word)
{
	int64_t found = 0, all = 0;

	for (size_t i = 0; i < p->samples.len; i++) {
		const struct profile_sample *s = &p->samples.at[i];
		bool hit = false;
		for (uint32_t k = 0; k < s->n_locations; k++) {
			const struct profile_location *l =
				&p->locations.at[p->stack.at[s->first_location + k]];
			for (uint32_t n = 0; n < l->n_lines; n++) {
				uint32_t f = p->lines.at[l->first_line + n].function;
				hit |= !!strcasestr(profile_str(p, p->functions.at[f].name), word);
			}
		}
		all += p->values.at[s->first_value];
		found += hit ? p->values.at[s->first_value] : 0;
	}
	printf("share %s %.2f\n", word, 100.0 * (double)found / (double)all);
}

static int write_big(uint32_t stacks, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct profile p;
	uint64_t start;
	int e;

	if (fd < 0)
		return 1;
	big(&p, stacks);
	start = clock_mono();
	e = html_write(&p, fd);
	printf("milliseconds %" PRIu64 "\n", (clock_mono() - start) / NS_PER_MS);
	printf("bytes %lld\n", (long long)lseek(fd, 0, SEEK_CUR));
	say_share(&p, "alloc");
	say_share(&p, "malloc");
	say_share(&p, "script");
	close(fd);
	profile_free(&p);
	return e ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_columns_decode_to_the_profile),
		cmocka_unit_test(test_every_stack_comes_back),
		cmocka_unit_test(test_same_profile_same_bytes),
		cmocka_unit_test(test_hostile_names_never_appear_raw),
		cmocka_unit_test(test_page_forbids_all_requests),
		cmocka_unit_test(test_empty_and_odd_profiles),
		cmocka_unit_test(test_deep_stack),
		cmocka_unit_test(test_totals_count_recursion_once),
	};

	if (argc == 3)
		return write_big((uint32_t)strtoul(argv[1], NULL, 10), argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
