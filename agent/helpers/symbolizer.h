/* SPDX-License-Identifier: Apache-2.0
 *
 * The collector's side of pmuscope-symbolizer (messages: wire/sym.h): starts it, restarts it when
 * it dies or misses a deadline, hands every module over again, and quarantines a module whose
 * requests killed it twice. All answers are hostile until checked here.
 */
#ifndef AGENT_HELPERS_SYMBOLIZER_H
#define AGENT_HELPERS_SYMBOLIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/wire/rows.h"
#include "agent/wire/sym.h"

struct symbolizer;

struct symbolizer_counters {
	uint64_t restarts, deadlines, quarantined, bad_replies, requests;
	uint64_t symbols_only; /* modules whose debug information was given up */
	uint64_t refused; /* requests for which there was no helper: it had died too often, or could
			   * not be started */
};

/* Finds the helper (beside our own executable, else in PMUSCOPE_LIBEXEC) while we still may look
 * everywhere. 0 or -errno. */
int symbolizer_prepare(struct symbolizer **ret);
/* Starts it, by the descriptor that was found: after privileges are dropped, since it inherits our
 * ids. Whatever is asked later starts it again when it has died. 0 or -errno. */
int symbolizer_start(struct symbolizer *s);
void symbolizer_stop(struct symbolizer **s); /* ends it, reaps it */
int symbolizer_pid(const struct symbolizer *s); /* -1 when not running */

/* Registers a module; `fd` is taken and kept for restarts. `ret_id` is valid for ever. `info` is
 * filled (zeros for text modules and for broken files). 0, or -errno: the id is then still valid,
 * but nothing will be found in it (quarantined, not ELF, …). */
int symbolizer_module(struct symbolizer *s, enum sym_kind kind, int fd, uint32_t *ret_id,
		      struct sym_info *info);
bool symbolizer_is_quarantined(const struct symbolizer *s, uint32_t id);

/* Asks for the rows of a page without waiting; the answer comes to symbolizer_poll(). A page that
 * is on its way is not asked for twice. 0 or -errno. */
int symbolizer_ask_rows(struct symbolizer *s, uint32_t id, uint32_t page);

typedef void (*symbolizer_rows_fn)(void *arg, uint32_t id, uint32_t page, int status,
				   const struct rows_page *rows); /* rows NULL unless status 0 */
/* Takes in what has arrived, waiting for the first answer until `deadline` (clock_mono() ns; 1:
 * don't wait). Checked rows go to `fn` (the blob is valid during the call only). Restarts a dead
 * helper and asks again for what was on its way. Returns the number of answers, or -errno. */
int symbolizer_poll(struct symbolizer *s, uint64_t deadline, symbolizer_rows_fn fn, void *arg);
int symbolizer_fd(const struct symbolizer *s); /* for poll(2); -1 */
unsigned symbolizer_pending(const struct symbolizer *s);

/* Answers one of info->wants; `fd` (taken; -1: not to be had). `info` is updated with new wants. */
int symbolizer_debug(struct symbolizer *s, uint32_t id, const struct sym_want *want, int fd,
		     struct sym_info *info);

/* Names of n addresses, in batches, each with a deadline. `fn` is called once per address, in
 * order; frames and strings are checked and valid during the call only; n_frames 0 where nothing
 * is known. Never fails as a whole: a batch that cannot be answered yields n_frames 0. */
struct symbolizer_frame {
	const char *name, *linkage, *file; /* never NULL */
	uint32_t line, start_line;
};
typedef void (*symbolizer_name_fn)(void *arg, size_t i, const struct symbolizer_frame *frames,
				   unsigned n_frames);
void symbolizer_names(struct symbolizer *s, uint32_t id, const uint64_t *addresses, size_t n,
		      symbolizer_name_fn fn, void *arg);

const struct symbolizer_counters *symbolizer_counters(const struct symbolizer *s);

#endif
