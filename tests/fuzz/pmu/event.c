/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole -e argument, on a machine without PMUs and tracepoints, and with a stand-in for libpfm4,
 * whose search through all processors' events takes a thousand times longer than all the rest.
 */
/* libFuzzer: -max_len=96 */
#include "pmu/resolve.h"

#include <errno.h>

#include "pmu/roots.h"
#include "tests/fuzz/fuzz.h"

static const struct pmu_roots nowhere = {.devices = "/nonexistent", .proc = "/nonexistent",
					 .tracefs = {"/nonexistent", "/nonexistent"},
					 .sys = "/nonexistent"};

int pfm_resolve(const char *name, struct event *e, const struct why *w)
{
	if (strncmp(name, "pfm::", 5))
		return -ENOENT;
	e->type = 4;
	e->source = EVENT_PFM;
	return 0;
}

int pfm_each_pmu(name_fn *fn, void *arg) { return fn(arg, "pfm"); }
int pfm_each_event(const char *pmu, name_fn *fn, void *arg) { return fn(arg, "pfm::EVENT"); }
int pfm_each_mask(const char *event, name_fn *fn, void *arg) { return fn(arg, "pfm::EVENT:MASK"); }
const char *pfm_elsewhere(const char *name) { return *name == 'E' ? "elsewhere" : NULL; }

static void check(const struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert(*events[i].name && *events[i].sample_type && *events[i].unit);
		assert(!strpbrk(events[i].sample_type, ":/, "));
		for (size_t k = 0; k < i; k++)
			assert(strcmp(events[i].sample_type, events[k].sample_type));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event events[EVENTS_MAX];
	char why[EVENT_WHY_MAX], *text = malloc(size + 1);
	size_t n = 0;

	assert(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	pmu_roots_set(&nowhere);
	if (events_resolve(text, events, &n, why) == 0) {
		assert(n >= 1 && n <= EVENTS_MAX);
		check(events, n);
	} else {
		assert(n == 0 && *why && strlen(why) < sizeof(why));
	}
	free(text);
	return 0;
}
