/*
 * A JSON reply as a tree, for what is printed once.  Everything lies in the
 * caller's arena.  Looking for what is not there gives NULL, and NULL may be
 * asked on: doc_text(doc_get(NULL, "x"), "y") is "".
 *
 * Texts come from other machines: controls are blanked out, so that no name
 * of a disk can steer the terminal.
 */
#ifndef TOCSIN_CLI_DOC_H
#define TOCSIN_CLI_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "wire/json_read.h"

struct doc {
	enum json_kind kind;
	const char *key;	/* "" in an array */
	const char *text;	/* of a string; of a number as "%.15g" */
	double number;		/* 0 or 1 of a boolean */
	struct doc *first;	/* of an array or object */
	struct doc *next;
	size_t n;		/* members or items */
};

/* The text is changed. */
int doc_parse(struct arena *a, struct strbuf *text, struct doc **out,
	struct tc_err *e);

const struct doc *doc_get(const struct doc *t, const char *key);
/* "" when it is missing, null, or no string or number. */
const char *doc_text(const struct doc *t, const char *key);
double doc_number(const struct doc *t, const char *key, double otherwise);
bool doc_true(const struct doc *t, const char *key);
/* ms 0 when it is missing or no time. */
struct wall doc_wall(const struct doc *t, const char *key);

#endif
