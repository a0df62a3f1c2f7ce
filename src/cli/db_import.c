/*
 * tocsin db import FILE: samples that db export wrote come back into history,
 * to the bit.  The file is read to its end first; only then anything is
 * written.  What is there already, measured or imported, is left as it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "cli/import.h"
#include "store/tend.h"
#include "store/tiers.h"
#include "wire/sample_text.h"

#define FUTURE_MS 300000
#define SAMPLES_MAX 1000000	/* of a metric of a subject and day */

/* A metric of a subject on a day: what is held in memory. */
struct run {
	const char *host, *device, *metric;
	int64_t day;
	uint32_t subject;
	struct sample_text *items;
	size_t n, cap;
	struct arena texts;
};

struct importing {
	struct cli *c;
	const char *path;	/* of the database */
	const char *file;
	bool csv;
	struct import_store *store;
	struct run run;
	size_t samples, known;
};

/* ---- a run ---- */

static int
by_time(const void *a, const void *b)
{
	const struct sample_text *x = a, *y = b;

	if (x->at.ms != y->at.ms)
		return x->at.ms < y->at.ms ? -1 : 1;
	return strcmp(x->instance, y->instance);
}

/* Times and instances that history has. */
struct known {
	struct hash there;
	struct arena keys;
	struct strbuf key;
	size_t n;
	bool failed;
};

static const struct strbuf *
key_of(struct known *k, struct wall at, const char *instance)
{
	strbuf_reset(&k->key);
	strbuf_add(&k->key, &at.ms, sizeof(at.ms));
	strbuf_puts(&k->key, instance);
	return &k->key;
}

static int
note(struct known *k, struct wall at, const char *instance)
{
	const struct strbuf *key = key_of(k, at, instance);
	char *copy = arena_alloc(&k->keys, key->n);

	if (copy != NULL)
		memcpy(copy, key->p, key->n);
	if (copy == NULL || hash_put(&k->there, copy, key->n, k) < 0)
		k->failed = true;
	k->n++;
	return k->failed;
}

static int
note_point(void *arg, const struct store_point *p)
{
	return note(arg, p->at, p->instance);
}

static void
known_free(struct known *k)
{
	hash_free(&k->there);
	arena_free(&k->keys);
	strbuf_free(&k->key);
}

static int
look_up(struct importing *im, struct known *k, struct tc_err *e)
{
	struct run *r = &im->run;
	struct store_series_query q = { .subject = r->subject,
		.metric = r->metric, .from = r->items[0].at,
		.to = { r->items[r->n - 1].at.ms + 1 }, .limit = SAMPLES_MAX };
	int rc = import_store_series(im->store, &q, note_point, k, e);

	if (rc == 0 && k->failed)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	if (rc == 0 && k->n >= SAMPLES_MAX)
		rc = tc_fail(e, TC_ERANGE, "more than %d samples on a day",
			SAMPLES_MAX);
	return rc;
}

/* Samples [first, end) of one time that history has not: a row. */
static int
add_row(struct importing *im, struct change_set *cs, size_t first, size_t end)
{
	struct run *r = &im->run;
	struct change *c = change_add(cs, CHANGE_HISTORY);
	struct change_series *series = arena_alloc(&cs->arena,
		(end - first) * sizeof(*series));
	uint64_t *values = arena_alloc(&cs->arena,
		(end - first) * sizeof(*values));
	struct strbuf probe = { 0 };

	strbuf_printf(&probe, "import.%s", r->metric);
	if (c == NULL || series == NULL || values == NULL || probe.failed)
		return TC_ENOMEM;
	for (size_t i = first; i < end; i++) {
		const struct sample_text *s = &r->items[i];

		series[i - first] = (struct change_series){
			.name = arena_strdup(&cs->arena, r->metric),
			.instance = arena_strdup(&cs->arena, s->instance),
			.type = s->type };
		values[i - first] = s->bits;
		if (series[i - first].name == NULL ||
		    series[i - first].instance == NULL)
			return TC_ENOMEM;
	}
	c->u.history = (struct change_history){ .at = r->items[first].at,
		.subject = r->subject, .n = end - first, .series = series,
		.probe = arena_strdup(&cs->arena, strbuf_str(&probe)),
		.values = values, .counted = true };
	strbuf_free(&probe);
	return c->u.history.probe == NULL ? TC_ENOMEM : 0;
}

/* What is there, or twice in the file, goes out of the run. */
static void
drop_known(struct importing *im, struct known *k)
{
	struct run *r = &im->run;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct sample_text *s = &r->items[i];
		const struct strbuf *key = key_of(k, s->at, s->instance);

		if (hash_get(&k->there, key->p, key->n) != NULL) {
			im->known++;
			continue;
		}
		r->items[n++] = *s;
		note(k, s->at, s->instance);
	}
	r->n = n;
}

static int
put_rows(struct importing *im, struct tc_err *e)
{
	struct run *r = &im->run;
	struct change_set *cs = change_set_new();
	int rc = cs == NULL ? TC_ENOMEM : 0;

	for (size_t first = 0, end; rc == 0 && first < r->n; first = end) {
		for (end = first + 1; end < r->n &&
			r->items[end].at.ms == r->items[first].at.ms;)
			end++;
		rc = add_row(im, cs, first, end);
	}
	if (rc == 0)
		return import_store_rows(im->store, cs, e);
	if (cs != NULL)
		change_set_free(cs);
	return tc_fail(e, rc, "out of memory");
}

static int
end_run(struct importing *im, struct tc_err *e)
{
	struct known known = { .n = 0 };
	struct run *r = &im->run;
	int rc = 0;

	if (r->n > 0) {
		qsort(r->items, r->n, sizeof(*r->items), by_time);
		if ((rc = look_up(im, &known, e)) == 0)
			drop_known(im, &known);
		if (rc == 0 && known.failed)
			rc = tc_fail(e, TC_ENOMEM, "out of memory");
		if (rc == 0 && r->n > 0)
			rc = put_rows(im, e);
	}
	known_free(&known);
	r->n = 0;
	return rc;
}

/* A host that nobody knows is made; a device came with its description. */
static int
find_subject(struct importing *im, const struct sample_text *s,
	struct tc_err *e)
{
	struct run *r = &im->run;
	int rc;

	if ((rc = import_store_host(im->store, s->host, &r->subject, e)) < 0 ||
	    s->device[0] == '\0')
		return rc;
	if ((rc = tend_find(im->path, s->host, s->device, &r->subject, e)) < 0)
		return rc;
	return r->subject != 0 ? 0 : tc_fail(e, TC_ENOENT, "device: %s has no "
		"%s; tocsin import makes drives known", s->host, s->device);
}

static bool
is_same_run(const struct run *r, const struct sample_text *s)
{
	return r->host != NULL && strcmp(r->host, s->host) == 0 &&
		strcmp(r->device, s->device) == 0 &&
		strcmp(r->metric, s->metric) == 0 &&
		r->day == floor_div(s->at.ms, DAY_MS);
}

static int
begin_run(struct importing *im, const struct sample_text *s, struct tc_err *e)
{
	struct run *r = &im->run;
	int rc = end_run(im, e);

	if (rc < 0)
		return rc;
	arena_reset(&r->texts);
	r->host = arena_strdup(&r->texts, s->host);
	r->device = arena_strdup(&r->texts, s->device);
	r->metric = arena_strdup(&r->texts, s->metric);
	r->day = floor_div(s->at.ms, DAY_MS);
	if (r->host == NULL || r->device == NULL || r->metric == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	return find_subject(im, s, e);
}

static int
take(struct importing *im, const struct sample_text *s, struct tc_err *e)
{
	struct run *r = &im->run;
	void *items = r->items;
	int rc;

	im->samples++;
	if (!is_same_run(r, s) && (rc = begin_run(im, s, e)) < 0)
		return rc;
	if (r->n == SAMPLES_MAX)
		return tc_fail(e, TC_ERANGE, "more than %d samples on a day",
			SAMPLES_MAX);
	if (mem_grow(&items, &r->cap, r->n + 1, sizeof(*s)) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	r->items = items;
	r->items[r->n] = *s;
	r->items[r->n].instance = arena_strdup(&r->texts, s->instance);
	return r->items[r->n++].instance != NULL ? 0 :
		tc_fail(e, TC_ENOMEM, "out of memory");
}

/* ---- the file ---- */

static int
check_time(const struct importing *im, const struct sample_text *s,
	struct tc_err *e)
{
	struct clock *clock = im->c->clock;

	if (s->at.ms < 0)
		return tc_fail(e, TC_EPROTO, "at: before 1970");
	if (s->at.ms > clock->wall(clock).ms + FUTURE_MS)
		return tc_fail(e, TC_EPROTO, "at: in the future");
	return 0;
}

/* `write`: else it is only looked at. */
static int
one_line(struct importing *im, char *line, size_t n, bool write,
	struct tc_err *e)
{
	struct sample_text s;
	int rc = im->csv ? sample_csv_parse(line, n, &s, e) :
		sample_json_parse(line, n, &s, e);

	if (rc < 0 || (rc = check_time(im, &s, e)) < 0)
		return rc;
	return write ? take(im, &s, e) : 0;
}

static int
read_head(struct importing *im, const char *line, struct tc_err *e)
{
	static const char older[] = "at,host,device,metric,instance,value";

	im->csv = line[0] != '{';
	if (!im->csv || strcmp(line, SAMPLE_CSV) == 0 ||
	    strcmp(line, older) == 0)
		return 0;
	return tc_fail(e, TC_EPROTO, "no export of ours: " SAMPLE_CSV
		", or a JSON object");
}

static int
read_file(struct importing *im, bool write, struct tc_err *e)
{
	FILE *f = fopen(im->file, "re");
	unsigned long long number = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	if (f == NULL)
		return tc_fail_errno(e, errno, "%s", im->file);
	while (rc == 0 && (n = getline(&line, &cap, f)) >= 0) {
		number++;
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		if (number == 1)
			rc = read_head(im, line, e);
		if (rc == 0 && n > 0 && (number > 1 || !im->csv))
			rc = one_line(im, line, (size_t)n, write, e);
	}
	if (rc < 0)
		tc_wrap(e, "%s:%llu", im->file, number);
	else if (ferror(f))
		rc = tc_fail(e, TC_EIO, "%s: cannot be read", im->file);
	free(line);
	fclose(f);
	return rc;
}

static int
write_all(struct importing *im, struct import_counts *counts,
	struct tc_err *e)
{
	int rc = read_file(im, true, e);

	if (rc == 0)
		rc = end_run(im, e);
	if (rc == 0)
		rc = import_store_finish(im->store, im->file, counts, e);
	if (rc == 0 && counts->duplicates > 0)
		rc = tc_fail(e, TC_EEXIST, "%zu rows not taken: an earlier "
			"import has their times, with other instances",
			counts->duplicates);
	return rc;
}

int
db_import(struct cli *c, const char *path, struct db_imported *out,
	struct tc_err *e)
{
	struct importing im = { .c = c, .path = path };
	struct import_counts counts = { 0 };
	int rc;

	if (c->rest.n < 2)
		return tc_fail(e, TC_EINVAL, "db import needs a FILE");
	im.file = c->rest.operands[1];
	if ((rc = read_file(&im, false, e)) < 0)
		return rc;
	rc = import_store_open(c, db_state_dir(c), &im.store, e);
	if (rc < 0)
		return rc == TC_EBUSY ? tc_wrap(e, "stop tocsind first") : rc;
	rc = write_all(&im, &counts, e);
	import_store_close(im.store);
	mem_free(im.run.items);
	arena_free(&im.run.texts);
	*out = (struct db_imported){ im.samples, im.known };
	return rc;
}
