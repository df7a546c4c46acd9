/* SPDX-License-Identifier: Apache-2.0
 *
 * A C program under load: recursion, libc's qsort, snprintf, malloc and memcpy, deep and shallow
 * frames, two threads. Built dynamic, static with musl and static-PIE. Runs until it is killed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned long sink;

static int by_value(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static unsigned next(unsigned *state)
{
	return *state = *state * 1664525 + 1013904223;
}

__attribute__((noinline)) static void sort_some(unsigned seed)
{
	unsigned values[256];

	for (size_t i = 0; i < 256; i++)
		values[i] = next(&seed);
	qsort(values, 256, sizeof(values[0]), by_value);
	sink += values[0];
}

__attribute__((noinline)) static void format_some(unsigned seed)
{
	char *text = malloc(4096);

	for (int i = 0; i < 32; i++)
		snprintf(text + i * 32, 32, "%08x %5.2f", next(&seed), seed / 1e6);
	sink += strlen(text);
	free(text);
}

__attribute__((noinline)) static unsigned climb(unsigned depth, unsigned seed)
{
	char room[64];

	memset(room, (int)seed, sizeof(room));
	if (depth > 0)
		return climb(depth - 1, seed) + (unsigned char)room[seed % 64];
	sort_some(seed);
	format_some(seed);
	return (unsigned char)room[0];
}

static void *work(void *arg)
{
	for (unsigned round = (unsigned)(unsigned long)arg;; round++)
		sink += climb(round % 60, round);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, (void *)7UL) != 0)
		return 1;
	work(NULL);
}
