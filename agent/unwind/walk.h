/* SPDX-License-Identifier: Apache-2.0
 *
 * A user stack, from the registers and the copy of the stack that came with a sample, by the rows
 * of the modules that its code addresses lie in. Nothing but the copy is read.
 */
#ifndef AGENT_UNWIND_WALK_H
#define AGENT_UNWIND_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/space/processes.h"
#include "agent/unwind/table.h"

enum { WALK_FRAMES_MAX = 4096 }; /* a 64 KiB copy holds no more: 16 bytes are the least a frame has */

/* Why a stack ended where it did. X(constant, word in comments and summaries, complete?) */
#define WALK_ENDS(X)                                                                               \
	X(WALK_ROOT, "root", true)                 /* the outermost frame */                       \
	X(WALK_TRUNCATED, "truncated", false)      /* the copy of the stack ends before the stack */\
	X(WALK_NO_CFI, "no CFI", false)            /* code without unwind information */           \
	X(WALK_BAD_CFI, "bad CFI", false)          /* unwind information that leads nowhere */     \
	X(WALK_LOOP, "loop", false)                /* the stack does not grow towards its root */  \
	X(WALK_UNMAPPED, "unmapped", false)        /* a return address where no code is mapped */  \
	X(WALK_NO_FILE, "no file", false)          /* mapped from a file that could not be had */  \
	X(WALK_TABLE_LATE, "table late", false)    /* its rows did not come in time */             \
	X(WALK_DEEP, "deep", false)                /* over WALK_FRAMES_MAX frames */               \
	X(WALK_NO_REGS, "no registers", false)     /* the kernel gave none: exiting, or 32 bits */ \
	X(WALK_FP, "frame pointers", true)         /* walked by the kernel, as asked */            \
	X(WALK_NONE, "kernel only", true)          /* a kernel thread has no user stack */
enum walk_end {
#define WALK_ENUM(id, word, complete) id,
	WALK_ENDS(WALK_ENUM)
#undef WALK_ENUM
	WALK_ENDS_N
};
const char *walk_end_word(enum walk_end e);
bool walk_end_complete(enum walk_end e);

enum walk_frame_flag {
	WALK_FRAME_FP = 1 << 0,    /* found by a frame pointer or the instructions, not by CFI */
	WALK_FRAME_EXACT = 1 << 1, /* pc is an instruction's own address, not a return address */
};

struct walk_frame {
	uint64_t pc;     /* in the process; of a return address: the address itself */
	uint64_t vaddr;  /* for lookups: the ELF address (of a file that could not be had: its offset
			  * in it; pc where there is no file), already one less for return addresses */
	const struct module *module; /* NULL: anonymous code, or a file that could not be had */
	const char *path; /* of a mapping without module; NULL: no mapping either */
	uint32_t flags;
};

struct walk_input {
	const uint64_t *regs;  /* as in the sample */
	const uint8_t *stack;  /* from the stack pointer upwards */
	uint64_t stack_len;    /* bytes copied */
	uint64_t stack_asked;
};

struct walk {
	struct walk_frame frames[WALK_FRAMES_MAX];
	size_t n;
	enum walk_end end;
};

struct walker;

int walker_new(struct processes *ps, struct tables *ts, struct walker **ret);
void walker_free(struct walker **w);

/* Walks one stack. True when it is done; false when a page of rows is missing: it has been asked
 * for, and the walk is to be done again when tables_poll() has brought it (`give_up`: it ends
 * WALK_TABLE_LATE instead). */
bool walker_walk(struct walker *w, struct process *p, const struct walk_input *in, bool give_up,
		 struct walk *ret);

#endif
