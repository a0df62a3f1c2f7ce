/*
 * Prometheus text exposition format 0.0.4, out and in.
 *
 *	prom_family(&sb, "tocsin_ticks_total", "counter", "Engine ticks.");
 *	prom_sample(&sb, "tocsin_ticks_total", NULL, 0, 12);
 */
#ifndef TOCSIN_WIRE_PROM_H
#define TOCSIN_WIRE_PROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "wire/labels.h"

#define PROM_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct prom_label {
	const char *key;
	const char *value;	/* any text; escaped here */
};

/* type: counter gauge histogram summary untyped */
void prom_family(struct strbuf *out, const char *name, const char *type,
	const char *help);
void prom_sample(struct strbuf *out, const char *name,
	const struct prom_label *labels, size_t n, double value);
/* A family of one sample without labels. */
void prom_one(struct strbuf *out, const char *name, const char *type,
	const char *help, double value);

/* ---- in ---- */

enum prom_type { PROM_UNTYPED, PROM_COUNTER, PROM_GAUGE, PROM_HISTOGRAM,
	PROM_SUMMARY };

/* One sample line; everything points into the text. */
struct prom_point {
	const char *name;
	size_t name_n;
	const struct label *labels;	/* in the order of the text */
	size_t n_labels;
	double value;		/* may be NaN or infinite */
	int64_t at_ms;		/* when has_time */
	bool has_time;
	enum prom_type type;	/* of the TYPE line before, by its name */
	unsigned line;
};

/* A value as it is written; NaN and ±Inf are some. */
bool prom_number(const char *text, size_t n, double *out);

/* 0 to go on; anything else ends the parsing and is returned. */
typedef int prom_sink(void *arg, const struct prom_point *point);

/*
 * Each sample in turn.  TC_EPROTO: "line 12: not a number"; what came before
 * was given to the sink.
 */
int prom_parse(const char *text, size_t n, prom_sink *sink, void *arg,
	struct tc_err *e);

#endif
