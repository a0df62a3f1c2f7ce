/*
 * Starting, ticking, publishing, stopping.
 */
#include "daemon/daemon.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

/* Wake-ups are shared: the engine is not called more often than this. */
#define TICK_MIN_MS 5
/*
 * A change of state is shown at the latest after 100 ms, and sooner where a
 * snapshot is cheap: at most a twentieth of the time goes into making them.
 * Values alone are shown every second.
 */
#define PUBLISH_CHANGE_MS 100
#define PUBLISH_SHARE 20
#define PUBLISH_IDLE_MS 1000
#define DURABLE_MAX 65536

struct now
daemon_now(const struct daemon *d)
{
	return (struct now){ d->clock->mono(d->clock),
		d->clock->wall(d->clock) };
}

/* ---- publishing ---- */

static int64_t
publish_wait(const struct daemon *d)
{
	int64_t most = dur_ms(PUBLISH_CHANGE_MS).ns;
	int64_t share = d->publish_cost.ns * PUBLISH_SHARE;

	return share < most ? share : most;
}

void
daemon_publish(struct daemon *d, bool force)
{
	struct now now = daemon_now(d);
	int64_t since = mono_diff(now.mono, d->published_at).ns;
	int64_t wait = engine_changed(d->engine) ? publish_wait(d) :
		dur_ms(PUBLISH_IDLE_MS).ns;
	struct snapshot *fresh, *old;

	if (!force && since < wait)
		return;
	fresh = engine_snapshot(d->engine, now);
	d->publish_cost = mono_diff(d->clock->mono(d->clock), now.mono);
	if (fresh == NULL) {
		log_at(ERROR, "daemon", "no memory for a snapshot");
		return;
	}
	d->published_at = now.mono;
	pthread_mutex_lock(&d->publish_lock);
	old = d->published;
	d->published = fresh;
	d->facts_waiting = d->backlog_n;
	engine_counts(d->engine, &d->counts);
	runner_stats(d->runner, &d->probes);
	action_stats(d->action, &d->alerts);
	pthread_mutex_unlock(&d->publish_lock);
	snapshot_put(old);
}

/* ---- ticking ---- */

void
daemon_tick_by(struct daemon *d, struct mono due)
{
	d->tick_at = due;
	sched_at(d->sched, &d->tick, due);
}

static void
note_store(struct daemon *d)
{
	char why[sizeof(d->store_why)];
	bool degraded;

	pthread_mutex_lock(&d->publish_lock);
	degraded = d->store_degraded;
	memcpy(why, d->store_why, sizeof(why));
	pthread_mutex_unlock(&d->publish_lock);
	engine_set_degraded(d->engine, degraded, why, daemon_now(d));
}

static void
tick(void *arg, struct mono fired)
{
	struct daemon *d = arg;
	struct now now = daemon_now(d);
	struct mono next, least;

	(void)fired;
	note_store(d);
	self_look(d, now);
	keep_retry(d);
	next = engine_tick(d->engine, now);
	pthread_mutex_lock(&d->publish_lock);
	d->ticked = true;
	pthread_mutex_unlock(&d->publish_lock);
	daemon_publish(d, false);
	least = mono_add(now.mono, dur_ms(TICK_MIN_MS));
	if (mono_before(next, least))
		next = least;
	least = mono_add(now.mono, dur_ns(publish_wait(d)));
	if (engine_changed(d->engine) && mono_before(least, next))
		next = least;
	daemon_tick_by(d, next);
}

/* A recheck may be due before the tick that is planned. */
static void
on_result(void *arg, uint32_t check, uint32_t seq,
	const struct observation *ob, bool last)
{
	struct daemon *d = arg;
	struct now now = daemon_now(d);
	struct mono due, least;

	if (last)
		engine_result(d->engine, check, seq, ob, now);
	else
		engine_part(d->engine, check, seq, ob, now);
	due = engine_due(d->engine);
	least = mono_add(now.mono, dur_ms(TICK_MIN_MS));
	if (engine_changed(d->engine) || mono_before(due, least))
		due = least;
	if (mono_before(due, d->tick_at))
		daemon_tick_by(d, due);
}

static void
on_durable(void *arg)
{
	struct daemon *d = arg;

	alerts_send(d);
	keep_again(d);
	keep_retry(d);
	note_store(d);
}

static void
on_signal(void *arg, int signum)
{
	struct daemon *d = arg;

	if (signum == SIGHUP) {
		notify("RELOADING=1");
		daemon_reload(d);
		notify("READY=1");
		return;
	}
	log_at(INFO, "daemon", "stopping signal=%d", signum);
	d->stopping = true;
	sched_stop(d->sched);
}

/* ---- starting ---- */

static int
open_loop(struct daemon *d, struct tc_err *e)
{
	static const int signums[] = { SIGHUP, SIGTERM, SIGINT };

	d->sched = sched_new(e);
	if (d->sched == NULL)
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(signums); i++) {
		d->signals[i] = sched_signal_open(d->sched, signums[i],
			on_signal, d, e);
		if (d->signals[i] == NULL)
			return e->code;
	}
	d->durable_wake = sched_wake_open(d->sched, on_durable, d, e);
	if (d->durable_wake == NULL)
		return e->code;
	d->durable = queue_new(DURABLE_MAX, sched_wake_send, d->durable_wake);
	sched_timer_init(&d->tick, tick, d);
	return d->durable != NULL ? 0 :
		tc_fail(e, TC_ENOMEM, "out of memory");
}

static int
open_runner(struct daemon *d, struct tc_err *e)
{
	struct runner_conf conf = { .sched = d->sched, .clock = d->clock,
		.plugin_dir = d->plugin_dir, .worker = d->worker,
		.on_result = on_result, .arg = d };
	struct strbuf dirs = { 0 };

	if (config_plugin_dirs(d->config_path, &dirs) == 0) {
		/* ":DIR:DIR" */
		if (dirs.n > 0)
			conf.foreign_dir = dirs.p + 1;
		d->runner = runner_new(&conf, e);
	} else {
		(void)tc_fail(e, TC_ENOMEM, "out of memory");
	}
	strbuf_free(&dirs);
	if (d->runner == NULL)
		return e->code;
	if (runner_load_all(d->runner) == 0)
		log_at(WARN, "probe", "no plugins found dir=%s", d->plugin_dir);
	return 0;
}

static int
open_engine(struct daemon *d, struct tc_err *e)
{
	struct engine_conf conf = { .io = &d->engine_io, .pack = d->pack,
		.version = TOCSIN_VERSION };

	randombytes_buf(&conf.boot_seed, sizeof(conf.boot_seed));
	keep_init(d);
	d->engine = engine_new(&conf);
	d->tokens = tokens_new(d->clock);
	if (d->engine == NULL || d->tokens == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	return 0;
}

void
daemon_write_url(struct daemon *d)
{
	const struct config *c = d->config;
	bool again = d->url_owed;
	char path[4096], url[300];
	struct tc_err e = { 0 };
	int n = snprintf(url, sizeof(url), "%s://%.*s:%u\n",
		c->tls_certificate != NULL ? "https" : "http",
		(int)(strrchr(c->listen, ':') - c->listen), c->listen,
		http_port(d->http));

	snprintf(path, sizeof(path), "%s/server.url", c->state_dir);
	d->url_owed = file_write_atomic(path, url, (size_t)n, 0644, &e) < 0;
	if (again)
		return;
	log_at(INFO, "http", "listening url=%.*s", n - 1, url);
	if (d->url_owed)
		log_at(WARN, "daemon", "server.url not written: %s", e.text);
}

static int
open_http(struct daemon *d, struct tc_err *e)
{
	const struct config *c = d->config;
	char openapi[4096], page[4096];
	struct http_conf conf = { .listen = c->listen,
		.threads = c->http_threads,
		.tls_certificate = c->tls_certificate, .tls_key = c->tls_key,
		.tls_client_ca = c->tls_client_ca,
		.max_body_bytes = c->http_max_body_bytes,
		.max_connections = c->http_max_connections,
		.openapi_path = openapi, .page_dir = page };
	struct http *http;
	int rc;

	snprintf(openapi, sizeof(openapi), "%s/openapi.json", d->data_dir);
	snprintf(page, sizeof(page), "%s/page", d->data_dir);
	if ((rc = http_start(&conf, &d->http_io, &http, e)) < 0)
		return rc;
	pthread_mutex_lock(&d->publish_lock);
	d->http = http;
	pthread_mutex_unlock(&d->publish_lock);
	daemon_write_url(d);
	return 0;
}

/*
 * The plugins come before the configuration, which is checked with their
 * rows; hence their place is an argument of the program.
 */
int
daemon_check(struct daemon *d, struct tc_err *e)
{
	int rc;

	d->clock = clock_system();
	d->lock_fd = -1;
	pthread_mutex_init(&d->publish_lock, NULL);
	if (sodium_init() < 0)
		return tc_fail(e, TC_EIO, "no source of random numbers");
	if ((rc = open_loop(d, e)) < 0 || (rc = open_runner(d, e)) < 0)
		return rc;
	if (daemon_load_config(d, &d->config, &d->fleet) < 0)
		return tc_fail(e, TC_EINVAL, "%s: not usable", d->config_path);
	return daemon_load_pack(d->config, &d->pack, e);
}

int
daemon_start(struct daemon *d, struct tc_err *e)
{
	int rc;

	if ((rc = daemon_check(d, e)) < 0)
		return rc;
	log_set_level(d->config->log_level);
	if ((rc = file_make_dirs(d->config->state_dir, 0750, e)) < 0 ||
	    (rc = store_lock(d->config->state_dir, &d->lock_fd, e)) < 0 ||
	    (rc = open_engine(d, e)) < 0 || (rc = alerts_open(d, e)) < 0 ||
	    (rc = keep_open(d, e)) < 0 ||
	    (rc = alerts_setup(d, d->config, e)) < 0 ||
	    (rc = tokens_ensure_admin(d, e)) < 0 ||
	    (rc = engine_set_fleet(d->engine, &d->fleet->def, daemon_now(d),
		     e)) < 0 ||
	    (rc = serve_open(d, e)) < 0)
		return rc;
	config_fleet_taken(d->config, d->fleet);
	keep_tell(d);
	daemon_publish(d, true);
	if ((rc = open_http(d, e)) < 0)
		return rc;
	daemon_watch_files(d);
	export_start(d);
	daemon_tick_by(d, (struct mono){ 0 });
	notify_start(d);
	return 0;
}

void
daemon_run(struct daemon *d)
{
	while (!d->stopping)
		sched_run(d->sched);
}

/* ---- stopping: waiters first, then what they wait for ---- */

static void
stop_http(struct daemon *d)
{
	struct http *http;

	pthread_mutex_lock(&d->publish_lock);
	http = d->http;
	d->http = NULL;
	pthread_mutex_unlock(&d->publish_lock);
	if (http != NULL)
		http_stop(http);
}

void
daemon_stop(struct daemon *d)
{
	if (d->sched != NULL)
		notify_stop(d);
	if (d->commands != NULL)
		queue_close(d->commands);
	stop_http(d);
	commands_close(d);
	runner_free(d->runner);
	alerts_close(d);
	keep_fini(d);
	if (d->sched != NULL) {
		sched_cancel(d->sched, &d->tick);
		sched_cancel(d->sched, &d->watch);
		sched_cancel(d->sched, &d->export);
	}
	for (size_t i = 0; i < ARRAY_LEN(d->signals); i++)
		if (d->signals[i] != NULL)
			sched_signal_close(d->signals[i]);
	if (d->durable != NULL)
		queue_free(d->durable, (void (*)(void *))change_set_free);
	if (d->told != NULL)
		queue_free(d->told, (void (*)(void *))change_set_free);
	sched_wake_close(d->durable_wake);
	snapshot_put(d->published);
	engine_free(d->engine);
	tokens_free(d->tokens);
	pack_free(d->pack);
	config_fleet_free(d->fleet);
	config_free(d->config);
	sched_free(d->sched);
	pthread_mutex_destroy(&d->publish_lock);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
}
