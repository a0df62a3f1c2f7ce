/*
 * For tests with a real server: its replies, held against the openapi.json
 * that it serves.
 */
#ifndef TOCSIN_T_LIB_IT_SCHEMA_H
#define TOCSIN_T_LIB_IT_SCHEMA_H

#include "t/lib/it.h"

/* Fits what openapi.json has for ("post", "/v1/hosts/{h}/ack", status). */
void it_fits(struct it *it, const char *method, const char *pattern,
	const struct it_reply *r);
/* Asks "POST /v1/hosts/h1/ack": the status is that one, the reply fits. */
void it_ask(struct it *it, const char *what, const char *pattern,	/* lint: a row of the stories */
	const char *body, long status, struct it_reply *r);
void it_want(struct it *it, const char *what, const char *pattern,
	const char *body, long status);

#endif
