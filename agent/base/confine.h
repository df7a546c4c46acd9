/* SPDX-License-Identifier: Apache-2.0
 *
 * How a process gives up what it does not need. Every call fails closed: on an error the caller
 * must exit (capabilities(7), seccomp(2), prctl(2)).
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Becomes `uid` and `gid` for good (real, effective, saved, file system; no supplementary groups
 * where that is allowed), keeping exactly the `n` capabilities in `keep` (CAP_* numbers) that are
 * held now, in the permitted and effective sets; inheritable, ambient and, where allowed, the
 * bounding set are emptied. No-new-privileges is set. Pass the present ids to change only the
 * capabilities (groups then stay too). Call it before any thread is started: capabilities belong to
 * threads. After a change of ids the process is not dumpable (PR_SET_DUMPABLE, proc(5)). 0 or
 * -errno. */
int confine_become(uid_t uid, gid_t gid, const int *keep, size_t n);

/* True when `cap` is in the effective set. */
bool confine_has(int cap);

/* Installs a seccomp filter that allows the `n` named system calls and kills the process on any
 * other (SCMP_ACT_KILL_PROCESS); `refused` ones fail with ENOENT instead. Names that this
 * architecture does not have are passed over. In a build with sanitizers their runtime's calls
 * are allowed as well. Programs that call this link libseccomp. 0 or -errno. */
int confine_syscalls(const char *const *allowed, size_t n, const char *const *refused,
		     size_t n_refused);

#endif
