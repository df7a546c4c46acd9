/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/frames.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t frames_type(const struct profile *p)
{
	for (size_t i = 0; p->default_type && i < p->types.len; i++)
		if (p->types.at[i].type == p->default_type)
			return (uint32_t)i;
	return p->types.len ? (uint32_t)p->types.len - 1 : PROFILE_NONE;
}

const struct profile_label *frames_label(const struct profile *p, const struct profile_sample *s,
					 uint32_t key)
{
	for (uint32_t i = 0; i < s->n_labels; i++)
		if (p->labels.at[s->first_label + i].key == key)
			return &p->labels.at[s->first_label + i];
	return NULL;
}

uint32_t frames_find(const struct profile *p, const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < p->strings.len; i++)
		if (p->strings.at[i].len == n && !memcmp(p->strings.at[i].s, s, n))
			return (uint32_t)i;
	return PROFILE_NONE;
}

const char *frames_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

static const struct profile_mapping *mapping_of(const struct profile *p,
						const struct profile_location *l)
{
	return l->mapping == PROFILE_NONE ? NULL : &p->mappings.at[l->mapping];
}

const char *frames_module(const struct profile *p, const struct profile_location *l)
{
	const struct profile_mapping *m = mapping_of(p, l);
	return m ? frames_base(profile_str(p, m->file)) : "";
}

bool frames_is_kernel(const struct profile *p, const struct profile_location *l)
{
	const struct profile_mapping *m = mapping_of(p, l);
	return (l->flags & PROFILE_LOC_KERNEL) || (m && m->kind == PROFILE_MAP_KERNEL);
}

bool frames_is_jit(const struct profile *p, const struct profile_location *l)
{
	const struct profile_mapping *m = mapping_of(p, l);
	return m && m->kind == PROFILE_MAP_JIT;
}

const char *frames_function(const struct profile *p, const struct profile_location *l, uint32_t i)
{
	const struct profile_function *f;
	const char *name;

	if (i >= l->n_lines || (l->flags & PROFILE_LOC_UNNAMED))
		return NULL;
	f = &p->functions.at[p->lines.at[l->first_line + i].function];
	name = profile_str(p, f->name);
	if (!*name)
		name = profile_str(p, f->system_name);
	return *name ? name : NULL;
}

uint64_t frames_offset(const struct profile *p, const struct profile_location *l)
{
	if ((l->flags & PROFILE_LOC_UNNAMED) && l->n_lines) {
		uint32_t f = p->lines.at[l->first_line].function;
		const char *plus = strrchr(profile_str(p, p->functions.at[f].name), '+');
		if (plus && !strncmp(plus, "+0x", 3))
			return strtoull(plus + 1, NULL, 16);
	}
	return l->address;
}

void frames_place(const struct profile *p, const struct profile_location *l, char *out,
		  size_t size)
{
	const char *module = frames_module(p, l);

	if (*module)
		snprintf(out, size, "%s+0x%" PRIx64, module, frames_offset(p, l));
	else if (l->address)
		snprintf(out, size, "[unknown]+0x%" PRIx64, l->address);
	else
		snprintf(out, size, "[unknown]");
}
