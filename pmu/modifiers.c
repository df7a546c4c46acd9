/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/resolve.h"

#include <string.h>

bool modifiers_parse(const char *text, size_t len, struct modifiers *m)
{
	struct modifiers out = *m;

	for (size_t i = 0; i < len; i++) {
		bool *flag = text[i] == 'u' ? &out.user : text[i] == 'k' ? &out.kernel :
			     text[i] == 'h' ? &out.hv : text[i] == 'G' ? &out.guest :
			     text[i] == 'H' ? &out.host : NULL;

		if (flag)
			*flag = true;
		else if (text[i] == 'p' && out.precise < 3)
			out.precise++;
		else if (text[i] == 'P' && !out.precise)
			out.precise = PRECISE_BEST;
		else
			return false;
	}
	*m = out;
	return len > 0;
}

void modifiers_apply(const struct modifiers *m, struct event *e)
{
	if (m->user || m->kernel || m->hv) {
		e->exclude_user = !m->user;
		e->exclude_kernel = !m->kernel;
		e->exclude_hv = !m->hv;
	}
	if (m->guest || m->host) {
		e->exclude_host = !m->host;
		e->exclude_guest = !m->guest;
	}
	if (m->precise)
		e->precise = (uint8_t)m->precise;
}

/* ":precise" and ":precise=2", as libpfm4 spells it (and refuses it on AMD). */
static bool precise_word(const char *text, struct modifiers *m)
{
	if (strncmp(text, "precise", 7))
		return false;
	if (text[7] && (text[7] != '=' || text[8] < '0' || text[8] > '3' || text[9]))
		return false;
	m->precise = text[7] ? (unsigned)(text[8] - '0') : 1;
	return true;
}

void modifiers_take(char *name, struct modifiers *m)
{
	char *colon;

	while ((colon = strrchr(name, ':')) && colon > name && colon[-1] != ':') {
		if (!precise_word(colon + 1, m) && !modifiers_parse(colon + 1, strlen(colon + 1), m))
			return;
		*colon = '\0';
	}
}
