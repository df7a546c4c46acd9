/* SPDX-License-Identifier: Apache-2.0
 *
 * What the exporter gives up before it looks at anything from outside. Everything that has to be
 * opened is open by then.
 */
#ifndef EXPORTERS_CONFINED_H
#define EXPORTERS_CONFINED_H

/* Both: no capabilities, no new privileges, a default-deny filter of system calls (no files are
 * opened, no sockets made); the server's also lets messages through. 0 or -errno: exit. */
int confined_reader(void);
int confined_server(void);

#endif
