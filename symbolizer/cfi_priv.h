/* SPDX-License-Identifier: Apache-2.0
 *
 * What cfi.c (entries) and cfi_run.c (programs) share.
 */
#ifndef SYMBOLIZER_CFI_PRIV_H
#define SYMBOLIZER_CFI_PRIV_H

#include "symbolizer/cfi.h"

enum {
	CFI_DEPTH = 32,       /* of remember_state; compilers nest one or two */
};

/* Runs a CIE's instructions on cie->initial. 0 or -EBADMSG. */
int cfi_run_cie(struct cfi_reader *r, struct cfi_cie *cie, struct cursor program);

#endif
