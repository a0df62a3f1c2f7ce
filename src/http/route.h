/*
 * The routes: one row each.
 */
#ifndef TOCSIN_HTTP_ROUTE_H
#define TOCSIN_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/query.h"

struct request;
struct http_command;

/* What a handler may cost, and so where it runs. */
enum cost {
	COST_SNAPSHOT,	/* memory: at once (or wait_read() after all) */
	COST_READ,	/* the database: on a reader thread */
	COST_WRITE,	/* a command: the connection waits for the commit */
};

/* Who may. */
enum allowed {
	MAY_ANYBODY = 0,	/* no token needed */
	MAY_AGENT = 1,
	MAY_AGENT_OWN = 2,	/* only what is about its own host, {h} */
	MAY_VIEWER = 4,
	MAY_OPERATOR = 8,
	MAY_ADMIN = 16,
	MAY_SEE = MAY_VIEWER | MAY_OPERATOR | MAY_ADMIN,
	MAY_ORDER = MAY_OPERATOR | MAY_ADMIN,
	MAY_SEE_OWN = MAY_SEE | MAY_AGENT_OWN,
	MAY_FEED = MAY_AGENT | MAY_OPERATOR | MAY_ADMIN,
};

struct route {
	const char *method;
	const char *pattern;	/* "/v1/hosts/{h}/checks" */
	unsigned who;		/* enum allowed */
	enum cost cost;
	const char *params;	/* names of query parameters */
	void (*handle)(struct request *r);
	/* COST_WRITE: the reply of a command that was done */
	void (*done)(struct request *r, const struct http_command *cmd);
};

/*
 * NULL when there is none; then `allow` has the methods that the path knows
 * ("GET, POST"), or is empty.  HEAD is GET.
 */
const struct route *route_find(const char *method, const struct target *t,
	char *allow, size_t size);
/* For the tests: every row. */
const struct route *route_table(size_t *n);

/* ---- the handlers, by file ---- */
/* view_fleet.c */
void view_summary(struct request *r);
void view_partitions(struct request *r);
void view_partition(struct request *r);
/* view_hosts.c, view_host.c */
void view_hosts(struct request *r);
void view_host(struct request *r);
void view_checks(struct request *r);
void view_devices(struct request *r);
void view_evidence(struct request *r);
/* view_units.c */
void view_tree(struct request *r);
void view_vms(struct request *r);
void view_unit(struct request *r);
void view_unit_list(struct request *r);
/* view_artifacts.c */
void view_artifacts(struct request *r);
void view_artifact(struct request *r);
/* view_mttx.c */
void view_mttx(struct request *r);

/* view_scorecard.c */
void view_scorecard(struct request *r);
void view_outcomes(struct request *r);
/* view_devices.c */
void view_device(struct request *r);
/* view_predictions.c */
void view_predictions(struct request *r);
void view_prediction(struct request *r);
/* view_history.c */
void view_events(struct request *r);
void view_series(struct request *r);
/* tokens.c */
void view_tokens(struct request *r);
void token_create(struct request *r);
void token_created(struct request *r, const struct http_command *cmd);
void token_revoke(struct request *r);
void token_revoked(struct request *r, const struct http_command *cmd);
/* observe.c */
void observe(struct request *r);
void observed(struct request *r, const struct http_command *cmd);
/* view_deeds.c */
void view_evacuations(struct request *r);
void view_evacuation(struct request *r);
void view_why_not(struct request *r);
void view_brakes(struct request *r);
void view_alerts(struct request *r);
void view_comments(struct request *r);
void view_switches(struct request *r);
void view_audit(struct request *r);
void view_effective(struct request *r);
/* view_sets.c */
void view_healthy_set(struct request *r);
void view_causes(struct request *r);
/* view_windows.c */
void view_windows(struct request *r);
void view_window(struct request *r);
void view_impact(struct request *r);
void view_impact_of(struct request *r);
void view_notice(struct request *r);
/* simulate.c */
void simulate(struct request *r);
/* orders.c */
void order_host_put(struct request *r);
void order_host_patch(struct request *r);
void order_host_delete(struct request *r);
void order_host_diagnose(struct request *r);
void order_brake_release(struct request *r);
void order_window_create(struct request *r);
void order_window_delete(struct request *r);
void order_window_import(struct request *r);
void order_alert_ack(struct request *r);
void order_alert_comment(struct request *r);
void order_host_comment(struct request *r);
void order_comment_delete(struct request *r);
void order_signal(struct request *r);
void order_prune(struct request *r);
void order_switch(struct request *r);
void order_accept(struct request *r);
void order_unaccept(struct request *r);
void order_outcome(struct request *r);
void order_artifact(struct request *r);
void order_done(struct request *r, const struct http_command *cmd);
/* view_metrics.c */
void view_metrics(struct request *r);
/* view_self.c */
void view_healthz(struct request *r);
void view_readyz(struct request *r);
void view_openapi(struct request *r);
/* page.c */
void view_page(struct request *r);
void view_page_file(struct request *r);

#endif
