/*
 * /v1/predictor/scorecard and /v1/outcomes: how often we were right, and what
 * that is reckoned from.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "http/view.h"
#include "predict/book.h"
#include "wire/verdict.h"

#define DAYS(ms) ((double)(ms) / 86400000.0)
static const char too_little[] = "not enough data";

/* ---- the scorecard ---- */

static void
add_share(struct json_write *w, const char *key, const struct share *s,
	bool known)
{
	json_add_object(w, key);
	json_add_u64(w, "k", s->k);
	json_add_u64(w, "n", s->n);
	if (known) {
		json_add_double(w, "share", s->p);
		json_add_double(w, "low", s->low);
		json_add_double(w, "high", s->high);
	} else {
		json_add_null(w, "share");
		json_add_str(w, "note", too_little);
	}
	json_put_end(w);
}

static void
add_days(struct json_write *w, const char *key, const struct lead_days *l)
{
	json_add_object(w, key);
	json_add_i64(w, "days", l->days);
	json_add_i64(w, "low", l->low);
	json_add_i64(w, "high", l->high);
	json_put_end(w);
}

struct false_alarms { uint64_t n; double per_host_year, low, high; };

static void
add_false(struct json_write *w, const struct false_alarms *f, double years)
{
	json_add_object(w, "false_alarms");
	json_add_u64(w, "n", f->n);
	if (years >= 1) {
		json_add_double(w, "per_host_year", f->per_host_year);
		json_add_double(w, "low", f->low);
		json_add_double(w, "high", f->high);
	} else {
		json_add_null(w, "per_host_year");
		json_add_str(w, "note", too_little);
	}
	json_put_end(w);
}

static void
put_level(struct json_write *w, enum level level,
	const struct scorecard_level *l, const struct scorecard *card)
{
	json_put_object(w);
	json_add_str(w, "level", level_name(level));
	add_share(w, "precision", &l->precision, l->precision_known);
	add_share(w, "recall", &l->recall, l->recall_known);
	json_add_u64(w, "open", l->open);
	add_false(w, &(struct false_alarms){ l->wrong, l->wrong_per_host_year,
		l->wrong_low, l->wrong_high }, card->host_years);
	json_add_object(w, "lead_time");
	if (l->lead_known) {
		add_days(w, "p10", &l->lead_p10);
		add_days(w, "median", &l->lead_median);
		add_days(w, "p90", &l->lead_p90);
	} else {
		json_add_str(w, "note", too_little);
	}
	json_put_end(w);
	json_put_end(w);
}

/* Into an open object. */
static void
add_card(struct json_write *w, const struct scorecard *card)
{
	json_add_u64(w, "devices", card->devices);
	json_add_u64(w, "hosts", card->hosts);
	json_add_double(w, "host_years", round(card->host_years * 1000) / 1000);
	json_add_u64(w, "failed", card->failed);
	json_add_array(w, "levels");
	for (int l = LEVEL_WATCH; l < LEVEL_N; l++)
		put_level(w, (enum level)l, &card->levels[l], card);
	json_put_end(w);
}

static void
put_led(struct json_write *w, const struct book_rule *rule, double years)
{
	json_put_object(w);
	json_add_str(w, "rule", rule->id);
	json_add_str(w, "of", rule->of_hosts ? "host" : "device");
	json_add_array(w, "levels");
	for (int l = LEVEL_WATCH; l < LEVEL_N; l++) {
		const struct scorecard_rule *r = &rule->levels[l];

		if (r->right + r->wrong + r->open == 0)
			continue;
		json_put_object(w);
		json_add_str(w, "level", level_name((enum level)l));
		add_share(w, "precision", &r->precision, r->precision_known);
		add_false(w, &(struct false_alarms){ r->wrong,
			r->wrong_per_host_year, r->wrong_low, r->wrong_high },
			years);
		json_add_u64(w, "open", r->open);
		json_put_end(w);
	}
	json_put_end(w);
	json_put_end(w);
}

static void
put_pack(struct json_write *w, const struct book_pack *p)
{
	json_put_object(w);
	json_add_str(w, "pack", p->id);
	json_add_wall(w, "from", p->from);
	json_add_wall(w, "to", p->to);
	add_card(w, &p->card);
	json_put_end(w);
}

void
view_scorecard(struct request *r)
{
	struct http_io *io = r->h->io;
	struct book *book = MEM_NEW(struct book);
	struct tc_err e = { 0 };
	struct json_write w;
	int rc = book == NULL ? tc_fail(&e, TC_ENOMEM, "out of memory") :
		io->scorecard(io, book, &e);

	if (rc < 0) {
		problem_err(r, rc, &e);
		mem_free(book);
		return;
	}
	reply_open(r, &w, NULL);
	json_add_double(&w, "settle_days", DAYS(dur_to_ms(book->settle)));
	json_add_u64(&w, "enough", SCORECARD_ENOUGH);
	json_add_object(&w, "all");
	add_card(&w, &book->all);
	json_put_end(&w);
	json_add_object(&w, "hosts");
	add_card(&w, &book->hosts);
	json_put_end(&w);
	json_add_array(&w, "packs");
	for (size_t i = 0; i < book->n_packs; i++)
		put_pack(&w, &book->packs[i]);
	json_put_end(&w);
	json_add_array(&w, "rules");
	for (size_t i = 0; i < book->n_rules; i++)
		put_led(&w, &book->rules[i], book->rules[i].of_hosts ?
			book->hosts.host_years : book->all.host_years);
	json_put_end(&w);
	json_put_end(&w);
	mem_free(book);
}

/* ---- the outcomes ---- */

struct listing {
	struct json_write *w;
	uint64_t left;
	uint64_t last;
	bool more;
};

static int
put_outcome(void *arg, const struct http_outcome *o)
{
	struct listing *l = arg;
	struct json_write *w = l->w;

	if (l->left == 0) {
		l->more = true;
		return 1;
	}
	l->left--;
	l->last = o->id;
	json_put_object(w);
	json_add_u64(w, "id", o->id);
	json_add_str(w, "host", o->host);
	json_put_key(w, "device");
	if (o->of_device)
		device_id_write(w, &o->device);
	else
		json_put_null(w);
	json_add_str(w, "outcome", o->outcome);
	json_add_wall(w, "at", o->at);
	json_add_wall(w, "noted", o->noted);
	json_add_str(w, "source", o->source);
	json_add_str(w, "by", o->by);
	json_add_str(w, "note", o->note);
	json_add_u64(w, "predictions", o->predictions);
	json_put_end(w);
	return 0;
}

void
view_outcomes(struct request *r)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	static const uint64_t afters[3] = { 0, INT64_MAX, 0 };
	struct http_io *io = r->h->io;
	struct tc_err e = { 0 };
	struct json_write w;
	struct listing l = { .w = &w };
	struct http_outcome_query q = { .sink = put_outcome, .arg = &l };
	uint64_t limit, after;
	int rc;

	if (target_u64(&r->target, "limit", limits, &limit, &e) < 0 ||
	    target_u64(&r->target, "after", afters, &after, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	l.left = limit;
	q.after = after;
	q.limit = (size_t)limit + 1;
	reply_open(r, &w, NULL);
	json_add_array(&w, "items");
	if ((rc = io->outcomes(io, &q, &e)) < 0) {
		problem_err(r, rc, &e);
		return;
	}
	list_end_seq(&w, l.more ? l.last : 0);
	json_put_end(&w);
}
