/*
 * /v1/stats/mttx: how long it took to notice failures, and until they were
 * repaired (contrib/mttx.md).
 */
#include <math.h>

#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "http/view.h"
#include "predict/mttx.h"

#define SPAN_DEFAULT_S (90 * INT64_C(86400))

static double
rounded(double seconds)
{
	return round(seconds * 1000) / 1000;
}

static void
add_times(struct json_write *w, const char *key, const struct mttx_times *t)
{
	json_add_object(w, key);
	json_add_u64(w, "n", t->n);
	if (t->known) {
		json_add_double(w, "mean_seconds", rounded(t->mean_seconds));
		json_add_double(w, "median_seconds",
			rounded(t->median_seconds));
		json_add_double(w, "longest_seconds",
			rounded(t->longest_seconds));
	} else {
		json_add_null(w, "mean_seconds");
		json_add_str(w, "note", "not enough data");
	}
	json_put_end(w);
}

static void
add_side(struct json_write *w, const char *key, const struct mttx_side *s,
	bool predicted)
{
	json_add_object(w, key);
	json_add_u64(w, "incidents", s->incidents);
	json_add_u64(w, "open", s->open);
	json_add_u64(w, "gone", s->gone);
	add_times(w, "mttd", &s->detection);
	add_times(w, "mttr", &s->repair);
	if (predicted)
		add_times(w, "warned", &s->warned);
	json_put_end(w);
}

static void
put_row(struct json_write *w, const struct mttx *m, int layer, int cause)
{
	const struct mttx_row *row = &m->rows[layer][cause];

	json_put_object(w);
	json_add_str(w, "layer", layer < MTTX_LAYERS ?
		mttx_layer_id((enum mttx_layer)layer) : "all");
	json_add_str(w, "cause", cause < MTTX_CAUSES ?
		cause_id((enum cause_hint)cause) : "all");
	add_side(w, "reactive", &row->reactive, false);
	add_side(w, "predicted", &row->predicted, true);
	json_put_end(w);
}

/* All together first, then each layer, each cause, and what there is of
 * both. */
static void
add_rows(struct json_write *w, const struct mttx *m)
{
	put_row(w, m, MTTX_LAYERS, MTTX_CAUSES);
	for (int l = 0; l < MTTX_LAYERS; l++)
		put_row(w, m, l, MTTX_CAUSES);
	for (int c = 0; c < MTTX_CAUSES; c++)
		put_row(w, m, MTTX_LAYERS, c);
	for (int l = 0; l < MTTX_LAYERS; l++)
		for (int c = 0; c < MTTX_CAUSES; c++)
			if (m->rows[l][c].reactive.incidents > 0 ||
			    m->rows[l][c].predicted.incidents > 0)
				put_row(w, m, l, c);
}

void
view_mttx(struct request *r)
{
	struct http_io *io = r->h->io;
	struct wall to = io->clock->wall(io->clock), from = { INT64_MIN };
	struct mttx *m = NULL;
	struct tc_err e = { 0 };
	struct json_write w;
	int rc;

	if (target_wall(&r->target, "to", &to, &e) < 0 ||
	    target_wall(&r->target, "from", &from, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (from.ms == INT64_MIN)
		from = wall_add(to, dur_s(-SPAN_DEFAULT_S));
	if (from.ms >= to.ms) {
		problem_set(r, 400, "invalid", "from is not before to");
		return;
	}
	m = MEM_NEW(struct mttx);
	rc = m == NULL ? tc_fail(&e, TC_ENOMEM, "out of memory") :
		io->mttx(io, from, to, m, &e);
	if (rc < 0) {
		problem_err(r, rc, &e);
		mem_free(m);
		return;
	}
	reply_open(r, &w, NULL);
	json_add_wall(&w, "from", m->from);
	json_add_wall(&w, "to", m->to);
	json_add_u64(&w, "enough", MTTX_ENOUGH);
	json_add_u64(&w, "in_maintenance", m->in_maintenance);
	json_add_array(&w, "items");
	add_rows(&w, m);
	json_put_end(&w);
	json_put_end(&w);
	mem_free(m);
}
