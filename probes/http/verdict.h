/*
 * What became of a request: which phase it came to, whose fault it is, how
 * long everything took.
 */
#ifndef TOCSIN_PROBES_HTTP_VERDICT_H
#define TOCSIN_PROBES_HTTP_VERDICT_H

#include <curl/curl.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "probes/common/net.h"

enum phase { PHASE_CONNECT, PHASE_TLS, PHASE_ANSWER, PHASE_BODY };

/* A request, and what curl does not tell (CONNECT_TIME holds TLS, too). */
struct seen {
	CURL *curl;
	const union net_addr *to;
	const char *said;	/* curl's own text of an error */
	uint64_t body_bytes;
	int64_t total_ns;
	int64_t connect_ns;	/* 0 = not connected */
	int64_t wall_ms;
};

enum phase phase_of(const struct seen *s);

/* Why it ended before its end. */
enum tocsin_reason verdict_of(const struct seen *s, CURLcode code,
	char text[NET_TEXT]);
/* The same at the deadline. */
enum tocsin_reason verdict_late(const struct seen *s, char text[NET_TEXT]);

enum { METRIC_CONNECT, METRIC_TLS, METRIC_FIRST_BYTE, METRIC_TOTAL, METRIC_STATUS,
	METRIC_BYTES, METRIC_EXPIRY, METRIC_COUNT };
extern const struct tocsin_metric http_metrics[];

/* What is known by now; returns how many of METRIC_COUNT. */
unsigned verdict_samples(const struct seen *seen, struct tocsin_sample *s);

#endif
