/*
 * What the engine says goes to the store.  While the store cannot take it,
 * it waits here in order, bounded; judging and serving go on from memory.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"

static struct daemon *
of_io(struct engine_io *io)
{
	return CONTAINER_OF(io, struct daemon, engine_io);
}

static void
count_lost(struct daemon *d)
{
	pthread_mutex_lock(&d->publish_lock);
	d->facts_lost++;
	pthread_mutex_unlock(&d->publish_lock);
}

/*
 * The writer's thread: what failed comes back to the loop, unless it would
 * fail for ever.
 */
void
keep_failed(struct daemon *d, struct change_set *cs)
{
	bool again = store_may_retry(cs->rc);

	if (!again)
		log_at(ERROR, "store", "facts refused reason=%s",
			tc_err_id(cs->rc));
	if (again && queue_push(d->durable, cs) == 0)
		return;
	count_lost(d);
	alerts_settled(d, cs);
}

/* Those who follow the events need not wait for their next look. */
static void
tell_streams(struct daemon *d)
{
	pthread_mutex_lock(&d->publish_lock);
	if (d->http != NULL)
		http_events_hint(d->http);
	pthread_mutex_unlock(&d->publish_lock);
}

/* One writer, one order: the last event of a set is the newest. */
void
keep_committed(struct daemon *d, struct change_set *cs)
{
	for (size_t i = cs->n; i-- > 0;) {
		if (cs->items[i].kind != CHANGE_EVENT)
			continue;
		if (cs->items[i].u.event.seq > d->last_event)
			d->last_event = cs->items[i].u.event.seq;
		tell_streams(d);
		break;
	}
	alerts_settled(d, cs);
}

static void
set_done(struct change_set *cs)
{
	if (cs->rc < 0)
		keep_failed(cs->owner, cs);
	else
		keep_committed(cs->owner, cs);
}

/* Most servers never need it. */
static bool
has_backlog(struct daemon *d)
{
	if (d->backlog == NULL)
		d->backlog = mem_alloc_array(BACKLOG_MAX_SETS,
			sizeof(*d->backlog));
	return d->backlog != NULL;
}

static void
lose(struct daemon *d, struct change_set *cs)
{
	count_lost(d);
	change_set_free(cs);
}

static void
backlog_push(struct daemon *d, struct change_set *cs)
{
	size_t at;

	/* People are told all the same. */
	action_committed(d->action, cs);
	if (!has_backlog(d)) {
		lose(d, cs);
		return;
	}
	if (d->backlog_n == BACKLOG_MAX_SETS) {
		lose(d, d->backlog[d->backlog_head]);
		d->backlog_head = (d->backlog_head + 1) % BACKLOG_MAX_SETS;
		d->backlog_n--;
		log_at(WARN, "store", "backlog full, the oldest facts are lost");
	}
	at = (d->backlog_head + d->backlog_n++) % BACKLOG_MAX_SETS;
	d->backlog[at] = cs;
}

/* Measurements, and where their judgement stands: nobody asks at once. */
static bool
is_calm(const struct change_set *cs)
{
	for (size_t i = 0; i < cs->n; i++)
		if (cs->items[i].kind != CHANGE_HISTORY &&
		    cs->items[i].kind != CHANGE_STATE)
			return false;
	return true;
}

void
keep_facts(struct daemon *d, struct change_set *cs)
{
	cs->calm = is_calm(cs);
	cs->done = set_done;
	cs->owner = d;
	cs->rc = 0;
	if (d->backlog_n > 0 || store_sqlite.submit(d->store, cs) < 0)
		backlog_push(d, cs);
}

static void
backlog_push_front(struct daemon *d, struct change_set *cs)
{
	action_committed(d->action, cs);
	if (d->backlog_n == BACKLOG_MAX_SETS || !has_backlog(d)) {
		lose(d, cs);
		return;
	}
	cs->done = set_done;
	cs->owner = d;
	d->backlog_head = (d->backlog_head + BACKLOG_MAX_SETS - 1) %
		BACKLOG_MAX_SETS;
	d->backlog_n++;
	d->backlog[d->backlog_head] = cs;
}

/* Before all that waits already: an older state must not win in the end. */
void
keep_again(struct daemon *d)
{
	struct change_set *cs, *newest = NULL;

	while ((cs = queue_try_pop(d->durable)) != NULL) {
		cs->owner = newest;
		newest = cs;
	}
	while ((cs = newest) != NULL) {
		newest = cs->owner;
		backlog_push_front(d, cs);
	}
}

void
keep_retry(struct daemon *d)
{
	while (d->backlog_n > 0 && store_sqlite.submit(d->store,
			d->backlog[d->backlog_head]) == 0) {
		d->backlog_head = (d->backlog_head + 1) % BACKLOG_MAX_SETS;
		d->backlog_n--;
	}
}

void
keep_new_facts(struct daemon *d, struct change_set *cs)
{
	action_route(d->action, cs);
	keep_facts(d, cs);
}

static void
engine_stores(struct engine_io *io, struct change_set *cs)
{
	keep_new_facts(of_io(io), cs);
}

static void
engine_starts(struct engine_io *io, const struct engine_run *runs, size_t n)
{
	runner_start(of_io(io)->runner, runs, n);
}

void
keep_init(struct daemon *d)
{
	d->engine_io = (struct engine_io){ .start = engine_starts,
		.store = engine_stores, .zone = zones_find };
}

/* ---- opening: what the last run left ---- */

static int
load_subject(void *arg, const struct change_subject *s)
{
	struct daemon *d = arg;
	int rc = engine_restore_subject(d->engine, s);

	if (rc < 0)
		log_at(WARN, "store", "subject not restored id=%u reason=%s",
			s->id, tc_err_id(rc));
	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_state(void *arg, const struct change_state *s)
{
	struct daemon *d = arg;
	int rc = engine_restore_state(d->engine, s);

	if (rc < 0 && rc != TC_ENOENT)
		log_at(WARN, "store", "state not restored subject=%u kind=%s "
			"reason=%s", s->subject, s->kind, tc_err_id(rc));
	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_prediction(void *arg, const struct change_prediction *p)
{
	struct daemon *d = arg;

	(void)engine_restore_prediction(d->engine, p);
	return 0;
}

static int
load_token(void *arg, const struct store_token *t)
{
	struct daemon *d = arg;

	return tokens_put(d->tokens, t);
}

static void
load_seq(void *arg, uint64_t event_seq, uint64_t prediction_id,	/* lint: struct store_loader */
	uint32_t subject_id, uint32_t token_id, bool clean)
{
	struct daemon *d = arg;

	(void)subject_id;
	tokens_reserve(d->tokens, token_id);
	engine_restore_seq(d->engine, event_seq, prediction_id, clean);
	d->last_event = event_seq;
	if (!clean)
		log_at(WARN, "daemon", "the last stop was not a clean one");
}

static void
store_moved(void *arg, bool degraded, const char *why)
{
	struct daemon *d = arg;

	/* The writer's thread: told to the loop under the lock, seen at its tick. */
	pthread_mutex_lock(&d->publish_lock);
	d->store_degraded = degraded;
	snprintf(d->store_why, sizeof(d->store_why), "%s", why);
	pthread_mutex_unlock(&d->publish_lock);
	sched_wake_send(d->durable_wake);
}

static void
store_begun_anew(void *arg, const char *moved, const char *why)
{
	struct daemon *d = arg;

	strbuf_puts(&d->moved, moved);
	strbuf_puts(&d->moved_why, why);
}

static bool
has_damaged(const char *state_dir)
{
	static const char prefix[] = "tocsin.db.corrupt-";
	DIR *dir = opendir(state_dir);
	struct dirent *entry;
	bool found = false;

	/* What cannot be seen is not gone. */
	if (dir == NULL)
		return true;
	while (!found && (entry = readdir(dir)) != NULL)
		found = strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return found;
}

void
keep_tell(struct daemon *d)
{
	if (d->moved.n > 0)
		engine_set_replaced(d->engine, strbuf_str(&d->moved),
			strbuf_str(&d->moved_why), daemon_now(d));
	else if (!has_damaged(d->config->state_dir))
		engine_set_replaced(d->engine, NULL, NULL, daemon_now(d));
}

int
keep_open(struct daemon *d, struct tc_err *e)
{
	char path[4096];
	struct store_conf conf = { .path = path, .degraded = store_moved,
		.degraded_arg = d, .quarantined = store_begun_anew,
		.quarantined_arg = d, .keep_raw = d->config->keep_raw,
		.keep_m5 = d->config->keep_m5, .keep_h1 = d->config->keep_h1,
		.keep_d1 = d->config->keep_d1,
		.pack_after = d->config->pack_after,
		.keep_alerts = d->config->keep_alerts,
		.keep_events = d->config->keep_events,
		.keep_audit = d->config->keep_audit };
	struct store_loader loader = { .arg = d, .subject = load_subject,
		.state = load_state, .prediction = load_prediction,
		.token = load_token, .seq = load_seq };
	int rc;

	alerts_load(&loader);
	snprintf(path, sizeof(path), "%s/tocsin.db", d->config->state_dir);
	if ((rc = store_sqlite.open(&conf, &d->store, e)) < 0)
		return tc_wrap(e, "%s", path);
	return store_sqlite.load(d->store, &loader, e);
}

void
keep_fini(struct daemon *d)
{
	if (d->store != NULL) {
		keep_retry(d);
		store_sqlite.flush(d->store, dur_s(3));
		store_sqlite.close(d->store);
	}
	for (; d->backlog_n > 0; d->backlog_n--) {
		change_set_free(d->backlog[d->backlog_head]);
		d->backlog_head = (d->backlog_head + 1) % BACKLOG_MAX_SETS;
	}
	mem_free(d->backlog);
	strbuf_free(&d->moved);
	strbuf_free(&d->moved_why);
	d->backlog = NULL;
	d->store = NULL;
}
