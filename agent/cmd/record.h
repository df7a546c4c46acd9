/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_CMD_RECORD_H
#define AGENT_CMD_RECORD_H

/* `pmuscope record`: returns the exit status (options.c prints which there are). */
int cmd_record(int argc, char **argv);

#endif
