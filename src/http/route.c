#include "http/route.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

static const struct route routes[] = {
	{ "GET", "/v1/summary", MAY_SEE, COST_SNAPSHOT, "tag",
		view_summary, NULL },
	{ "GET", "/v1/healthy-set", MAY_SEE, COST_SNAPSHOT, "group format",
		view_healthy_set, NULL },
	{ "GET", "/v1/common-cause", MAY_SEE, COST_SNAPSHOT,
		"by state level partition limit", view_causes, NULL },
	{ "GET", "/v1/partitions", MAY_SEE, COST_SNAPSHOT, "limit cursor",
		view_partitions, NULL },
	{ "GET", "/v1/partitions/{p}", MAY_SEE, COST_SNAPSHOT, "",
		view_partition, NULL },
	{ "GET", "/v1/hosts", MAY_SEE, COST_SNAPSHOT,
		"partition state level tag q limit cursor",
		view_hosts, NULL },
	{ "GET", "/v1/hosts/{h}", MAY_SEE_OWN, COST_SNAPSHOT, "",
		view_host, NULL },
	{ "GET", "/v1/tree", MAY_SEE, COST_SNAPSHOT, "partition limit cursor",
		view_tree, NULL },
	{ "GET", "/v1/units", MAY_SEE, COST_SNAPSHOT,
		"state kind partition limit cursor", view_unit_list, NULL },
	{ "GET", "/v1/units/{id}", MAY_SEE, COST_SNAPSHOT, "",
		view_unit, NULL },
	{ "GET", "/v1/hosts/{h}/vms", MAY_SEE_OWN, COST_SNAPSHOT, "",
		view_vms, NULL },
	{ "GET", "/v1/hosts/{h}/checks", MAY_SEE_OWN, COST_SNAPSHOT, "",
		view_checks, NULL },
	{ "GET", "/v1/hosts/{h}/devices", MAY_SEE_OWN, COST_SNAPSHOT, "",
		view_devices, NULL },
	{ "GET", "/v1/hosts/{h}/evidence", MAY_SEE_OWN, COST_SNAPSHOT, "",
		view_evidence, NULL },
	{ "GET", "/v1/hosts/{h}/why-not", MAY_SEE_OWN, COST_SNAPSHOT, "",
		view_why_not, NULL },
	{ "GET", "/v1/hosts/{h}/effective-config", MAY_SEE_OWN, COST_SNAPSHOT,
		"", view_effective, NULL },
	{ "PUT", "/v1/hosts/{h}", MAY_ORDER, COST_WRITE, "",
		order_host_put, order_done },
	{ "PATCH", "/v1/hosts/{h}", MAY_ORDER, COST_WRITE, "",
		order_host_patch, order_done },
	{ "DELETE", "/v1/hosts/{h}", MAY_ORDER, COST_WRITE, "",
		order_host_delete, order_done },
	{ "PATCH", "/v1/hosts/{h}/diagnosis", MAY_ORDER, COST_WRITE, "",
		order_host_diagnose, order_done },
	{ "GET", "/v1/evacuations", MAY_SEE, COST_SNAPSHOT,
		"state partition limit cursor", view_evacuations, NULL },
	{ "GET", "/v1/evacuations/{id}", MAY_SEE, COST_SNAPSHOT, "",
		view_evacuation, NULL },
	{ "GET", "/v1/brakes", MAY_SEE, COST_SNAPSHOT, "", view_brakes, NULL },
	{ "POST", "/v1/brakes/{p}/release", MAY_ORDER, COST_WRITE, "",
		order_brake_release, order_done },
	{ "GET", "/v1/alerts", MAY_SEE, COST_SNAPSHOT,
		"severity kind host limit cursor", view_alerts, NULL },
	{ "POST", "/v1/alerts/{id}/ack", MAY_ORDER, COST_WRITE, "",
		order_alert_ack, order_done },
	{ "POST", "/v1/alerts/{id}/comments", MAY_ORDER, COST_WRITE, "",
		order_alert_comment, order_done },
	{ "POST", "/v1/hosts/{h}/comments", MAY_ORDER, COST_WRITE, "",
		order_host_comment, order_done },
	{ "GET", "/v1/comments", MAY_SEE, COST_SNAPSHOT, "host alert",
		view_comments, NULL },
	{ "DELETE", "/v1/comments/{id}", MAY_ORDER, COST_WRITE, "",
		order_comment_delete, order_done },
	{ "GET", "/v1/hosts/{h}/artifacts", MAY_SEE, COST_READ, "",
		view_artifacts, NULL },
	{ "POST", "/v1/hosts/{h}/artifacts", MAY_ORDER | MAY_AGENT_OWN,
		COST_WRITE, "name", order_artifact, order_done },
	{ "GET", "/v1/artifacts/{id}", MAY_SEE, COST_READ, "",
		view_artifact, NULL },
	{ "GET", "/v1/predictor/scorecard", MAY_SEE, COST_READ, "",
		view_scorecard, NULL },
	{ "GET", "/v1/stats/mttx", MAY_SEE, COST_READ, "from to",
		view_mttx, NULL },
	{ "GET", "/v1/outcomes", MAY_SEE, COST_READ, "after limit",
		view_outcomes, NULL },
	{ "POST", "/v1/outcomes", MAY_ORDER, COST_WRITE, "",
		order_outcome, order_done },
	{ "GET", "/v1/devices/{d}", MAY_SEE, COST_SNAPSHOT, "",
		view_device, NULL },
	{ "POST", "/v1/devices/{d}/accept", MAY_ORDER, COST_WRITE, "",
		order_accept, order_done },
	{ "DELETE", "/v1/devices/{d}/accept", MAY_ORDER, COST_WRITE, "",
		order_unaccept, order_done },
	{ "GET", "/v1/maintenance", MAY_SEE, COST_SNAPSHOT, "", view_windows,
		NULL },
	{ "POST", "/v1/maintenance", MAY_ORDER, COST_WRITE, "",
		order_window_create, order_done },
	{ "DELETE", "/v1/maintenance/{id}", MAY_ORDER, COST_WRITE, "",
		order_window_delete, order_done },
	{ "POST", "/v1/maintenance/import", MAY_ORDER, COST_WRITE, "",
		order_window_import, order_done },
	{ "POST", "/v1/maintenance/impact", MAY_SEE, COST_SNAPSHOT, "",
		view_impact_of, NULL },
	{ "GET", "/v1/maintenance/{id}", MAY_SEE, COST_SNAPSHOT, "",
		view_window, NULL },
	{ "GET", "/v1/maintenance/{id}/impact", MAY_SEE, COST_SNAPSHOT, "",
		view_impact, NULL },
	{ "GET", "/v1/maintenance/{id}/notice", MAY_SEE, COST_SNAPSHOT, "",
		view_notice, NULL },
	{ "GET", "/v1/switches", MAY_SEE, COST_SNAPSHOT, "", view_switches,
		NULL },
	{ "PUT", "/v1/switches", MAY_ORDER, COST_WRITE, "",
		order_switch, order_done },
	{ "GET", "/v1/audit", MAY_ADMIN, COST_READ, "after limit last",
		view_audit, NULL },
	{ "POST", "/v1/prune", MAY_ADMIN, COST_WRITE, "",
		order_prune, order_done },
	{ "POST", "/v1/signals", MAY_ORDER, COST_WRITE, "",
		order_signal, order_done },
	{ "POST", "/v1/simulate", MAY_SEE, COST_SNAPSHOT, "", simulate, NULL },
	{ "GET", "/v1/predictions", MAY_SEE, COST_SNAPSHOT,
		"level host partition as_of limit cursor",
		view_predictions, NULL },
	{ "GET", "/v1/predictions/{id}", MAY_SEE, COST_SNAPSHOT, "",
		view_prediction, NULL },
	{ "GET", "/v1/events", MAY_SEE, COST_SNAPSHOT, "after limit host",
		view_events, NULL },
	{ "GET", "/v1/series", MAY_SEE, COST_READ,
		"host unit metric instance device from to step limit",
		view_series, NULL },
	{ "POST", "/v1/observations", MAY_FEED, COST_WRITE, "",
		observe, observed },
	{ "GET", "/v1/tokens", MAY_ADMIN, COST_READ, "",
		view_tokens, NULL },
	{ "POST", "/v1/tokens", MAY_ADMIN, COST_WRITE, "",
		token_create, token_created },
	{ "DELETE", "/v1/tokens/{id}", MAY_ADMIN, COST_WRITE, "",
		token_revoke, token_revoked },
	{ "GET", "/metrics", MAY_SEE, COST_SNAPSHOT, "",
		view_metrics, NULL },
	{ "GET", "/healthz", MAY_ANYBODY, COST_SNAPSHOT, "",
		view_healthz, NULL },
	{ "GET", "/readyz", MAY_ANYBODY, COST_SNAPSHOT, "",
		view_readyz, NULL },
	{ "GET", "/openapi.json", MAY_ANYBODY, COST_SNAPSHOT, "",
		view_openapi, NULL },
	{ "GET", "/", MAY_ANYBODY, COST_SNAPSHOT, "",
		view_page, NULL },
	{ "GET", "/page/{f}", MAY_ANYBODY, COST_SNAPSHOT, "",
		view_page_file, NULL },
};

static bool
matches(const char *pattern, const struct target *t)
{
	const char *p = pattern + 1;

	for (size_t i = 0; i < t->n_segs; i++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || t->segs[i][0] == '\0')
			return false;
		if (p[0] != '{' && (strlen(t->segs[i]) != n ||
				memcmp(p, t->segs[i], n) != 0))
			return false;
		p += n;
		if (*p == '/')
			p++;
	}
	return *p == '\0';
}

const struct route *
route_find(const char *method, const struct target *t, char *allow,
	size_t size)
{
	size_t n = 0;

	allow[0] = '\0';
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const char *knows = routes[i].method;

		if (!matches(routes[i].pattern, t))
			continue;
		if (strcmp(knows, method) == 0)
			return &routes[i];
		if (n < size)
			n += (size_t)snprintf(allow + n, size - n, "%s%s%s",
				n != 0 ? ", " : "", knows,
				knows[0] == 'G' ? ", HEAD" : "");
	}
	return NULL;
}

const struct route *
route_table(size_t *n)
{
	*n = ARRAY_LEN(routes);
	return routes;
}
