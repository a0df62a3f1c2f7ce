/*
 * Errors as application/problem+json (RFC 9457).
 */
#ifndef TOCSIN_HTTP_PROBLEM_H
#define TOCSIN_HTTP_PROBLEM_H

#include "base/err.h"
#include "base/macros.h"

struct request;
struct http_command;

/* TC_E… → 400, 403, 404, 409, 413, 422, 500, 503; 0 → 200. */
int http_status_of(int rc);
/* "Not Found"; "Error" for what we never send. */
const char *http_status_title(int status);

/*
 * Makes the reply a problem.  `code` is the stable id; `fmt` the detail.
 * 401 brings WWW-Authenticate, 429 and 503 a Retry-After.
 */
void problem_set(struct request *r, int status, const char *code,
	const char *fmt, ...) TC_PRINTF(4, 5);
/* By an error; the detail is its text. */
void problem_err(struct request *r, int rc, const struct tc_err *e);
/* A command that failed, with the indexes of bad observations. */
void problem_command(struct request *r, const struct http_command *cmd);

#endif
