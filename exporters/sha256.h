/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4), for the hashes of the page's script and style in its
 * Content-Security-Policy. Not for secrets.
 */
#ifndef EXPORTERS_SHA256_H
#define EXPORTERS_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

void sha256(const void *bytes, size_t len, uint8_t ret[SHA256_BYTES]);

#endif
