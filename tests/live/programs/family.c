/* SPDX-License-Identifier: Apache-2.0
 *
 * family SECONDS: a thread spins in in_thread from the start; every 100 ms a new thread spins in
 * in_late_thread and a new child, forked and never executed, in in_child. Prints its thread's id.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

__attribute__((noinline)) void in_child(void)
{
	spin(0.08);
	__asm__ volatile("");
}

__attribute__((noinline)) void *in_late_thread(void *unused)
{
	spin(0.08);
	return unused;
}

__attribute__((noinline)) void *in_thread(void *seconds)
{
	printf("%d\n", gettid());
	fflush(stdout);
	spin(*(double *)seconds);
	return NULL;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1, end = now() + seconds;
	pthread_t thread;

	pthread_create(&thread, NULL, in_thread, &seconds);
	while (now() < end) {
		pthread_t late;

		usleep(100000);
		pthread_create(&late, NULL, in_late_thread, NULL);
		if (fork() == 0) {
			in_child();
			_exit(0);
		}
		pthread_join(late, NULL);
		wait(NULL);
	}
	pthread_join(thread, NULL);
	return 0;
}
