/*
 * UTF-8, strict: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef TOCSIN_WIRE_UTF8_H
#define TOCSIN_WIRE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at p (1…4), 0 when it is none; n ≥ 1. */
size_t utf8_len(const char *p, size_t n);
/* Writes 1…4 bytes; `c` must be a scalar value. */
size_t utf8_encode(uint32_t c, char *out);

#endif
