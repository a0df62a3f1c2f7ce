/*
 * A command as it is written in a shell, split into words: blanks, 'single'
 * and "double" quotes, backslashes.  Nothing is expanded, no shell is asked.
 */
#ifndef TOCSIN_WIRE_WORDS_H
#define TOCSIN_WIRE_WORDS_H

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

#define WORDS_MAX 256

/*
 * *out: the words and a NULL, in the arena.  How many, or TC_EINVAL with what
 * is wrong (open quote, control character), TC_EFULL, TC_ENOMEM.
 */
int words_split(struct arena *a, const char *text, const char ***out,
	struct tc_err *e);

#endif
