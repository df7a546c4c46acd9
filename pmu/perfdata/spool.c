/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/spool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/fd.h"

enum { WORTH_WRITING = 64 * 1024 };

struct block {
	struct block *next;
	size_t used;
	uint8_t data[SPOOL_BLOCK];
};

struct spool {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows, down to `error` */
	pthread_cond_t more;
	struct block *first, **last; /* to be written */
	struct block *spare;
	bool closing;
	int error;
	uint64_t written; /* the thread's, until it has ended */
	struct block *current; /* the caller's */
	unsigned n_blocks;
};

static void write_block(struct spool *s, struct block *b)
{
	int e = s->error ? 0 : fd_write_all(s->fd, b->data, b->used);

	pthread_mutex_lock(&s->lock);
	if (e && !s->error)
		s->error = e;
	if (!s->error)
		s->written += b->used;
	b->next = s->spare;
	s->spare = b;
	pthread_mutex_unlock(&s->lock);
}

static struct block *take(struct spool *s)
{
	struct block *b;

	pthread_mutex_lock(&s->lock);
	while (!s->first && !s->closing)
		pthread_cond_wait(&s->more, &s->lock);
	b = s->first;
	if (b) {
		s->first = b->next;
		if (!s->first)
			s->last = &s->first;
	}
	pthread_mutex_unlock(&s->lock);
	return b;
}

static void *run(void *arg)
{
	struct spool *s = arg;
	struct block *b;

	while ((b = take(s)))
		write_block(s, b);
	return NULL;
}

/* Signals are for the thread that waits for them. */
static int start_thread(struct spool *s)
{
	sigset_t all, before;
	int e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -e;
}

int spool_start(int fd, struct spool **ret)
{
	struct spool *s = calloc(1, sizeof(*s));
	int e;

	if (!s)
		return -ENOMEM;
	s->fd = fd;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	e = start_thread(s);
	if (e)
		free(s);
	else
		*ret = s;
	return e;
}

static struct block *fresh(struct spool *s)
{
	struct block *b;

	pthread_mutex_lock(&s->lock);
	b = s->spare;
	if (b)
		s->spare = b->next;
	pthread_mutex_unlock(&s->lock);
	if (!b && s->n_blocks < SPOOL_BLOCKS) {
		b = malloc(sizeof(*b));
		s->n_blocks += b != NULL;
	}
	if (b)
		b->used = 0;
	return b;
}

static void queue(struct spool *s)
{
	struct block *b = s->current;

	s->current = NULL;
	b->next = NULL;
	pthread_mutex_lock(&s->lock);
	*s->last = b;
	s->last = &b->next;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

bool spool_put(struct spool *s, const void *bytes, size_t len)
{
	if (s->current && SPOOL_BLOCK - s->current->used < len)
		queue(s);
	if (!s->current)
		s->current = fresh(s);
	if (!s->current)
		return false;
	memcpy(s->current->data + s->current->used, bytes, len);
	s->current->used += len;
	return true;
}

void spool_push(struct spool *s)
{
	if (s->current && s->current->used >= WORTH_WRITING)
		queue(s);
}

static void free_all(struct block *b)
{
	while (b) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
}

int spool_end(struct spool **sp, uint64_t *ret_written)
{
	struct spool *s = *sp;
	int e;

	*sp = NULL;
	if (s->current)
		queue(s);
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	e = s->error;
	*ret_written = s->written;
	free_all(s->first);
	free_all(s->spare);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return e;
}
