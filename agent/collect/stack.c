/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/collect/stack.h"

#include <string.h>

#include "agent/unwind/arch.h"

static struct window_frame *add(struct stack *s)
{
	return s->n < WINDOW_STACK_MAX ? &s->frames[s->n++] : NULL;
}

static void add_kernel_frame(struct stack *s, const struct module *kernel, uint64_t address)
{
	struct window_frame *f = add(s);

	if (f)
		*f = (struct window_frame){.module = kernel, .path = "[kernel.kallsyms]",
					   .address = address, .flags = WINDOW_KERNEL};
}

void stack_add_kernel(struct stack *s, const struct record_sample *r, const struct module *kernel)
{
	bool inside = false, leaf = true;

	for (uint64_t i = 0; i < r->n_chain; i++) {
		uint64_t pc = r->chain[i];
		if (record_is_mark(pc)) {
			inside = record_is_kernel_mark(pc);
			continue;
		}
		if (!inside)
			continue;
		add_kernel_frame(s, kernel, leaf ? pc : pc - 1);
		leaf = false;
	}
	if (leaf && r->kernel)
		add_kernel_frame(s, kernel, r->ip);
}

/* Memory that holds code made at run time rather than a file's. */
static bool is_anonymous(const char *path)
{
	static const char *const marks[] = {"[heap]", "[stack", "[anon", "/memfd:", "/dev/", "/SYSV"};

	if (!path[0])
		return true;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (!strncmp(path, marks[i], strlen(marks[i])))
			return true;
	return false;
}

static void add_user(struct stack *s, struct processes *ps, struct process *p,
		     const struct walk_frame *w, uint64_t time)
{
	struct window_frame *f = add(s);

	if (!f)
		return;
	*f = (struct window_frame){.module = w->module, .path = w->path, .address = w->vaddr,
				   .flags = w->flags & WALK_FRAME_FP ? WINDOW_FP : 0};
	if (!w->module && w->path && is_anonymous(w->path)) {
		f->module = process_perfmap(ps, p, time);
		f->path = "[jit]";
		f->flags |= WINDOW_ANON;
	} else if (!w->module && !w->path) {
		f->path = "[unmapped]";
	}
}

void stack_add_walk(struct stack *s, struct processes *ps, struct process *p, const struct walk *w,
		    uint64_t time)
{
	for (size_t i = 0; i < w->n; i++)
		add_user(s, ps, p, &w->frames[i], time);
}

/* The user part of the kernel's chain. */
static const uint64_t *user_chain(const struct record_sample *r, size_t *ret_n)
{
	uint64_t from = 0, to;

	while (from < r->n_chain && !record_is_user_mark(r->chain[from]))
		from++;
	for (to = from + 1; to < r->n_chain && !record_is_mark(r->chain[to]);)
		to++;
	*ret_n = from < r->n_chain ? to - from - 1 : 0;
	return *ret_n ? r->chain + from + 1 : NULL;
}

static bool add_chain_frame(struct stack *s, struct processes *ps, struct process *p, uint64_t pc,
			    bool leaf, uint64_t time)
{
	uint64_t lookup = leaf ? pc : pc - 1;
	struct mapping *m = process_mapping(ps, p, lookup);
	struct walk_frame f = {.pc = pc, .vaddr = lookup, .flags = leaf ? 0 : WALK_FRAME_FP};

	if (!m)
		return false;
	f.path = m->path;
	f.module = m->module;
	if (m->module ? !module_vaddr(m->module, m, lookup, &f.vaddr) : !is_anonymous(m->path))
		f.vaddr = lookup - m->start + m->pgoff;
	add_user(s, ps, p, &f, time);
	return true;
}

void stack_add_ip(struct stack *s, struct processes *ps, struct process *p, uint64_t ip,
		  uint64_t time)
{
	struct walk_frame unmapped = {.pc = ip, .vaddr = ip};

	if (!add_chain_frame(s, ps, p, ip, true, time))
		add_user(s, ps, p, &unmapped, time);
}

size_t stack_splice(struct stack *s, struct processes *ps, struct process *p, const struct walk *w,
		    const struct record_sample *r, uint64_t time)
{
	size_t n, i, added = 0;
	const uint64_t *chain = user_chain(r, &n);
	uint64_t last = w->n > 1 ? w->frames[w->n - 1].pc : 0;

	for (i = 1; last && i < n && arch_code(chain[i]) != last;)
		i++;
	for (i++; last && i < n; i++, added++)
		if (!add_chain_frame(s, ps, p, arch_code(chain[i]), false, time))
			break;
	return added;
}

size_t stack_add_chain(struct stack *s, struct processes *ps, struct process *p,
		       const struct record_sample *r, size_t most, bool gaps, uint64_t time)
{
	size_t n, added = 0;
	const uint64_t *chain = user_chain(r, &n);

	for (size_t i = 0; i < n && i < most; i++, added++) {
		uint64_t pc = arch_code(chain[i]);
		struct walk_frame unmapped = {.pc = pc, .vaddr = i ? pc - 1 : pc};

		if (add_chain_frame(s, ps, p, pc, i == 0, time))
			continue;
		if (!gaps)
			break;
		add_user(s, ps, p, &unmapped, time);
	}
	return added;
}
