/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the symbolizer's client: symbolizer.c (modules), symbolizer_rows.c, symbolizer_names.c
 * and symbolizer_link.c (the process, the requests on their way, its death).
 *
 * Requests are answered in the order of asking, so those on their way are a queue whose head is
 * the one that the helper works on: a reply must be the head's, a death or a missed deadline is
 * the head's doing.
 */
#ifndef AGENT_HELPERS_SYMBOLIZER_PRIV_H
#define AGENT_HELPERS_SYMBOLIZER_PRIV_H

#include <sys/types.h>

#include "agent/base/fd.h"
#include "agent/base/vec.h"
#include "agent/helpers/symbolizer.h"
#include "agent/wire/msg.h"

enum {
	LINK_SENT_MAX = 128,     /* requests on their way; they fit in a socket's buffer, so that
				  * neither side waits for the other to read */
	LINK_ROWS_IN_FLIGHT = 64,
	ROWS_QUEUE_MAX = 8192,   /* pages asked for and not yet sent */
	MODULES_MAX = 1 << 20,
	HANDED_MAX = 16,         /* debug files of a module */
	DEATHS_MAX = 2,          /* then its module is quarantined */
};

struct symbolizer_limits {
	unsigned rows_ms, names_ms, module_ms;
	unsigned restarts;       /* at most, and one more for each refill_s that passes */
	unsigned refill_s;
};

/* Starts a helper: its pid and our end of the socket. 0 or -errno. */
typedef int (*symbolizer_spawn_fn)(void *arg, pid_t *ret_pid, int *ret_sock);

struct handed { /* a debug file handed over */
	uint32_t kind, index;
	int fd; /* -1: told that it is not to be had */
};

struct module_entry {
	enum sym_kind kind;
	int fd;
	int err;             /* why nothing will be found in it; 0 */
	unsigned deaths;
	uint64_t generation; /* of the helper that knows it */
	bool quarantined, symbols_only; /* after one death of SYM_NAMES: SYM_SYMBOLS */
	VEC(struct handed) handed;
};

struct sent {
	uint32_t seq, id, page;
	uint16_t type;
	bool wait; /* somebody waits for it in link_call() */
};

struct rows_key {
	uint32_t id, page;
};

struct rows_answer {
	uint32_t id, page;
	int status;
	struct buf payload; /* owned; the blob begins at ROWS_BLOB_AT */
};

enum { ROWS_BLOB_AT = 8 };

/* Checks the payload of a reply after its status: 0, or -EBADMSG. */
typedef int (*link_parse_fn)(void *arg, struct cursor *c);

struct symbolizer {
	symbolizer_spawn_fn spawn;
	void *spawn_arg;
	int exe;
	struct fd_room room; /* for a new start, whatever is open by then */
	struct symbolizer_limits limits;

	pid_t pid; /* -1: not running */
	int sock;
	bool cut;  /* a send failed: what was answered before can still be read */
	bool started;
	uint64_t generation;
	uint32_t seq;
	unsigned restarts_left;
	uint64_t refilled; /* clock_mono() */
	VEC(pid_t) dying;  /* killed, not yet reaped */

	struct sent sent[LINK_SENT_MAX]; /* a ring */
	unsigned sent_at, n_sent;
	uint64_t head_since; /* clock_mono() */
	struct {
		link_parse_fn parse;
		void *arg;
		int status;
	} waiter; /* of the one request that link_call() waits for */

	VEC(struct module_entry) modules;
	VEC(struct rows_key) queue;
	VEC(struct rows_answer) answers;
	struct symbolizer_counters counters;
};

/* As symbolizer_start(), with another way to start the helper (tests). */
int symbolizer_start_by(symbolizer_spawn_fn spawn, void *arg,
			const struct symbolizer_limits *limits, struct symbolizer **ret);

struct module_entry *module_get(struct symbolizer *s, uint32_t id); /* NULL: no such id */
/* 0 when it can be asked about, else -errno. */
int module_usable(struct symbolizer *s, uint32_t id);
void module_quarantine(struct symbolizer *s, struct module_entry *m);

/* Sends what is queued as far as it may be on its way; starts the helper if needed. */
void rows_pump(struct symbolizer *s);
/* Queues the answer to a page; takes the payload. */
void rows_answered(struct symbolizer *s, uint32_t id, uint32_t page, int status, struct buf *b);
void rows_give_up(struct symbolizer *s, uint32_t id, int status); /* the queued ones of a module */

/* Asks and waits; across deaths of the helper, until there is an answer, the module is
 * quarantined or no helper can be had. The reply's status, or -errno. `fd` stays the caller's;
 * `m` (initialised) holds the reply afterwards. */
int link_call(struct symbolizer *s, uint16_t type, uint32_t id, const struct buf *payload, int fd,
	      link_parse_fn parse, void *arg, struct msg *m);
/* One try of it: true when there is a result, in *ret; false when the helper died of it. */
bool link_try(struct symbolizer *s, uint16_t type, uint32_t id, const struct buf *payload, int fd,
	      link_parse_fn parse, void *arg, struct msg *m, int *ret);
int link_ready(struct symbolizer *s); /* started if needed; 0 or -errno */
/* Makes the helper know module `id`, then sends. 0, -EAGAIN (too much on its way), -errno. */
int link_ask(struct symbolizer *s, uint16_t type, uint32_t id, uint32_t page,
	     const struct buf *payload, int fd, bool wait);
uint64_t link_deadline(const struct symbolizer *s); /* of the head */
/* Takes in the next reply: 0 or -errno. */
int link_take(struct symbolizer *s, struct msg *m, struct sent *ret);
void link_fail(struct symbolizer *s, int err); /* ends the helper; the head is blamed */
void link_close(struct symbolizer *s, unsigned ms);
void link_reap(struct symbolizer *s);

#endif
