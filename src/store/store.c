/*
 * Opening, closing and the table of what SQLite offers.
 */
#include "store/store.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/compact.h"
#include "store/damage.h"
#include "store/migrate.h"
#include "store/readers.h"
#include "store/reads.h"
#include "store/remote.h"
#include "store/writer.h"

#define DEFAULT_READERS 2
#define DEFAULT_DEADLINE_MS 2000
#define DEFAULT_COMMIT_MS 20
#define DEFAULT_RETRY_S 1
#define DEFAULT_QUEUE 4096

struct store {
	char *path;
	char *schema_dir;
	bool clean;		/* how the last run ended */
	bool late;		/* nothing could be written yet */
	struct tc_err why;	/* … and why */
	struct scribe scribe;	/* the writer's */
	struct writer *writer;
	struct readers *readers;
	struct compactor *compactor;
};

static struct store_conf
with_defaults(const struct store_conf *given, const struct store *s)
{
	struct store_conf conf = *given;

	conf.path = s->path;
	conf.schema_dir = s->schema_dir;
	if (conf.readers == 0)
		conf.readers = DEFAULT_READERS;
	if (conf.read_deadline.ns == 0)
		conf.read_deadline = dur_ms(DEFAULT_DEADLINE_MS);
	if (conf.commit_every.ns == 0)
		conf.commit_every = dur_ms(DEFAULT_COMMIT_MS);
	if (conf.retry_every.ns == 0)
		conf.retry_every = dur_s(DEFAULT_RETRY_S);
	if (conf.queue_cap == 0)
		conf.queue_cap = DEFAULT_QUEUE;
	return conf;
}

/*
 * The disk, or whoever holds the lock, will not let anything be written now:
 * watching begins all the same, and the writer goes on trying.
 */
static bool
may_begin_late(const struct store_conf *conf, const struct db *db, int rc)
{
	if (conf->offline || conf->degraded == NULL || damage_is(db->fault))
		return false;
	return rc == TC_EFULL || rc == TC_EIO || rc == TC_EPERM ||
		rc == TC_EBUSY;
}

static int
begin_epoch(struct store *s, const struct store_conf *conf, struct tc_err *e)
{
	int rc = scribe_begin_epoch(&s->scribe, conf->offline, &s->clean,
		&s->why);

	s->late = rc < 0 && may_begin_late(conf, &s->scribe.db, rc);
	if (rc < 0 && e != NULL)
		*e = s->why;
	return s->late ? 0 : rc;
}

/* *damaged: the trouble is the file's, and no other program's or version's. */
static int
open_file(struct store *s, const struct store_conf *conf, bool *damaged,
	struct tc_err *e)
{
	struct db *db = &s->scribe.db;
	int rc;

	randombytes_buf(&s->scribe.layouts.seed, sizeof(uint64_t));
	if ((rc = db_open(db, s->path, DB_WRITER | DB_CREATE, e)) < 0)
		goto out;
	if (conf->quarantined != NULL &&
	    (rc = damage_check(db, s->path, e)) < 0) {
		/* A word of the schema that it does not know. */
		*damaged = (db->fault & 0xff) == SQLITE_ERROR;
		goto out;
	}
	if ((rc = migrate(db, s->path, s->schema_dir, e)) < 0) {
		*damaged = rc == TC_EUNSUP && damage_of_number(db);
		goto out;
	}
	if ((rc = db_prepare(db, DB_WRITER, e)) < 0) {
		/* The migrations are ours, and do not make this schema. */
		*damaged = (db->fault & 0xff) == SQLITE_ERROR;
		goto out;
	}
	rc = begin_epoch(s, conf, e);
out:
	if (rc < 0 && damage_is(db->fault))
		*damaged = true;
	return rc;
}

static int
store_load(struct store *s, const struct store_loader *to, struct tc_err *e)
{
	struct db *db;
	int rc = readers_take(s->readers, false, &db, e);

	if (rc < 0)
		return rc;
	rc = read_all(db, to, s->clean, e);
	readers_give(s->readers, db);
	return rc;
}

static int
no_subject(void *arg, const struct change_subject *c)
{
	(void)arg;
	(void)c;
	return 0;
}

static int
no_state(void *arg, const struct change_state *c)
{
	(void)arg;
	(void)c;
	return 0;
}

static int
no_prediction(void *arg, const struct change_prediction *c)
{
	(void)arg;
	(void)c;
	return 0;
}

static int
no_token(void *arg, const struct store_token *t)
{
	(void)arg;
	(void)t;
	return 0;
}

/* What will be loaded can be: half a state in the engine helps nobody. */
static int
look_over(struct store *s, struct tc_err *e)
{
	static const struct store_loader nothing = { .subject = no_subject,
		.state = no_state, .prediction = no_prediction,
		.token = no_token };

	return store_load(s, &nothing, e);
}

/* All but the writer's thread; nothing is left open on failure. */
static int
open_parts(struct store *s, const struct store_conf *conf, bool *damaged,
	struct tc_err *e)
{
	int rc;

	if ((rc = open_file(s, conf, damaged, e)) < 0)
		goto out;
	if ((rc = readers_open(s->path, conf->readers, conf->read_deadline,
		    &s->readers, e)) == 0 && conf->quarantined != NULL)
		rc = look_over(s, e);
	if (rc == TC_ECORRUPT)
		*damaged = true;
out:
	if (rc == 0)
		return 0;
	/* What is damaged is kept as it was found. */
	if (*damaged && s->scribe.db.h != NULL)
		sqlite3_db_config(s->scribe.db.h,
			SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	readers_close(s->readers);
	s->readers = NULL;
	scribe_fini(&s->scribe);
	s->scribe = (struct scribe){ 0 };
	if (rc != TC_ENEWER && rc != TC_EUNSUP && damage_in_header(s->path))
		*damaged = true;
	return rc;
}

/* It quotes the damage. */
static void
make_plain(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~' || *text == '"')
			*text = '?';
	}
}

static int
open_or_replace(struct store *s, const struct store_conf *conf,
	struct tc_err *e)
{
	struct tc_err why = { 0 };
	char moved[DAMAGE_NAME];
	bool damaged = false;
	int rc = open_parts(s, conf, &damaged, &why);

	if (rc == 0)
		return 0;
	if (!damaged || conf->quarantined == NULL) {
		if (e != NULL)
			*e = why;
		return rc;
	}
	make_plain(why.text);
	if ((rc = damage_set_aside(s->path, moved, e)) < 0)
		return tc_wrap(e, "damaged: %s", why.text);
	log_at(ERROR, "store", "damaged, begun anew moved=\"%s\" why=\"%s\"",
		moved, why.text);
	if ((rc = open_parts(s, conf, &damaged, e)) == 0)
		conf->quarantined(conf->quarantined_arg, moved, why.text);
	return rc;
}

static void
store_free(struct store *s)
{
	mem_free(s->path);
	mem_free(s->schema_dir);
	mem_free(s);
}

static int
start_compactor(struct store *s, const struct store_conf *conf,
	struct tc_err *e)
{
	struct compactor_conf cc = { .path = conf->path, .writer = s->writer,
		.lag = conf->pack_after };
	int rc = compactor_start(&cc, &s->compactor, e);

	if (rc < 0)
		writer_stop(s->writer);
	return rc;
}

static void
warn_remote(const char *path)
{
	const char *kind = remote_kind(path);

	if (kind != NULL)
		log_at(WARN, "store", "the file is on %s: locks and the shared "
			"log may fail there, put it on a local disk", kind);
}

static int
store_open(const struct store_conf *given, struct store **out,
	struct tc_err *e)
{
	struct store *s = MEM_NEW(struct store);
	struct writer_late late;
	struct store_conf conf;
	int rc;

	if (s == NULL)
		return tc_fail(e, TC_ENOMEM, "store: out of memory");
	s->path = mem_strdup(given->path);
	if (given->schema_dir != NULL)
		s->schema_dir = mem_strdup(given->schema_dir);
	if (s->path == NULL || (s->schema_dir == NULL) !=
	    (given->schema_dir == NULL)) {
		rc = tc_fail(e, TC_ENOMEM, "store: out of memory");
		goto fail;
	}
	if (sodium_init() < 0) {
		rc = tc_fail(e, TC_EIO, "libsodium cannot be used");
		goto fail;
	}
	/* Counting its memory costs a lock; refused when it runs already. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	conf = with_defaults(given, s);
	warn_remote(s->path);
	if ((rc = open_or_replace(s, &conf, e)) < 0)
		goto fail;
	late = (struct writer_late){ s->why.text, s->readers };
	if ((rc = writer_start(&conf, &s->scribe, s->late ? &late : NULL,
		    &s->writer, e)) == 0 &&
	    (rc = start_compactor(s, &conf, e)) == 0) {
		*out = s;
		return 0;
	}
	readers_close(s->readers);
fail:
	tc_wrap(e, "%s", given->path);
	store_free(s);
	return rc;
}

static void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	compactor_stop(s->compactor);
	/* Before the writer, so that its checkpoint finds nobody reading. */
	readers_close(s->readers);
	writer_stop(s->writer);
	store_free(s);
}

static int
store_submit(struct store *s, struct change_set *cs)
{
	return writer_submit(s->writer, cs);
}

static int
store_flush(struct store *s, struct dur max)
{
	return writer_flush(s->writer, max);
}

static uint64_t
size_of(const char *path, const char *suffix)
{
	char name[PATH_MAX];
	struct stat st;

	if (strlen(path) + strlen(suffix) >= sizeof(name))
		return 0;
	memcpy(name, path, strlen(path));
	memcpy(name + strlen(path), suffix, strlen(suffix) + 1);
	return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
store_stats(struct store *s, struct store_stats *out)
{
	writer_stats(s->writer, out);
	out->db_bytes = size_of(s->path, "");
	out->wal_bytes = size_of(s->path, "-wal");
	out->damaged = out->damaged || readers_met_damage(s->readers);
}

static int
store_compact(struct store *s, struct wall until, struct tc_err *e)
{
	return compactor_run(s->compactor, until, e);
}

static int
run_token_put(struct scribe *s, const void *arg, struct tc_err *e)
{
	return scribe_put_token(s, arg, e);
}

static int
store_token_put(struct store *s, const struct store_token *t,
	struct tc_err *e)
{
	struct writer_call call = { run_token_put, t };

	return writer_run(s->writer, &call, e);
}

struct revocation {
	uint32_t id;
	struct wall at;
};

static int
run_token_revoke(struct scribe *s, const void *arg, struct tc_err *e)
{
	const struct revocation *r = arg;

	return scribe_revoke_token(s, r->id, r->at, e);
}

static int
store_token_revoke(struct store *s, uint32_t id, struct wall at,
	struct tc_err *e)
{
	struct revocation r = { id, at };
	struct writer_call call = { run_token_revoke, &r };

	return writer_run(s->writer, &call, e);
}

static int
ask_events(struct store *s, const struct read_events *q, struct tc_err *e)
{
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_events(db, q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_events(struct store *s, uint64_t after, size_t limit,
	int (*sink)(void *, const struct store_event *), void *arg,
	struct tc_err *e) /* lint: the seam's signature */
{
	return ask_events(s, &(struct read_events){ 0, after, limit, sink,
		arg }, e);
}

static int
store_events_of(struct store *s, uint32_t subject, size_t limit,
	int (*sink)(void *, const struct store_event *), void *arg,
	struct tc_err *e) /* lint: the seam's signature */
{
	return ask_events(s, &(struct read_events){ subject, 0, limit, sink,
		arg }, e);
}

static int
store_series(struct store *s, const struct store_series_query *query,
	int (*sink)(void *, const struct store_point *), void *arg,
	struct tc_err *e)
{
	struct read_series q = { query, sink, arg };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_series(db, &q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_predictions(struct store *s, uint64_t id, struct wall as_of,
	int (*sink)(void *, const struct change_prediction *), void *arg,
	struct tc_err *e) /* lint: the seam's signature */
{
	struct read_predictions q = { id, as_of, sink, arg };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_predictions(db, &q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_alerts(struct store *s, struct wall since, size_t limit,
	int (*sink)(void *, const struct alert *), void *arg,
	struct tc_err *e) /* lint: the seam's signature */
{
	struct read_alerts q = { since, limit, sink, arg };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_alerts(db, &q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_deliveries(struct store *s, uint64_t alert,
	int (*sink)(void *, const struct change_outbox *,
		const struct change_delivery *),
	void *arg, struct tc_err *e)
{
	struct read_deliveries q = { alert, sink, arg };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_deliveries(db, &q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_plans(struct store *s, uint64_t id, size_t limit,
	int (*sink)(void *, const struct change_plan *), void *arg,
	struct tc_err *e) /* lint: the seam's signature */
{
	struct read_plans q = { id, limit, sink, arg };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_plans(db, &q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_artifacts(struct store *s, uint64_t id, uint32_t host,
	int (*sink)(void *, const struct change_artifact *), void *arg,
	struct tc_err *e) /* lint: the seam's signature */
{
	struct read_artifacts q = { id, host, sink, arg };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_artifacts(db, &q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_outcomes(struct store *s, uint64_t after, size_t limit,
	int (*sink)(void *, const struct store_outcome *), void *arg,
	struct tc_err *e) /* lint: the seam's signature */
{
	struct read_outcomes q = { after, limit, sink, arg };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_outcomes(db, &q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_scored(struct store *s, const struct store_scored *to,
	struct tc_err *e)
{
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_scored(db, to, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_moves(struct store *s, const struct store_moves *to, struct tc_err *e)
{
	struct moves_at at = { to->since.ms, INT64_MIN, false };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_move_warnings(db, to, e);
	readers_give(s->readers, db);
	/* there may be many: each part has a reader and a deadline of its own */
	while (rc == 0 && !at.ended) {
		if ((rc = readers_take(s->readers, true, &db, e)) < 0)
			return rc;
		rc = read_moves(db, to, &at, e);
		readers_give(s->readers, db);
	}
	return rc;
}

static int
store_prune(struct store *s, const struct store_prune *order,
	struct tc_err *e)
{
	return writer_prune(s->writer, order, e);
}

static int
store_audit(struct store *s, uint64_t after, size_t limit,
	int (*sink)(void *, const struct store_audit *), void *arg,
	struct tc_err *e) /* lint: the seam's signature */
{
	struct read_audit q = { after, limit, sink, arg };
	struct db *db;
	int rc = readers_take(s->readers, true, &db, e);

	if (rc < 0)
		return rc;
	rc = read_audit(db, &q, e);
	readers_give(s->readers, db);
	return rc;
}

static int
store_audit_verify(struct store *s, uint64_t *rows, unsigned char last[32],
	struct tc_err *e)
{
	struct audit_sum sum = { 0 };
	struct db *db;
	int rc = readers_take(s->readers, false, &db, e);

	if (rc < 0)
		return rc;
	rc = audit_verify(db, &sum, e);
	readers_give(s->readers, db);
	if (rc == 0) {
		*rows = sum.rows;
		memcpy(last, sum.last, sizeof(sum.last));
	}
	return rc;
}

const struct store_ops store_sqlite = {
	.open = store_open,
	.load = store_load,
	.submit = store_submit,
	.flush = store_flush,
	.close = store_close,
	.stats = store_stats,
	.compact = store_compact,
	.token_put = store_token_put,
	.token_revoke = store_token_revoke,
	.events = store_events, .events_of = store_events_of,
	.series = store_series,
	.predictions = store_predictions,
	.alerts = store_alerts,
	.deliveries = store_deliveries,
	.plans = store_plans,
	.artifacts = store_artifacts,
	.outcomes = store_outcomes,
	.scored = store_scored,
	.moves = store_moves,
	.audit = store_audit,
	.prune = store_prune,
	.audit_verify = store_audit_verify,
};
