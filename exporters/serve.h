/* SPDX-License-Identifier: Apache-2.0
 *
 * The exporter as the collector's helper: messages of wire/exp.h on descriptor 3.
 */
#ifndef EXPORTERS_SERVE_H
#define EXPORTERS_SERVE_H

enum { SERVE_FD = 3 };

/* Confines the process and answers until the other end is closed. Returns the exit status: 0, or
 * 125 after a message that is no message or where confining failed. */
int serve_main(int argc, char **argv);

/* The loop alone, on any socket (for tests). 0 at the end of the stream, or -errno. */
int serve(int sock);

#endif
