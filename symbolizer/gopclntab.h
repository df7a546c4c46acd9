/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's table of functions, .gopclntab: stack sizes per pc, names and lines, also in stripped
 * programs. Go 1.16 to 1.26 (magics 0xfffffffa, 0xfffffff0, 0xfffffff1), found by section name,
 * or by its magic where sections were merged or stripped.
 *
 * Source: the Go runtime's symtab.go, runtime2.go (type _func) and internal/abi/symtab.go; the
 * pc-value encoding is described in "Go 1.2 Runtime Symbol Information" (golang.org/s/go12symtab).
 */
#ifndef SYMBOLIZER_GOPCLNTAB_H
#define SYMBOLIZER_GOPCLNTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbolizer/image.h"

struct gopclntab;

/* The image stays the caller's and must outlive `ret`. 0; -ENOENT when this is no Go program;
 * -EBADMSG when its table is broken or of a version that we do not know; -ENOMEM. */
int gopclntab_open(const struct image *img, struct gopclntab **ret);
void gopclntab_close(struct gopclntab **tab);

/* A function; `name` and `file` live as long as the image and are whatever the file says. */
struct gopclntab_func {
	const char *name; /* as Go prints it: "main.(*T).Method" */
	const char *file; /* NULL: unknown */
	uint32_t line, start_line; /* of the address; of the function (Go 1.20+); 0: unknown */
	uint64_t entry, end;
};

/* The function that `addr` (an ELF virtual address) is in: false where there is none. */
bool gopclntab_func(const struct gopclntab *tab, uint64_t addr, struct gopclntab_func *ret);

enum gopclntab_kind {
	GOPCLNTAB_NONE = 0, /* no function of Go's is here */
	GOPCLNTAB_FRAME,    /* an ordinary frame: `delta` is known */
	GOPCLNTAB_TOP,      /* the outermost frame of its stack, as Go's own tracebacks see it */
	GOPCLNTAB_SIGRETURN, /* the instructions of rt_sigreturn */
	GOPCLNTAB_BAD,      /* the table is broken here */
};

/* A range of addresses with one stack size. */
struct gopclntab_span {
	uint64_t low, high; /* low <= address < high */
	uint32_t kind;      /* enum gopclntab_kind */
	int32_t delta;      /* bytes that the function has pushed here, return address not counted */
	bool by_fp;         /* the stack pointer was aligned: go by the frame pointer */
	bool saves_fp;      /* the caller's frame pointer is in the frame: x86_64 below the return
			     * address, aarch64 below the stack pointer */
};

/* Calls `fn` for the spans that cover [low, high), ascending, without gaps, at most 65536 a
 * function; cut to the range. */
void gopclntab_spans(const struct gopclntab *tab, uint64_t low, uint64_t high,
		     void (*fn)(void *arg, const struct gopclntab_span *span), void *arg);

#endif
