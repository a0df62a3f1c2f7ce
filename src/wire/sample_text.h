/*
 * A sample as a line of text, as tocsin db export writes and db import reads
 * it: CSV (RFC 4180, no line ends inside a field) under the header SAMPLE_CSV,
 * or one JSON object.  The value comes back to the bit: a NaN that is not the
 * usual one has its 16 hex digits behind it ("NaN:7ff8…1"), and in JSON what
 * is no number stands in "text" beside "value": null.
 */
#ifndef TOCSIN_WIRE_SAMPLE_TEXT_H
#define TOCSIN_WIRE_SAMPLE_TEXT_H

#include <tocsin/probe.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

#define SAMPLE_CSV "at,host,device,metric,instance,value,type"

struct sample_text {
	struct wall at;
	const char *host;
	const char *device;	/* "" = the host's own */
	const char *metric;
	const char *instance;	/* "" = the only one */
	enum tocsin_sample_type type;
	uint64_t bits;
};

void sample_csv_put(struct strbuf *out, const struct sample_text *s);
void sample_json_put(struct strbuf *out, const struct sample_text *s);

/*
 * line[n] is NUL (the line's end, cut off); it is changed in place and what is
 * returned points there.  The error names the field.  `type` may be missing:
 * f64.
 */
int sample_csv_parse(char *line, size_t n, struct sample_text *out,
	struct tc_err *e);
int sample_json_parse(char *line, size_t n, struct sample_text *out,
	struct tc_err *e);

/* A field of CSV, quoted where it has to be. */
void csv_cell_put(struct strbuf *out, const char *text);

#endif
