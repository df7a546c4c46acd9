/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "agent/cmd/output_priv.h"
#include "agent/helpers/effective.h"

enum {
	TEMP_TRIES = 16,
	NOBODY = 65534,
	FILE_LIMIT_LEAST = 64 << 20,
	HELD = 64 * 1024, HELD_FOR_PAGE = 2 * HELD, /* the page's own code is nearly one of them */
};

static bool env_id(const char *name, uint32_t *ret)
{
	const char *s = getenv(name);
	char *end;
	unsigned long v;

	if (!s || *s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || *end || v >= UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

void caller_ids(uid_t *uid, gid_t *gid)
{
	uint32_t u, g;
	/* The real uid counts too: of a set-uid program the environment is the user's to choose. */
	bool sudo = getuid() == 0 && geteuid() == 0 && env_id("SUDO_UID", &u) &&
		    env_id("SUDO_GID", &g);

	*uid = sudo ? u : getuid();
	*gid = sudo ? g : getgid();
}

uid_t unprivileged_user(uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *pw;
	uid_t caller;

	caller_ids(ret_uid, ret_gid);
	caller = *ret_uid;
	if (caller != 0)
		return caller;
	pw = getpwnam("pmuscope");
	*ret_uid = pw ? pw->pw_uid : NOBODY;
	*ret_gid = pw ? pw->pw_gid : NOBODY;
	return caller;
}

void identity_of_caller(struct identity *id)
{
	enum { MAX = sizeof(id->groups) / sizeof(id->groups[0]) };
	struct passwd *pw;

	*id = (struct identity){0};
	caller_ids(&id->uid, &id->gid);
	id->differs = id->uid != geteuid();
	if (!id->differs)
		return;
	id->groups[0] = id->gid;
	id->n_groups = 1;
	pw = getpwuid(id->uid);
	if (pw) {
		id->n_groups = MAX;
		if (getgrouplist(pw->pw_name, id->gid, id->groups, &id->n_groups) < 0)
			id->n_groups = MAX; /* the first ones are there */
	}
}

/* What we are, to come back to. */
struct own_self {
	uid_t euid;
	gid_t egid;
	gid_t groups[256];
	int n_groups;
	uint64_t caps;
};

/* `who`: the caller; NULL: ourselves, without capabilities. They are lost from the effective set
 * with uid 0 anyway, but a caller who is root, or we with file capabilities, keep the uid. */
static int put_on(const struct identity *who, struct own_self *ret_self)
{
	struct own_self self = {.euid = geteuid(), .egid = getegid()};
	int r = effective_get(&self.caps);

	if (r)
		return r;
	if (who && who->differs) {
		self.n_groups = getgroups(256, self.groups);
		if (self.n_groups < 0 || setgroups((size_t)who->n_groups, who->groups) ||
		    setegid(who->gid) || seteuid(who->uid))
			return -errno;
	}
	*ret_self = self;
	return effective_set(0);
}

/* Failing here would leave us neither of the two. */
static void take_off(const struct own_self *self)
{
	bool differs = geteuid() != self->euid;

	if ((differs && seteuid(self->euid)) || effective_set(self->caps) ||
	    (differs && (setegid(self->egid) ||
			 setgroups((size_t)self->n_groups, self->groups))))
		abort();
}

static int clear_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) ? -errno : 0;
}

static int refuse_terminal(const struct output *o)
{
	return o->format == EXP_PPROF && isatty(o->fd) ? -ENOTTY : 0;
}

static int open_stdout(struct output *o)
{
	o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return o->fd < 0 ? -errno : refuse_terminal(o);
}

/* A pipe, a device, /dev/fd/N: nothing to rename. A FIFO without a reader would wait for ever. */
static int open_in_place(struct output *o, int dir)
{
	int r;

	o->fd = openat(dir, o->name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	r = o->fd < 0 ? -errno : clear_nonblock(o->fd);
	return r ? r : refuse_terminal(o);
}

/* Where a name stands for an open descriptor of a process, a rename would replace the name. */
static bool is_proc_link(int dir, const char *name)
{
	char target[16];
	struct statfs fs;

	if (fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return true;
	return readlinkat(dir, name, target, sizeof(target)) >= 6 && !memcmp(target, "/proc/", 6);
}

/* In a sticky folder only the owner of a file may rename it (inode(7)). */
static int check_sticky(int dir, const char *name)
{
	struct stat d, f;
	uint64_t caps = 0;

	if (fstat(dir, &d) || !(d.st_mode & S_ISVTX) || d.st_uid == geteuid() ||
	    fstatat(dir, name, &f, AT_SYMLINK_NOFOLLOW) || f.st_uid == geteuid())
		return 0;
	effective_get(&caps);
	return caps ? 0 : -EPERM;
}

static int check_target(const struct output *o, int dir, bool *ret_in_place)
{
	char old[sizeof(o->name) + 8];
	struct stat st;
	int r;

	*ret_in_place = is_proc_link(dir, o->name);
	if (*ret_in_place)
		return 0;
	if (fstatat(dir, o->name, &st, 0) == 0) {
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		*ret_in_place = !S_ISREG(st.st_mode);
		if (*ret_in_place)
			return 0;
	}
	snprintf(old, sizeof(old), "%.251s.old", o->name);
	r = check_sticky(dir, o->name);
	return r ? r : check_sticky(dir, old);
}

static int random_name(char *out, size_t size, const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	uint8_t r[6];
	char end[sizeof(r) + 1] = "";

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return -EAGAIN;
	for (size_t i = 0; i < sizeof(r); i++)
		end[i] = letters[r[i] % 32];
	snprintf(out, size, ".%.240s.%s", name, end);
	return 0;
}

/* A full disk is found now, not after the recording; and what is held now is there at the end, for
 * the heaviest stacks at least, however full the disk is by then. The rest is given back when the
 * file gets its name. Where this cannot be asked, so be it. */
static int hold_space(const struct output *o)
{
	off_t bytes = o->format == EXP_HTML ? HELD_FOR_PAGE : HELD;

	if (fallocate(o->fd, FALLOC_FL_KEEP_SIZE, 0, bytes) && (errno == ENOSPC || errno == EDQUOT))
		return -errno;
	return 0;
}

/* A recording holds what stood on other programs' stacks. */
static int make_temp(struct output *o, int dir)
{
	mode_t mode = output_is_recording(o) ? 0600 : 0666;
	int r = -EEXIST;

	for (int i = 0; i < TEMP_TRIES && r == -EEXIST; i++) {
		r = random_name(o->temp, sizeof(o->temp), o->name);
		if (r)
			break;
		o->fd = openat(dir, o->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       mode);
		r = o->fd < 0 ? -errno : 0;
	}
	if (!r)
		r = hold_space(o);
	if (r && o->fd >= 0)
		unlinkat(dir, o->temp, 0);
	return r;
}

/* The whole of one attempt, with the rights that are on now. */
static int attempt(struct output *o)
{
	char path[sizeof(o->path)];
	const char *name;
	bool in_place = false;
	int dir, r;

	if (!output_split(o->path, path, sizeof(path), &name))
		return -EISDIR;
	if (strlen(name) >= sizeof(o->name))
		return -ENAMETOOLONG;
	snprintf(o->name, sizeof(o->name), "%s", name);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	r = check_target(o, dir, &in_place);
	if (!r)
		r = in_place ? open_in_place(o, dir) : make_temp(o, dir);
	if (r)
		fd_close(&o->fd);
	if (!r && !in_place)
		o->dir = fd_take(&dir);
	fd_close(&dir);
	return r;
}

static bool is_refusal(int r)
{
	return r == -EACCES || r == -EPERM;
}

static int open_one(struct output *o, const struct identity *caller)
{
	struct own_self self = {0};
	bool root = geteuid() == 0;
	int r, first;

	if (!strcmp(o->path, "-") || !strcmp(o->path, "/dev/stdout"))
		return open_stdout(o);
	for (o->as = OUTPUT_AS_CALLER, first = 0;; o->as++) {
		r = o->as == OUTPUT_AS_PRIVILEGED ? 0
			: put_on(o->as == OUTPUT_AS_CALLER ? caller : NULL, &self);
		if (r)
			return r;
		r = attempt(o);
		if (o->as != OUTPUT_AS_PRIVILEGED)
			take_off(&self);
		first = first ? first : r;
		if (!is_refusal(r) || !root || o->as == OUTPUT_AS_PRIVILEGED)
			break;
	}
	if (!r && o->as != OUTPUT_AS_CALLER && o->dir >= 0 && caller->differs &&
	    fchown(o->fd, caller->uid, caller->gid))
		r = -errno;
	return is_refusal(r) ? first : r;
}

static bool same_file(const struct output *a, const struct output *b)
{
	struct stat x, y;

	if (a->dir < 0 || b->dir < 0)
		return a->dir == b->dir && !strcmp(a->path, b->path) && !strcmp(a->path, "-");
	return !strcmp(a->name, b->name) && !fstat(a->dir, &x) && !fstat(b->dir, &y) &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int check_twice(const struct output *outputs, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (same_file(&outputs[k], &outputs[i]))
			return -EEXIST;
	return 0;
}

/* A limit that the finished profile, on its way to the exporter, could meet. */
static int check_limit(char *why, size_t size)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_FSIZE, &l) || l.rlim_cur >= FILE_LIMIT_LEAST)
		return 0;
	snprintf(why, size, "the limit of file sizes (RLIMIT_FSIZE, ulimit -f) is %llu bytes: a recording"
		 " could be lost at its end. Start it with %d or more, or unlimited.",
		 (unsigned long long)l.rlim_cur, FILE_LIMIT_LEAST);
	return -EFBIG;
}

int outputs_open(struct output *outputs, unsigned n, char *why, size_t size)
{
	struct identity caller;
	int r = check_limit(why, size);

	if (r)
		return r;
	identity_of_caller(&caller);
	for (unsigned i = 0; i < n; i++)
		outputs[i].fd = outputs[i].dir = -1;
	for (unsigned i = 0; i < n && !r; i++) {
		r = open_one(&outputs[i], &caller);
		if (!r)
			r = check_twice(outputs, i);
		if (r)
			output_explain(&outputs[i], -r, why, size);
	}
	if (r)
		outputs_drop(outputs, n);
	return r;
}

/* Our full rights, if they are still there, may remove what lesser ones have made. */
void outputs_drop(struct output *outputs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (outputs[i].dir >= 0)
			unlinkat(outputs[i].dir, outputs[i].temp, 0);
		fd_close(&outputs[i].fd);
		fd_close(&outputs[i].dir);
	}
}
