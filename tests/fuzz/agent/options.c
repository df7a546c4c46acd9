/* SPDX-License-Identifier: Apache-2.0
 *
 * The arguments of `record`, one a line. Event names are not resolved here (fuzz/pmu/event).
 */
/* libFuzzer: -max_len=256 */
#include "agent/cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

enum { ARGS_MAX = 16 };

int events_resolve(const char *text, struct event *events, size_t *n, char *why)
{
	if (!*text || *n == EVENTS_MAX) {
		strcpy(why, "no");
		return -EINVAL;
	}
	++*n;
	return 0;
}

static void check(const struct options *o)
{
	assert(o->n_outputs <= OUTPUTS_MAX && o->n_events <= EVENTS_MAX);
	assert(o->stack_bytes % 8 == 0 && o->stack_bytes <= 65528);
	assert(o->help || (o->n_outputs && o->n_events && (o->frequency || o->period)));
	for (size_t i = 0; i < o->ids.len; i++)
		assert(o->ids.at[i] > 0);
	for (unsigned i = 0; i < o->n_outputs; i++)
		assert(*o->outputs[i].path && o->outputs[i].format < EXP_FORMATS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options o;
	char *text = malloc(size + 1), *rest = text, *argv[ARGS_MAX + 2] = {(char *)"record"};
	char why[EVENT_WHY_MAX] = "";
	int argc = 1;

	assert(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	while (argc <= ARGS_MAX && rest)
		argv[argc++] = strsep(&rest, "\n");
	opterr = 0;
	optind = 0; /* whatever an earlier input left behind */
	if (options_parse(argc, argv, &o, why, sizeof(why)) == 0)
		check(&o);
	else
		assert(*why && strlen(why) < sizeof(why));
	options_free(&o);
	free(text);
	return 0;
}
