/* SPDX-License-Identifier: Apache-2.0
 *
 * known SECONDS [STATUS]: three quarters of its time in THREE, one quarter in ONE, by count of
 * equal rounds; then ends with STATUS. A status above 128 is a signal that it sends to itself.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef THREE
#define THREE three_quarters
#define ONE one_quarter
#endif

static volatile unsigned long sink;

__attribute__((always_inline)) static inline void rounds(unsigned long n)
{
	unsigned long x = n;

	for (unsigned long i = 0; i < n; i++) {
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		__asm__ volatile("" : "+r"(x));
	}
	sink = x;
}

__attribute__((noinline)) void THREE(void)
{
	rounds(3000000);
}

__attribute__((noinline)) void ONE(void)
{
	rounds(1000000);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double end = now() + (argc > 1 ? strtod(argv[1], NULL) : 1);
	int status = argc > 2 ? atoi(argv[2]) : 0;

	while (now() < end) {
		THREE();
		ONE();
	}
	puts("done");
	fflush(stdout);
	if (status > 128)
		kill(getpid(), status - 128);
	return status;
}
