/* SPDX-License-Identifier: Apache-2.0
 *
 * The child that keeps the caller's identity (output.h): it renames outputs and signals the
 * command, by a table of requests. Whoever sends them can do no more than that.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/confine.h"
#include "agent/base/fd.h"
#include "agent/cmd/output_priv.h"
#include "agent/helpers/children.h"
#include "agent/helpers/effective.h"

struct caller {
	int sock;
	pid_t pid;
};

enum request_op { REQ_COMMIT, REQ_DISCARD, REQ_SIGNAL, REQ_OPS };

struct request {
	uint32_t op;
	int32_t arg; /* index of an output, or a signal */
};

struct job { /* the child's */
	struct output outputs[OUTPUTS_MAX];
	unsigned n;
	bool done[OUTPUTS_MAX]; /* committed, discarded, or kept after a failed commit */
	int command; /* pidfd, since a pid may be somebody else's by then */
	struct identity caller;
};

/* Under sudo the real uid stays 0 and the caller's is the saved one, so that each output is renamed
 * with the rights that made it; effective capabilities come and go with effective uid 0
 * (capabilities(7)), and only those that drop_rights() kept. */
static int wear(const struct job *j, int as)
{
	bool root = as != OUTPUT_AS_CALLER;

	if (!j->caller.differs)
		return 0;
	if (setegid(root ? getgid() : j->caller.gid) || seteuid(root ? getuid() : j->caller.uid))
		return -errno;
	return 0;
}

/* The older file becomes NAME.old without a moment in which NAME is absent. */
static int rename_into_place(const struct output *o)
{
	char old[sizeof(o->name) + 8];

	snprintf(old, sizeof(old), "%.251s.old", o->name);
	if (syscall(SYS_renameat2, o->dir, o->temp, o->dir, o->name, 2 /* RENAME_EXCHANGE */) == 0) {
		/* Where this fails the older file stays under the temporary name. */
		(void)!renameat(o->dir, o->temp, o->dir, old);
		return 0;
	}
	if (errno != ENOENT && renameat(o->dir, o->name, o->dir, old) && errno != ENOENT)
		return -errno;
	return renameat(o->dir, o->temp, o->dir, o->name) ? -errno : 0;
}

/* The space that was held for the file and is not needed: behind its end. */
static void give_back(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		(void)!ftruncate(fd, st.st_size); /* where this fails it costs some space */
}

static int on_commit(struct job *j, int i)
{
	struct output *o = i >= 0 && (unsigned)i < j->n ? &j->outputs[i] : NULL;
	int r;

	if (!o || j->done[i])
		return -EINVAL;
	j->done[i] = true;
	if (o->dir < 0)
		return 0;
	r = wear(j, o->as);
	if (!r)
		give_back(o->fd);
	if (!r && fdatasync(o->fd))
		r = -errno;
	return r ? r : rename_into_place(o);
}

static int on_discard(struct job *j, int i)
{
	struct output *o = i >= 0 && (unsigned)i < j->n ? &j->outputs[i] : NULL;
	int r;

	if (!o || j->done[i])
		return -EINVAL;
	j->done[i] = true;
	if (o->dir < 0)
		return 0;
	r = wear(j, o->as);
	return r ? r : unlinkat(o->dir, o->temp, 0) ? -errno : 0;
}

static int on_signal(struct job *j, int sig)
{
	if (j->command < 0)
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, j->command, sig, NULL, 0) ? -errno : 0;
}

static int (*const requests[REQ_OPS])(struct job *j, int arg) = {
	[REQ_COMMIT] = on_commit,
	[REQ_DISCARD] = on_discard,
	[REQ_SIGNAL] = on_signal,
};

static void serve(struct job *j, int sock)
{
	struct request q;
	ssize_t n;

	while ((n = recv(sock, &q, sizeof(q), 0)) != 0) {
		int32_t r = -EINVAL;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (n == sizeof(q) && q.op < REQ_OPS)
			r = requests[q.op](j, q.arg);
		if (send(sock, &r, sizeof(r), MSG_NOSIGNAL) < 0)
			break;
	}
	for (unsigned i = 0; i < j->n; i++)
		if (!j->done[i])
			on_discard(j, (int)i);
}

/* What its requests come to: renaming, removing and ending files, signals, the caller's ids on and
 * off. It opens nothing. */
static const char *const allowed[] = {
	"brk", "close", "exit", "exit_group", "fdatasync", "fstat", "ftruncate", "futex", "getegid",
	"geteuid", "getgid", "getpid", "getuid", "gettid", "newfstatat", "pidfd_send_signal",
	"recvfrom", "renameat", "renameat2", "restart_syscall", "rt_sigprocmask", "rt_sigreturn",
	"sendto", "setresgid", "setresuid", "statx", "tgkill", "unlinkat",
};

static int drop_rights(struct job *j)
{
	int keep[4] = {CAP_SETUID, CAP_SETGID}, n = 2, r;
	uint64_t final = 0;

	for (unsigned i = 0; i < j->n; i++)
		if (j->outputs[i].dir >= 0 && j->outputs[i].as == OUTPUT_AS_PRIVILEGED && !final) {
			keep[n++] = CAP_DAC_OVERRIDE; /* somebody else's folder */
			keep[n++] = CAP_FOWNER;       /* a sticky one */
			final = 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER;
		}
	r = confine_become(getuid(), getgid(), keep, (size_t)n);
	if (!r && j->caller.differs &&
	    (setgroups((size_t)j->caller.n_groups, j->caller.groups) ||
	     setresgid(-1, j->caller.gid, j->caller.gid) ||
	     setresuid(-1, j->caller.uid, j->caller.uid)))
		r = -errno;
	if (!r)
		r = effective_give_up(final);
	if (!r && !j->caller.differs)
		r = effective_set(final);
	return r ? r : confine_syscalls(allowed, sizeof(allowed) / sizeof(allowed[0]), NULL, 0);
}

static _Noreturn void child(const struct output *outputs, unsigned n, int command, int sock)
{
	struct job j = {.n = n, .command = command};
	int keep[2 * OUTPUTS_MAX + 2], n_keep = 0, r;

	for (unsigned i = 0; i < n; i++)
		j.outputs[i] = outputs[i];
	identity_of_caller(&j.caller);
	keep[n_keep++] = sock;
	keep[n_keep++] = command;
	for (unsigned i = 0; i < n; i++) {
		keep[n_keep++] = outputs[i].fd;
		keep[n_keep++] = outputs[i].dir;
	}
	r = child_settle("pmuscope-files", keep, n_keep);
	if (!r)
		r = drop_rights(&j);
	if (send(sock, &r, sizeof(r), MSG_NOSIGNAL) == sizeof(r) && !r)
		serve(&j, sock);
	_exit(0);
}

/* One request, one answer. */
static int ask(struct caller *c, enum request_op op, int arg)
{
	struct request q = {.op = op, .arg = arg};
	int32_t r = 0;
	ssize_t n;

	if (send(c->sock, &q, sizeof(q), MSG_NOSIGNAL) < 0)
		return -errno;
	do {
		n = recv(c->sock, &r, sizeof(r), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(r) ? r : n < 0 ? -errno : -EPIPE;
}

static int greet(struct caller *c)
{
	int32_t r = 0;
	ssize_t n;

	do {
		n = recv(c->sock, &r, sizeof(r), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(r) ? r : -EPIPE;
}

int caller_start(struct output *outputs, unsigned n, pid_t command, struct caller **ret)
{
	struct caller *c = n <= OUTPUTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	int pair[2] = {-1, -1}, pidfd = -1, r = c ? 0 : -ENOMEM;

	if (!r && command > 0) {
		pidfd = (int)syscall(SYS_pidfd_open, command, 0);
		r = pidfd < 0 ? -errno : 0;
	}
	if (!r && (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ||
		   (c->pid = fork()) < 0))
		r = -errno;
	if (!r && c->pid == 0)
		child(outputs, n, pidfd, pair[1]);
	fd_close(&pair[1]);
	fd_close(&pidfd);
	if (!r) {
		c->sock = fd_take(&pair[0]);
		r = greet(c);
		if (!r)
			*ret = c;
		else
			caller_stop(&c);
		return r;
	}
	fd_close(&pair[0]);
	free(c);
	return r;
}

int caller_commit(struct caller *c, unsigned i)
{
	return ask(c, REQ_COMMIT, (int)i);
}

int caller_discard(struct caller *c, unsigned i)
{
	return ask(c, REQ_DISCARD, (int)i);
}

int caller_signal(struct caller *c, int sig)
{
	return ask(c, REQ_SIGNAL, sig);
}

void caller_stop(struct caller **c)
{
	if (!*c)
		return;
	fd_close(&(*c)->sock);
	while (waitpid((*c)->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(*c);
	*c = NULL;
}
