#include "wire/verdict.h"

static double
hundredths(int32_t v)
{
	return (double)v / 100.0;
}

static void
add_probability(struct json_write *w, const char *key, double p)
{
	if (p < 0)
		json_add_null(w, key);
	else
		json_add_double(w, key, p);
}

void
verdict_write_risk(struct json_write *w, const struct risk *r)
{
	json_add_object(w, "risk");
	add_probability(w, "d7", r->d7);
	add_probability(w, "d30", r->d30);
	add_probability(w, "d90", r->d90);
	json_put_end(w);
}

static void
write_row(struct json_write *w, const struct verdict_evidence *row)
{
	json_put_object(w);
	json_add_str(w, "kind", evidence_kind_name(row->kind));
	json_add_str(w, "rule", row->rule);
	json_add_str(w, "metric", row->metric);
	json_add_str(w, "stat", row->stat);
	json_add_i64(w, "value", row->value);
	json_add_i64(w, "baseline", row->baseline);
	json_add_i64(w, "change", row->change);
	json_add_wall(w, "observed_at", row->observed_at);
	json_add_i64(w, "age_ms", dur_to_ms(row->age));
	json_add_double(w, "contribution", hundredths(row->contribution));
	json_put_end(w);
}

/* Counter-evidence are the rows that speak against. */
static void
write_rows(struct json_write *w, const char *key, const struct verdict *v,
	bool against)
{
	json_add_array(w, key);
	for (uint32_t i = 0; i < v->n_evidence; i++)
		if ((v->evidence[i].contribution < 0) == against)
			write_row(w, &v->evidence[i]);
	json_put_end(w);
}

static void
write_flip(struct json_write *w, const struct verdict_flip *f)
{
	if (!f->known) {
		json_add_null(w, "nearest_flip");
		return;
	}
	json_add_object(w, "nearest_flip");
	json_add_str(w, "to", level_name(f->to));
	json_add_str(w, "rule", f->rule);
	json_add_str(w, "metric", f->metric);
	json_add_str(w, "stat", f->stat);
	json_add_i64(w, "value", f->value);
	json_add_i64(w, "needed", f->needed);
	json_add_double(w, "score", hundredths(f->score));
	json_put_end(w);
}

void
verdict_write_members(struct json_write *w, const struct verdict *v)
{
	json_add_str(w, "level", level_name(v->level));
	json_add_double(w, "score", hundredths(v->score));
	json_add_double(w, "base", hundredths(v->base));
	verdict_write_risk(w, &v->risk);
	if (v->lead_known) {
		json_add_object(w, "lead_time");
		json_add_i64(w, "from", v->lead_from_days);
		json_add_i64(w, "to", v->lead_to_days);
		json_add_str(w, "unit", "days");
		json_put_end(w);
	} else {
		json_add_null(w, "lead_time");
	}
	json_add_array(w, "kinds");
	for (int i = 0; i < VERDICT_KIND_N; i++)
		if (v->kinds & 1u << i)
			json_put_str(w, verdict_kind_name((enum verdict_kind)i));
	json_put_end(w);
	write_rows(w, "evidence", v, false);
	write_rows(w, "counter_evidence", v, true);
	json_add_array(w, "missing");
	for (uint32_t i = 0; i < v->n_missing; i++)
		json_put_str(w, v->missing[i]);
	json_put_end(w);
	write_flip(w, &v->flip);
	json_add_str(w, "pack", v->pack);
	json_add_wall(w, "judged_at", v->judged_at);
}

static void
add_known(struct json_write *w, const char *key, const char *text)
{
	if (text[0] == '\0')
		json_add_null(w, key);
	else
		json_add_str(w, key, text);
}

void
device_id_write(struct json_write *w, const struct device_id *d)
{
	json_put_object(w);
	add_known(w, "kind", d->kind);
	add_known(w, "model", d->model);
	add_known(w, "serial", d->serial);
	add_known(w, "wwn", d->wwn);
	json_put_end(w);
}

void
prediction_write(struct json_write *w, const struct prediction_item *p)
{
	json_put_object(w);
	json_add_u64(w, "id", p->id);
	json_add_str(w, "host", p->host);
	json_put_key(w, "device");
	device_id_write(w, &p->device);
	json_add_wall(w, "since", p->since);
	verdict_write_members(w, p->verdict);
	json_put_end(w);
}
