/*
 * Who may be asked about what hangs on it (engine/parents.h): a host; a VM
 * about its roles; a host about its guests, by that of its checks which speak
 * of the machine.  Only checks from here can be asked.  For src/engine alone.
 */
#ifndef TOCSIN_ENGINE_WITNESS_H
#define TOCSIN_ENGINE_WITNESS_H

#include "engine/core.h"

struct witness {
	struct host *host;	/* NULL: nobody */
	struct unit *vm;	/* on the host; NULL: the host itself */
	bool machine;
};

static inline struct witness
witness_host(const struct host *h)
{
	return (struct witness){ .host = (struct host *)(uintptr_t)h };
}

/* Silent or not, its failures sufficed. */
bool check_is_convicted(const struct check *c);

bool witness_can_tell(const struct witness *w);
/* One of its checks is well. */
bool witness_stands(const struct witness *w);
/* One is convicted, and none is well. */
bool witness_lies(const struct witness *w);
/* What answers later than the run began shows that the way was open. */
bool witness_answered(const struct engine *en, const struct witness *w,
	int64_t since_ns);
/* Its checks are run as soon as may be. */
void witness_ask(struct engine *en, const struct witness *w, struct now now);
/* So long may the runs take that show it to be down. */
int64_t witness_verdict_ns(const struct witness *w);

#endif
