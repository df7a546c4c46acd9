/* SPDX-License-Identifier: Apache-2.0
 *
 * inlined SECONDS: three functions that are always inlined into each other, at known lines, and
 * one that reads the clock, which runs in the vDSO.
 */
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sink;

__attribute__((always_inline)) static inline void innermost(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		sink += i * i; /* line 15: the hot one */
}

__attribute__((always_inline)) static inline void middle(unsigned long n)
{
	innermost(n); /* line 20 */
}

__attribute__((noinline)) void outermost(unsigned long n)
{
	middle(n); /* line 25 */
}

__attribute__((noinline)) double clocks(int n)
{
	struct timespec t;

	for (int i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double end = clocks(1) + (argc > 1 ? strtod(argv[1], NULL) : 1);

	do
		outermost(100000);
	while (clocks(5000) < end);
	return 0;
}
