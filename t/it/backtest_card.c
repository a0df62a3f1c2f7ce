/*
 * The built-in pack on real drives: the backtest verb's alarms, scored here
 * once more from the data alone, must give the row that is documented in
 * predict/rules/README.md. Skipped without the data.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/backtest.h"
#include "model/level.h"
#include "replay/replay.h"

#define SKIPPED 77
#define NEVER INT32_MAX

struct drive {
	int32_t last;
	int32_t failed;
	int32_t alarm[LEVEL_N];
	char serial[];
};

struct want {
	enum level level;
	double fdr;
	double far;
	double survivor_far;
};

static const struct want wants[] = {
	{ LEVEL_IMMINENT, 42.5, 0.71, 0.14 },
	{ LEVEL_LIKELY, 57.1, 1.69, 0.43 },
	{ LEVEL_WATCH, 65.4, 3.36, 1.10 },
};

static struct drive *
drive_of(struct hash *drives, const char *serial, size_t n)
{
	struct drive *d = hash_get(drives, serial, n);

	if (d)
		return d;
	d = mem_alloc(sizeof(*d) + n + 1);
	if (!d)
		abort();
	memcpy(d->serial, serial, n);
	d->failed = NEVER;
	for (int i = 0; i < LEVEL_N; i++)
		d->alarm[i] = NEVER;
	if (hash_put(drives, d->serial, n, d) < 0)
		abort();
	return d;
}

static int
read_data(const char *path, struct hash *drives)
{
	const char *const paths[] = { path };
	struct replay *r = NULL;
	struct tc_err e = { 0 };
	struct row row = { 0 };
	int rc = replay_open(paths, 1, &r, &e);

	while (rc >= 0 && (rc = replay_source(r)->next(replay_source(r), &row,
			&e)) > 0) {
		struct drive *d = drive_of(drives, row.serial, row.serial_n);

		if (row.day > d->last)
			d->last = row.day;
		if (row.failure && row.day < d->failed)
			d->failed = row.day;
	}
	if (rc < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	replay_close(r);
	return rc;
}

/* "serial,2015-01-02,model,level,risk" */
static int
read_alarm(char *line, struct hash *drives)
{
	char *field[5], *at = line;
	struct date date;
	struct drive *d;
	enum level level;

	for (int i = 0; i < 5; i++) {
		field[i] = strsep(&at, ",\n");
		if (!field[i])
			return -1;
	}
	if (date_parse(field[1], strlen(field[1]), &date) < 0 ||
	    !level_from_name(field[3], strlen(field[3]), &level))
		return -1;
	d = drive_of(drives, field[0], strlen(field[0]));
	for (int i = 1; i <= (int)level; i++) {
		if (date_to_days(date) < d->alarm[i])
			d->alarm[i] = date_to_days(date);
	}
	return 0;
}

static int
read_alarms(const char *path, struct hash *drives)
{
	FILE *f = fopen(path, "re");
	char line[512];
	int rc = -1;

	if (!f)
		return -1;
	if (fgets(line, sizeof(line), f) &&
	    strcmp(line, "serial_number,date,model,level,risk\n") == 0)
		rc = 0;
	while (rc == 0 && fgets(line, sizeof(line), f))
		rc = read_alarm(line, drives);
	(void)fclose(f);
	return rc;
}

static bool
is_near(const char *what, double got, double want, double tolerance)
{
	bool near = got >= want - tolerance && got <= want + tolerance;

	printf("  %s %.2f, documented %.2f%s\n", what, got, want,
		near ? "" : "  WRONG");
	return near;
}

static bool
score(struct hash *drives, const struct want *w)
{
	double failed = 0, good = 0, survivors = 0;
	double found = 0, accused = 0, accused_survivors = 0;
	int32_t end = 0;
	struct drive *d;
	bool ok;

	for (size_t at = 0; (d = hash_next(drives, &at));)
		end = d->last > end ? d->last : end;
	for (size_t at = 0; (d = hash_next(drives, &at));) {
		int32_t alarm = d->alarm[w->level];

		if (d->failed != NEVER) {
			failed++;
			found += alarm <= d->failed - 1;
			continue;
		}
		good++;
		accused += alarm != NEVER;
		survivors += d->last >= end - 7;
		accused_survivors += alarm != NEVER && d->last >= end - 7;
	}
	printf("%s\n", level_name(w->level));
	ok = is_near("FDR", 100 * found / failed, w->fdr, 1.0);
	ok &= is_near("FAR", 100 * accused / good, w->far, 0.1);
	ok &= is_near("survivor FAR", 100 * accused_survivors / survivors,
		w->survivor_far, 0.1);
	return ok;
}

static int
check_card(const char *data, const char *alarms)
{
	struct backtest_args args = { .data = &data, .n_data = 1,
		.emit = alarms };
	struct tc_err e = { 0 };
	struct hash drives = { 0 };
	struct drive *d;
	int status = 1;

	if (backtest_command(&args, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		goto out;
	}
	if (read_data(data, &drives) < 0 || read_alarms(alarms, &drives) < 0)
		goto out;
	status = 0;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		if (!score(&drives, &wants[i]))
			status = 1;
	}
out:
	for (size_t at = 0; (d = hash_next(&drives, &at));)
		mem_free(d);
	hash_free(&drives);
	return status;
}

int
main(void)
{
	const char *shared = getenv("TOCSIN_SHARED");
	char alarms[] = "/tmp/tocsin-alarms-XXXXXX";
	struct strbuf data = { 0 };
	int fd, status;

	strbuf_printf(&data, "%s/data/disks/bb-changes-train.csv.gz",
		shared ? shared : "../shared");
	if (access(strbuf_str(&data), R_OK) != 0) {
		printf("skipped: no %s\n", strbuf_str(&data));
		strbuf_free(&data);
		return SKIPPED;
	}
	fd = mkstemp(alarms);
	if (fd < 0)
		return 1;
	status = check_card(strbuf_str(&data), alarms);
	(void)close(fd);
	(void)unlink(alarms);
	strbuf_free(&data);
	return status;
}
