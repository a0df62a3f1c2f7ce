/*
 * The store of a server that does not run, opened under its lock, with an
 * engine that knows its subjects: what comes to be here gets the numbers that
 * the server would have given it.
 */
#ifndef TOCSIN_CLI_OFFLINE_H
#define TOCSIN_CLI_OFFLINE_H

#include "engine/engine.h"
#include "store/store.h"

struct offline {
	int lock;
	struct store *store;
	struct engine *engine;
	struct engine_io io;	/* the engine's: CONTAINER_OF() finds the rest */
	uint32_t last_token;	/* highest id ever given */
	const struct offline_conf *conf;
};

struct offline_conf {
	/* What the engine gives to the store. */
	void (*keep)(struct engine_io *io, struct change_set *cs);
	/* Each token of the store, by and by; NULL = not wanted. */
	int (*token)(struct offline *o, const struct store_token *t);
	/* What was saved of the states is restored, too. */
	bool states;
	/* As store_conf.offline: no events are to be made. */
	bool reads_marks;
};

/*
 * TC_EBUSY: a server runs.  `conf` is borrowed; offline_close() either way.
 */
int offline_open(struct offline *o, const struct offline_conf *conf,
	const char *state_dir, struct tc_err *e);
void offline_close(struct offline *o);

#endif
