/* SPDX-License-Identifier: Apache-2.0
 *
 * Time in nanoseconds. clock_mono() is the clock of every perf record too (the events are
 * opened with use_clockid = CLOCK_MONOTONIC), so the two can be compared.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static inline uint64_t clock_read(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_mono(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

static inline void clock_sleep(uint64_t ns) /* a signal may end it early */
{
	struct timespec t = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
	nanosleep(&t, NULL);
}

static inline uint64_t clock_wall(void) /* since 1970, UTC */
{
	return clock_read(CLOCK_REALTIME);
}

#endif
