/*
 * Server-Sent Events as they come, in pieces of any size.
 */
#ifndef TOCSIN_CLI_SSE_H
#define TOCSIN_CLI_SSE_H

#include <stddef.h>

#include "base/strbuf.h"

#define SSE_LINE_MAX (1U << 20)

/* Caller's memory; {0} is fresh. */
struct sse {
	struct strbuf line;
	struct strbuf data;	/* lines joined with '\n' */
	char event[64];		/* "" = message */
	char id[32];		/* the last one seen; stays from frame to frame */
};

/*
 * Gives each whole frame that has data to `sink`; what that returns ends it.
 * TC_EPROTO: a line or frame is longer than SSE_LINE_MAX; TC_ENOMEM.
 */
int sse_feed(struct sse *s, const char *p, size_t n,
	int (*sink)(void *arg, struct sse *frame), void *arg);
void sse_free(struct sse *s);

#endif
