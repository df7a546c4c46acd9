/* SPDX-License-Identifier: Apache-2.0
 *
 * `report FILE`: a profile as a table, on standard output. Reads pprof files, ours and others'.
 */
#ifndef EXPORTERS_REPORT_H
#define EXPORTERS_REPORT_H

/* argv[0] is the subcommand's name. Returns the exit status: 0, or 125. */
int report_main(int argc, char **argv);

#endif
