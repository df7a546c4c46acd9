/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles in pprof's format (github.com/google/pprof, proto/profile.proto; ours is
 * exporters/profile.proto).
 *
 * What the format has no place for is told by conventions: a mapping's kind by its name
 * ("[kernel]", "[vdso]", "//anon", …) and address; an unnamed location by its function being called
 * "module+0xoffset". PROFILE_LOC_FP does not survive.
 */
#ifndef EXPORTERS_PPROF_H
#define EXPORTERS_PPROF_H

#include <stddef.h>

#include "agent/wire/profile.h"

/* Writes `p` (valid: profile_valid()), in gzip, to `fd`: names made valid UTF-8; mappings keep
 * their order; their has_… are true only where they hold for all of their locations; a numeric
 * label has a unit (its key where none is given: a bare 0 would vanish). 0, -ENOMEM, or the write's
 * -errno. */
int pprof_write(const struct profile *p, int fd);

struct pprof_fault {
	size_t at;        /* byte where it fails, of the file, or of what is in the gzip */
	bool in_gzip;     /* `at` counts unpacked bytes */
	const char *what; /* static text: "a location has id 0" */
};

/* Reads a profile, in gzip or plain, of anybody: bytes are hostile. 0, -EBADMSG or -EFBIG with
 * `fault` filled in, -ENOMEM; on an error `ret` is left freed. */
int pprof_read(const void *bytes, size_t len, struct profile *ret, struct pprof_fault *fault);

#endif
