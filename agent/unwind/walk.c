/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unwind/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/unwind/arch.h"
#include "agent/unwind/expr.h"

enum {
	CACHE_BITS = 14,
	/* Pages that may come until everything is looked up anew: the tables drop pages by their
	 * last use, which they must see. */
	EPOCH_PAGES = 64,
	/* Above the copied part, a frame pointer further away than this is not a stack's. */
	STACK_SPAN_MAX = 64 * 1024 * 1024,
};

#define NO_RULE UINT16_MAX /* a frame pointer step at most */
#define SLOTS_LOW (UINT32_C(0x55555555) & ((UINT32_C(1) << 2 * ROWS_SAVED) - 1))

/* What was found for one code address in one state of one address space: half a cache line, since
 * most of a walk is waiting for these. */
struct cached {
	uint64_t pc;
	uint64_t vaddr;
	union {
		struct module *module; /* where has_module */
		const char *path;      /* of a mapping without */
	};
	uint32_t stamp; /* of the space; 0 never is one */
	uint16_t epoch : 14;
	uint16_t has_module : 1;
	uint16_t trampoline : 1; /* the rule is ROWS_CFA_SIGFRAME */
	uint16_t rule;
};
_Static_assert(sizeof(struct cached) == 32, "two in a cache line");
_Static_assert((int)TABLE_RULES_MAX <= NO_RULE, "one number is left over");

struct walker {
	_Alignas(64) struct cached cache[1 << CACHE_BITS];
	struct processes *processes;
	struct tables *tables;
	uint16_t epoch : 14;
	uint64_t callee_saved;
	int8_t slot_regs[ROWS_SAVED];
};

/* One walk's state. */
struct state {
	struct arch_regs regs;
	const struct walk_input *in;
	uint64_t base; /* address of stack[0] */
	bool beyond;   /* a read has failed past the end of the copy */
	uint64_t kept; /* registers that a function may change, but that no frame has said it did:
			* hand-written assembly calls itself with the frame's address in %rax */
	bool assumed;  /* this step needed one of them */
};

int walker_new(struct processes *ps, struct tables *ts, struct walker **ret)
{
	struct walker *w = aligned_alloc(_Alignof(struct walker), sizeof(*w));

	if (!w)
		return -ENOMEM;
	memset(w, 0, sizeof(*w));
	w->processes = ps;
	w->tables = ts;
	w->callee_saved = arch_callee_saved();
	for (int i = 0; i < ROWS_SAVED; i++)
		w->slot_regs[i] = (int8_t)rows_slot_reg(ROWS_NATIVE, i);
	*ret = w;
	return 0;
}

void walker_free(struct walker **w)
{
	free(*w);
	*w = NULL;
}

#define WALK_WORD(id, word, complete) word,
static const char *const end_words[] = {WALK_ENDS(WALK_WORD)};
#define WALK_COMPLETE(id, word, complete) complete,
static const bool end_complete[] = {WALK_ENDS(WALK_COMPLETE)};

const char *walk_end_word(enum walk_end e)
{
	return end_words[e];
}

bool walk_end_complete(enum walk_end e)
{
	return end_complete[e];
}

/* ---- memory and registers ---- */

static inline bool read_word(struct state *s, uint64_t at, uint64_t *ret)
{
	uint64_t off = at - s->base;

	if (off > s->in->stack_len || s->in->stack_len - off < sizeof(*ret)) {
		s->beyond |= at >= s->base && at - s->base < STACK_SPAN_MAX;
		return false;
	}
	memcpy(ret, s->in->stack + off, sizeof(*ret));
	return true;
}

static bool read_sized(const void *arg, uint64_t at, unsigned size, uint64_t *ret)
{
	struct state *s = (struct state *)arg;
	uint64_t off = at - s->base;

	if (off > s->in->stack_len || s->in->stack_len - off < size) {
		s->beyond |= at >= s->base && at - s->base < STACK_SPAN_MAX;
		return false;
	}
	*ret = 0;
	memcpy(ret, s->in->stack + off, size); /* little-endian, as both architectures are */
	return true;
}

static inline bool reg(const struct state *s, int n, uint64_t *ret)
{
	*ret = s->regs.r[n];
	return s->regs.known >> n & 1;
}

static inline void set_reg(struct arch_regs *r, int n, uint64_t v)
{
	r->r[n] = v;
	r->known |= UINT64_C(1) << n;
}

/* Why a step that could not read what it needed failed: the copy was too short, or the rule wrong.
 * The copy also ends early where a page of the stack was never touched (a large local array). */
static enum walk_end failed(const struct state *s, enum walk_end otherwise)
{
	return s->beyond ? WALK_TRUNCATED : otherwise;
}

/* ---- one step ---- */

enum step { STEP_ON, STEP_ON_EXACT, STEP_END };

static bool find_cfa(struct state *s, const struct rows_rule *r, const struct rows_op *ops,
		     uint64_t *ret)
{
	uint64_t v;

	if (r->cfa_kind == ROWS_CFA_EXPR)
		return expr_run(ops + r->cfa_off, &s->regs, 0, read_sized, s, ret);
	if (!reg(s, r->cfa_reg, &v)) {
		if (!(s->kept >> r->cfa_reg & 1))
			return false;
		s->assumed = true;
	}
	*ret = v + (uint64_t)(int64_t)r->cfa_off;
	return true;
}

static bool find_ra(struct state *s, const struct rows_rule *r, const struct rows_op *ops,
		    uint64_t cfa, uint64_t *ret)
{
	uint64_t at;

	if (r->ra_kind == ROWS_RA_CFA)
		return read_word(s, cfa + (uint64_t)(int64_t)r->ra_off, ret);
	if (r->ra_kind == ROWS_RA_REG)
		return reg(s, r->ra_off, ret);
	return expr_run(ops + r->ra_off, &s->regs, cfa, read_sized, s, &at) &&
	       read_word(s, at, ret);
}

static bool saved_value(struct state *s, const struct rows_rule *r, const struct rows_op *ops,
			uint64_t cfa, int slot, uint64_t *ret)
{
	uint64_t at;

	switch (r->saved_kinds >> (2 * slot) & 3) {
	case ROWS_SAVED_CFA:
		return read_word(s, cfa + (uint64_t)(int64_t)r->saved[slot], ret);
	case ROWS_SAVED_EXPR:
		return expr_run(ops + r->saved[slot], &s->regs, cfa, read_sized, s, &at) &&
		       read_word(s, at, ret);
	default:
		return false;
	}
}

/* The caller's registers, in the place of the callee's. All are read before the first is changed:
 * expressions count from the callee's. */
static void restore(const struct walker *w, struct state *s, const struct rows_rule *r,
		    const struct rows_op *ops, uint64_t cfa)
{
	/* By the lower bit of each pair: kinds that are not ROWS_SAVED_SAME. */
	uint32_t changed = (r->saved_kinds | r->saved_kinds >> 1) & SLOTS_LOW, found = 0;
	uint64_t v[ROWS_SAVED];

	for (uint32_t left = changed; left; left &= left - 1) {
		int bit = __builtin_ctz(left);
		if (saved_value(s, r, ops, cfa, bit / 2, &v[bit / 2]))
			found |= UINT32_C(1) << bit;
	}
	s->kept |= s->regs.known & ~w->callee_saved;
	s->regs.known &= w->callee_saved;
	for (uint32_t left = changed; left; left &= left - 1) {
		int bit = __builtin_ctz(left), n = w->slot_regs[bit / 2];
		if (n < 0)
			continue;
		if (found >> bit & 1)
			set_reg(&s->regs, n, v[bit / 2]);
		else
			s->regs.known &= ~(UINT64_C(1) << n);
	}
}

/* By the kernel's struct rt_sigframe: every register of the interrupted code. */
static enum step step_sigframe(struct state *s, enum walk_end *why)
{
	const int8_t *order;
	int n = arch_sigframe(&order);
	struct arch_regs next = {0};
	uint64_t at, v;

	if (!reg(s, ARCH_REG_SP, &at)) {
		*why = WALK_BAD_CFI;
		return STEP_END;
	}
	at += ARCH_SIGFRAME;
	for (int i = 0; i < n; i++) {
		if (!read_word(s, at + 8 * (uint64_t)i, &v)) {
			*why = failed(s, WALK_BAD_CFI);
			return STEP_END;
		}
		set_reg(&next, order[i], v);
	}
	next.r[ARCH_REG_PC] = arch_code(next.r[ARCH_REG_PC]);
	s->regs = next;
	s->kept = 0;
	return STEP_ON_EXACT;
}

/* Code without rows: one step by frame pointer, if that looks like a frame. A zero is what the ABI
 * puts there for the outermost one, but code that never set it up has one by chance, too. */
static enum step step_fp(struct walker *w, struct process *p, struct state *s, enum walk_end *why)
{
	uint64_t fp, sp, next_fp, pc;

	*why = WALK_NO_CFI;
	if (!reg(s, ARCH_REG_FP, &fp) || !reg(s, ARCH_REG_SP, &sp))
		return STEP_END;
	if (fp < sp || fp % 8 || !read_word(s, fp, &next_fp) || !read_word(s, fp + 8, &pc)) {
		*why = fp >= sp && fp % 8 == 0 ? failed(s, WALK_NO_CFI) : WALK_NO_CFI;
		return STEP_END;
	}
	pc = arch_code(pc);
	if (!process_mapping(w->processes, p, pc - 1))
		return STEP_END;
	s->regs.known = s->kept = 0;
	set_reg(&s->regs, ARCH_REG_FP, next_fp);
	set_reg(&s->regs, ARCH_REG_SP, fp + 16);
	set_reg(&s->regs, ARCH_REG_PC, pc);
	return STEP_ON;
}

static enum step step_rule(struct walker *w, struct process *p, struct state *s,
			   const struct rows_rule *r, const struct rows_op *ops, bool leaf,
			   enum walk_end *why)
{
	uint64_t cfa, pc, sp = s->regs.r[ARCH_REG_SP], old = s->regs.r[ARCH_REG_PC];

	if (r->ra_kind == ROWS_RA_END) {
		*why = WALK_ROOT;
		return STEP_END;
	}
	if (!find_cfa(s, r, ops, &cfa) || !find_ra(s, r, ops, cfa, &pc)) {
		*why = failed(s, WALK_BAD_CFI);
		return STEP_END;
	}
	pc = arch_code(pc);
	if (pc == 0) {
		*why = WALK_ROOT;
		return STEP_END;
	}
	if (s->assumed && !process_mapping(w->processes, p, pc - 1)) {
		*why = WALK_BAD_CFI;
		return STEP_END;
	}
	/* Only a leaf that has pushed nothing (aarch64) leaves the stack where it was. */
	if (cfa < sp || (cfa == sp && (!leaf || pc == old))) {
		*why = WALK_LOOP;
		return STEP_END;
	}
	restore(w, s, r, ops, cfa);
	set_reg(&s->regs, ARCH_REG_SP, cfa);
	set_reg(&s->regs, ARCH_REG_PC, pc);
	return r->flags & ROWS_RULE_SIGNAL ? STEP_ON_EXACT : STEP_ON;
}

/* ---- where a code address belongs ---- */

static bool is_file(const char *path)
{
	return path[0] == '/' && strncmp(path, "/memfd:", 7) && strncmp(path, "/dev/", 5);
}

static bool look_up(struct walker *w, struct process *p, uint64_t pc, struct cached *c, bool *wait)
{
	struct mapping *m = process_mapping(w->processes, p, pc);

	*c = (struct cached){.pc = pc, .vaddr = pc, .rule = NO_RULE};
	*wait = false;
	if (!m)
		return false;
	/* After: asking for the module may have changed nothing else, but the stamp is the space's. */
	c->stamp = p->space->stamp;
	c->epoch = w->epoch;
	c->has_module = m->module != NULL;
	if (!m->module) {
		c->path = m->path;
		if (is_file(m->path))
			c->vaddr = pc - m->start + m->pgoff;
		return true;
	}
	c->module = m->module;
	if (module_vaddr(m->module, m, pc, &c->vaddr))
		*wait = tables_rule(w->tables, m->module, c->vaddr, &c->rule) == TABLE_WAIT;
	else
		c->vaddr = pc - m->start + m->pgoff;
	c->trampoline = c->rule != NO_RULE &&
			tables_rule_at(c->module, c->rule)->cfa_kind == ROWS_CFA_SIGFRAME;
	return true;
}

static const struct cached *cached(struct walker *w, struct process *p, uint64_t pc, bool *wait)
{
	uint64_t h = (pc ^ (uint64_t)p->space->stamp << 40) * UINT64_C(0x9e3779b97f4a7c15);
	struct cached *c = &w->cache[h >> (64 - CACHE_BITS)];

	*wait = false;
	if (c->pc == pc && c->stamp == p->space->stamp && c->epoch == w->epoch)
		return c;
	if (!look_up(w, p, pc, c, wait)) {
		c->stamp = 0;
		return NULL;
	}
	if (*wait)
		c->stamp = 0;
	return c;
}

static void follow_tables(struct walker *w)
{
	w->epoch = (uint16_t)(tables_counters(w->tables)->arrived / EPOCH_PAGES & 0x3fff);
}

/* ---- the walk ---- */

static enum step step(struct walker *w, struct process *p, struct state *s, const struct cached *c,
		      bool leaf, uint32_t *next_flags, enum walk_end *why)
{
	const struct rows_rule *r =
		c->rule == NO_RULE ? NULL : tables_rule_at(c->module, c->rule);

	*next_flags = 0;
	if (r && r->flags & ROWS_RULE_CODE)
		*next_flags = WALK_FRAME_FP;
	if (r && (r->cfa_kind == ROWS_CFA_REG || r->cfa_kind == ROWS_CFA_EXPR))
		return step_rule(w, p, s, r, tables_ops(c->module), leaf, why);
	if (r && r->cfa_kind == ROWS_CFA_SIGFRAME)
		return step_sigframe(s, why);
	if (r && r->cfa_kind == ROWS_CFA_BAD) {
		*why = WALK_BAD_CFI;
		return STEP_END;
	}
	if (!c->has_module && is_file(c->path)) {
		*why = WALK_NO_FILE;
		return STEP_END;
	}
	*next_flags = WALK_FRAME_FP;
	return step_fp(w, p, s, why);
}

static void add_frame(struct walk *ret, const struct cached *c, uint64_t pc, uint64_t lookup,
		      uint32_t flags)
{
	struct walk_frame *f = &ret->frames[ret->n++];

	*f = (struct walk_frame){.pc = pc, .vaddr = c ? c->vaddr : lookup, .flags = flags,
				 .module = c && c->has_module ? c->module : NULL,
				 .path = c && !c->has_module ? c->path : NULL};
	/* Nobody called that one: the address is its first instruction's. */
	if (c && c->trampoline && !(flags & WALK_FRAME_EXACT)) {
		f->vaddr++;
		f->flags |= WALK_FRAME_EXACT;
	}
}

bool walker_walk(struct walker *w, struct process *p, const struct walk_input *in, bool give_up,
		 struct walk *ret)
{
	struct state s = {.in = in};
	uint32_t flags = WALK_FRAME_EXACT, next_flags;
	bool wait;

	arch_from_perf(in->regs, &s.regs);
	s.base = s.regs.r[ARCH_REG_SP];
	ret->n = 0;
	ret->end = WALK_DEEP;
	follow_tables(w);
	while (ret->n < WALK_FRAMES_MAX) {
		uint64_t pc = s.regs.r[ARCH_REG_PC];
		uint64_t lookup = flags & WALK_FRAME_EXACT ? pc : pc - 1;
		const struct cached *c = cached(w, p, lookup, &wait);
		enum step st;

		if (wait && !give_up)
			return false;
		if (!c && ret->n) { /* not code: no frame of ours is shown for it */
			ret->end = WALK_UNMAPPED;
			return true;
		}
		add_frame(ret, c, pc, lookup, flags);
		if (!c || wait) {
			ret->end = c ? WALK_TABLE_LATE : WALK_UNMAPPED;
			return true;
		}
		s.assumed = false;
		st = step(w, p, &s, c, ret->n == 1 || flags & WALK_FRAME_EXACT, &next_flags,
			  &ret->end);
		if (st == STEP_END)
			return true;
		ret->end = WALK_DEEP;
		flags = next_flags | (s.assumed ? WALK_FRAME_FP : 0) |
			(st == STEP_ON_EXACT ? WALK_FRAME_EXACT : 0);
	}
	return true;
}
