/*
 * What must hold for every report, however it was read.
 */
#ifndef TOCSIN_T_FUZZ_FUZZ_SMART_H
#define TOCSIN_T_FUZZ_FUZZ_SMART_H

#include <stdlib.h>
#include <string.h>

#include "smart/json.h"
#include "smart/metrics.h"
#include "smart/print.h"

static inline int
fuzz_smart_metric(void *arg, const struct smart_metric *m)
{
	(void)arg;
	if (m->f64 != m->f64 || strlen(m->name) > 63)
		abort();
	return 0;
}

static inline int
fuzz_smart_leaf(void *arg, const struct smart_json_event *ev, struct tc_err *e)
{
	(void)arg;
	(void)ev;
	(void)e;
	return 0;
}

static inline void
fuzz_smart_check(const struct smart_report *r)
{
	struct strbuf out = { 0 };

	if (r->n_attributes > SMART_ATTRIBUTES_MAX ||
	    r->n_undecoded > SMART_UNDECODED_MAX)
		abort();
	if (smart_metrics_each(r, fuzz_smart_metric, NULL) != 0)
		abort();
	smart_print_json(r, &out);
	if (out.failed || smart_json_walk(out.p, out.n, fuzz_smart_leaf, NULL,
		NULL) != 0)
		abort();
	strbuf_free(&out);
}

#endif
