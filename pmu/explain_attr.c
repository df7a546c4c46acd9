/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/explain.h"

#include "pmu/hints.h"

/* Each changes one thing; false when it is not set anyway. */
static bool without_precise(struct perf_event_attr *a)
{
	bool had = a->precise_ip;

	a->precise_ip = 0;
	return had;
}

static bool without_kernel_bit(struct perf_event_attr *a)
{
	bool had = a->exclude_kernel || a->exclude_user || a->exclude_hv || a->exclude_idle ||
		   a->exclude_host || a->exclude_guest;

	a->exclude_kernel = a->exclude_user = a->exclude_hv = a->exclude_idle = 0;
	a->exclude_host = a->exclude_guest = 0;
	return had;
}

static bool without_stack(struct perf_event_attr *a)
{
	bool had = a->sample_type & PERF_SAMPLE_STACK_USER;

	a->sample_type &= ~(__u64)PERF_SAMPLE_STACK_USER;
	a->sample_stack_user = 0;
	return had;
}

static bool without_regs(struct perf_event_attr *a)
{
	bool had = a->sample_type & PERF_SAMPLE_REGS_USER;

	a->sample_type &= ~(__u64)(PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER);
	a->sample_regs_user = 0;
	a->sample_stack_user = 0;
	return had;
}

static bool without_callchain(struct perf_event_attr *a)
{
	bool had = a->sample_type & PERF_SAMPLE_CALLCHAIN;

	a->sample_type &= ~(__u64)PERF_SAMPLE_CALLCHAIN;
	a->exclude_callchain_user = 0;
	a->sample_max_stack = 0;
	return had;
}

static bool without_inherit(struct perf_event_attr *a)
{
	bool had = a->inherit;

	a->inherit = 0;
	return had;
}

static bool without_sampling(struct perf_event_attr *a)
{
	bool had = a->sample_period;

	a->freq = 0;
	a->sample_period = 0;
	return had;
}

static bool without_precise_and_bits(struct perf_event_attr *a)
{
	bool had = without_precise(a);

	return without_kernel_bit(a) && had;
}

static bool without_sampling_and_bits(struct perf_event_attr *a)
{
	bool had = without_sampling(a);

	return without_kernel_bit(a) && had;
}

static const struct {
	bool (*without)(struct perf_event_attr *a);
	const char *says;
} changes[] = {
	{without_precise, "it cannot be precise here: leave ':p' out"},
	{without_sampling, "it can be counted, not sampled: this PMU has no interrupt for it"},
	{without_kernel_bit, "it cannot tell user, kernel, host and guest apart: leave ':u' or "
			     "':k' out, or (counting all) have the rights for the kernel part"},
	{without_stack, "a copy of the user stack of this size is not to be had: a smaller one"},
	{without_regs, "this kernel gives no user registers"},
	{without_callchain, "this kernel gives no callchains with it"},
	{without_inherit, "it cannot follow new threads and children"},
	{without_precise_and_bits, "it cannot be precise, nor tell user and kernel apart"},
	{without_sampling_and_bits, "it can be counted, not sampled, and does not tell user and "
				    "kernel apart"},
};

static bool opens(const struct perf_event_attr *attr, const struct open_target *t)
{
	int fd = pmu_open_attr(attr, t);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool explain_rate(const struct perf_event_attr *attr, const struct facts *facts,
			 const struct why *w)
{
	if (!attr->freq || facts->max_rate == FACT_NONE ||
	    attr->sample_freq <= (unsigned long)facts->max_rate)
		return false;
	why_add(w, "%llu Hz is above perf_event_max_sample_rate (%ld Hz).\n",
		(unsigned long long)attr->sample_freq, facts->max_rate);
	why_add(w, "  -F %ld\n", facts->max_rate);
	why_add(w, "  or " HINT_SAMPLE_RATE "\n", (long)attr->sample_freq);
	return true;
}

bool explain_attributes(const struct perf_event_attr *attr, const struct open_target *t,
			const struct facts *facts, const struct why *w)
{
	if (explain_rate(attr, facts, w))
		return true;
	if (attr->sample_max_stack && attr->sample_max_stack > facts->max_stack) {
		why_add(w, "%u frames are more than perf_event_max_stack (%ld).\n  " HINT_MAX_STACK
			"\n", attr->sample_max_stack, facts->max_stack,
			(long)attr->sample_max_stack);
		return true;
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct perf_event_attr changed = *attr;

		if (!changes[i].without(&changed) || !opens(&changed, t))
			continue;
		why_add(w, "%s.\n", changes[i].says);
		return true;
	}
	return false;
}
