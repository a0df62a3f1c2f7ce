/*
 * How fast a batch is read and written: MB and samples per CPU-second.  The
 * batch is what an agent sends: SMART of some disks, CPU times by mode.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "wire/batch.h"
#include "wire/prom.h"

#define DISKS 24
#define CPUS 16
#define SECONDS 1.0

static void
add_disk(struct strbuf *sb, int disk)
{
	static const int attributes[] = { 1, 3, 4, 5, 7, 9, 10, 12, 183, 184,
		187, 188, 189, 190, 191, 192, 193, 194, 197, 198, 199, 240, 241,
		242 };

	strbuf_printf(sb, "%s{\"probe\":\"smart\",\"at_ms\":1767225600000,"
		"\"outcome\":\"ok\",\"reason\":\"none\",\"device\":"
		"{\"kind\":\"disk\",\"model\":\"ST4000DM000\",\"serial\":"
		"\"Z300%04d\",\"wwn\":\"5000c5004c%06d\"},\"metrics\":{",
		disk ? "," : "", disk, disk);
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		strbuf_printf(sb, "\"smart_%d_raw\":%d,", attributes[i],
			attributes[i] * 7919 % 100003);
	strbuf_puts(sb, "\"temperature_celsius\":33.5,\"wear_ratio\":0.0125}}");
}

static void
add_cpu(struct strbuf *sb)
{
	static const char *const modes[] = { "idle", "user", "system",
		"iowait", "irq", "softirq", "steal" };

	strbuf_puts(sb, ",{\"probe\":\"cpu\",\"at_ms\":1767225600000,"
		"\"outcome\":\"ok\",\"reason\":\"none\",\"metrics\":"
		"{\"cpu_seconds_total\":{");
	for (int cpu = 0; cpu < CPUS; cpu++)
		for (size_t i = 0; i < ARRAY_LEN(modes); i++)
			strbuf_printf(sb, "%s\"cpu=\\\"%d\\\",mode=\\\"%s\\\"\""
				":%d.%02d", cpu || i ? "," : "", cpu, modes[i],
				cpu * 12345 + (int)i * 777, (int)i * 13);
	strbuf_puts(sb, "}}}");
}

static size_t
count_samples(const struct batch *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->items[i].n_metrics;
	return n;
}

static double
now(void)
{
	return dur_to_seconds(clock_thread_cpu());
}

static int
run(const char *name, const struct strbuf *text, const struct batch *write)
{
	double from = now(), spent;
	struct strbuf out = { 0 };
	size_t rounds = 0, samples = 0;
	struct tc_err e;
	struct batch b;

	do {
		strbuf_reset(&out);
		if (write != NULL && batch_write(write, &out) < 0)
			return -1;
		if (write == NULL && batch_parse(text->p, text->n, &b, &e) < 0) {
			fprintf(stderr, "%s\n", e.text);
			return -1;
		}
		samples += count_samples(write != NULL ? write : &b);
		if (write == NULL)
			arena_free(&b.arena);
		rounds++;
		spent = now() - from;
	} while (spent < SECONDS);
	printf("%s_mb_per_cpu_s %.0f\n%s_samples_per_cpu_s %.0f\n", name,
		(double)(rounds * text->n) / spent / 1e6, name,
		(double)samples / spent);
	strbuf_free(&out);
	return 0;
}

static int
count_point(void *arg, const struct prom_point *p)
{
	*(size_t *)arg += p->name_n != 0;
	return 0;
}

static int
run_prom(void)
{
	struct strbuf text = { 0 };
	size_t rounds = 0, samples = 0;
	double from, spent;
	int rc = 0;

	for (int i = 0; i < 2000; i++)
		strbuf_printf(&text, "node_cpu_seconds_total{cpu=\"%d\",mode="
			"\"iowait\"} %d.%02d\n", i / 8, i * 977, i % 100);
	from = now();
	do {
		rc = prom_parse(text.p, text.n, count_point, &samples, NULL);
		rounds++;
		spent = now() - from;
	} while (rc == 0 && spent < SECONDS);
	printf("prom_parse_mb_per_cpu_s %.0f\nprom_parse_samples_per_cpu_s "
		"%.0f\n", (double)(rounds * text.n) / spent / 1e6,
		(double)samples / spent);
	strbuf_free(&text);
	return rc;
}

int
main(void)
{
	struct strbuf text = { 0 };
	struct batch b;
	int rc;

	strbuf_puts(&text, "{\"host\":\"h1\",\"batch\":\"018f\",\"sent_ms\":"
		"1767225600123,\"observations\":[");
	for (int disk = 0; disk < DISKS; disk++)
		add_disk(&text, disk);
	add_cpu(&text);
	strbuf_puts(&text, "]}");
	if (text.failed || batch_parse(text.p, text.n, &b, NULL) < 0)
		return 1;
	rc = run("batch_parse", &text, NULL) < 0 ||
		run("batch_write", &text, &b) < 0 || run_prom() < 0;
	arena_free(&b.arena);
	strbuf_free(&text);
	return rc;
}
