/* SPDX-License-Identifier: Apache-2.0
 *
 * In libFuzzer's place: runs a harness once for every file of tests/fuzz/corpus/NAME (NAME is the
 * program's own), or for the files named. It speaks TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "agent/base/buf.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20, SECONDS_MAX = 60 };

static void run(int folder, const char *name)
{
	struct buf b = BUF_INIT(INPUT_MAX);
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	void *copy;

	assert(fd >= 0 && buf_read_fd(&b, fd) == 0);
	close(fd);
	printf("# %s\n", name); /* the last one, where it crashes */
	fflush(stdout);
	copy = fuzz_copy(b.data, b.len);
	LLVMFuzzerTestOneInput(copy, b.len);
	free(copy);
	buf_free(&b);
}

static unsigned run_folder(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.') {
			run(dirfd(d), e->d_name);
			n++;
		}
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	char folder[PATH_MAX];
	unsigned n;

	alarm(SECONDS_MAX); /* a hang is a failure */
	for (int i = 1; i < argc; i++)
		run(AT_FDCWD, argv[i]);
	if (argc > 1)
		return 0;
	snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", program_invocation_short_name);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	n = run_folder(folder);
	printf("%sok 1 - %u inputs of %s\n1..1\n", n ? "" : "not ", n, folder);
	return !n;
}
