/*
 * Prometheus text exposition format 0.0.4, out.
 *
 *	prom_family(&sb, "tocsin_ticks_total", "counter", "Engine ticks.");
 *	prom_sample(&sb, "tocsin_ticks_total", NULL, 0, 12);
 */
#ifndef TOCSIN_WIRE_PROM_H
#define TOCSIN_WIRE_PROM_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

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
void prom_sample_u64(struct strbuf *out, const char *name,
	const struct prom_label *labels, size_t n, uint64_t value);
/* A family of one sample without labels. */
void prom_one(struct strbuf *out, const char *name, const char *type,
	const char *help, double value);

#endif
