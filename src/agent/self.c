#include "agent/self.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

static void
add(struct self *self, size_t *n, const char *name, double v)
{
	if (*n < SELF_METRICS)
		self->metrics[(*n)++] = (struct metric){ .name = name,
			.instance = "", .type = TOCSIN_F64, .v.f64 = v };
}

static double
resident_bytes(void)
{
	struct strbuf text = {0};
	unsigned long long size, resident = 0;

	if (file_slurp("/proc/self/statm", 256, &text, NULL) == 0 &&
	    sscanf(strbuf_str(&text), "%llu %llu", &size, &resident) != 2)
		resident = 0;
	strbuf_free(&text);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double
cpu_seconds(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) < 0)
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void
self_observe(struct self *self, const struct self_sources *from,
	struct observation *out)
{
	struct spool_counts spool;
	struct sender_counts sent;
	struct runner_stats runs;
	size_t n = 0;

	spool_counts(from->spool, &spool);
	sender_counts(from->sender, &sent);
	runner_stats(from->runner, &runs);
	add(self, &n, "agent_uptime_seconds", dur_to_seconds(mono_diff(
		from->clock->mono(from->clock), self->started)));
	add(self, &n, "agent_cpu_seconds_total", cpu_seconds());
	add(self, &n, "agent_resident_bytes", resident_bytes());
	add(self, &n, "agent_unclean_exit", self->unclean);
	add(self, &n, "agent_slots_missed_total",
		(double)(self->slots_missed + runs.missed));
	add(self, &n, "agent_probe_timeouts_total", (double)runs.timeouts);
	add(self, &n, "agent_spool_batches", (double)spool.batches);
	add(self, &n, "agent_spool_bytes", (double)spool.bytes);
	add(self, &n, "agent_spool_damaged_total", (double)spool.damaged);
	add(self, &n, "agent_spool_refused_total", (double)spool.refused);
	add(self, &n, "agent_dropped_observations_total",
		(double)spool.dropped_items);
	add(self, &n, "agent_refused_observations_total",
		(double)sent.refused_items);
	add(self, &n, "agent_sent_batches_total", (double)sent.sent);
	add(self, &n, "agent_send_failures_total", (double)sent.failures);
	if (sent.has_skew)
		add(self, &n, "agent_clock_skew_seconds", sent.skew_seconds);
	add(self, &n, "agent_info", 1);
	self->metrics[n - 1].instance = self->version;
	*out = (struct observation){
		.probe = "agent", .at = from->clock->wall(from->clock),
		.outcome = TOCSIN_OK, .reason = TOCSIN_WHY_NONE,
		.text = self->text, .device = { "", "", "", "" },
		.metrics = self->metrics, .n_metrics = n,
	};
}
