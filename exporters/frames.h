/* SPDX-License-Identifier: Apache-2.0
 *
 * What the text outputs ask of a profile: which value counts, what a label says, how a place is
 * called. Texts are those of the profile, as hostile as it is.
 */
#ifndef EXPORTERS_FRAMES_H
#define EXPORTERS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/wire/profile.h"

/* The sample type that outputs with one number show: default_type's, else the last one (so does
 * google/pprof). PROFILE_NONE where there is none. */
uint32_t frames_type(const struct profile *p);

/* The sample's label of that name, or NULL. `key` is a string's index (frames_find()). */
const struct profile_label *frames_label(const struct profile *p, const struct profile_sample *s,
					 uint32_t key);
/* The index of a string, or PROFILE_NONE where the profile does not have it. */
uint32_t frames_find(const struct profile *p, const char *s);

/* The last component of a path; the path itself where that is empty. */
const char *frames_base(const char *path);
/* The module of a location: the base name of its mapping's file, "" unknown. */
const char *frames_module(const struct profile *p, const struct profile_location *l);
bool frames_is_kernel(const struct profile *p, const struct profile_location *l);
bool frames_is_jit(const struct profile *p, const struct profile_location *l);

/* The function of line `i` of a location; NULL where it has no name of its own. */
const char *frames_function(const struct profile *p, const struct profile_location *l, uint32_t i);

/* "module+0xoffset" of a location without a name; [unknown] without a module. */
void frames_place(const struct profile *p, const struct profile_location *l, char *out,
		  size_t size);
/* The address in its module, as it stands in such a name: from the name itself, else ELF. */
uint64_t frames_offset(const struct profile *p, const struct profile_location *l);

#endif
