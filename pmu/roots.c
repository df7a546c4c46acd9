/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/roots.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct pmu_roots real_roots = {
	.devices = "/sys/bus/event_source/devices",
	.tracefs = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"},
	.proc = "/proc",
	.sys = "/sys",
};
static const struct pmu_roots *roots = &real_roots;

const struct pmu_roots *pmu_roots(void)
{
	return roots;
}

void pmu_roots_set(const struct pmu_roots *r)
{
	roots = r ? r : &real_roots;
}

static ssize_t read_whole(int fd, char *out, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, out + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

int root_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read_whole(fd, out, size);
	close(fd);
	if (n < 0)
		return (int)n;
	if ((size_t)n == size)
		return -EFBIG;
	if (memchr(out, '\0', (size_t)n))
		return -EINVAL;
	while (n > 0 && isspace((unsigned char)out[n - 1]))
		n--;
	out[n] = '\0';
	return 0;
}

bool text_u64(const char *text, uint64_t *ret)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;

	/* strtoull(3) alone would take signs and blanks. */
	if (!isxdigit((unsigned char)*digits))
		return false;
	errno = 0;
	*ret = strtoull(digits, &end, hex ? 16 : 10);
	return end != digits && !*end && !errno;
}

int root_read_u64(const char *path, uint64_t *ret)
{
	char text[64];
	uint64_t v;
	int rc = root_read(path, text, sizeof(text));

	if (rc < 0)
		return rc;
	if (!text_u64(text, &v))
		return -EINVAL;
	*ret = v;
	return 0;
}

int root_read_long(const char *path, long *ret)
{
	char text[64], *end;
	long v;
	int rc = root_read(path, text, sizeof(text));

	if (rc < 0)
		return rc;
	errno = 0;
	v = strtol(text, &end, 10);
	if (end == text || *end || errno)
		return -EINVAL;
	*ret = v;
	return 0;
}

bool root_name_ok(const char *name)
{
	if (!*name || *name == '.')
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("_-.+@", *name))
			return false;
	}
	return true;
}
