/* SPDX-License-Identifier: Apache-2.0
 *
 * jit SECONDS [MAP]: writes a loop with a frame pointer into executable memory, says so in
 * /tmp/perf-PID.map as compilers do ("jitted_loop"), or by the words of MAP, and runs it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const unsigned char code[] = {
	0x55,                         /* push %rbp */
	0x48, 0x89, 0xe5,             /* mov %rsp,%rbp */
	0xb9, 0x80, 0x84, 0x1e, 0x00, /* mov $2000000,%ecx */
	0xff, 0xc9,                   /* dec %ecx */
	0x75, 0xfc,                   /* jne .-2 */
	0x5d,                         /* pop %rbp */
	0xc3,                         /* ret */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_map(const void *at, const char *words)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	f = fopen(path, "w");
	if (!f)
		exit(2);
	fprintf(f, "%lx %zx %s\n", (unsigned long)at, sizeof(code), words);
	fclose(f);
}

__attribute__((noinline)) void calls_jitted(void (*f)(void))
{
	f();
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	double end = now() + (argc > 1 ? strtod(argv[1], NULL) : 1);
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	if (at == MAP_FAILED)
		return 2;
	memcpy(at, code, sizeof(code));
	if (argc < 3 || argv[2][0])
		write_map(at, argc > 2 ? argv[2] : "jitted_loop");
	while (now() < end)
		calls_jitted((void (*)(void))at);
	return 0;
}
