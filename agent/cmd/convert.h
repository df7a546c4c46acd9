/* SPDX-License-Identifier: Apache-2.0
 *
 * `pmuscope convert`: a recording of perf to pprof, folded stacks, a flame graph.
 */
#ifndef AGENT_CMD_CONVERT_H
#define AGENT_CMD_CONVERT_H

int cmd_convert(int argc, char **argv);

#endif
