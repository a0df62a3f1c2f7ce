#include <stdatomic.h>
#include <string.h>

#include "cli/import.h"
#include "cli/offline.h"
#include "wire/json_write.h"

#define WAIT_S 60

struct import_store {
	struct cli *c;
	struct offline at;
	/* written by the store's thread, read after a flush */
	_Atomic size_t accepted;
	_Atomic size_t duplicates;
	_Atomic int rc;
};

/* ---- open and close ---- */

/* What the engine says beside a batch is for the server to say anew. */
static void
keep_nothing(struct engine_io *io, struct change_set *cs)
{
	(void)io;
	change_set_free(cs);
}

void
import_store_close(struct import_store *s)
{
	if (s != NULL)
		offline_close(&s->at);
	mem_free(s);
}

int
import_store_open(struct cli *c, const char *state_dir,
	struct import_store **out, struct tc_err *e)
{
	static const struct offline_conf conf = { .keep = keep_nothing,
		.states = true, .reads_marks = true };
	struct import_store *s = MEM_NEW(struct import_store);
	int rc;

	if (!s)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	s->c = c;
	rc = offline_open(&s->at, &conf, state_dir, e);
	if (rc < 0)
		import_store_close(s);
	else
		*out = s;
	return rc;
}

/* ---- what is kept ---- */

static bool
is_kept(const struct change *c)
{
	switch (c->kind) {
	case CHANGE_SUBJECT:
	case CHANGE_HISTORY:
		return true;
	case CHANGE_STATE:	/* what the predictor has learnt of a drive */
		return strcmp(c->u.state.kind, "device") == 0 ||
			strcmp(c->u.state.kind, "drive") == 0 ||
			strcmp(c->u.state.kind, "seen") == 0;
	case CHANGE_EVENT:
	case CHANGE_PREDICTION:
	case CHANGE_ALERT:
	case CHANGE_PLAN:
	case CHANGE_OUTBOX:
	case CHANGE_DELIVERY:
	case CHANGE_AUDIT:
	case CHANGE_WINDOW:
	case CHANGE_NOTE:
		return false;
	case CHANGE_ARTIFACT:
		return false;
	case CHANGE_OUTCOME:
		return true;
	}
	return false;
}

static void
keep_history(struct change_set *cs)
{
	size_t n = 0;

	for (size_t i = 0; i < cs->n; i++) {
		if (is_kept(&cs->items[i]))
			cs->items[n++] = cs->items[i];
	}
	cs->n = n;
}

/* The store's thread. */
static void
stored(struct change_set *cs)
{
	struct import_store *s = cs->owner;

	if (cs->rc < 0)
		atomic_store(&s->rc, cs->rc);
	atomic_fetch_add(&s->accepted, cs->accepted);
	atomic_fetch_add(&s->duplicates, cs->duplicates);
	change_set_free(cs);
}

static int
submit(struct import_store *s, struct change_set *cs, struct tc_err *e)
{
	int rc;

	cs->owner = s;
	cs->done = stored;
	while ((rc = store_sqlite.submit(s->at.store, cs)) == TC_EFULL) {
		rc = store_sqlite.flush(s->at.store, dur_s(WAIT_S));
		if (rc < 0)
			break;
	}
	if (rc < 0)
		change_set_free(cs);
	else
		rc = atomic_load(&s->rc);
	return rc < 0 ? tc_fail(e, rc, "the store takes no more") : 0;
}

static int
wait_all(struct import_store *s, struct tc_err *e)
{
	int rc = store_sqlite.flush(s->at.store, dur_s(WAIT_S));

	if (rc == 0)
		rc = atomic_load(&s->rc);
	return rc < 0 ? tc_fail(e, rc, "not all of it could be stored") : 0;
}

int
import_store_put(struct import_store *s, const struct batch *b,
	struct tc_err *e)
{
	struct clock *clock = s->c->clock;
	struct now now = { clock->mono(clock), clock->wall(clock) };
	struct change_set *cs = change_set_new();

	if (!cs || engine_batch(s->at.engine, b, true, now, cs) != BATCH_TAKEN) {
		if (cs)
			change_set_free(cs);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	keep_history(cs);
	return submit(s, cs, e);
}

int
import_store_host(struct import_store *s, const char *host, uint32_t *id,
	struct tc_err *e)
{
	struct batch none = { .host = host, .id = "" };
	int rc;

	*id = engine_host_id(s->at.engine, host);
	if (*id != 0)
		return 0;
	if ((rc = import_store_put(s, &none, e)) < 0)
		return rc;
	*id = engine_host_id(s->at.engine, host);
	return *id != 0 ? 0 : tc_fail(e, TC_ENOMEM, "out of memory");
}

int
import_store_rows(struct import_store *s, struct change_set *cs,
	struct tc_err *e)
{
	return submit(s, cs, e);
}

int
import_store_series(struct import_store *s,
	const struct store_series_query *q,
	int (*sink)(void *, const struct store_point *), void *arg,
	struct tc_err *e)
{
	int rc = wait_all(s, e);

	return rc < 0 ? rc : store_sqlite.series(s->at.store, q, sink, arg, e);
}

int
import_store_outcome(struct import_store *s, const struct strbuf *body,
	struct tc_err *e)
{
	struct clock *clock = s->c->clock;
	struct now now = { clock->mono(clock), clock->wall(clock) };
	struct change_set *cs = change_set_new();
	char *text = mem_strndup(body->p, body->n);
	struct strbuf reply = {0};
	struct engine_wish wish = { .kind = ORDER_OUTCOME, .target = "",
		.body = text, .n = body->n, .actor = "tocsin import" };
	int rc;

	if (!cs || !text)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	else
		rc = engine_order(s->at.engine, &wish, now, cs, &reply, e);
	strbuf_free(&reply);
	mem_free(text);
	if (rc < 0) {
		change_set_free(cs);
		return rc;
	}
	keep_history(cs);
	return submit(s, cs, e);
}

static int
say_audit(struct import_store *s, const char *file, struct tc_err *e)
{
	struct change_set *cs = change_set_new();
	struct change *c = cs ? change_add(cs, CHANGE_AUDIT) : NULL;
	struct clock *clock = s->c->clock;
	struct strbuf body = {0};
	struct json_write w;
	int rc;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "file", file);
	json_add_u64(&w, "rows", atomic_load(&s->accepted));
	json_put_end(&w);
	if (c)
		c->u.audit = (struct change_audit){ .at = clock->wall(clock),
			.actor = "tocsin import", .action = "history.import",
			.body = arena_strdup(&cs->arena, strbuf_str(&body)) };
	strbuf_free(&body);
	if (c && c->u.audit.body)
		return submit(s, cs, e);
	rc = tc_fail(e, TC_ENOMEM, "out of memory");
	if (cs)
		change_set_free(cs);
	return rc;
}

int
import_store_finish(struct import_store *s, const char *file,
	struct import_counts *out, struct tc_err *e)
{
	int rc;

	if ((rc = wait_all(s, e)) < 0 || (rc = say_audit(s, file, e)) < 0 ||
	    (rc = wait_all(s, e)) < 0)
		return rc;
	out->accepted = atomic_load(&s->accepted);
	out->duplicates = atomic_load(&s->duplicates);
	return 0;
}
