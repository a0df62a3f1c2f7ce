/*
 * A year of roll-ups of a thousand hosts in one file: what series of it take,
 * what pruning and packing cost those who ingest, and how long a page of the
 * list of hosts takes meanwhile.
 *
 *	bench_year [HOSTS [DAYS]]
 *
 * The file is written directly: each day's blocks are made once, of twenty
 * metrics, and stand for every host (1,000); DAYS (365) end yesterday.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/prune.h"
#include "store/sheet.h"
#include "store/store.h"
#include "t/bench/measure.h"
#include "t/bench/quick.h"

#define METRICS 20
#define COLUMNS (5 * METRICS)	/* least, greatest, sum, number, last */
#define ROW_MS INT64_C(15000)

struct bench {
	struct it it;
	char path[128];
	uint32_t hosts;
	int64_t days;
	int64_t end_ms;		/* midnight */
	char names[METRICS][40];
	struct store *s;
	struct db db;
	sqlite3_stmt *put;
	struct block_put block;
	struct sheet sheet;
	struct strbuf bytes;
	uint64_t seed;
};

/* What it.h checks needs a test around it. */
static struct bench *
the_bench(void)
{
	static struct bench b = { .hosts = 1000, .days = 365, .seed = 1 };

	return &b;
}

static void
must(int rc, const struct tc_err *e)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench_year: %s\n", e->text);
	exit(2);
}

static void
must_sql(struct bench *b, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return;
	fprintf(stderr, "bench_year: %s\n", sqlite3_errmsg(b->db.h));
	exit(2);
}

/* ---- rows as they come ---- */

static void
add_row(struct bench *b, struct change_set *cs, uint32_t host, int64_t at_ms)
{
	struct change_history *h = &change_add(cs, CHANGE_HISTORY)->u.history;
	struct change_series *series = arena_alloc(&cs->arena,
		METRICS * sizeof(*series));
	uint64_t *values = arena_alloc(&cs->arena, METRICS * sizeof(*values));

	for (int i = 0; i < METRICS; i++) {
		double v = i % 4 == 0 ? (double)(at_ms / 1000 % 1000000 * i) :
			i % 4 == 1 ? (double)(measure_random(&b->seed) % 10000) / 100 :
			i % 4 == 2 ? (double)host : 0;

		memcpy(&values[i], &v, sizeof(v));
		series[i] = (struct change_series){ .name = b->names[i],
			.instance = "", .type = TOCSIN_F64 };
	}
	*h = (struct change_history){ .at = { at_ms }, .subject = host,
		.probe = "node", .series = series, .values = values,
		.n = METRICS, .counted = true };
}

static void
put_hosts(struct bench *b)
{
	struct change_set *cs = change_set_new();
	struct change *c = change_add(cs, CHANGE_SUBJECT);

	c->u.subject = (struct change_subject){ .id = b->hosts + 1,
		.kind = SUBJECT_PARTITION, .key = "rack1", .body = "{}" };
	for (uint32_t i = 1; i <= b->hosts; i++) {
		char name[32];

		snprintf(name, sizeof(name), "h%05u", i);
		c = change_add(cs, CHANGE_SUBJECT);
		c->u.subject = (struct change_subject){ .id = i,
			.kind = SUBJECT_HOST, .parent = b->hosts + 1,
			.key = arena_strdup(&cs->arena, name),
			.body = "{\"owner\":\"api\",\"partition\":\"rack1\"}" };
	}
	if (store_sqlite.submit(b->s, cs) < 0)
		exit(2);
	/* The rows bring their layout, and the sources. */
	cs = change_set_new();
	for (uint32_t i = 1; i <= b->hosts; i++)
		add_row(b, cs, i, b->end_ms + i);
	if (store_sqlite.submit(b->s, cs) < 0 ||
	    store_sqlite.flush(b->s, dur_s(60)) < 0)
		exit(2);
}

static void
open_store(struct bench *b, const struct store_conf *more)
{
	struct store_conf conf = *more;
	struct tc_err e = { 0 };

	conf.path = b->path;
	must(store_sqlite.open(&conf, &b->s, &e), &e);
}

/* ---- a year, directly ---- */

static void
fill_row(struct bench *b, struct sheet *s, int64_t at_ms, int64_t row_ms)
{
	uint64_t *v = sheet_add(s, at_ms, (uint64_t)(row_ms - ROW_MS));
	uint64_t count = (uint64_t)(row_ms / ROW_MS);

	if (v == NULL)
		exit(2);
	/* As most are: one is noise, two count, some change now and then. */
	for (int i = 0; i < METRICS; i++) {
		double wave = (double)(measure_random(&b->seed) % 200) / 100;
		double low = i == 0 ? 20 + wave :
			i < 3 ? (double)(at_ms / 60000 * i) :
			i < 8 ? (double)(at_ms / 7200000 % i) : i;
		double high = low + (i == 0 ? wave : i < 3 ? i * 5 : 0);
		double sum = (low + high) / 2 * (double)count;

		memcpy(v++, &low, 8);
		memcpy(v++, &high, 8);
		memcpy(v++, &sum, 8);
		*v++ = count;
		memcpy(v++, &high, 8);
	}
}

static void
put_blocks(struct bench *b, enum tier tier, int64_t start_ms)
{
	sqlite3_stmt *st = b->put;
	size_t rows = b->sheet.rows;

	strbuf_reset(&b->bytes);
	if (sheet_sort(&b->sheet) < 0 ||
	    sheet_pack(&b->sheet, 0, rows, &b->block, &b->bytes) < 0)
		exit(2);
	for (uint32_t host = 1; host <= b->hosts; host++) {
		sqlite3_bind_int64(st, 1, block_id_at(tier, start_ms) + host);
		sqlite3_bind_int64(st, 2, tier);
		sqlite3_bind_int64(st, 3, host);
		sqlite3_bind_int64(st, 4, start_ms);
		sqlite3_bind_int64(st, 5, (int64_t)rows);
		sqlite3_bind_blob64(st, 6, b->bytes.p, b->bytes.n,
			SQLITE_STATIC);
		must_sql(b, sqlite3_step(st));
		sqlite3_reset(st);
	}
}

/* All blocks of a tier; the first begins where its span does. */
static void
put_tier(struct bench *b, enum tier tier)
{
	int64_t row_ms = tiers[tier].row_ms, block_ms = tiers[tier].block_ms;
	int64_t from_ms = b->end_ms - b->days * DAY_MS;

	for (int64_t at = from_ms; at < b->end_ms;) {
		int64_t start_ms = tier_start(tier, at);

		b->sheet.rows = 0;
		for (; at < b->end_ms && at < start_ms + block_ms; at += row_ms)
			fill_row(b, &b->sheet, at, row_ms);
		put_blocks(b, tier, start_ms);
	}
}

static void
put_year(struct bench *b)
{
	static const char put[] = "INSERT INTO block(id, tier, subject, probe, "
		"layout, start_ms, rows, bytes) SELECT ?1, ?2, ?3, probe, "
		"layout, ?4, ?5, ?6 FROM source WHERE subject = ?3";
	static unsigned char types[COLUMNS];
	struct tc_err e = { 0 };
	char mark[200];

	for (int i = 0; i < COLUMNS; i++)
		types[i] = i % 5 == 3 ? TOCSIN_U64 : TOCSIN_F64;
	b->sheet.columns = COLUMNS;
	b->sheet.types = types;
	must(db_open(&b->db, b->path, DB_WRITER, &e), &e);
	must(db_exec(&b->db, "PRAGMA synchronous = OFF;"
		"PRAGMA cache_size = -65536; BEGIN", &e), &e);
	must_sql(b, sqlite3_prepare_v2(b->db.h, put, -1, &b->put, NULL));
	put_tier(b, TIER_M5);
	put_tier(b, TIER_H1);
	put_tier(b, TIER_D1);
	sqlite3_finalize(b->put);
	snprintf(mark, sizeof(mark), "INSERT INTO meta(key, value) VALUES "
		"('rolled', %lld), ('packing', %lld), ('packed', %lld); COMMIT",
		(long long)b->end_ms, (long long)b->end_ms / SLOT_MS,
		(long long)b->end_ms / SLOT_MS);
	must(db_exec(&b->db, mark, &e), &e);
	sqlite3_wal_checkpoint_v2(b->db.h, NULL, SQLITE_CHECKPOINT_TRUNCATE,
		NULL, NULL);
	db_close(&b->db);
	strbuf_free(&b->bytes);
	block_put_free(&b->block);
}

static void
make_file(struct bench *b)
{
	double since = it_now();
	struct stat st = { 0 };

	open_store(b, &(struct store_conf){ 0 });
	put_hosts(b);
	store_sqlite.close(b->s);
	put_year(b);
	(void)stat(b->path, &st);
	printf("file: hosts=%u days=%lld mib=%.0f made_in_s=%.0f\n", b->hosts,
		(long long)b->days, (double)st.st_size / 1048576,
		it_now() - since);
}

/* ---- series ---- */

struct question {
	const char *what;
	int64_t days, step_ms;
	double goal_ms;
};

static int
count_point(void *arg, const struct store_point *p)
{
	size_t *n = arg;

	(void)p;
	(*n)++;
	return 0;
}

static void
ask(struct bench *b, const struct question *a)
{
	double took[400];
	struct quick_times t;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(took); i++) {
		struct store_series_query q = { .instance = "",
			.metric = b->names[measure_random(&b->seed) % METRICS],
			.from = { b->end_ms - a->days * DAY_MS },
			.to = { b->end_ms }, .step = dur_ms(a->step_ms),
			.limit = 10000,
			.subject = 1 + (uint32_t)(measure_random(&b->seed) % b->hosts) };
		struct tc_err e = { 0 };
		double since = it_now();

		n = 0;
		must(store_sqlite.series(b->s, &q, count_point, &n, &e), &e);
		took[i] = it_now() - since;
	}
	quick_sum_up(took, ARRAY_LEN(took), &t);
	printf("series: %s points=%zu mean_ms=%.2f p99_ms=%.2f (goal %.0f)\n",
		a->what, n, t.mean * 1000, t.p99 * 1000, a->goal_ms);
}

/* ---- what others wait for ---- */

#define WAITS 200000
struct waits {
	double *took;
	size_t n;
};

/* A small set, every few milliseconds, as an agent's batch. */
static void
put_one(struct bench *b, struct waits *w, int64_t at_ms)
{
	struct change_set *cs = change_set_new();
	double since = it_now();

	add_row(b, cs, 1 + (uint32_t)(w->n % b->hosts), at_ms);
	if (store_sqlite.submit(b->s, cs) < 0 ||
	    store_sqlite.flush(b->s, dur_s(60)) < 0)
		exit(2);
	if (w->n < WAITS)
		w->took[w->n++] = it_now() - since;
}

static void
say_waits(const char *what, struct waits *w, double seconds)
{
	struct quick_times t;

	quick_sum_up(w->took, w->n, &t);
	printf("commit: %s s=%.1f sets=%zu mean_ms=%.2f p99_ms=%.2f "
		"max_ms=%.1f (goal 50)\n", what, seconds, w->n, t.mean * 1000,
		t.p99 * 1000, t.max * 1000);
	w->n = 0;
}

/* Blocks before ?1 left in the tier. */
static int64_t
blocks_before(struct bench *b, enum tier tier, struct wall before)
{
	struct tc_err e = { 0 };
	char sql[128];
	int64_t n = 0;

	snprintf(sql, sizeof(sql), "SELECT EXISTS (SELECT 1 FROM block "
		"WHERE id >= %lld AND id < %lld)",
		(long long)block_id_at(tier, 0),
		(long long)block_id_before(tier, before));
	must(db_open(&b->db, b->path, DB_READER, &e), &e);
	must(db_number(&b->db, sql, &n, &e), &e);
	db_close(&b->db);
	return n;
}

static void
put_alone(struct bench *b, struct waits *w)
{
	int64_t at_ms = b->end_ms + HOUR_MS / 2;
	double since = it_now();

	open_store(b, &(struct store_conf){ 0 });
	while (it_now() < since + 3)
		put_one(b, w, at_ms++);
	say_waits("alone", w, it_now() - since);
	store_sqlite.close(b->s);
}

static void
prune_and_put(struct bench *b, struct waits *w)
{
	int64_t keep_days = b->days * 2 / 3;
	struct clock *clock = clock_system();
	struct wall before = { clock->wall(clock).ms - keep_days * DAY_MS };
	int64_t at_ms = b->end_ms + HOUR_MS;
	double since = it_now();

	open_store(b, &(struct store_conf){
		.keep_m5 = dur_s(keep_days * 86400) });
	do {
		for (int i = 0; i < 100; i++)
			put_one(b, w, at_ms++);
	} while (it_now() < since + 20 && blocks_before(b, TIER_M5, before));
	say_waits("while old roll-ups are pruned", w,
		it_now() - since);
	store_sqlite.close(b->s);
}

struct packing {
	struct bench *b;
	int64_t until_ms;
	_Atomic bool done;
};

static void *
pack_main(void *arg)
{
	struct packing *p = arg;
	struct tc_err e = { 0 };

	must(store_sqlite.compact(p->b->s, (struct wall){ p->until_ms }, &e),
		&e);
	p->done = true;
	return NULL;
}

static void
put_hour(struct bench *b, int64_t hour_ms)
{
	for (int64_t at = hour_ms; at < hour_ms + HOUR_MS; at += ROW_MS) {
		struct change_set *cs = change_set_new();

		for (uint32_t host = 1; host <= b->hosts; host++)
			add_row(b, cs, host, at + host);
		while (store_sqlite.submit(b->s, cs) == TC_EFULL)
			store_sqlite.flush(b->s, dur_s(60));
	}
	if (store_sqlite.flush(b->s, dur_s(600)) < 0)
		exit(2);
}

static void
pack_and_put(struct bench *b, struct waits *w)
{
	struct packing p = { .b = b, .until_ms = b->end_ms + 3 * HOUR_MS };
	int64_t at_ms = b->end_ms + 4 * HOUR_MS;
	double since;
	pthread_t thread;

	open_store(b, &(struct store_conf){ 0 });
	put_hour(b, b->end_ms + 2 * HOUR_MS);
	since = it_now();
	if (pthread_create(&thread, NULL, pack_main, &p) != 0)
		exit(2);
	while (!p.done)
		put_one(b, w, at_ms++);
	pthread_join(thread, NULL);
	say_waits("while an hour of all is packed", w, it_now() - since);
	since = it_now();
	while (it_now() < since + 5)
		put_one(b, w, at_ms++);
	say_waits("while its rows are dropped", w, it_now() - since);
	store_sqlite.close(b->s);
}

/* ---- the list ---- */

static void
list(struct bench *b)
{
	static const char *const paths[] = { "/v1/hosts?limit=100",
		"/v1/hosts?limit=1000", "/v1/summary" };
	struct quick_times t;

	it_write(&b->it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\nretention: {rollups_5m: %lldd, "
		"pack_after: 1s}\n", b->it.dir, (long long)(b->days / 3));
	it_start_server(&b->it);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		quick_ask(&b->it, paths[i], 2000, &t);
		printf("list: %s bytes=%zu p50_ms=%.2f p99_ms=%.2f max_ms=%.1f "
			"(goal 20)\n", paths[i], t.bytes, t.p50 * 1000,
			t.p99 * 1000, t.max * 1000);
	}
	it_end(&b->it.server, SIGTERM);
}

START_TEST(a_year)
{
	struct bench *b = the_bench();
	struct waits w = { .took = calloc(WAITS, sizeof(*w.took)) };
	struct clock *clock = clock_system();

	it_init(&b->it);
	snprintf(b->path, sizeof(b->path), "%.63s/state", b->it.dir);
	mkdir(b->path, 0700);
	snprintf(b->path, sizeof(b->path), "%.63s/state/tocsin.db", b->it.dir);
	b->end_ms = floor_div(clock->wall(clock).ms, DAY_MS) * DAY_MS - DAY_MS;
	for (int i = 0; i < METRICS; i++)
		snprintf(b->names[i], sizeof(b->names[i]), "metric_%02d", i);
	make_file(b);
	open_store(b, &(struct store_conf){ 0 });
	ask(b, &(struct question){ "24 h by 5 m", 1, 300000, 1 });
	ask(b, &(struct question){ "30 days by 1 h", 30, HOUR_MS, 2 });
	ask(b, &(struct question){ "a year by 1 d", 365, DAY_MS, 2 });
	store_sqlite.close(b->s);
	put_alone(b, &w);
	prune_and_put(b, &w);
	pack_and_put(b, &w);
	list(b);
	free(w.took);
	it_fini(&b->it);
}
END_TEST

int
main(int argc, char **argv)
{
	struct bench *b = the_bench();

	if (argc > 1)
		b->hosts = (uint32_t)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		b->days = strtol(argv[2], NULL, 10);
	return b->hosts == 0 || b->days < 3 ? 2 : quick_run(a_year);
}
