/*
 * Packed history: bytes per sample of recorded node_exporter pages with the
 * file and its roll-ups included, what packing costs and whether it holds up
 * ingest, and how long a series takes.
 *
 *	bench_history [HOSTS [HOURS]]
 *
 * Each host (10) is given the recorded pages in turn, one in 15 s, for HOURS
 * (26); they are packed hour by hour.  Then one host with the first 75 series
 * of them for 31 days.  The pages are those of the peers' benchmark below
 * TOCSIN_SHARED, else ../shared; without them there is nothing to do.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "store/db.h"
#include "store/store.h"
#include "store/tend.h"
#include "t/bench/measure.h"

#define T0 INT64_C(1767225600000)
#define HOUR_MS INT64_C(3600000)
#define STEP_MS 15000
#define PAGES 160
#define SERIES_MAX 1000

struct bench {
	struct store *s;
	char dir[64], path[96];
	struct change_series series[SERIES_MAX];
	size_t n;
	double *values;		/* [page * SERIES_MAX + series] */
};

static void
must(int rc, const struct tc_err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_history: %s\n", e->text);
	exit(2);
}

/* ---- pages ---- */

/* name{labels} value */
static void
read_line(struct bench *b, char *line, size_t i, double *value)
{
	char *space = strrchr(line, ' ');
	char *brace = strchr(line, '{');

	if (space == NULL)
		return;
	*value = strtod(space + 1, NULL);
	if (i < b->n)
		return;
	*space = '\0';
	if (brace != NULL) {
		*brace = '\0';
		space = strrchr(brace + 1, '}');
		if (space != NULL)
			*space = '\0';
	}
	b->series[i].name = strdup(line);
	b->series[i].instance = brace != NULL ? strdup(brace + 1) : "";
	b->series[i].type = TOCSIN_F64;
	b->n = i + 1;
}

static bool
read_page(struct bench *b, const char *shared, int page)
{
	struct strbuf text = { 0 };
	char path[512], *line, *rest;
	size_t i = 0;

	snprintf(path, sizeof(path), "%s/bench/data/snap/%04d.prom", shared,
		page);
	if (file_slurp(path, 1 << 20, &text, NULL) < 0)
		return false;
	for (rest = text.p; (line = strsep(&rest, "\n")) != NULL;) {
		if (line[0] != '#' && line[0] != '\0' && i < SERIES_MAX) {
			read_line(b, line, i,
				&b->values[page * SERIES_MAX + (int)i]);
			i++;
		}
	}
	strbuf_free(&text);
	return true;
}

/* ---- a store ---- */

static void
open_store(struct bench *b)
{
	struct store_conf conf = { .path = b->path };
	const char *tmp = getenv("TMPDIR");
	struct tc_err e = { 0 };

	snprintf(b->dir, sizeof(b->dir), "%.32s/tocsin-bench-XXXXXX",
		tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(b->dir) == NULL)
		exit(2);
	snprintf(b->path, sizeof(b->path), "%s/tocsin.db", b->dir);
	must(store_sqlite.open(&conf, &b->s, &e), &e);
}

static void
close_store(struct bench *b)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[128];

	store_sqlite.close(b->s);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", b->path, suffixes[i]);
		unlink(path);
	}
	rmdir(b->dir);
}

static void
put_hosts(struct bench *b, uint32_t hosts)
{
	struct change_set *cs = change_set_new();

	for (uint32_t i = 1; i <= hosts; i++) {
		struct change *c = change_add(cs, CHANGE_SUBJECT);
		char name[32];

		snprintf(name, sizeof(name), "h%u", i);
		c->u.subject = (struct change_subject){ .id = i,
			.kind = SUBJECT_HOST,
			.key = arena_strdup(&cs->arena, name), .body = "" };
	}
	store_sqlite.submit(b->s, cs);
	store_sqlite.flush(b->s, dur_s(60));
}

/* One row with the first n series of the page whose turn it is. */
static void
add_row(struct bench *b, struct change_set *cs, uint32_t host, int64_t tick,
	size_t n)
{
	struct change_history *h = &change_add(cs, CHANGE_HISTORY)->u.history;
	int64_t page = (tick + host) % PAGES;

	/* As scrapes are: phase by host, some milliseconds of jitter. */
	h->at.ms = T0 + tick * STEP_MS + host * 37 % STEP_MS +
		(tick * 7919 + host) % 5;
	h->subject = host;
	h->probe = "scrape";
	h->series = b->series;
	h->values = (uint64_t *)(b->values + page * SERIES_MAX);
	h->n = n;
	h->counted = true;
}

static void
put_hour(struct bench *b, uint32_t hosts, int64_t hour, size_t n)
{
	for (int64_t tick = hour * 240; tick < (hour + 1) * 240; tick += 20) {
		struct change_set *cs = change_set_new();

		for (int64_t t = tick; t < tick + 20; t++) {
			for (uint32_t host = 1; host <= hosts; host++)
				add_row(b, cs, host, t, n);
		}
		if (store_sqlite.submit(b->s, cs) < 0)
			exit(2);
	}
	if (store_sqlite.flush(b->s, dur_s(600)) < 0)
		exit(2);
}

static int64_t
rows_packed_already(struct bench *b)
{
	static const char sql[] = "SELECT count(*) FROM tick WHERE slot < "
		"(SELECT value FROM meta WHERE key = 'packed')";
	struct tc_err e = { 0 };
	int64_t left = 0;
	struct db db;

	must(db_open(&db, b->path, DB_READER, &e), &e);
	must(db_number(&db, sql, &left, &e), &e);
	db_close(&db);
	return left;
}

/*
 * The writer drops what was packed in its own time; a live one has an hour.
 * Each commit of it is seen in its log, and counts a moment later: once it is
 * synced.
 */
static void
wait_for_writer(struct bench *b)
{
	struct pollfd log = { .fd = inotify_init1(IN_CLOEXEC),
		.events = POLLIN };
	char path[256], what[4096];
	int idle = 0;

	snprintf(path, sizeof(path), "%s-wal", b->path);
	if (log.fd < 0 || inotify_add_watch(log.fd, path, IN_MODIFY) < 0) {
		perror(path);
		exit(2);
	}
	while (rows_packed_already(b) > 0) {
		if (poll(&log, 1, 100) == 1 &&
		    read(log.fd, what, sizeof(what)) > 0) {
			idle = 0;
		} else if (++idle == 600) {
			fprintf(stderr, "bench_history: the writer is idle\n");
			exit(2);
		}
	}
	close(log.fd);
}

static double
pack_until(struct bench *b, int64_t hour)
{
	double cpu = measure_cpu(RUSAGE_SELF);
	struct tc_err e = { 0 };

	must(store_sqlite.compact(b->s,
		(struct wall){ T0 + hour * HOUR_MS }, &e), &e);
	return measure_cpu(RUSAGE_SELF) - cpu;
}

/* ---- what is measured ---- */

static int
count_point(void *arg, const struct store_point *p)
{
	size_t *n = arg;

	(void)p;
	(*n)++;
	return 0;
}

struct question {
	const char *what;
	uint32_t hosts;
	int64_t from_ms, to_ms;
	struct dur step;
	size_t first, series;	/* of the page: which ones */
};

/* Each time another host and another series. */
static void
ask(struct bench *b, const struct question *a)
{
	double start = measure_now(), cpu = measure_cpu(RUSAGE_SELF), worst = 0;
	int times = 100;
	size_t n = 0;

	for (int i = 0; i < times; i++) {
		const struct change_series *s = &b->series[a->first +
			(size_t)i * 7 % a->series];
		struct store_series_query q = { .metric = s->name,
			.instance = s->instance, .from = { a->from_ms },
			.to = { a->to_ms }, .step = a->step, .limit = 100000,
			.subject = 1 + (uint32_t)i % a->hosts };
		struct tc_err e = { 0 };
		double one = measure_now();

		n = 0;
		must(store_sqlite.series(b->s, &q, count_point, &n, &e), &e);
		one = measure_now() - one;
		worst = one > worst ? one : worst;
	}
	printf("series: %s points=%zu mean_ms=%.3f cpu_ms=%.3f max_ms=%.2f\n",
		a->what, n, (measure_now() - start) * 1000 / times,
		(measure_cpu(RUSAGE_SELF) - cpu) * 1000 / times, worst * 1000);
}

static void
say_size(struct bench *b, const char *what, double samples)
{
	struct tend_figures f;
	struct tc_err e = { 0 };
	double used;

	wait_for_writer(b);
	must(tend_figures(b->path, &f, &e), &e);
	used = (double)(f.file_bytes - f.free_bytes);
	printf("size: %s samples=%.0f bytes_per_sample=%.3f (all of the file "
		"in use; with its free pages %.3f)\n", what, samples,
		used / samples, (double)f.file_bytes / samples);
	for (int i = 0; i < TEND_TIERS; i++) {
		const struct tend_tier_figures *t = &f.tiers[i];

		if (t->rows > 0)
			printf("size:   %s blocks=%llu rows=%llu bytes=%llu "
				"per_raw_sample=%.3f\n", t->name,
				(unsigned long long)t->blocks,
				(unsigned long long)t->rows,
				(unsigned long long)t->bytes,
				(double)t->bytes / samples);
	}
}

struct packing {
	struct bench *b;
	int64_t hour;
	_Atomic bool done;
};

static void *
pack_main(void *arg)
{
	struct packing *p = arg;

	pack_until(p->b, p->hour);
	p->done = true;
	return NULL;
}

/* How long a small set waits for its commit, with and without packing. */
static void
measure_stalls(struct bench *b, uint32_t hosts, int64_t hour, bool packing)
{
	struct packing p = { .b = b, .hour = hour };
	double end = measure_now() + 1, worst = 0, sum = 0;
	int64_t tick = hour * 240 + 100 + (packing ? 100000 : 0);
	pthread_t thread;
	uint32_t n = 0;

	if (packing && pthread_create(&thread, NULL, pack_main, &p) != 0)
		exit(2);
	while (packing ? !p.done : measure_now() < end) {
		struct change_set *cs = change_set_new();
		double one = measure_now();

		add_row(b, cs, 1 + n % hosts, tick + n / hosts,
			b->n);
		if (store_sqlite.submit(b->s, cs) < 0 ||
		    store_sqlite.flush(b->s, dur_s(60)) < 0)
			exit(2);
		one = measure_now() - one;
		sum += one;
		worst = one > worst ? one : worst;
		n++;
	}
	if (packing)
		pthread_join(thread, NULL);
	printf("commit: %s sets=%u mean_ms=%.2f max_ms=%.1f\n",
		packing ? "while packing" : "alone", n, sum * 1000 / n,
		worst * 1000);
}

static void
pages_of_hosts(struct bench *b, uint32_t hosts, int64_t hours)
{
	double samples = (double)hosts * (double)hours * 240 * (double)b->n;
	double packing = 0;
	int64_t end = T0 + hours * HOUR_MS;

	open_store(b);
	put_hosts(b, hosts);
	for (int64_t hour = 0; hour < hours; hour++) {
		put_hour(b, hosts, hour, b->n);
		packing += pack_until(b, hour + 1);
		wait_for_writer(b);
	}
	printf("pack: samples=%.0f samples_per_cpu_s=%.1fM (rows to blocks "
		"and roll-ups, written)\n", samples, samples / packing / 1e6);
	say_size(b, "recorded pages", samples);
	ask(b, &(struct question){ "24h raw", hosts, end - 24 * HOUR_MS, end,
		dur_s(0), 0, b->n });
	ask(b, &(struct question){ "24h by 5m", hosts, end - 24 * HOUR_MS, end,
		dur_s(300), 0, b->n });
	ask(b, &(struct question){ "1h raw", hosts, end - HOUR_MS, end,
		dur_s(0), 0, b->n });
	measure_stalls(b, hosts, hours + 2, false);
	for (int64_t hour = hours; hour < hours + 2; hour++)
		put_hour(b, hosts, hour, b->n);
	measure_stalls(b, hosts, hours + 2, true);
	close_store(b);
}

static void
a_month_of_one(struct bench *b)
{
	int64_t days = 31, end = T0 + days * 24 * HOUR_MS;
	size_t n = b->n < 75 ? b->n : 75;

	open_store(b);
	put_hosts(b, 1);
	for (int64_t hour = 0; hour < days * 24; hour++) {
		put_hour(b, 1, hour, n);
		if (hour % 6 != 5)
			continue;
		pack_until(b, hour + 1);
		wait_for_writer(b);
	}
	say_size(b, "31 days of 75 series", (double)days * 5760 * (double)n);
	ask(b, &(struct question){ "30d by 1h", 1, end - 720 * HOUR_MS, end,
		dur_s(3600), 0, n });
	ask(b, &(struct question){ "30d by 1d", 1, end - 720 * HOUR_MS, end,
		dur_s(86400), 0, n });
	ask(b, &(struct question){ "30d by 5m", 1, end - 720 * HOUR_MS, end,
		dur_s(300), 0, n });
	close_store(b);
}

int
main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof(*b));
	const char *shared = getenv("TOCSIN_SHARED");
	const char *src = getenv("top_srcdir");
	char path[400];

	snprintf(path, sizeof(path), "%s/../shared", src != NULL ? src : ".");
	b->values = calloc(PAGES * SERIES_MAX, sizeof(*b->values));
	for (int page = 0; page < PAGES; page++) {
		if (!read_page(b, shared != NULL ? shared : path, page)) {
			printf("bench_history: no recorded pages\n");
			return 0;
		}
	}
	pages_of_hosts(b, argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10,
		argc > 2 ? strtol(argv[2], NULL, 10) : 26);
	a_month_of_one(b);
	return 0;
}
