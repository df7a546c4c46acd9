/* SPDX-License-Identifier: Apache-2.0
 *
 * chain MODE SECONDS: its time in a chain of calls that is known, and hard for who would do without
 * unwind information: large and variable frames, all callee-saved registers in use, no frame
 * pointers (as it is compiled), and by MODE
 *   deep     main, first, second, third, fourth, spin
 *   sort     libc's qsort in between, main, sort_some, …, by_value, spin
 *   signal   a handler that interrupts a leaf: main, first, …, spin, …, on_signal, spin_here
 *   clock    main, clocks, and what the vDSO has
 *   read     main, reads, read(2), and what the kernel has
 *   sleep    main, sleeps, nanosleep(2)
 *   thread   run, first, …, spin: a thread's root
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FUNCTION __attribute__((noipa))
#define NO_TAIL_CALL() __asm__ volatile("" ::: "memory")

static volatile unsigned long sink;

FUNCTION double clocks(int n)
{
	struct timespec t;

	for (int i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

FUNCTION void reads(unsigned long n)
{
	static char room[65536];
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	for (unsigned long i = 0; i < n / 1000; i++)
		sink += (unsigned long)read(fd, room, sizeof(room));
	close(fd);
}

FUNCTION void sleeps(unsigned long n)
{
	nanosleep(&(struct timespec){0, (long)n * 50}, NULL);
	NO_TAIL_CALL();
}

FUNCTION void spin(unsigned long n)
{
	unsigned long x = n;

	for (unsigned long i = 0; i < n; i++) {
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		__asm__ volatile("" : "+r"(x));
	}
	sink = x;
}

FUNCTION void fourth(unsigned long n)
{
	spin(n);
	NO_TAIL_CALL();
}

/* Keeps more values over the call than there are callee-saved registers. */
FUNCTION unsigned long third(unsigned long n)
{
	unsigned long v[14];

	for (int i = 0; i < 14; i++)
		v[i] = sink + (unsigned long)i;
	fourth(n);
	return v[0] ^ v[1] ^ v[2] ^ v[3] ^ v[4] ^ v[5] ^ v[6] ^ v[7] ^ v[8] ^ v[9] ^ v[10] ^ v[11] ^
	       v[12] ^ v[13];
}

FUNCTION unsigned long second(unsigned long n)
{
	size_t size = 64 + n % 500;
	char *room = alloca(size);
	unsigned long r;

	memset(room, (int)n, size);
	r = third(n);
	return r + (unsigned char)room[n % 64];
}

FUNCTION void first(unsigned long n)
{
	char room[3000];

	memset(room, (int)n, sizeof(room));
	sink += second(n) + (unsigned char)room[n % 3000];
}

FUNCTION int by_value(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	spin(300);
	return (x > y) - (x < y);
}

FUNCTION void sort_some(unsigned long n)
{
	unsigned values[64];

	for (unsigned i = 0; i < 64; i++)
		values[i] = (unsigned)(n = n * 1664525 + 1013904223);
	qsort(values, 64, sizeof(values[0]), by_value);
	sink += values[0];
}

FUNCTION void spin_here(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		sink += i;
}

FUNCTION void on_signal(int signal)
{
	spin_here(200000);
	NO_TAIL_CALL();
}

static void interrupt_often(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct itimerval every = {{0, 4000}, {0, 4000}};

	sigaction(SIGVTALRM, &sa, NULL);
	setitimer(ITIMER_VIRTUAL, &every, NULL);
}

static double until;

FUNCTION void *run(void *work)
{
	while (clocks(1) < until)
		((void (*)(unsigned long))work)(200000);
	return NULL;
}

static void run_thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, run, (void *)first) == 0)
		pthread_join(t, NULL);
}

static void read_clock(unsigned long n)
{
	clocks((int)(n / 100));
}

int main(int argc, char **argv)
{
	void (*work)(unsigned long) = first;
	const char *mode = argc > 1 ? argv[1] : "deep";

	until = clocks(1) + (argc > 2 ? strtod(argv[2], NULL) : 1);
	if (!strcmp(mode, "sort"))
		work = sort_some;
	if (!strcmp(mode, "clock"))
		work = read_clock;
	if (!strcmp(mode, "read"))
		work = reads;
	if (!strcmp(mode, "sleep"))
		work = sleeps;
	if (!strcmp(mode, "signal"))
		interrupt_often();
	if (!strcmp(mode, "thread"))
		run_thread();
	else
		while (clocks(1) < until)
			work(200000);
	return 0;
}
