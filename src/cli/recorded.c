#include "cli/recorded.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/tend.h"
#include "wire/json_read.h"

#define METRIC "check_ok"
#define REPLAY_BYTES_MAX ((size_t)1 << 30)
#define INTERVAL_DEFAULT_S 15
/* No point for so many intervals: nobody measured then. */
#define GAP_INTERVALS 3

/* ---- taking points ---- */

static struct recorded_check *
check_of(struct recorded *r, const char *host, const char *key)
{
	struct recorded_check *c;
	void *items = r->checks;

	/* They come by check as a rule. */
	for (size_t i = r->n; i-- > 0;) {
		c = &r->checks[i];
		if (strcmp(c->host, host) == 0 && strcmp(c->key, key) == 0)
			return c;
	}
	if (mem_grow(&items, &r->cap, r->n + 1, sizeof(*c)) < 0)
		return NULL;
	r->checks = items;
	c = &r->checks[r->n];
	*c = (struct recorded_check){ .host = arena_strdup(&r->texts, host),
		.key = arena_strdup(&r->texts, key) };
	if (c->host == NULL || c->key == NULL)
		return NULL;
	r->n++;
	return c;
}

static int
take(struct recorded *r, const struct tend_sample *s)
{
	struct recorded_check *c = check_of(r, s->host, s->instance);
	void *points;

	if (c == NULL)
		return TC_ENOMEM;
	points = c->points;
	if (mem_grow(&points, &c->cap, c->n + 1, sizeof(*c->points)) < 0)
		return TC_ENOMEM;
	c->points = points;
	c->points[c->n++] = (struct recorded_point){ s->at.ms,
		(float)s->value };
	return 0;
}

/* ---- a server's file ---- */

struct names {
	char **items;
	size_t n, cap;
	struct arena *texts;
};

static int
keep_name(void *arg, const char *host)
{
	struct names *names = arg;
	void *items = names->items;
	char *copy = arena_strdup(names->texts, host);

	if (copy == NULL || mem_grow(&items, &names->cap, names->n + 1,
		sizeof(char *)) < 0)
		return TC_ENOMEM;
	names->items = items;
	names->items[names->n++] = copy;
	return 0;
}

static int
keep_sample(void *arg, const struct tend_sample *s)
{
	/* Of the host's own checks; VMs and roles have no slots here. */
	return s->device[0] == '\0' ? take(arg, s) : 0;
}

static int
load_file(const char *path, struct recorded *r, struct tc_err *e)
{
	struct names names = { .texts = &r->texts };
	int rc = tend_hosts(path, keep_name, &names, e);

	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		struct tend_export q = { .host = names.items[i],
			.metric = METRIC, .sink = keep_sample, .arg = r };

		rc = tend_export(path, &q, e);
		if (rc == TC_ENOENT)
			rc = 0;
	}
	mem_free(names.items);
	return rc;
}

/* ---- lines ---- */

struct line {
	const char *metric;
	const char *at;
	struct tend_sample s;
};

static void
read_member(struct json_read *j, struct json_str key, struct line *l)
{
	if (json_str_is(key, "host"))
		l->s.host = json_get_cstr(j, 253);
	else if (json_str_is(key, "device"))
		l->s.device = json_get_cstr(j, 1024);
	else if (json_str_is(key, "instance"))
		l->s.instance = json_get_cstr(j, 1024);
	else if (json_str_is(key, "metric"))
		l->metric = json_get_cstr(j, 255);
	else if (json_str_is(key, "at"))
		l->at = json_get_cstr(j, WALL_TEXT);
	else if (json_str_is(key, "value") && json_peek(j) == JSON_NULL)
		json_get_null(j);
	else if (json_str_is(key, "value"))
		l->s.value = json_get_double(j);
	else
		json_unknown(j);
}

static int
take_line(struct recorded *r, char *text, size_t n, struct tc_err *e)
{
	struct line l = { "", "", { "", "", "", { 0 }, NAN } };
	struct json_read j;
	struct json_str key;
	int rc;

	json_open(&j, text, n);
	if (json_enter_object(&j))
		while (json_next_key(&j, &key))
			read_member(&j, key, &l);
	if ((rc = json_close(&j, e)) < 0)
		return rc;
	if (l.s.host[0] == '\0' || l.s.instance[0] == '\0')
		return tc_fail(e, TC_EINVAL, "host and instance are wanted");
	if (wall_parse(l.at, strlen(l.at), &l.s.at) < 0)
		return tc_fail(e, TC_EINVAL, "at: no time");
	if (strcmp(l.metric, METRIC) != 0 || l.s.device[0] != '\0')
		return 0;
	rc = take(r, &l.s);
	return rc < 0 ? tc_fail(e, rc, "out of memory") : 0;
}

static int
load_lines(const char *path, struct recorded *r, struct tc_err *e)
{
	struct strbuf text = { 0 };
	unsigned line = 1;
	char *at, *end;
	int rc = file_slurp(path, REPLAY_BYTES_MAX, &text, e);

	at = text.p;
	for (; rc == 0 && at != NULL && *at != '\0'; at = end, line++) {
		size_t n = strcspn(at, "\n");

		end = at + n + (at[n] == '\n');
		at[n] = '\0';
		if (n > 0 && (rc = take_line(r, at, n, e)) < 0)
			tc_wrap(e, "%s:%u", path, line);
	}
	strbuf_free(&text);
	return rc;
}

/* ---- put in order ---- */

static int
by_time(const void *a, const void *b)
{
	const struct recorded_point *x = a, *y = b;

	return x->at_ms < y->at_ms ? -1 : x->at_ms > y->at_ms;
}

static int
by_host(const void *a, const void *b)
{
	const struct recorded_check *x = a, *y = b;
	int cmp = strcmp(x->host, y->host);

	return cmp != 0 ? cmp : strcmp(x->key, y->key);
}

/* The smallest distance of slots, in whole seconds. */
static struct dur
interval_of(const struct recorded_check *c)
{
	int64_t best = INT64_MAX;

	for (size_t i = 1; i < c->n; i++) {
		int64_t s = (c->points[i].at_ms - c->points[i - 1].at_ms +
			500) / 1000;

		if (s > 0 && s < best)
			best = s;
	}
	return dur_s(best == INT64_MAX ? INTERVAL_DEFAULT_S : best);
}

static int
settle(struct recorded *r, struct tc_err *e)
{
	if (r->n == 0)
		return tc_fail(e, TC_ENOENT, "no check was recorded");
	r->plan = mem_alloc_array(r->n, sizeof(*r->plan));
	if (r->plan == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	qsort(r->checks, r->n, sizeof(*r->checks), by_host);
	r->from_ms = INT64_MAX;
	r->to_ms = INT64_MIN;
	for (size_t i = 0; i < r->n; i++) {
		struct recorded_check *c = &r->checks[i];
		int64_t end;

		qsort(c->points, c->n, sizeof(*c->points), by_time);
		r->plan[i] = (struct virtual_check){ c->host, c->key,
			interval_of(c) };
		r->hosts += i == 0 || strcmp(c->host, c[-1].host) != 0;
		end = c->points[c->n - 1].at_ms +
			dur_to_ms(r->plan[i].interval);
		if (c->points[0].at_ms < r->from_ms)
			r->from_ms = c->points[0].at_ms;
		if (end > r->to_ms)
			r->to_ms = end;
	}
	return 0;
}

int
recorded_load(const char *path, struct recorded *out, struct tc_err *e)
{
	static const char magic[] = "SQLite format 3";
	char begin[sizeof(magic)] = "";
	FILE *f = fopen(path, "rb");
	size_t n;
	int rc;

	*out = (struct recorded){ 0 };
	if (f == NULL)
		return tc_fail_errno(e, errno, "%s", path);
	n = fread(begin, 1, sizeof(begin), f);
	fclose(f);
	rc = n == sizeof(magic) && memcmp(begin, magic, n) == 0 ?
		load_file(path, out, e) : load_lines(path, out, e);
	if (rc == 0 && (rc = settle(out, e)) < 0)
		tc_wrap(e, "%s", path);
	if (rc < 0)
		recorded_free(out);
	return rc;
}

void
recorded_free(struct recorded *r)
{
	for (size_t i = 0; i < r->n; i++)
		mem_free(r->checks[i].points);
	mem_free(r->checks);
	mem_free(r->plan);
	arena_free(&r->texts);
	*r = (struct recorded){ 0 };
}

/* ---- answering ---- */

/* The last point not behind `at`; NULL = none. */
static const struct recorded_point *
point_at(const struct recorded_check *c, int64_t at)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (c->points[mid].at_ms <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? &c->points[low - 1] : NULL;
}

/* What was recorded begins again when it is over. */
enum tocsin_reason
recorded_answer(void *arg, size_t i, struct dur since)
{
	const struct recorded *r = arg;
	int64_t at = r->from_ms + dur_to_ms(since) % (r->to_ms - r->from_ms);
	const struct recorded_point *p = point_at(&r->checks[i], at);

	if (p == NULL || isnan(p->ok) || at - p->at_ms >
		GAP_INTERVALS * dur_to_ms(r->plan[i].interval))
		return TOCSIN_WHY_SLOT_MISSED;
	/* Which fault it was is not in history; it is not silence. */
	return p->ok > 0 ? TOCSIN_WHY_NONE : TOCSIN_WHY_REPORTED_CRITICAL;
}
