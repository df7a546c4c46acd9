/* SPDX-License-Identifier: Apache-2.0
 *
 * stubborn FOLDER FILE hang|error|open COMM FROM TO: a file system (FUSE) mounted at FOLDER, with one file
 * in it, "file", which is FILE to everybody. But what a process whose name begins with COMM reads of
 * the bytes FROM to TO never comes (hang), or cannot be read (error: to who has mapped it, SIGBUS).
 * open: statfs(2) of it hangs instead.
 * As much of the protocol of <linux/fuse.h> as that takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROOT = FUSE_ROOT_ID, FILE_NODE = 2, BUFFER = 1 << 18 };

static int fuse, content;
static struct stat st;
static const char *comm;
static uint64_t from, to;
static int hangs, mute;

static void reply(const struct fuse_in_header *in, int error, const void *bytes, size_t len)
{
	struct fuse_out_header out = {.len = (uint32_t)(sizeof(out) + len), .error = error,
				      .unique = in->unique};
	struct iovec iov[2] = {{&out, sizeof(out)}, {(void *)bytes, len}};

	if (writev(fuse, iov, 2) < 0 && errno != ENOENT) /* the asker is gone */
		perror("stubborn: reply");
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0755,
		.nlink = 1,
		.size = node == ROOT ? 0 : (uint64_t)st.st_size,
		.blksize = 4096,
	};
}

static int is_the_one(uint32_t pid)
{
	char path[64], name[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	return !strncmp(name, comm, strlen(comm));
}

static void on_read(const struct fuse_in_header *in, const struct fuse_read_in *r)
{
	static char bytes[BUFFER];
	uint32_t size = r->size < BUFFER ? r->size : BUFFER;
	ssize_t n;

	if (r->offset < to && r->offset + size > from && is_the_one(in->pid)) {
		fprintf(stderr, "stubborn: pid %u, %u bytes at %llu\n", in->pid, size,
			(unsigned long long)r->offset);
		if (!hangs)
			reply(in, -EIO, NULL, 0);
		return;
	}
	n = pread(content, bytes, size, (off_t)r->offset);
	reply(in, n < 0 ? -errno : 0, bytes, n < 0 ? 0 : (size_t)n);
}

static void on_request(const struct fuse_in_header *in, const void *arg)
{
	struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};
	struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes(FILE_NODE),
				       .entry_valid = 3600, .attr_valid = 3600};
	struct fuse_attr_out attr = {.attr_valid = 3600, .attr = attributes(in->nodeid)};
	const struct fuse_statfs_out statfs = {.st = {.bsize = 4096, .namelen = 255}};
	/* Each opening forgets the pages that are in memory: whoever opens it has to ask. */
	const struct fuse_open_out opened = {0};

	switch (in->opcode) {
	case FUSE_INIT: reply(in, 0, &init, sizeof(init)); break; /* max_readahead 0 */
	case FUSE_LOOKUP:
		reply(in, strcmp(arg, "file") ? -ENOENT : 0, &entry,
		      strcmp(arg, "file") ? 0 : sizeof(entry));
		break;
	case FUSE_GETATTR: reply(in, 0, &attr, sizeof(attr)); break;
	case FUSE_OPEN: reply(in, 0, &opened, sizeof(opened)); break;
	case FUSE_READ: on_read(in, arg); break;
	case FUSE_STATFS:
		if (!mute)
			reply(in, 0, &statfs, sizeof(statfs));
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE: reply(in, 0, NULL, 0); break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: break; /* want no reply */
	default: reply(in, -ENOSYS, NULL, 0); break;
	}
}

int main(int argc, char **argv)
{
	static char request[BUFFER];
	char options[128];
	ssize_t n;

	if (argc != 7)
		return 2;
	content = open(argv[2], O_RDONLY);
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (content < 0 || fuse < 0 || fstat(content, &st))
		return perror("stubborn"), 1;
	hangs = !strcmp(argv[3], "hang");
	mute = !strcmp(argv[3], "open");
	comm = argv[4];
	from = strtoull(argv[5], NULL, 0);
	to = strtoull(argv[6], NULL, 0);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other",
		 fuse);
	if (mount("stubborn", argv[1], "fuse.stubborn", MS_NOSUID | MS_NODEV, options))
		return perror("stubborn: mount"), 1;
	while ((n = read(fuse, request, sizeof(request))) >= 0 || errno == EINTR || errno == ENOENT)
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			on_request((const void *)request, request + sizeof(struct fuse_in_header));
	return 0;
}
