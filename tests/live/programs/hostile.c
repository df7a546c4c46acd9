/* SPDX-License-Identifier: Apache-2.0
 *
 * hostile SECONDS comm NAME: spins under a process name of those bytes (of printf's form).
 * hostile SECONDS load LIBRARY: spins in hostile_work of that library. With -DPLUGIN: the library.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noinline)) static void spin(double seconds)
{
	double end = now() + seconds;

	while (now() < end)
		for (volatile int i = 0; i < 20000; i++)
			;
}

#ifdef PLUGIN
__attribute__((noinline)) static void hostile_inner(double seconds)
{
	spin(seconds);
	__asm__ volatile("");
}

void hostile_work(double seconds)
{
	hostile_inner(seconds);
	__asm__ volatile("");
}
#else
int main(int argc, char **argv)
{
	double seconds = argc > 3 ? strtod(argv[1], NULL) : 1;
	void (*work)(double) = spin;
	void *library;

	if (argc < 4)
		return 2;
	if (!strcmp(argv[2], "comm")) {
		prctl(PR_SET_NAME, argv[3]);
	} else {
		library = dlopen(argv[3], RTLD_NOW);
		if (!library)
			return fprintf(stderr, "%s\n", dlerror()), 3;
		work = (void (*)(double))dlsym(library, "hostile_work");
		if (!work)
			return 3;
	}
	work(seconds);
	return 0;
}
#endif
