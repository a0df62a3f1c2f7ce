/*
 * The store alone: samples committed per CPU-second of the writer, bytes per
 * sample in the file, milliseconds for one host's metric.
 *
 *	bench_store [HOSTS [TICKS [GROUP [ROWS]]]]
 *
 * A batch of a host is ROWS rows (5; or 1, 3) of 75 metrics in all, every
 * 15 s.  GROUP > 0 waits for the commit of every GROUP batches, as at a live
 * rate (10,000 hosts make 13 batches in 20 ms); 0 floods.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"
#include "t/bench/measure.h"

#define SAMPLES 75
#define T0 INT64_C(1767225600000)

struct bench {
	struct store *s;
	uint32_t hosts;
	int ticks;
	int group;
	int rows;
	char names[SAMPLES][48];
	uint64_t seed;
};

static const char *const probes[] = { "cpu", "memory", "disk", "net",
	"boot" };

/*
 * Kinds by turns, as an agent's: zeros (error counters), byte and operation
 * counters, seconds with two decimals, ratios of full length.
 */
static double
value_of(struct bench *b, int kind, uint32_t host, int tick)
{
	double base = (double)host * 1000 + tick * 15;

	switch (kind % 5) {
	case 0:
		return 0;
	case 1:
		return base * 4096 + (double)(measure_random(&b->seed) % 4096);
	case 2:
		return (double)(uint64_t)(base * 100 +
			(double)(measure_random(&b->seed) % 100)) / 100;
	case 3:
		return base + (double)(measure_random(&b->seed) % 15);
	}
	return (double)measure_random(&b->seed) / (double)(1u << 31);
}

static void
fill(struct bench *b, struct change_set *cs, uint32_t host, int64_t at_ms)
{
	int tick = (int)((at_ms - T0) / 15000);

	int per_row = SAMPLES / b->rows;

	for (int r = 0; r < b->rows; r++) {
		struct change *c = change_add(cs, CHANGE_HISTORY);
		struct change_history *h = &c->u.history;
		struct change_series *series = arena_alloc(&cs->arena,
			(size_t)per_row * sizeof(*series));
		uint64_t *values = arena_alloc(&cs->arena,
			(size_t)per_row * sizeof(*values));

		for (int i = 0; i < per_row; i++) {
			double v = value_of(b, i, host, tick);

			series[i].name = b->names[r * per_row + i];
			series[i].instance = i % 3 == 2 ? "cpu=\"0\"" : "";
			memcpy(&values[i], &v, 8);
		}
		h->at.ms = at_ms;
		h->subject = host;
		h->probe = probes[r];
		h->series = series;
		h->values = values;
		h->n = (size_t)per_row;
		h->counted = true;
	}
}

static void
put_batch(struct bench *b, uint32_t host, int64_t at_ms)
{
	struct change_set *cs = change_set_new();
	char id[40];
	int rc;

	snprintf(id, sizeof(id), "018f%08x-%08x", (unsigned)(at_ms & 0xffffffff),
		host);
	cs->batch_host = host;
	cs->batch_id = arena_strdup(&cs->arena, id);
	fill(b, cs, host, at_ms);
	while ((rc = store_sqlite.submit(b->s, cs)) == TC_EFULL)
		store_sqlite.flush(b->s, dur_s(60));
	if (rc < 0)
		exit(2);
}

static void
put_hosts(struct bench *b)
{
	struct change_set *cs = change_set_new();

	for (uint32_t i = 1; i <= b->hosts; i++) {
		char name[32];
		struct change *c = change_add(cs, CHANGE_SUBJECT);

		snprintf(name, sizeof(name), "h%u", i);
		c->u.subject = (struct change_subject){ .id = i,
			.kind = SUBJECT_HOST,
			.key = arena_strdup(&cs->arena, name), .body = "" };
	}
	store_sqlite.submit(b->s, cs);
	store_sqlite.flush(b->s, dur_s(60));
}

static void
ingest(struct bench *b)
{
	double cpu = measure_cpu(RUSAGE_SELF), wall = measure_now();
	double own = dur_to_seconds(clock_thread_cpu());
	double samples = (double)b->hosts * b->ticks * SAMPLES;
	struct store_stats st;
	int waiting = 0;

	for (int tick = 0; tick < b->ticks; tick++) {
		for (uint32_t host = 1; host <= b->hosts; host++) {
			/* not in the order of their numbers */
			uint32_t h = 1 + host * UINT32_C(7919) % b->hosts;

			put_batch(b, h, T0 + tick * 15000 +
				(int64_t)host * 15000 / (b->hosts + 1));
			if (b->group == 0 || ++waiting < b->group)
				continue;
			store_sqlite.flush(b->s, dur_s(60));
			waiting = 0;
		}
	}
	store_sqlite.flush(b->s, dur_s(600));
	wall = measure_now() - wall;
	cpu = measure_cpu(RUSAGE_SELF) - cpu;
	own = dur_to_seconds(clock_thread_cpu()) - own;
	store_sqlite.stats(b->s, &st);
	printf("store: samples=%.0f samples_per_cpu_s=%.2fM with_producer=%.2fM "
		"wall_s=%.2f commits=%llu commit_max_ms=%.1f wal_mib=%.1f\n",
		(double)st.samples, samples / (cpu - own) / 1e6,
		samples / cpu / 1e6, wall, (unsigned long long)st.commits,
		(double)st.commit_ns_max / 1e6,
		(double)st.wal_bytes / 1048576);
}

static int
count_point(void *arg, const struct store_point *p)
{
	size_t *n = arg;

	(void)p;
	(*n)++;
	return 0;
}

static void
ask(struct bench *b, const char *what, int64_t hours, struct dur step)
{
	int64_t end = T0 + (int64_t)b->ticks * 15000;
	struct store_series_query q = { .metric = b->names[1], .instance = "",
		.from = { end - hours * 3600000 }, .to = { end }, .step = step,
		.limit = 100000 };
	struct tc_err e = { 0 };
	size_t n = 0;
	double start = measure_now();
	int times = 20;

	for (int i = 0; i < times; i++) {
		n = 0;
		q.subject = 1 + (uint32_t)measure_random(&b->seed) % b->hosts;
		if (store_sqlite.series(b->s, &q, count_point, &n, &e) < 0) {
			printf("series: %s\n", e.text);
			exit(2);
		}
	}
	printf("series: %s points=%zu ms=%.2f\n", what, n,
		(measure_now() - start) * 1000 / times);
}

int
main(int argc, char **argv)
{
	struct bench b = { .hosts = 1000, .ticks = 80, .rows = 5,
		.seed = 1 };
	const char *tmp = getenv("TMPDIR");
	struct store_conf conf = { 0 };
	struct store_stats st;
	struct tc_err e = { 0 };
	char dir[64], path[96];

	if (argc > 1)
		b.hosts = (uint32_t)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		b.ticks = (int)strtol(argv[2], NULL, 10);
	if (argc > 3)
		b.group = (int)strtol(argv[3], NULL, 10);
	if (argc > 4)
		b.rows = (int)strtol(argv[4], NULL, 10);
	if (b.hosts == 0 || b.ticks <= 0 || b.rows <= 0 || b.rows > 5 ||
	    SAMPLES % b.rows != 0)
		return 2;
	snprintf(dir, sizeof(dir), "%.32s/tocsin-bench-XXXXXX",
		tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		return 2;
	snprintf(path, sizeof(path), "%s/tocsin.db", dir);
	for (int i = 0; i < SAMPLES; i++)
		snprintf(b.names[i], sizeof(b.names[i]),
			"%s_what_%02d_seconds_total", probes[i / 15], i);
	conf.path = path;
	if (store_sqlite.open(&conf, &b.s, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 2;
	}
	put_hosts(&b);
	ingest(&b);
	ask(&b, "raw 1h", 1, dur_s(0));
	ask(&b, "raw 24h", 24, dur_s(0));
	ask(&b, "24h by 5m", 24, dur_s(300));
	store_sqlite.close(b.s);
	if (store_sqlite.open(&conf, &b.s, &e) == 0) {
		store_sqlite.stats(b.s, &st);
		printf("file: bytes_per_sample=%.2f mib=%.1f\n",
			(double)st.db_bytes / ((double)b.hosts * b.ticks *
			SAMPLES), (double)st.db_bytes / 1048576);
		store_sqlite.close(b.s);
	}
	unlink(path);
	snprintf(path, sizeof(path), "%s/tocsin.db-wal", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/tocsin.db-shm", dir);
	unlink(path);
	rmdir(dir);
	return 0;
}
