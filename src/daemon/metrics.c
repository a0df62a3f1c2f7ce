/*
 * The server's own numbers, for Prometheus.  Any thread: only what is read
 * under the lock or asked of the store.
 */
#include <stdio.h>

#include "daemon/daemon.h"
#include "wire/prom.h"

struct numbers {
	struct engine_counts engine;
	struct runner_stats probes;
	struct action_stats alerts;
	struct store_stats store;
	struct dur backup_age;
	uint64_t facts_lost;
	uint64_t facts_waiting;
	uint64_t commands_waiting;
};

static struct numbers
gather(struct daemon *d)
{
	struct numbers n = { .commands_waiting = queue_len(d->commands) };

	pthread_mutex_lock(&d->publish_lock);
	n.engine = d->counts;
	n.probes = d->probes;
	n.alerts = d->alerts;
	n.backup_age = d->backup_age;
	n.facts_lost = d->facts_lost;
	n.facts_waiting = d->facts_waiting;
	pthread_mutex_unlock(&d->publish_lock);
	store_sqlite.stats(d->store, &n.store);
	return n;
}

/* How late the slots of checks began, as Prometheus wants a histogram. */
static void
write_lateness(struct strbuf *out, const struct engine_counts *n)
{
#define X(ms) (ms) / 1e3,
	static const double bounds[] = { LATENESS_TABLE(X) };
#undef X
	static const char *const family = "tocsin_check_slot_delay_seconds";
	uint64_t sum = 0;
	char name[64], le[16];
	struct prom_label label = { "le", le };

	prom_family(out, family, "histogram",
		"From the slot of a check to its run.");
	snprintf(name, sizeof(name), "%s_bucket", family);
	for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
		sum += n->lateness[i];
		snprintf(le, sizeof(le), "%g", bounds[i]);
		prom_sample(out, name, &label, 1, (double)sum);
	}
	snprintf(le, sizeof(le), "+Inf");
	prom_sample(out, name, &label, 1, (double)n->slots);
	snprintf(name, sizeof(name), "%s_sum", family);
	prom_sample(out, name, NULL, 0, (double)n->lateness_ns / 1e9);
	snprintf(name, sizeof(name), "%s_count", family);
	prom_sample(out, name, NULL, 0, (double)n->slots);
}

struct number_row {
	const char *name;
	const char *type;
	const char *help;
	double value;
};
#define ROW(name, type, help, value) \
	{ "tocsin_" name, type, help, (double)(value) }

static void
put_rows(struct strbuf *out, const struct number_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		prom_one(out, rows[i].name, rows[i].type, rows[i].help,
			rows[i].value);
}

/* What is run and what came of it. */
static void
put_checks(struct strbuf *out, const struct numbers *n)
{
	const struct number_row rows[] = {
		ROW("check_runs_total", "counter", "Runs of checks started.",
			n->engine.runs_started),
		ROW("check_results_total", "counter",
			"Results of runs judged.", n->engine.results),
		ROW("check_results_dropped_total", "counter",
			"Results that came after their run was given up.",
			n->engine.results_late),
		ROW("check_slots_missed_total", "counter",
			"Slots in which a check did not run.",
			n->engine.slots_missed),
		ROW("check_lateness_seconds", "gauge",
			"Largest delay of a slot in the last second.",
			(double)n->engine.lateness_max_ns / 1e9),
		ROW("observations_total", "counter",
			"Observations taken from agents.",
			n->engine.observations),
		ROW("samples_total", "counter",
			"Values in the observations taken from agents.",
			n->engine.samples),
		ROW("transitions_total", "counter",
			"Changes of the health of a check.",
			n->engine.transitions),
		ROW("events_total", "counter", "Events written to the log.",
			n->engine.events),
		ROW("probe_timeouts_total", "counter",
			"Runs answered for a probe that did not.",
			n->probes.timeouts),
		ROW("probe_bad_reports_total", "counter",
			"Reports of probes that could not be.",
			n->probes.bad_reports + n->probes.bad_slots),
		ROW("probe_runs_in_flight", "gauge", "Runs not answered yet.",
			n->probes.in_flight),
		ROW("probe_workers_abandoned", "gauge",
			"Workers stuck in a probe.", n->probes.abandoned),
	};

	put_rows(out, rows, ARRAY_LEN(rows));
}

static void
put_store(struct strbuf *out, const struct numbers *n)
{
	const struct number_row rows[] = {
		ROW("store_commits_total", "counter", "Transactions committed.",
			n->store.commits),
		ROW("store_failed_commits_total", "counter",
			"Transactions that failed.", n->store.failed_commits),
		ROW("store_rows_total", "counter", "History rows written.",
			n->store.rows),
		ROW("store_samples_total", "counter", "Values written.",
			n->store.samples),
		ROW("store_pruned_rows_total", "counter",
			"Old history rows that retention took.",
			n->store.pruned),
		ROW("store_queue_sets", "gauge",
			"Change sets waiting for the writer.",
			n->store.queue_len),
		ROW("store_commit_seconds", "gauge",
			"Longest commit since the last scrape.",
			(double)n->store.commit_ns_max / 1e9),
		ROW("store_database_bytes", "gauge", "Size of the database.",
			n->store.db_bytes),
		ROW("store_wal_bytes", "gauge", "Size of its log.",
			n->store.wal_bytes),
		ROW("store_degraded", "gauge",
			"1 while the store cannot commit.", n->store.degraded),
		ROW("store_damaged", "gauge",
			"1 when a page was met that is not as it was written.",
			n->store.damaged),
	};

	put_rows(out, rows, ARRAY_LEN(rows));
}

static void
put_alerts(struct strbuf *out, const struct numbers *n)
{
	const struct number_row rows[] = {
		ROW("alert_messages_waiting", "gauge",
			"Messages to receivers not delivered yet.",
			n->alerts.waiting),
		ROW("alert_message_age_seconds", "gauge",
			"How long the oldest of them waits.",
			dur_to_seconds(n->alerts.oldest)),
		ROW("alert_receivers_failing", "gauge",
			"Receivers whose last attempt failed.",
			n->alerts.receivers_down),
		ROW("alert_attempts_total", "counter",
			"Attempts to deliver.", n->alerts.attempts),
		ROW("alert_failures_total", "counter",
			"Attempts that failed.", n->alerts.failures),
		ROW("alert_delivered_total", "counter",
			"Messages delivered.", n->alerts.delivered),
		ROW("alert_given_up_total", "counter",
			"Messages given up: refused, or their receiver is gone.",
			n->alerts.given_up),
		ROW("alert_fallbacks_total", "counter",
			"Alerts told to the fallback of their receiver.",
			n->alerts.fell_back),
	};

	put_rows(out, rows, ARRAY_LEN(rows));
}

/* Between the loop, the store and those who ask. */
static void
put_waiting(struct strbuf *out, const struct numbers *n)
{
	const struct number_row rows[] = {
		ROW("facts_waiting", "gauge",
			"Change sets kept in memory for the store.",
			n->facts_waiting),
		ROW("facts_lost_total", "counter",
			"Change sets given up for lack of room.", n->facts_lost),
		ROW("commands_waiting", "gauge",
			"Requests waiting for the loop.", n->commands_waiting),
	};

	put_rows(out, rows, ARRAY_LEN(rows));
}

void
metrics_write(struct daemon *d, struct strbuf *out)
{
	const struct numbers n = gather(d);

	if (n.backup_age.ns >= 0)
		prom_one(out, "tocsin_store_backup_age_seconds", "gauge",
			"Since the last tocsin db backup.",
			dur_to_seconds(n.backup_age));
	put_checks(out, &n);
	put_store(out, &n);
	put_alerts(out, &n);
	put_waiting(out, &n);
	write_lateness(out, &n.engine);
}
