/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/perf_map.h"

#include "pmu/roots.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int perf_map_there(int pid, int ns_pid, uid_t owner)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
	char path[64], name[64];
	struct stat st;
	int root, fd, rc = 0;

	ROOT_PATH(path, "%s/%d/root", pmu_roots()->proc, pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	snprintf(name, sizeof(name), "tmp/perf-%d.map", ns_pid);
	fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
	if (fd < 0)
		rc = errno == ENOENT ? 0 : -errno;
	close(root);
	if (fd < 0)
		return rc;
	rc = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) && st.st_uid == owner;
	close(fd);
	return rc;
}
