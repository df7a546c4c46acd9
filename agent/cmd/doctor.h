/* SPDX-License-Identifier: Apache-2.0
 *
 * `pmuscope doctor [PID]`: what this machine and user can do, what is in the way, and the command
 * that mends it. It changes nothing and parses no file of a target.
 */
#ifndef AGENT_CMD_DOCTOR_H
#define AGENT_CMD_DOCTOR_H

/* The exit status: 0; 1 when a line says FAIL; 125 wrong usage. */
int cmd_doctor(int argc, char **argv);

#endif
