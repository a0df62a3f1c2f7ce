/*
 * tocsind: the adapters built and plugged into the engine.
 *
 * Threads: the loop owns the engine, the runner and everything here that has
 * no lock; the store's writer calls back through `durable`; libmicrohttpd's
 * pool reads the published snapshot and the token table.
 */
#ifndef TOCSIN_DAEMON_DAEMON_H
#define TOCSIN_DAEMON_DAEMON_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "action/action.h"
#include "base/list.h"
#include "base/queue.h"
#include "config/config.h"
#include "engine/engine.h"
#include "engine/snapshot.h"
#include "http/http.h"
#include "predict/rules.h"
#include "probe/runner.h"
#include "sched/sched.h"
#include "predict/book.h"
#include "store/store.h"

/* Facts that wait for the store while it cannot take them. */
#define BACKLOG_MAX_SETS 20000

struct tokens;

struct daemon {
	struct clock *clock;
	const char *config_path;
	const char *plugin_dir;
	const char *worker;	/* runs plugins of others */
	const char *data_dir;
	struct config *config;
	struct config_fleet *fleet;
	struct pack *pack;
	int lock_fd;

	struct sched *sched;
	struct runner *runner;
	struct engine_io engine_io;
	struct engine *engine;
	struct store *store;
	struct strbuf moved;	/* where a damaged store went; else empty */
	struct strbuf moved_why;
	struct http_io http_io;
	_Atomic uint64_t last_event;	/* committed */
	struct tokens *tokens;

	struct sched_timer tick;
	struct mono tick_at;
	struct sched_timer watch;	/* of the file_sd files */
	struct sched_timer export;
	struct sched_timer heartbeat;
	struct sched_timer watchdog;	/* of systemd */
	struct dur watchdog_every;	/* 0 = not wanted */
	struct sched_signal *signals[3];

	struct queue *commands;		/* http → loop */
	struct sched_wake *commands_wake;
	struct queue *durable;		/* writer → loop: sets done */
	struct sched_wake *durable_wake;
	struct queue *told;		/* writer → loop: their alerts may go out */
	struct action *action;

	/* Sets not taken by the store, oldest first. */
	struct change_set **backlog;
	size_t backlog_head, backlog_n;

	pthread_mutex_t publish_lock;	/* of those that follow */
	struct snapshot *published;
	struct http *http;
	struct engine_counts counts;
	struct runner_stats probes;
	struct action_stats alerts;
	bool ticked;
	bool trimmed;		/* since the fleet was taken */
	struct dur backup_age;	/* of the last copy; < 0 = none known */
	bool url_owed;		/* server.url is to be written yet */
	bool store_degraded;
	char store_why[128];
	uint64_t facts_lost;
	size_t facts_waiting;

	struct mono self_due;	/* to look at itself again */
	struct mono published_at;
	struct dur publish_cost;	/* of the last one */
	bool stopping;
};

struct now daemon_now(const struct daemon *d);

/* ---- daemon.c ---- */
/* Reads configuration, fleet and rule pack, and stops there. */
int daemon_check(struct daemon *d, struct tc_err *e);
int daemon_start(struct daemon *d, struct tc_err *e);
/* Until a signal; then drains. */
void daemon_run(struct daemon *d);
void daemon_stop(struct daemon *d);
/* A new snapshot when one is due, or at once with `force`. */
void daemon_publish(struct daemon *d, bool force);
/* The engine's next tick is at this time at the latest. */
void daemon_tick_by(struct daemon *d, struct mono due);
/* Where the API is, to the log and to server.url; or later: url_owed. */
void daemon_write_url(struct daemon *d);

/* ---- self.c ---- */
/* Now and then: its file, and how old its last copy is. */
void self_look(struct daemon *d, struct now now);

/* ---- reload.c ---- */
/* All faults are printed to stderr; TC_EINVAL when there is an error. */
int daemon_load_config(struct daemon *d, struct config **cfg,
	struct config_fleet **fleet);
int daemon_load_pack(const struct config *cfg, struct pack **out,
	struct tc_err *e);
void daemon_reload(struct daemon *d);
void daemon_watch_files(struct daemon *d);

/* ---- gateway.c ---- */
/* Tells the engine which it is just now. */
void gateway_look(struct daemon *d);

/* ---- keep.c: what the engine says, to the store ---- */
void keep_init(struct daemon *d);
int keep_open(struct daemon *d, struct tc_err *e);
void keep_facts(struct daemon *d, struct change_set *cs);
/* Again what the store did not take. */
void keep_retry(struct daemon *d);
/* What the engine says: its alerts get their messages, once. */
void keep_new_facts(struct daemon *d, struct change_set *cs);
/* The writer's thread: events can be shown, alerts sent; takes the set. */
void keep_committed(struct daemon *d, struct change_set *cs);
/* A set that the store did not commit: any thread, then on the loop. */
void keep_failed(struct daemon *d, struct change_set *cs);
void keep_again(struct daemon *d);
/* People are told that the store was begun anew, until it is looked at. */
void keep_tell(struct daemon *d);
void keep_fini(struct daemon *d);

/* ---- alerts.c: out to people ---- */
int alerts_open(struct daemon *d, struct tc_err *e);
void alerts_close(struct daemon *d);
/* Receivers and routes, at the start and at a reload. */
int alerts_setup(struct daemon *d, const struct config *c, struct tc_err *e);
void alerts_load(struct store_loader *loader);
/* Any thread: the store is done with the set; it is freed. */
void alerts_settled(struct daemon *d, struct change_set *cs);
/* The loop: what is settled goes out. */
void alerts_send(struct daemon *d);

/* ---- serve.c: struct http_io ---- */
int serve_open(struct daemon *d, struct tc_err *e);

/* ---- score.c: how often we were right; any thread ---- */
int score_read(struct daemon *d, struct book *out, struct tc_err *e);
int artifacts_read(struct daemon *d, const struct http_artifact_query *q,
	struct tc_err *e);
int outcomes_read(struct daemon *d, const struct http_outcome_query *q,
	struct tc_err *e);

/* ---- commands.c: what http asks the loop to do ---- */
int commands_open(struct daemon *d, struct tc_err *e);
void commands_close(struct daemon *d);

/* ---- export.c: the summary for a second place ---- */
void export_start(struct daemon *d);

/* ---- notify.c: systemd; nothing happens without NOTIFY_SOCKET ---- */
void notify(const char *state);
void notify_start(struct daemon *d);
void notify_stop(struct daemon *d);

/* ---- zones.c: engine_io.zone ---- */
int zones_find(struct engine_io *io, const char *id, char *rule, size_t size);

/* ---- metrics.c ---- */
void metrics_write(struct daemon *d, struct strbuf *out);

/* ---- tokens.c: who may; any thread ---- */
struct tokens *tokens_new(struct clock *clock);	/* borrowed */
void tokens_free(struct tokens *t);
int tokens_put(struct tokens *t, const struct store_token *row);
bool tokens_revoke(struct tokens *t, uint32_t id);
bool tokens_find(struct tokens *t, const char *token, size_t n,
	struct http_principal *out);	/* false: out->expired says why */
int tokens_each(struct tokens *t, http_token_sink *sink, void *arg);
void tokens_ending(struct tokens *t, char *out, size_t size);	/* "" = none */
/* The id that a new token gets; never reused. */
uint32_t tokens_next_id(struct tokens *t);
void tokens_reserve(struct tokens *t, uint32_t last_id);
/* state_dir/admin.token: kept when it is in force, else made anew. */
int tokens_ensure_admin(struct daemon *d, struct tc_err *e);

#endif
