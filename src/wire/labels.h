/*
 * Label text: `cpu="0",mode="idle"`, sorted by key, `\\`, `\"` and `\n`
 * escaped as Prometheus does.  One set of labels has one text.
 */
#ifndef TOCSIN_WIRE_LABELS_H
#define TOCSIN_WIRE_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"

#define LABELS_MAX 32

struct label {
	const char *key;
	size_t key_n;
	const char *value;	/* as written, still escaped */
	size_t value_n;
};

/* Splits; how many there are, or TC_EINVAL with what is wrong. */
int labels_split(const char *text, size_t n, struct label out[LABELS_MAX],
	struct tc_err *e);

/* Split, sorted by key, no key twice: the one text they have. */
bool labels_are_sorted(const struct label *labels, size_t n);

/*
 * *out = `text` itself when it is canonical, else a sorted copy in the arena.
 * `text` is NUL-terminated.  TC_EINVAL, TC_ENOMEM.
 */
int labels_canonical(struct arena *a, const char *text, size_t n,
	const char **out, struct tc_err *e);

/* The value of a label, escaped, without the quotes. */
void labels_escape(struct strbuf *out, const char *value, size_t n);

#endif
