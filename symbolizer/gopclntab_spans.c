/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <string.h>

#include "symbolizer/gopclntab.h"
#include "symbolizer/gopclntab_priv.h"

enum { DELTA_MAX = INT32_MAX - 64 }; /* reflect has frames of 1 GiB */

struct walk {
	const struct gopclntab *t;
	uint64_t low, high; /* what was asked for */
	void (*fn)(void *arg, const struct gopclntab_span *span);
	void *arg;
};

static void report(const struct walk *w, struct gopclntab_span s)
{
	if (s.low < w->low)
		s.low = w->low;
	if (s.high > w->high)
		s.high = w->high;
	if (s.low < s.high)
		w->fn(w->arg, &s);
}

static void report_kind(const struct walk *w, uint64_t low, uint64_t high, uint32_t kind)
{
	report(w, (struct gopclntab_span){.low = low, .high = high, .kind = kind});
}

static bool bytes_are(const struct gopclntab *t, uint64_t addr, const void *want, size_t len)
{
	const void *p = image_bytes(t->img, addr, len);

	return p && !memcmp(p, want, len);
}

static bool is_sigreturn(const struct gopclntab *t, uint64_t addr)
{
	static const uint8_t x86_64[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	static const uint8_t aarch64[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4};

	return image_machine(t->img) == EM_X86_64 ? bytes_are(t, addr, x86_64, sizeof(x86_64))
						  : bytes_are(t, addr, aarch64, sizeof(aarch64));
}

/* Functions that the runtime's own traceback stops at, for Go 1.16, which had no flags. */
static bool is_old_top(const char *name)
{
	static const char *const tops[] = {
		"runtime.goexit", "runtime.mstart", "runtime.rt0_go", "runtime.mcall",
		"runtime.morestack", "runtime.systemstack", "runtime.asmcgocall", "runtime.gogo",
		"runtime.sigtramp", "runtime.cgocallback",
	};

	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (!strcmp(name, tops[i]))
			return true;
	return false;
}

/* What the runtime's traceback does with a function that sets the stack pointer: its own ones
 * (systemstack, mcall, asmcgocall, calls into the vDSO) have gone to another stack; the caller's
 * is not in a copy of this one. cgocallback takes care to be walkable. Others (cryptography)
 * align it, and have a frame pointer. */
enum sp_write { SP_KEPT, SP_SWITCHED, SP_ALIGNED };

static enum sp_write sp_write(const struct gopclntab *t, const struct go_func *f)
{
	const char *name = f->flag & GO_FLAG_SPWRITE ? go_name(t, f) : NULL;

	if (!name || !strcmp(name, "runtime.cgocallback"))
		return SP_KEPT;
	/* time.now is the runtime's as well: it calls into the vDSO. */
	return strncmp(name, "runtime.", 8) && strcmp(name, "time.now") ? SP_ALIGNED : SP_SWITCHED;
}

static bool is_top(const struct gopclntab *t, const struct go_func *f)
{
	const char *name;

	if (t->version > GO_1_16 || f->flag)
		return f->flag & GO_FLAG_TOPFRAME || sp_write(t, f) == SP_SWITCHED;
	name = go_name(t, f);
	return name && is_old_top(name);
}

/* Where the prologue that grew the stack at `pc` has saved the frame pointer, as the assembler
 * (cmd/internal/obj) writes it; UINT64_MAX where it has not. */
static uint64_t fp_saved_from(const struct gopclntab *t, uint64_t pc, int32_t delta)
{
	static const uint8_t push_rbp[] = {0x55};
	static const uint8_t mov_short[] = {0x48, 0x89, 0x6c, 0x24}; /* mov rbp, d8(rsp) */
	static const uint8_t mov_long[] = {0x48, 0x89, 0xac, 0x24};  /* mov rbp, d32(rsp) */
	static const uint8_t stur_x29[] = {0xfd, 0x83, 0x1f, 0xf8};  /* stur x29, [sp, -8] */
	static const uint8_t mov_sp[] = {0x9f, 0x02, 0x00, 0x91};    /* mov sp, x20, after stp */

	if (image_machine(t->img) == EM_AARCH64) {
		if (bytes_are(t, pc, stur_x29, 4))
			return pc + 4;
		return bytes_are(t, pc - 4, mov_sp, 4) ? pc : UINT64_MAX;
	}
	if (delta == 8 && bytes_are(t, pc - 1, push_rbp, 1)) /* Go 1.21 */
		return pc;
	if (bytes_are(t, pc, mov_short, 4))
		return pc + 5;
	return bytes_are(t, pc, mov_long, 4) ? pc + 8 : UINT64_MAX;
}

static void frame_spans(const struct walk *w, const struct go_func *f)
{
	bool aligned = sp_write(w->t, f) == SP_ALIGNED, grown = false;
	struct go_steps s = go_steps(w->t, f, f->pcsp);
	uint64_t at = f->entry, fp = UINT64_MAX, limit = f->end < w->high ? f->end : w->high;

	while (at < limit && go_step(&s)) {
		struct gopclntab_span span = {.low = at, .high = s.pc, .kind = GOPCLNTAB_FRAME,
					      .delta = s.value};

		if (span.high <= at)
			continue;
		if (span.high > f->end)
			span.high = f->end;
		/* Negative: the return address has been popped (rawVforkSyscall, asyncPreempt). */
		if (s.value < 0 || s.value > DELTA_MAX)
			span.kind = GOPCLNTAB_BAD;
		if (s.value > 0 && !grown) {
			grown = true;
			fp = fp_saved_from(w->t, at, s.value);
		}
		at = span.high;
		span.saves_fp = s.value > 0 && fp <= span.low;
		span.by_fp = aligned && span.saves_fp && s.value > 8;
		if (s.value > 0 && fp > span.low && fp < span.high) {
			struct gopclntab_span before = span;
			before.high = span.low = fp;
			report(w, before);
			span.saves_fp = true;
		}
		report(w, span);
	}
	/* Padding up to the next function is nobody's. */
	report_kind(w, at, limit, at > f->entry ? GOPCLNTAB_NONE : GOPCLNTAB_BAD);
}

static void func_spans(const struct walk *w, size_t i, uint64_t entry, uint64_t end)
{
	struct go_func f;

	if (!go_func(w->t, i, &f))
		report_kind(w, entry, end, GOPCLNTAB_BAD);
	else if (is_sigreturn(w->t, entry))
		report_kind(w, entry, end, GOPCLNTAB_SIGRETURN);
	else if (is_top(w->t, &f))
		report_kind(w, entry, end, GOPCLNTAB_TOP);
	else if (f.pcsp == 0) /* C that was linked as an object file: the race detector */
		report_kind(w, entry, end, GOPCLNTAB_NONE);
	else
		frame_spans(w, &f);
}

void gopclntab_spans(const struct gopclntab *t, uint64_t low, uint64_t high,
		     void (*fn)(void *arg, const struct gopclntab_span *span), void *arg)
{
	struct walk w = {t, low, high, fn, arg};
	size_t i = go_find(t, low);
	uint64_t at = low;

	if (i == t->n_funcs)
		i = 0;
	for (; i < t->n_funcs && at < high; i++) {
		uint64_t entry = go_entry(t, i), end = go_entry(t, i + 1);

		if (entry >= high)
			break;
		if (end < entry) { /* unsorted: nothing more can be believed */
			report_kind(&w, at, high, GOPCLNTAB_BAD);
			return;
		}
		if (end <= at)
			continue;
		if (entry > at)
			report_kind(&w, at, entry, GOPCLNTAB_NONE);
		w.low = entry > at ? entry : at;
		func_spans(&w, i, entry, end);
		w.low = low;
		at = end;
	}
	if (at < high)
		report_kind(&w, at, high, GOPCLNTAB_NONE);
}
