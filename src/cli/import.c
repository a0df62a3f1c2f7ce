/*
 * tocsin import FILE: recorded history, as Backblaze-format CSV (plain, .gz,
 * .zst) or as batches, one a line, as agents send them.
 */
#include "cli/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "model/name.h"
#include "replay/replay.h"
#include "wire/batch.h"
#include "wire/json_write.h"

#define ROWS_AT_ONCE 500
#define DRIVES_MAX 1000		/* of one host */

struct ending {
	const char *serial;
	int32_t day;
};

struct import {
	struct cli *c;
	const char *file;
	char host[NAME_MAX_BYTES + 1];
	struct import_store *store;	/* NULL: a server is asked */
	struct batch batch;		/* being filled */
	struct import_counts counts;
	size_t rows;
	size_t drives;
	size_t failed;		/* drives whose last day is in it */
	int32_t oldest;
	struct ending *endings;	/* of the drives that failed */
	size_t n_endings, cap_endings;
	struct arena texts;	/* of endings */
};

/* ---- to whom it goes ---- */

/* TC_EBUSY is not told apart from a server elsewhere: it is asked then. */
static int
choose_target(struct import *im, struct tc_err *e)
{
	const char *dir = im->c->opt.state_dir;
	int rc;

	if (!dir)
		return 0;
	rc = import_store_open(im->c, dir, &im->store, e);
	if (rc == TC_EBUSY)
		*e = (struct tc_err){0};
	return rc == TC_EBUSY ? 0 : rc;
}

static int
post(struct import *im, const struct strbuf *body, struct tc_err *e)
{
	struct doc *reply;
	int rc = api_send(im->c, "POST", "/v1/observations", body, &reply, e);

	if (rc < 0)
		return rc;
	im->counts.accepted += (size_t)doc_number(reply, "accepted", 0);
	im->counts.duplicates += (size_t)doc_number(reply, "duplicates", 0);
	arena_reset(&im->c->arena);
	return 0;
}

static int
send_batch(struct import *im, const struct batch *b, struct tc_err *e)
{
	struct strbuf body = {0};
	int rc;

	if (im->store)
		return import_store_put(im->store, b, e);
	if ((rc = batch_write(b, &body)) == 0)
		rc = post(im, &body, e);
	strbuf_free(&body);
	return rc;
}

/* What stands in a file is no usage of ours. */
static int
of_file(int rc)
{
	return rc == TC_EINVAL ? TC_EPROTO : rc;
}

/* ---- CSV ---- */

static int
send_rows(struct import *im, struct tc_err *e)
{
	int rc = im->batch.n > 0 ? send_batch(im, &im->batch, e) : 0;

	arena_free(&im->batch.arena);
	im->batch = (struct batch){ .host = im->host, .id = "" };
	return rc;
}

static int
add_row(struct import *im, const struct row *row, struct tc_err *e)
{
	static const char *const names[] = {
#define X(sym, metric, slots, kind) metric,
		COUNTER_TABLE(X)
#undef X
	};
	struct arena *a = &im->batch.arena;
	struct metric *m = arena_alloc(a, COUNTER_N * sizeof(*m));
	struct observation *ob;

	if (im->batch.n == 0)
		im->batch.items = arena_alloc(a, ROWS_AT_ONCE * sizeof(*ob));
	if (!m || !im->batch.items)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	ob = &im->batch.items[im->batch.n++];
	*ob = (struct observation){ .probe = "smart",
		.at = wall_from_days(row->day), .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_NONE, .text = "", .metrics = m,
		.device = { "disk", arena_strndup(a, row->model, row->model_n),
			arena_strndup(a, row->serial, row->serial_n), "" } };
	if (!ob->device.model || !ob->device.serial)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (size_t i = 0; i < COUNTER_N; i++) {
		if (row->seen >> i & 1)
			m[ob->n_metrics++] = (struct metric){ .name = names[i],
				.instance = "", .type = TOCSIN_F64,
				.v.f64 = (double)row->raw[i] };
	}
	return im->batch.n == ROWS_AT_ONCE ? send_rows(im, e) : 0;
}

/* Told once all rows are there, so that nothing of it comes later. */
static int
note_ending(struct import *im, const struct row *row, struct tc_err *e)
{
	void *endings = im->endings;
	struct ending *end;

	if (!row->failure)
		return 0;
	if (mem_grow(&endings, &im->cap_endings, im->n_endings + 1,
		    sizeof(*im->endings)) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	im->endings = endings;
	end = &im->endings[im->n_endings];
	*end = (struct ending){ arena_strndup(&im->texts, row->serial,
		row->serial_n), row->day };
	if (!end->serial)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	im->n_endings++;
	return 0;
}

static int
send_ending(struct import *im, const struct ending *end, struct tc_err *e)
{
	struct strbuf body = {0};
	struct json_write w;
	struct doc *reply;
	int rc;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "device", end->serial);
	json_add_str(&w, "outcome", "failed");
	json_add_wall(&w, "at", wall_from_days(end->day));
	json_add_bool(&w, "gone", true);
	json_add_bool(&w, "imported", true);
	json_put_end(&w);
	if (body.failed)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	else if (im->store)
		rc = import_store_outcome(im->store, &body, e);
	else
		rc = api_send(im->c, "POST", "/v1/outcomes", &body, &reply, e);
	strbuf_free(&body);
	return rc < 0 ? tc_wrap(e, "the failure of %s", end->serial) : 0;
}

/* Before anything is sent: is it good to its end, and what is in it. */
static int
look_at_rows(struct import *im, struct row_source *rows, struct tc_err *e)
{
	struct arena names = {0};
	struct hash drives = {0};
	struct row row;
	int rc;

	im->oldest = INT32_MAX;
	while ((rc = rows->next(rows, &row, e)) > 0) {
		const char *serial;

		im->rows++;
		im->failed += row.failure;
		im->oldest = row.day < im->oldest ? row.day : im->oldest;
		if (hash_get(&drives, row.serial, row.serial_n))
			continue;
		serial = arena_strndup(&names, row.serial, row.serial_n);
		if (!serial || hash_put(&drives, serial, row.serial_n,
				&names) < 0)
			rc = tc_fail(e, TC_ENOMEM, "out of memory");
		else if (drives.n > DRIVES_MAX)
			rc = tc_fail(e, TC_ERANGE, "%s:%llu: more than %d "
				"drives: which are of one host?", row.file,
				(unsigned long long)row.line, DRIVES_MAX);
		if (rc < 0)
			break;
	}
	im->drives = drives.n;
	hash_free(&drives);
	arena_free(&names);
	return rc;
}

static int
check_age(const struct import *im, struct tc_err *e)
{
	struct clock *clock = im->c->clock;
	char text[WALL_TEXT];

	if (im->store || im->rows == 0 || clock->wall(clock).ms -
	    wall_from_days(im->oldest).ms <= BATCH_OLDEST_MS)
		return 0;
	wall_format(wall_from_days(im->oldest), text, sizeof(text));
	return tc_fail(e, TC_ERANGE, "%s begins %.10s: a running server takes "
		"observations of the last 7 days; stop it and import with "
		"--state-dir", im->file, text);
}

/* A progress in percent while it lasts, on a terminal only. */
static void
say_progress(const struct replay *replay, bool last)
{
	double share = replay_progress(replay);

	if (!isatty(2) || share < 0)
		return;
	fprintf(stderr, "\r%3.0f %%%s", share * 100, last ? "\r      \r" : "");
}

static int
import_csv(struct import *im, struct tc_err *e)
{
	struct replay *replay = NULL;
	struct row row;
	size_t n = 0;
	int rc;

	if (!im->c->opt.host)
		return tc_fail(e, TC_EINVAL, "import of a CSV file needs "
			"--host: whose drives are they?");
	if ((rc = name_fold(im->c->opt.host, strlen(im->c->opt.host), im->host,
			e)) < 0)
		return tc_wrap(e, "--host");
	if ((rc = replay_open(&im->file, 1, &replay, e)) < 0)
		return rc;
	rc = of_file(look_at_rows(im, replay_source(replay), e));
	replay_close(replay);
	if (rc < 0 || (rc = check_age(im, e)) < 0 ||
	    (rc = replay_open(&im->file, 1, &replay, e)) < 0)
		return rc;
	im->batch = (struct batch){ .host = im->host, .id = "" };
	while ((rc = replay_source(replay)->next(replay_source(replay), &row,
			e)) > 0 && (rc = add_row(im, &row, e)) == 0 &&
		(rc = note_ending(im, &row, e)) == 0) {
		if (n++ % 10000 == 0)
			say_progress(replay, false);
	}
	if (rc == 0)
		rc = send_rows(im, e);
	for (size_t i = 0; rc == 0 && i < im->n_endings; i++)
		rc = send_ending(im, &im->endings[i], e);
	mem_free(im->endings);
	arena_free(&im->texts);
	say_progress(replay, true);
	arena_free(&im->batch.arena);
	replay_close(replay);
	return rc;
}

/* ---- batches, one a line ---- */

static int
send_line(struct import *im, const char *line, size_t n, struct tc_err *e)
{
	struct strbuf body = {0};
	struct batch b;
	int rc;

	if ((rc = batch_parse(line, n, &b, e)) < 0)
		return rc;
	im->rows += b.n;
	if (im->store) {
		rc = import_store_put(im->store, &b, e);
	} else {
		strbuf_add(&body, line, n);
		rc = post(im, &body, e);
	}
	strbuf_free(&body);
	arena_free(&b.arena);
	return rc;
}

static int
import_lines(struct import *im, const struct strbuf *text, struct tc_err *e)
{
	const char *p = text->p, *end = text->p + text->n;
	size_t line = 0;
	int rc = 0;

	while (p < end && rc == 0) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);

		line++;
		if (n > 0 && p[n - 1] == '\r')
			n--;
		if (n > 0)
			rc = send_line(im, p, n, e);
		p = stop ? stop + 1 : end;
	}
	return rc < 0 ? of_file(tc_wrap(e, "%s:%zu", im->file, line)) : 0;
}

/* A batch begins with '{'; a header line, gzip and zstd do not. */
static int
import_file(struct import *im, struct tc_err *e)
{
	struct strbuf text = {0};
	char first[8] = "";
	FILE *f = fopen(im->file, "re");
	int rc;

	if (!f)
		return tc_fail_errno(e, errno, "%s", im->file);
	if (!fgets(first, sizeof(first), f))
		first[0] = '\0';
	fclose(f);
	if (first[0] != '{')
		return import_csv(im, e);
	if ((rc = file_slurp(im->file, 0, &text, e)) == 0)
		rc = import_lines(im, &text, e);
	strbuf_free(&text);
	return rc;
}

/* ---- the verb ---- */

static void
say_number(struct cli *c, const char *key, size_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", n);
	out_pair(&c->out, key, text);
}

static void
report(const struct import *im)
{
	struct cli *c = im->c;

	say_number(c, "rows", im->rows);
	say_number(c, "accepted", im->counts.accepted);
	say_number(c, "duplicates", im->counts.duplicates);
	if (c->out.format == OUT_JSON)
		strbuf_printf(&c->out.text, "{\"rows\":%zu,\"accepted\":%zu,"
			"\"duplicates\":%zu,\"offline\":%s}\n", im->rows,
			im->counts.accepted, im->counts.duplicates,
			im->store ? "true" : "false");
	out_say(&c->out, "%zu of %zu rows taken, %zu were there already\n",
		im->counts.accepted, im->rows, im->counts.duplicates);
	if (im->drives > 0)
		out_say(&c->out, "%zu drive%s of %s\n", im->drives,
			im->drives == 1 ? "" : "s", im->host);
	if (im->failed > 0)
		out_say(&c->out, "%zu failed: noted as outcomes\n",
			im->failed);
	if (im->store)
		out_say(&c->out, "this is history: it is judged when the "
			"server starts, and convicts nobody\n");
}

int
verb_import(struct cli *c, struct tc_err *e)
{
	struct import im = { .c = c, .file = c->rest.operands[0] };
	int rc = choose_target(&im, e);

	if (rc == 0)
		rc = import_file(&im, e);
	if (rc == 0 && im.store)
		rc = import_store_finish(im.store, im.file, &im.counts, e);
	if (rc == 0)
		report(&im);
	import_store_close(im.store);
	return rc;
}
