/*
 * /v1/events as they happen, however often the connection breaks.
 */
#ifndef TOCSIN_CLI_FOLLOW_H
#define TOCSIN_CLI_FOLLOW_H

#include "cli/cli.h"

struct follow {
	struct cli *c;
	/* NULL: from the next one on; else those behind this number. */
	const uint64_t *after;
	/*
	 * An event in JSON (the text may be changed); kind "reset": what lies
	 * between is not kept any more.  Less than 0 ends it.
	 */
	int (*event)(void *arg, const char *kind, struct strbuf *json);
	/* About each second, also while there is no connection; or NULL. */
	int (*tick)(void *arg);
	void *arg;
};

/*
 * Until a callback ends it, or the server refuses.  A server that was never
 * reached is an error; one that went is waited for, said once on stderr.
 */
int follow_events(const struct follow *f, struct tc_err *e);

#endif
