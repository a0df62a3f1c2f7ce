/*
 * What ails the server itself, told to people as alerts of its own.
 */
#ifndef TOCSIN_ENGINE_TROUBLE_H
#define TOCSIN_ENGINE_TROUBLE_H

#include "engine/engine.h"

/* A trouble of the server's own, by kind; summary NULL: it is over. */
struct engine_trouble {
	const char *kind;	/* "store_damaged", "backup_old" */
	enum severity severity;
	const char *summary;
};
void engine_set_trouble(struct engine *en, const struct engine_trouble *t,
	struct now now);

#endif
