/* SPDX-License-Identifier: Apache-2.0
 *
 * `pmuscope report`: pmuscope-exporter prints it; a recording of perf becomes a profile first.
 */
#ifndef AGENT_CMD_REPORT_H
#define AGENT_CMD_REPORT_H

int cmd_report(int argc, char **argv);

#endif
