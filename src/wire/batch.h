/*
 * The body of POST /v1/observations (DESIGN 4.6), in and out.
 */
#ifndef TOCSIN_WIRE_BATCH_H
#define TOCSIN_WIRE_BATCH_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "model/observation.h"

#define BATCH_OBSERVATIONS_MAX 10000
#define BATCH_METRICS_MAX 4096	/* of one observation */
#define BATCH_STRING_MAX 1024	/* bytes */
#define BATCH_ID_MAX 127	/* bytes; it is the Idempotency-Key */

/* An observation older or further ahead is refused: an import is none. */
#define BATCH_OLDEST_MS INT64_C(604800000)	/* 7 days */
#define BATCH_AHEAD_MS INT64_C(300000)	/* 5 minutes */

/*
 * `out` is overwritten; on success everything lies in out->arena
 * (arena_free).  The text is copied once and read in place.  TC_EINVAL with
 * the JSON pointer, TC_ENOMEM.  The host is folded; instances are canonical
 * (wire/labels.h); a missing reason is "none", which only "ok" may lack.
 */
int batch_parse(const char *text, size_t n, struct batch *out,
	struct tc_err *e);

/*
 * What batch_parse() reads back the same, the metrics of one name put side
 * by side.  A metric that is no finite number is left out: JSON has no word
 * for it.  TC_ENOMEM.
 */
int batch_write(const struct batch *b, struct strbuf *out);

/*
 * How many observations lie outside of [now − 7 d, now + 5 min]; the indexes
 * of the first `max_bad` of them go to `bad`.
 */
size_t batch_check_times(const struct batch *b, struct wall now, size_t *bad,
	size_t max_bad);

#endif
