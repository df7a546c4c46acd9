/* SPDX-License-Identifier: Apache-2.0
 *
 * loader LIBRARY SECONDS: half a second of its own work, then dlopen and plugin_work of LIBRARY for
 * as long as asked. Compiled with -DPLUGIN it is that library.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void spin(double seconds)
{
	double end = now() + seconds;

	while (now() < end)
		for (volatile int i = 0; i < 20000; i++)
			;
}

#ifdef PLUGIN
__attribute__((noinline)) static void plugin_deep(double seconds)
{
	spin(seconds);
	__asm__ volatile("");
}

void plugin_work(double seconds)
{
	plugin_deep(seconds);
	__asm__ volatile("");
}
#else
int main(int argc, char **argv)
{
	void (*work)(double);
	void *library;

	if (argc < 3)
		return 2;
	spin(0.5);
	library = dlopen(argv[1], RTLD_NOW);
	if (!library)
		return fprintf(stderr, "%s\n", dlerror()), 1;
	work = (void (*)(double))dlsym(library, "plugin_work");
	work(strtod(argv[2], NULL));
	return 0;
}
#endif
