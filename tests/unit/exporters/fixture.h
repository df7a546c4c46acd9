/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile of all that there is, in small: inlined functions, kernel, JIT code and unnamed code,
 * recursion, labels, two values; and how two profiles are compared. For the tests of this folder.
 */
#ifndef TESTS_EXPORTERS_FIXTURE_H
#define TESTS_EXPORTERS_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/wire/profile.h"

enum fixture_location { F_LEAF, F_MAIN, F_KERNEL, F_JIT, F_VENDOR, F_VENDOR2, F_RECURSE, F_BARE };

static uint32_t fixture_function(struct profile *p, const char *name, const char *file)
{
	struct profile_function f = {.name = profile_string(p, name),
				     .file = profile_string(p, file), .start_line = 1};
	f.system_name = f.name;
	return profile_add_function(p, &f);
}

static uint32_t fixture_mapping(struct profile *p, const char *file, uint64_t start, uint32_t kind)
{
	struct profile_mapping m = {.start = start, .limit = start + 0x10000, .kind = kind};

	m.file = profile_string(p, file);
	/* One build ID a file: older pprofs merge mappings of one ID and size. */
	m.build_id = profile_string(p, kind != PROFILE_MAP_FILE       ? ""
				       : !strcmp(file, "/usr/bin/demo") ? "0123456789abcdef"
								       : "fedcba9876543210");
	return profile_add_mapping(p, &m);
}

static void fixture_location(struct profile *p, uint32_t mapping, uint64_t address, uint32_t flags,
			     const char *name, const char *inlined)
{
	struct profile_location l = {.mapping = mapping, .address = address, .flags = flags};
	const char *file = flags ? "" : "/src/demo.c";
	struct profile_line lines[2];
	uint32_t n = 0;

	if (inlined)
		lines[n++] = (struct profile_line){fixture_function(p, inlined, file), 11};
	if (name)
		lines[n++] = (struct profile_line){fixture_function(p, name, file), flags ? 0 : 22};
	profile_add_location(p, &l, lines, n);
}

static void fixture_sample(struct profile *p, const uint32_t *stack, uint32_t n, const char *comm,
			   int64_t pid, int64_t samples)
{
	struct profile_label labels[] = {
		{.key = profile_string(p, "comm"), .str = profile_string(p, comm)},
		{.key = profile_string(p, "cpu"), .num = 0, .unit = profile_string(p, "index")},
		{.key = profile_string(p, "pid"), .num = pid, .unit = profile_string(p, "id")},
		{.key = profile_string(p, "tid"), .num = pid + 1, .unit = profile_string(p, "id")},
	};
	int64_t values[] = {samples, samples * 10000000};

	assert_int_equal(profile_add_sample(p, stack, n, labels, 4, values), 0);
}

static void fixture_locations(struct profile *p)
{
	uint32_t demo = fixture_mapping(p, "/usr/bin/demo", 0x1000, PROFILE_MAP_FILE);
	uint32_t kernel = fixture_mapping(p, "[kernel.kallsyms]", UINT64_C(1) << 63,
					  PROFILE_MAP_KERNEL);
	uint32_t jit = fixture_mapping(p, "[jit]", 0, PROFILE_MAP_JIT);
	uint32_t vendor = fixture_mapping(p, "/opt/libvendor.so", 0, PROFILE_MAP_FILE);

	fixture_location(p, demo, 0x1100, 0, "leaf", "inlined<int>");
	fixture_location(p, demo, 0x1200, 0, "main", NULL);
	fixture_location(p, kernel, 0xffffffff81000000, PROFILE_LOC_KERNEL, "copy_user", NULL);
	fixture_location(p, jit, 0x7f0000001000, 0, "LazyCompile:~f", NULL);
	fixture_location(p, vendor, 0x12f0, PROFILE_LOC_UNNAMED, "libvendor.so+0x12f0", NULL);
	fixture_location(p, vendor, 0x1390, PROFILE_LOC_UNNAMED, "libvendor.so+0x1390", NULL);
	fixture_location(p, demo, 0x1300, 0, "recurse", NULL);
	fixture_location(p, PROFILE_NONE, 0xdead, 0, NULL, NULL);
}

static inline void fixture(struct profile *p)
{
	assert_int_equal(profile_init(p), 0);
	profile_add_type(p, "samples", "count");
	profile_add_type(p, "cpu_clock", "nanoseconds");
	fixture_locations(p);
	fixture_sample(p, (uint32_t[]){F_LEAF, F_MAIN}, 2, "demo", 10, 50);
	fixture_sample(p, (uint32_t[]){F_LEAF, F_MAIN}, 2, "demo", 11, 10);
	fixture_sample(p, (uint32_t[]){F_KERNEL, F_LEAF, F_MAIN}, 3, "demo", 10, 20);
	fixture_sample(p, (uint32_t[]){F_VENDOR, F_VENDOR2, F_MAIN}, 3, "demo", 10, 5);
	fixture_sample(p, (uint32_t[]){F_VENDOR2, F_MAIN}, 2, "demo", 10, 5);
	fixture_sample(p, (uint32_t[]){F_RECURSE, F_RECURSE, F_RECURSE, F_MAIN}, 4, "demo", 10, 40);
	fixture_sample(p, (uint32_t[]){F_JIT, F_BARE}, 2, "other", 20, 70);
	p->period_type = p->types.at[1];
	p->period = 10000000;
	p->time_nanos = 1700000000000000000;
	p->duration_nanos = 2000000000;
	p->default_type = p->types.at[1].type;
	p->drop_frames = profile_string(p, "^drop_me$");
	p->keep_frames = profile_string(p, "^keep_me$");
	profile_comment(p, "rate: 100 Hz");
	profile_comment(p, "quality: A");
	profile_comment(p, "lost: 0");
	assert_true(profile_valid(p));
}

/* What a writer puts into its descriptor; `b` is to be freed. */
static inline int written(int (*write_fn)(const struct profile *p, int fd), const struct profile *p,
			  struct buf *b)
{
	int fd = memfd_create("out", MFD_CLOEXEC), r;

	assert_true(fd >= 0);
	*b = BUF_INIT((size_t)1 << 30);
	r = write_fn(p, fd);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_fd(b, fd), 0);
	close(fd);
	return r;
}

#define SAME_TEXT(x, y) assert_string_equal(profile_str(a, (x)), profile_str(b, (y)))

static void same_places(const struct profile *a, const struct profile *b)
{
	assert_int_equal(a->mappings.len, b->mappings.len);
	for (size_t i = 0; i < a->mappings.len; i++) {
		const struct profile_mapping *x = &a->mappings.at[i], *y = &b->mappings.at[i];
		assert_true(x->start == y->start && x->limit == y->limit && x->offset == y->offset);
		assert_int_equal(x->kind, y->kind);
		SAME_TEXT(x->file, y->file);
		SAME_TEXT(x->build_id, y->build_id);
	}
	assert_int_equal(a->functions.len, b->functions.len);
	for (size_t i = 0; i < a->functions.len; i++) {
		const struct profile_function *x = &a->functions.at[i], *y = &b->functions.at[i];
		SAME_TEXT(x->name, y->name);
		SAME_TEXT(x->system_name, y->system_name);
		SAME_TEXT(x->file, y->file);
		assert_int_equal(x->start_line, y->start_line);
	}
	assert_int_equal(a->locations.len, b->locations.len);
	for (size_t i = 0; i < a->locations.len; i++) {
		const struct profile_location *x = &a->locations.at[i], *y = &b->locations.at[i];
		assert_true(x->address == y->address && x->mapping == y->mapping);
		assert_int_equal(x->flags & ~PROFILE_LOC_FP, y->flags);
		assert_int_equal(x->n_lines, y->n_lines);
		for (uint32_t k = 0; k < x->n_lines; k++)
			assert_memory_equal(&a->lines.at[x->first_line + k],
					    &b->lines.at[y->first_line + k],
					    sizeof(struct profile_line));
	}
}

static void same_samples(const struct profile *a, const struct profile *b)
{
	assert_int_equal(a->samples.len, b->samples.len);
	for (size_t i = 0; i < a->samples.len; i++) {
		const struct profile_sample *x = &a->samples.at[i], *y = &b->samples.at[i];
		assert_int_equal(x->n_locations, y->n_locations);
		assert_int_equal(x->n_labels, y->n_labels);
		for (uint32_t k = 0; k < x->n_locations; k++)
			assert_int_equal(a->stack.at[x->first_location + k],
					 b->stack.at[y->first_location + k]);
		for (size_t k = 0; k < a->types.len; k++)
			assert_int_equal(a->values.at[x->first_value + k],
					 b->values.at[y->first_value + k]);
		for (uint32_t k = 0; k < x->n_labels; k++) {
			const struct profile_label *l = &a->labels.at[x->first_label + k];
			const struct profile_label *m = &b->labels.at[y->first_label + k];
			SAME_TEXT(l->key, m->key);
			SAME_TEXT(l->str, m->str);
			SAME_TEXT(l->unit, m->unit);
			assert_int_equal(l->num, m->num);
		}
	}
}

/* All but PROFILE_LOC_FP, which pprof has no place for, and the mappings' has_… */
static inline void assert_same(const struct profile *a, const struct profile *b)
{
	assert_int_equal(a->types.len, b->types.len);
	for (size_t i = 0; i < a->types.len; i++) {
		SAME_TEXT(a->types.at[i].type, b->types.at[i].type);
		SAME_TEXT(a->types.at[i].unit, b->types.at[i].unit);
	}
	same_places(a, b);
	same_samples(a, b);
	assert_int_equal(a->comments.len, b->comments.len);
	for (size_t i = 0; i < a->comments.len; i++)
		SAME_TEXT(a->comments.at[i], b->comments.at[i]);
	SAME_TEXT(a->period_type.type, b->period_type.type);
	SAME_TEXT(a->period_type.unit, b->period_type.unit);
	SAME_TEXT(a->default_type, b->default_type);
	SAME_TEXT(a->drop_frames, b->drop_frames);
	SAME_TEXT(a->keep_frames, b->keep_frames);
	assert_true(a->period == b->period && a->time_nanos == b->time_nanos &&
		    a->duration_nanos == b->duration_nanos);
}

#endif
