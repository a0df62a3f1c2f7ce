/*
 * /metrics: Prometheus text, from the snapshot and from the process.
 */
#include <string.h>

#include "http/route.h"
#include "http/server.h"

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

static void
put_head(struct strbuf *out, const char *name, const char *help)
{
	strbuf_puts(out, "# HELP ");
	strbuf_puts(out, name);
	strbuf_putc(out, ' ');
	strbuf_puts(out, help);
	strbuf_puts(out, "\n# TYPE ");
	strbuf_puts(out, name);
	strbuf_puts(out, " gauge\n");
}

static void
put_one(struct strbuf *out, const char *name, const char *help, double v)
{
	put_head(out, name, help);
	strbuf_puts(out, name);
	strbuf_putc(out, ' ');
	strbuf_put_double(out, v);
	strbuf_putc(out, '\n');
}

/* Names of hosts and partitions, states and levels need no escape. */
static void
put_labelled(struct strbuf *out, const char *name, const char *label,
	const char *value, uint64_t n)
{
	strbuf_puts(out, name);
	strbuf_putc(out, '{');
	strbuf_puts(out, label);
	strbuf_puts(out, "=\"");
	strbuf_puts(out, value);
	strbuf_puts(out, "\"} ");
	strbuf_put_u64(out, n);
	strbuf_putc(out, '\n');
}

static void
put_host(struct strbuf *out, const char *name, const struct snap_host *h,
	double v)
{
	strbuf_puts(out, name);
	strbuf_puts(out, "{host=\"");
	strbuf_puts(out, h->name);
	strbuf_puts(out, "\",partition=\"");
	strbuf_puts(out, h->partition);
	strbuf_puts(out, "\"} ");
	strbuf_put_double(out, v);
	strbuf_putc(out, '\n');
}

static double
risk_of(const struct snap_host *h)
{
	return h->rare->risk;
}

static double
level_of(const struct snap_host *h)
{
	return (double)h->level;
}

static double
healthy_of(const struct snap_host *h)
{
	return h->health == HEALTH_HEALTHY ? 1 : 0;
}

static void
put_hosts(struct strbuf *out, const struct snapshot *s, const char *name,
	double (*value)(const struct snap_host *))
{
	for (size_t c = 0; c < s->n_chunks; c++) {
		for (size_t i = 0; i < s->chunks[c]->n; i++) {
			const struct snap_host *h = s->chunks[c]->hosts[i];
			double v = value(h);

			if (v >= 0)
				put_host(out, name, h, v);
		}
	}
}

static void
put_deeds(struct strbuf *out, const struct snapshot *s)
{
	size_t plans[PLAN_STATE_WITHDRAWN + 1] = { 0 };
	size_t alerts[SEVERITY_CRITICAL + 1] = { 0 };

	for (size_t i = 0; i < s->n_plans; i++)
		plans[s->plans[i].state]++;
	for (size_t i = 0; i < s->n_alerts; i++)
		alerts[s->alerts[i].severity]++;
	put_head(out, "tocsin_evacuations", "Recommendations by state.");
	for (unsigned i = PLAN_STATE_RECOMMENDED; i <= PLAN_STATE_HELD; i++)
		put_labelled(out, "tocsin_evacuations", "state",
			plan_state_id((enum plan_state)i), plans[i]);
	put_head(out, "tocsin_alerts", "Firing alerts by severity.");
	for (unsigned i = SEVERITY_INFO; i <= SEVERITY_CRITICAL; i++)
		put_labelled(out, "tocsin_alerts", "severity",
			severity_id((enum severity)i), alerts[i]);
	put_head(out, "tocsin_brake_latched",
		"1 while the brake of the partition is latched.");
	for (size_t i = 0; i < s->n_partitions; i++)
		put_labelled(out, "tocsin_brake_latched", "partition",
			s->partitions[i].name,
			s->partitions[i].brake.latched);
}

static void
put_counts(struct strbuf *out, const struct snapshot *s)
{
	put_head(out, "tocsin_hosts", "Hosts by the state that is shown.");
	for (unsigned i = 0; i < STATE_COUNT_; i++)
		put_labelled(out, "tocsin_hosts", "state",
			state_id((enum unit_state)i), s->counts[i]);
	put_head(out, "tocsin_hosts_at_level", "Hosts by level of risk.");
	for (unsigned i = 0; i < LEVEL_N; i++)
		put_labelled(out, "tocsin_hosts_at_level", "level",
			level_name((enum level)i), s->levels[i]);
	put_head(out, "tocsin_partition_hosts", "Hosts of each partition.");
	for (size_t i = 0; i < s->n_partitions; i++)
		put_labelled(out, "tocsin_partition_hosts", "partition",
			s->partitions[i].name, s->partitions[i].n_hosts);
}

void
view_metrics(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	struct http_io *io = r->h->io;
	struct strbuf *out = &r->reply.body;
	struct mono now = io->clock->mono(io->clock);

	r->reply.status = 200;
	r->reply.type = TEXT_TYPE;
	r->reply.cache = "no-store";
	put_head(out, "tocsin_build_info", "The version that runs.");
	strbuf_puts(out, "tocsin_build_info{version=\"");
	strbuf_puts(out, s->version != NULL ? s->version : "");
	strbuf_puts(out, "\"} 1\n");
	put_one(out, "tocsin_start_time_seconds",
		"When the server started, since 1970.",
		(double)s->started.ms / 1000);
	put_one(out, "tocsin_snapshot_age_seconds",
		"How old the shown state is.",
		dur_to_seconds(mono_diff(now, s->at_mono)));
	put_one(out, "tocsin_degraded",
		"1 while the store cannot commit.", s->degraded);
	put_one(out, "tocsin_checks", "Checks of all hosts.",
		(double)s->n_checks);
	put_one(out, "tocsin_devices", "Devices of all hosts.",
		(double)s->n_devices);
	put_one(out, "tocsin_devices_unjudged",
		"Devices without a verdict: a gap in coverage.",
		(double)s->n_devices_unjudged);
	put_counts(out, s);
	put_deeds(out, s);
	put_head(out, "tocsin_host_healthy", "1 when the host is healthy.");
	put_hosts(out, s, "tocsin_host_healthy", healthy_of);
	put_head(out, "tocsin_host_level",
		"0 none, 1 watch, 2 likely, 3 imminent.");
	put_hosts(out, s, "tocsin_host_level", level_of);
	put_head(out, "tocsin_host_risk_ratio",
		"Probability of a failure within 30 days.");
	put_hosts(out, s, "tocsin_host_risk_ratio", risk_of);
	io->metrics(io, out);
}
