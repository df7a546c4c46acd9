/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/fd.h"

enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/* True once the byte has come; false when whoever should send it is gone. */
static bool told_to_go(int fd)
{
	char byte;
	ssize_t n;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

/* Nothing of the caller's is touched here: what is ours is close-on-exec, and was not there yet
 * when the caller's signal mask, dispositions, limits and ids were inherited. */
static _Noreturn void command_child(char *const argv[], int go, int failed)
{
	int err;

	if (!told_to_go(go))
		_exit(EXIT_NOT_FOUND);
	execvp(argv[0], argv);
	err = errno;
	(void)!write(failed, &err, sizeof(err));
	_exit(command_exec_status(err));
}

int command_fork(char *const argv[], struct command *ret)
{
	int go[2] = {-1, -1}, failed[2] = {-1, -1}, r = 0;
	pid_t pid = -1;

	if (!argv || !argv[0])
		return -EINVAL;
	/* A socket, since a write to a pipe whose reader was killed would raise SIGPIPE here. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) || pipe2(failed, O_CLOEXEC) ||
	    (pid = fork()) < 0)
		r = -errno;
	if (pid == 0) {
		close(go[1]); /* or its end would never be seen */
		close(failed[0]);
		command_child(argv, go[0], failed[1]);
	}
	fd_close(&go[0]);
	fd_close(&failed[1]);
	if (r) {
		fd_close(&go[1]);
		fd_close(&failed[0]);
		return r;
	}
	*ret = (struct command){.pid = pid, .go_fd = go[1], .failed_fd = failed[0]};
	return 0;
}

int command_go(struct command *c)
{
	int err = 0, r = 0;
	ssize_t n;

	do {
		n = send(c->go_fd, "", 1, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		r = errno == EPIPE || errno == ECONNRESET ? -ESRCH : -errno;
	fd_close(&c->go_fd);
	if (!r) {
		do {
			n = read(c->failed_fd, &err, sizeof(err));
		} while (n < 0 && errno == EINTR);
		r = n < 0 ? -errno : n == sizeof(err) ? -err : 0;
	}
	fd_close(&c->failed_fd);
	return r;
}

void command_abandon(struct command *c)
{
	pid_t r;

	fd_close(&c->go_fd);
	fd_close(&c->failed_fd);
	if (c->pid > 0)
		do {
			r = waitpid(c->pid, NULL, 0);
		} while (r < 0 && errno == EINTR);
	c->pid = 0;
}

int command_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int command_exec_status(int err)
{
	err = err < 0 ? -err : err;
	return err == ENOENT || err == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
