/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/collect/parked.h"

#include <stdlib.h>
#include <string.h>

void parking_init(struct parking *p)
{
	*p = (struct parking){.last = &p->first};
}

void parking_put(struct parking *p, struct parked *k)
{
	k->next = NULL;
	*p->last = k;
	p->last = &k->next;
	p->bytes += k->bytes;
	p->n++;
}

/* Copies `len` bytes to *to, moves *to on, and returns where the copy stands. */
static void *carry(uint8_t **to, const void *from, size_t len)
{
	void *at = *to;

	if (!from)
		return NULL;
	memcpy(at, from, len);
	*to += (len + 7) & ~(size_t)7;
	return at;
}

bool parking_add(struct parking *p, const struct record *r, const struct process *process,
		 const char *comm, size_t n_regs)
{
	const struct record_sample *s = &r->sample;
	size_t chain = s->n_chain * sizeof(uint64_t), regs = n_regs * sizeof(uint64_t);
	size_t bytes = sizeof(struct parked) + chain + regs + s->stack_len + 8;
	struct parked *k;
	uint8_t *to;

	if (p->bytes + bytes > PARKED_BYTES_MAX)
		return false;
	k = malloc(bytes);
	if (!k)
		return false;
	k->bytes = bytes;
	k->record = *r;
	k->process = *process;
	k->process.space = space_hold(process->space);
	k->comm = comm;
	to = (uint8_t *)(k + 1);
	k->record.sample.chain = carry(&to, s->chain, chain);
	k->record.sample.regs = carry(&to, s->regs, regs);
	k->record.sample.stack = carry(&to, s->stack, s->stack_len);
	parking_put(p, k);
	return true;
}

struct parked *parking_take(struct parking *p)
{
	struct parked *k = p->first;

	if (!k)
		return NULL;
	p->first = k->next;
	if (!p->first)
		p->last = &p->first;
	p->bytes -= k->bytes;
	p->n--;
	return k;
}

void parked_free(struct parked *k)
{
	space_drop(&k->process.space);
	free(k);
}
