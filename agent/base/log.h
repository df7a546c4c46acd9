/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process says to people, on stderr. Libraries are silent; only the top of each process
 * (a subcommand, a helper's main) calls these.
 *
 * Every line has its control characters and invalid UTF-8 made harmless, since names of
 * programs and files from outside appear in it.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/* `pmuscope: …`, an error: what failed, why as observed, what to type (UX.md, rule 3). */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* `note: …`, a fallback, a loss, anything that the reader must not miss. */
void log_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A plain line; not shown after log_quiet(true). */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Shown only after log_verbose(true). */
void log_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* `text` replaces the last status line on a terminal; nothing elsewhere or when quiet. Any other
 * line, or log_status(NULL), removes it. */
void log_status(const char *text);

void log_quiet(bool on);
void log_verbose(bool on);

#endif
