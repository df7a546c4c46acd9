/* SPDX-License-Identifier: Apache-2.0
 *
 * The same samples unwound twice: by pmuscope's rows and by elfutils' libdwfl.
 *
 *     unwind PID [SAMPLES [ROUNDS]]
 *
 * Samples a running process (997 Hz), keeps the raw samples, walks each with both, compares frame
 * by frame, then stops the process and times ROUNDS warm walks over all of them. Prints one "name: value" a line:
 * samples, frames, equal (frames that both have at the same place), differ (samples with a frame
 * that differs), shorter / longer (stacks that libdwfl takes further / ends earlier), apart (samples
 * that differ where libdwfl cannot know better, not compared further), and the nanoseconds a frame
 * of each.
 */
#include <asm/perf_regs.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/cmd/targets.h"
#include "agent/collect/parked.h"
#include "agent/space/opener.h"
#include "agent/unwind/arch.h"
#include "agent/unwind/walk.h"
#include "pmu/session.h"

enum { FRAMES_MAX = WALK_FRAMES_MAX, SAMPLES_DEFAULT = 2000, ROUNDS_DEFAULT = 20 };

struct both {
	struct opener *opener;
	struct symbolizer *symbolizer;
	struct modules *modules;
	struct processes *processes;
	struct tables *tables;
	struct walker *walker;
	struct session *session;
	struct parking samples;
	struct parked **at; /* the samples, for repeated walks */
	size_t n, want;
	int pid;
	Dwfl *dwfl;
	const struct record_sample *now; /* the sample that libdwfl's callbacks serve */
	int now_tid;
	struct arch_regs regs;
	uint64_t theirs[FRAMES_MAX];
	size_t n_theirs;
};

/* ---- libdwfl's view of one sample ---- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	struct both *b = arg;

	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = b;
	return b->now_tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl;
	(void)tid;
	*thread_arg = arg;
	return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr at, Dwarf_Word *ret, void *arg)
{
	const struct both *b = arg;
	uint64_t off = at - b->regs.r[ARCH_REG_SP];

	(void)dwfl;
	if (off > b->now->stack_len || b->now->stack_len - off < sizeof(*ret))
		return false;
	memcpy(ret, b->now->stack + off, sizeof(*ret));
	return true;
}

/* Straight from the sample, by the kernel's own numbers: our translation is under test too. */
#ifdef __aarch64__
static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const uint64_t *r = ((struct both *)arg)->now->regs;

	dwfl_thread_state_register_pc(thread, r[PERF_REG_ARM64_PC]);
	return dwfl_thread_state_registers(thread, 0, 32, (const Dwarf_Word *)r);
}
#else
static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	static const int order[17] = {PERF_REG_X86_AX, PERF_REG_X86_DX, PERF_REG_X86_CX,
				      PERF_REG_X86_BX, PERF_REG_X86_SI, PERF_REG_X86_DI,
				      PERF_REG_X86_BP, PERF_REG_X86_SP};
	const uint64_t *r = ((struct both *)arg)->now->regs;
	Dwarf_Word regs[17];

	for (int i = 0; i < 8; i++)
		regs[i] = r[order[i]];
	for (int i = 8; i < 16; i++) /* R8 is the first behind IP in the mask */
		regs[i] = r[PERF_REG_X86_IP + 1 + (i - 8)];
	regs[16] = r[PERF_REG_X86_IP];
	return dwfl_thread_state_registers(thread, 0, 17, regs);
}
#endif

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

static int open_dwfl(struct both *b)
{
	static char *no_path;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &no_path,
	};

	b->dwfl = dwfl_begin(&callbacks);
	if (!b->dwfl || dwfl_linux_proc_report(b->dwfl, b->pid) ||
	    dwfl_report_end(b->dwfl, NULL, NULL) ||
	    !dwfl_attach_state(b->dwfl, NULL, b->pid, &thread_callbacks, b))
		return -EINVAL;
	return 0;
}

static int on_frame(Dwfl_Frame *frame, void *arg)
{
	struct both *b = arg;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, NULL) || b->n_theirs == FRAMES_MAX)
		return DWARF_CB_ABORT;
	b->theirs[b->n_theirs++] = pc;
	return DWARF_CB_OK;
}

static void walk_theirs(struct both *b, const struct parked *k)
{
	b->now = &k->record.sample;
	b->now_tid = b->pid;
	arch_from_perf(b->now->regs, &b->regs);
	b->n_theirs = 0;
	dwfl_getthread_frames(b->dwfl, b->now_tid, on_frame, b);
}

/* ---- ours ---- */

static bool walk_ours(struct both *b, struct parked *k, bool give_up, struct walk *w)
{
	const struct record_sample *s = &k->record.sample;
	struct walk_input in = {.regs = s->regs, .stack = s->stack, .stack_len = s->stack_len,
				.stack_asked = s->stack_asked};

	return walker_walk(b->walker, &k->process, &in, give_up, w);
}

static void walk_ours_waiting(struct both *b, struct parked *k, struct walk *w)
{
	for (int i = 0; i < 2000 && !walk_ours(b, k, false, w); i++)
		tables_poll(b->tables, clock_mono() + NS_PER_MS);
}

/* ---- samples ---- */

static void on_record(void *arg, const struct record *r)
{
	struct both *b = arg;
	struct process *p;

	if (r->kind != RECORD_SAMPLE) {
		processes_apply(b->processes, r);
		return;
	}
	p = processes_get(b->processes, (int)r->pid, r->time);
	if (!p || (int)r->pid != b->pid || !r->sample.regs || r->sample.abi32 ||
	    b->samples.n >= b->want)
		return;
	b->samples.bytes = 0; /* the bound is for a collector; here the number of samples is one */
	parking_add(&b->samples, r, p, "", ARCH_PERF_REGS);
}

static int collect(struct both *b, const struct targets *t)
{
	static struct event event;
	struct session_config c = {.events = &event, .n_events = 1, .scope = SESSION_TASKS,
				   .tids = t->tids.at, .n_tids = t->tids.len, .frequency = 997,
				   .stack_bytes = 65528, .inherit = true};
	char why[EVENT_WHY_MAX];
	uint64_t end = clock_mono() + 60ull * NS_PER_S;
	size_t n = 0;

	if (events_resolve("cpu-clock:u", &event, &n, why) ||
	    session_open(&c, &b->session, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return -1;
	}
	session_enable(b->session);
	processes_read(b->processes, b->pid);
	while (b->samples.n < b->want && clock_mono() < end) {
		session_wait(b->session, NULL, 0, 50);
		session_drain(b->session, clock_mono() - 3 * NS_PER_MS, on_record, b);
	}
	session_disable(b->session);
	return 0;
}

/* ---- the comparison ---- */

struct result {
	size_t frames, equal, differ, shorter, longer, complete, apart;
};

static void print_difference(const struct both *b, const struct walk *w, size_t at)
{
	fprintf(stderr, "differs at frame %zu of ours %zu (%s), theirs %zu\n", at, w->n,
		walk_end_word(w->end), b->n_theirs);
	for (size_t i = 0; i < at + 12 && (i < w->n || i < b->n_theirs); i++)
		fprintf(stderr, "  %2zu %16" PRIx64 " %16" PRIx64 "  %s+0x%" PRIx64 "\n", i,
			i < w->n ? w->frames[i].pc : 0, i < b->n_theirs ? b->theirs[i] : 0,
			i < w->n && w->frames[i].module ? w->frames[i].module->path : "?",
			i < w->n ? w->frames[i].vaddr : 0);
}

/* On aarch64 libdwfl (0.188) knows neither the vDSO's CFI, nor how to leave a PLT stub or a signal
 * frame, but takes the frame pointer's word: in programs without frame pointers that is any
 * register. Known call chains tell the truth there. */
static bool beyond_libdwfl(const struct walk *w, size_t at)
{
#ifdef __aarch64__
	for (size_t i = 0; i <= at && i < w->n; i++)
		if (w->frames[i].flags & WALK_FRAME_FP ||
		    (w->frames[i].path && !strcmp(w->frames[i].path, "[vdso]")))
			return true;
#endif
	return false;
}

static void compare(const struct both *b, const struct walk *w, struct result *r)
{
	size_t n = w->n < b->n_theirs ? w->n : b->n_theirs, i = 0;

	while (i < n && w->frames[i].pc == b->theirs[i])
		i++;
	if (i < n && beyond_libdwfl(w, i)) {
		r->complete += walk_end_complete(w->end);
		r->apart++;
		return;
	}
	r->frames += n;
	r->equal += i;
	r->complete += walk_end_complete(w->end);
	r->shorter += i == n && w->n < b->n_theirs;
	r->longer += i == n && w->n > b->n_theirs;
	if (i < n || (w->n < b->n_theirs && w->end != WALK_ROOT)) {
		r->differ += i < n;
		if (r->differ + r->shorter <= 5)
			print_difference(b, w, i);
	}
}

static void print_times(struct both *b, unsigned rounds)
{
	static struct walk w;
	uint64_t t, ours_ns, theirs_ns, ours = 0, theirs = 0;

	t = clock_mono();
	for (unsigned k = 0; k < rounds; k++)
		for (size_t i = 0; i < b->n; i++) {
			walk_ours(b, b->at[i], true, &w);
			ours += w.n;
		}
	ours_ns = clock_mono() - t;
	t = clock_mono();
	for (size_t i = 0; i < b->n; i++) {
		walk_theirs(b, b->at[i]);
		theirs += b->n_theirs;
	}
	theirs_ns = clock_mono() - t;
	printf("ours ns a frame: %.1f\nlibdwfl ns a frame: %.1f\n",
	       (double)ours_ns / (double)(ours ? ours : 1),
	       (double)theirs_ns / (double)(theirs ? theirs : 1));
}

static void run(struct both *b, unsigned rounds)
{
	static struct walk w;
	struct result r = {0};

	for (size_t i = 0; i < b->n; i++) {
		walk_ours_waiting(b, b->at[i], &w);
		walk_theirs(b, b->at[i]);
		compare(b, &w, &r);
	}
	printf("samples: %zu\ncomplete: %zu\nframes: %zu\nequal: %zu\ndiffer: %zu\nshorter: %zu\n"
	       "longer: %zu\napart: %zu\n", b->n, r.complete, r.frames, r.equal, r.differ,
	       r.shorter, r.longer, r.apart);
	kill(b->pid, SIGSTOP); /* it would share our caches */
	print_times(b, rounds);
	kill(b->pid, SIGCONT);
}

static int set_up(struct both *b)
{
	int e = opener_start(getuid(), getgid(), &b->opener);

	if (!e)
		e = symbolizer_prepare(&b->symbolizer);
	if (!e)
		e = symbolizer_start(b->symbolizer);
	if (!e)
		e = modules_new(b->opener, b->symbolizer, &b->modules);
	if (!e)
		e = processes_new(b->opener, b->modules, &b->processes);
	if (!e)
		e = tables_new(b->symbolizer, &b->tables);
	if (!e)
		e = walker_new(b->processes, b->tables, &b->walker);
	return e ? e : open_dwfl(b);
}

int main(int argc, char **argv)
{
	static struct both both;
	struct both *b = &both;
	struct targets t = {0};
	struct parked *k;
	char why[1024];

	if (argc < 2) {
		fprintf(stderr, "usage: unwind PID [SAMPLES [ROUNDS]]\n");
		return 2;
	}
	b->pid = atoi(argv[1]);
	b->want = argc > 2 ? (size_t)atol(argv[2]) : SAMPLES_DEFAULT;
	parking_init(&b->samples);
	if (set_up(b) || targets_find(&b->pid, 1, false, &t, why, sizeof(why)) || collect(b, &t)) {
		fprintf(stderr, "cannot set up for process %d\n", b->pid);
		return 1;
	}
	b->at = calloc(b->want, sizeof(*b->at));
	while (b->at && (k = parking_take(&b->samples)))
		b->at[b->n++] = k;
	run(b, argc > 3 ? (unsigned)atoi(argv[3]) : ROUNDS_DEFAULT);
	symbolizer_stop(&b->symbolizer);
	opener_stop(&b->opener);
	return 0;
}
