/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the exporter's client, for its tests.
 */
#ifndef AGENT_HELPERS_EXPORTER_PRIV_H
#define AGENT_HELPERS_EXPORTER_PRIV_H

#include <sys/types.h>

#include "agent/helpers/exporter.h"

typedef int (*exporter_spawn_fn)(void *arg, pid_t *ret_pid, int *ret_sock);

/* As exporter_prepare(), with another way to start the helper. */
int exporter_prepare_by(exporter_spawn_fn spawn, void *arg, struct exporter **ret);

#endif
