/* SPDX-License-Identifier: Apache-2.0
 *
 * `pmuscope list [WORD]`: the events that this machine and user can really open, or why not.
 */
#ifndef AGENT_CMD_LIST_H
#define AGENT_CMD_LIST_H

/* The exit status: 0; 1 where nothing matches; 125 wrong usage. */
int cmd_list(int argc, char **argv);

#endif
