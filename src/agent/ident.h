/*
 * Numbers that nobody else has.
 */
#ifndef TOCSIN_AGENT_IDENT_H
#define TOCSIN_AGENT_IDENT_H

#include <stdint.h>

#include "base/clock.h"

/* From the kernel's generator. */
uint64_t ident_random(void);

/* A UUID of version 7: by time, then by chance; 36 characters. */
#define IDENT_TEXT 37
void ident_batch(struct wall now, char text[IDENT_TEXT]);

#endif
