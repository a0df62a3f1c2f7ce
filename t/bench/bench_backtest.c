/*
 * Backtest speed: drive-days and rows per CPU-second, of rows that lie parsed
 * in memory, of CSV text in memory, and of a .csv.gz in memory. The fleet is
 * made up: 5,000 drives, a row a day for 400 days, 4 % of the drives with
 * growing counters. A file named on the command line is measured as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "predict/backtest.h"
#include "predict/builtin.h"
#include "predict/eval.h"
#include "replay/replay.h"
#include "t/lib/tape.h"

#define DRIVES 5000
#define DAYS 400
#define DAY0 16000
#define LIVE 100000

static void
measure(const char *what, struct row_source *source, const struct pack *pack)
{
	struct backtest_opts opts = { .change = NULL };
	struct backtest_report *r = MEM_NEW(struct backtest_report);
	struct tc_err e = { 0 };
	struct dur began = clock_thread_cpu();
	double s;

	if (!r || backtest_run(source, pack, &opts, r, &e) < 0) {
		(void)fprintf(stderr, "%s: %s\n", what, e.text);
		exit(1);
	}
	s = dur_to_seconds(clock_thread_cpu()) - dur_to_seconds(began);
	printf("%-28s %12.0f drive-days/CPU-s %12.0f rows/CPU-s  (%llu, %.3f s)\n",
		what, (double)r->device_days / s, (double)r->rows / s,
		(unsigned long long)r->rows, s);
	mem_free(r);
}

static void
invent(struct strbuf *csv)
{
	unsigned seed = 1;

	strbuf_puts(csv, "date,serial_number,model,capacity_bytes,failure,"
		"smart_5_raw,smart_9_raw,smart_187_raw,smart_188_raw,"
		"smart_194_raw,smart_197_raw,smart_198_raw\n");
	for (int d = 0; d < DAYS; d++) {
		struct date at = date_from_days(DAY0 + d);

		for (int i = 0; i < DRIVES; i++) {
			int bad = i % 25 == 0 ? d / (5 + i % 50) * 8 : 0;

			seed = seed * 1103515245u + 12345u;
			strbuf_printf(csv, "%04d-%02d-%02d,Z30%05d,ST4000DM000,"
				"4000787030016,%d,%d,%d,0,0,%u,%d,%d\n",
				at.year, at.month, at.day, i,
				d == DAYS - 1 && i % 50 == 0, bad / 2,
				d * 24 + i, 20 + (seed >> 16) % 10, bad, bad);
		}
	}
}

static void
measure_rows(const struct strbuf *csv, const struct pack *pack)
{
	struct tape *t = tape_alloc((size_t)DRIVES * DAYS);
	struct replay *r = NULL;
	struct arena text = { 0 };
	struct row row = { 0 };

	if (!t || replay_open_memory("-", csv->p, csv->n, &r, NULL) < 0)
		exit(1);
	while (replay_source(r)->next(replay_source(r), &row, NULL) > 0) {
		row.serial = arena_strndup(&text, row.serial, row.serial_n);
		row.model = "ST4000DM000";
		if (!row.serial)
			exit(1);
		t->rows[t->n++] = row;
	}
	measure("rows in memory", &t->source, pack);
	replay_close(r);
	arena_free(&text);
	mem_free(t);
}

static void
measure_text(const char *what, const void *p, size_t n, const struct pack *pack)
{
	struct replay *r = NULL;
	struct tc_err e = { 0 };

	if (replay_open_memory(what, p, n, &r, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	measure(what, replay_source(r), pack);
	replay_close(r);
}

static void
measure_gzip(const struct strbuf *csv, const struct pack *pack)
{
	size_t cap = csv->n + 1024;
	unsigned char *packed = mem_alloc(cap);
	z_stream z = { 0 };

	if (!packed || deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8,
			Z_DEFAULT_STRATEGY) != Z_OK)
		exit(1);
	z.next_in = (unsigned char *)csv->p;
	z.avail_in = (uInt)csv->n;
	z.next_out = packed;
	z.avail_out = (uInt)cap;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		exit(1);
	(void)deflateEnd(&z);
	measure_text(".csv.gz in memory", packed, cap - z.avail_out, pack);
	mem_free(packed);
}

static void
measure_file(const char *path, const struct pack *pack)
{
	const char *const paths[] = { path };
	struct replay *r = NULL;
	struct tc_err e = { 0 };

	if (replay_open(paths, 1, &r, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	measure(strrchr(path, '/') ? strrchr(path, '/') + 1 : path,
		replay_source(r), pack);
	replay_close(r);
}

/* What a server does every hour: a value of each counter, then the verdict. */
static void
measure_live(const struct pack *pack)
{
	struct features *all = mem_alloc_array(LIVE, sizeof(*all));
	static struct verdict v;
	struct dur began;
	double s;

	if (!all)
		exit(1);
	for (int hour = 0; hour < 2; hour++) {
		struct wall now = wall_from_days(DAY0 + hour);

		began = clock_thread_cpu();
		for (uint32_t i = 0; i < LIVE; i++) {
			uint64_t worse = i % 25 == 0 ? (uint64_t)hour * 9 : 0;

			for (int c = 0; c < COUNTER_N; c++)
				(void)features_observe(&all[i], (enum counter)c,
					worse, DAY0 + hour, now);
			eval_device(pack, &all[i], "ST4000DM000", now, &v);
		}
	}
	s = dur_to_seconds(clock_thread_cpu()) - dur_to_seconds(began);
	printf("%-28s %12.0f devices/CPU-s  (%d devices in %.3f s, wanted 2)\n",
		"an hourly batch, judged", LIVE / s, LIVE, s);
	mem_free(all);
}

int
main(int argc, char **argv)
{
	struct strbuf csv = { 0 };
	struct pack *pack = NULL;

	if (pack_builtin(&pack, NULL) < 0)
		return 1;
	invent(&csv);
	measure_live(pack);
	measure_rows(&csv, pack);
	measure_text("CSV text in memory", csv.p, csv.n, pack);
	measure_gzip(&csv, pack);
	for (int i = 1; i < argc; i++)
		measure_file(argv[i], pack);
	strbuf_free(&csv);
	pack_free(pack);
	return 0;
}
