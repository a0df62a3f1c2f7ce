/*
 * The engine alone in virtual time, with the built-in rules and a snapshot
 * each second: judgements and fleet-hours per CPU-second, bytes per host.  A
 * fleet-hour is an hour of all its hosts, each check every 15 s; the goal of
 * 20 for 1,000 hosts is meant with one check of each, 240,000 judgements.
 *	bench_engine [HOSTS [SECONDS [CHECKS]]]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/snapshot.h"
#include "predict/builtin.h"
#include "predict/rules.h"

#define NS INT64_C(1000000000)
#define CHECKS_MOST 2
#define SNAPS_TIMED 16		/* one in so many: asking the time costs more */

struct bench {
	struct engine_io io;
	struct engine *en;
	struct engine_run *runs;
	size_t n, cap;
	size_t rows, values;
};

static void
start(struct engine_io *io, const struct engine_run *runs, size_t n)
{
	struct bench *b = CONTAINER_OF(io, struct bench, io);
	void *items = b->runs;

	tc_bug_if(mem_grow(&items, &b->cap, b->n + n, sizeof(*runs)) < 0);
	b->runs = items;
	memcpy(b->runs + b->n, runs, n * sizeof(*runs));
	b->n += n;
}

static void
store(struct engine_io *io, struct change_set *cs)
{
	struct bench *b = CONTAINER_OF(io, struct bench, io);

	for (size_t i = 0; i < cs->n; i++)
		if (cs->items[i].kind == CHANGE_HISTORY) {
			b->rows++;
			b->values += cs->items[i].u.history.n;
		}
	change_set_free(cs);
}

static void
answer_all(struct bench *b, struct now now)
{
	static const struct metric m[] = {
		{ "ping_rtt_seconds", "", TOCSIN_F64, { 0.001 } },
		{ "ping_loss_ratio", "", TOCSIN_F64, { 0 } },
	};

	for (size_t i = 0; i < b->n; i++) {
		struct observation ob = { .probe = b->runs[i].probe,
			.at = now.wall, .text = "", .device.kind = "",
			.metrics = m, .n_metrics = 2 };

		engine_result(b->en, b->runs[i].check, b->runs[i].seq, &ob, now);
	}
	b->n = 0;
}

static void
set_fleet(struct bench *b, size_t n, uint32_t n_checks, struct now now)
{
	struct check_rule rule = { .interval = dur_s(15), .timeout = dur_s(5),
		.recheck = dur_s(1), .fail_after = 3, .clear_after = 2,
		.stale_after = 3 };
	struct check_def checks[CHECKS_MOST] = {
		{ .key = "ping", .probe = "ping", .rule = rule },
		{ .key = "tcp:8000", .probe = "tcp", .rule = rule } };
	struct host_def *hosts = calloc(n, sizeof(*hosts));
	char (*names)[24] = calloc(n, sizeof(*names));
	struct partition_def part = { .name = "rack1", .rule = rule };
	struct fleet_def fleet = { .partitions = &part, .n_partitions = 1,
		.hosts = hosts, .n_hosts = n, .passive = rule,
		.passive_smart_interval = dur_s(3600) };

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "host-%06zu", i);
		hosts[i] = (struct host_def){ .name = names[i],
			.partition = "rack1", .address = "127.1.0.1",
			.checks = checks, .n_checks = n_checks };
	}
	tc_bug_if(engine_set_fleet(b->en, &fleet, now, NULL) < 0);
	free(hosts);
	free(names);
}

int
main(int argc, char **argv)
{
	size_t hosts = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 10000;
	long seconds = argc > 2 ? strtol(argv[2], NULL, 10) : 600;
	uint32_t checks = argc > 3 && strtol(argv[3], NULL, 10) == 1 ? 1 :
		CHECKS_MOST;
	struct bench b = { .io = { start, store } };
	struct pack *pack = NULL;
	struct engine_conf conf = { .io = &b.io, .version = "bench" };
	struct now now = { { 1000 * NS }, { INT64_C(1767225600000) } };
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, after;
	struct dur cpu, snap_cpu = { 0 };
	struct engine_counts c;
	struct snapshot *snap = NULL;
	size_t snaps = 0, timed = 0;

	tc_bug_if(pack_builtin(&pack, NULL) < 0);
	conf.pack = pack;
	b.en = engine_new(&conf);
	cpu = clock_thread_cpu();
	set_fleet(&b, hosts, checks, now);
	printf("engine  take over %zu hosts: %.3f s\n", hosts,
		dur_to_seconds(dur_ns(clock_thread_cpu().ns - cpu.ns)));
	cpu = clock_thread_cpu();
	for (int64_t ms = 0; ms < seconds * 1000; ms += 50) {
		now.mono.ns = 1000 * NS + ms * 1000000;
		now.wall.ms = INT64_C(1767225600000) + ms;
		engine_tick(b.en, now);
		answer_all(&b, now);
		if (ms % 1000 == 0) {
			bool time = snaps++ % SNAPS_TIMED == 0;
			struct dur t = { time ? clock_thread_cpu().ns : 0 };

			snapshot_put(snap);
			snap = engine_snapshot(b.en, now);
			if (time)
				snap_cpu.ns += clock_thread_cpu().ns - t.ns;
			timed += time;
		}
	}
	cpu.ns = clock_thread_cpu().ns - cpu.ns;
	engine_counts(b.en, &c);
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	printf("engine  %.2f million judgements per CPU-s (%llu in %.3f s, a "
		"snapshot each second among it)\n", (double)c.results / 1e6 /
		dur_to_seconds(cpu), (unsigned long long)c.results,
		dur_to_seconds(cpu));
	printf("engine  %.1f fleet-hours per CPU-s: %zu hosts, checks of each: "
		"%u\n", (double)seconds / 3600 / dur_to_seconds(cpu), hosts,
		(unsigned)checks);
	printf("engine  snapshot of %zu hosts, one a second: %.3f ms\n", hosts,
		dur_to_seconds(snap_cpu) * 1e3 / (double)timed);
	printf("engine  %.0f bytes per host, snapshot included\n",
		(double)(after - before) / (double)hosts);
	printf("engine  %zu history rows, %zu values\n", b.rows, b.values);
	snapshot_put(snap);
	engine_free(b.en);
	pack_free(pack);
	mem_free(b.runs);
	return 0;
}
