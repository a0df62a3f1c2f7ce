#include "cli/offline.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

static int
load_subject(void *arg, const struct change_subject *row)
{
	struct offline *o = arg;
	int rc = engine_restore_subject(o->engine, row);

	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_state(void *arg, const struct change_state *row)
{
	struct offline *o = arg;
	int rc = o->conf->states ? engine_restore_state(o->engine, row) : 0;

	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_prediction(void *arg, const struct change_prediction *row)
{
	(void)arg;
	(void)row;
	return 0;
}

static int
load_token(void *arg, const struct store_token *row)
{
	struct offline *o = arg;

	return o->conf->token != NULL ? o->conf->token(o, row) : 0;
}

static void
load_seq(void *arg, uint64_t event_seq, uint64_t prediction_id,	/* lint: struct store_loader */
	uint32_t subject_id, uint32_t token_id, bool clean)
{
	struct offline *o = arg;

	(void)subject_id;
	o->last_token = token_id;
	engine_restore_seq(o->engine, event_seq, prediction_id, clean);
}

static void
start_nothing(struct engine_io *io, const struct engine_run *runs, size_t n)
{
	(void)io;
	(void)runs;
	(void)n;
}

int
offline_open(struct offline *o, const struct offline_conf *conf,
	const char *state_dir, struct tc_err *e)
{
	char path[512];
	struct store_conf store = { .path = path,
		.offline = conf->reads_marks };
	struct store_loader loader = { .arg = o, .subject = load_subject,
		.state = load_state, .prediction = load_prediction,
		.token = load_token, .seq = load_seq };
	struct engine_conf engine = { .io = &o->io,
		.version = TOCSIN_VERSION };
	int rc;

	*o = (struct offline){ .lock = -1, .conf = conf,
		.io = { .start = start_nothing, .store = conf->keep } };
	if (sodium_init() < 0)
		return tc_fail(e, TC_EIO, "libsodium does not start");
	if ((rc = file_make_dirs(state_dir, 0750, e)) < 0 ||
	    (rc = store_lock(state_dir, &o->lock, e)) < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/tocsin.db", state_dir);
	o->engine = engine_new(&engine);
	if (o->engine == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if ((rc = store_sqlite.open(&store, &o->store, e)) < 0 ||
	    (rc = store_sqlite.load(o->store, &loader, e)) < 0)
		return tc_wrap(e, "%s", path);
	return 0;
}

void
offline_close(struct offline *o)
{
	if (o->store != NULL)
		store_sqlite.close(o->store);
	engine_free(o->engine);
	if (o->lock >= 0)
		close(o->lock);
}
