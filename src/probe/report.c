#include "probe/report.h"

#include <math.h>
#include <string.h>

#include "model/reason.h"

#define PROBE_REASON_LAST 95
#define AGE_MAX_S 3600

/* Length of the UTF-8 sequence at p, 0 if it is none or a control. */
static size_t
utf8_length(const unsigned char *p)
{
	static const struct { unsigned char mask, is, first_min; } forms[] = {
		{ 0xe0, 0xc0, 0xc2 }, { 0xf0, 0xe0, 0xe0 }, { 0xf8, 0xf0, 0xf0 },
	};
	size_t n = 0;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if ((p[0] & forms[i].mask) == forms[i].is &&
		    p[0] >= forms[i].first_min && p[0] <= 0xf4)
			n = i + 2;
	}
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* For people: cut between characters, what is no text becomes '?'. */
static const char *
clean_text(struct arena *mem, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	char *out;
	size_t n = 0;

	if (text == NULL || text[0] == '\0')
		return "";
	out = arena_alloc(mem, REPORT_TEXT_MAX + 1);
	if (out == NULL)
		return "";
	while (*p != '\0') {
		size_t len = utf8_length(p);
		size_t take = len > 0 ? len : 1;

		if (n + take > REPORT_TEXT_MAX)
			break;
		if (len > 0)
			memcpy(out + n, p, len);
		else
			out[n] = '?';
		n += take;
		p += take;
	}
	out[n] = '\0';
	return out;
}

static bool
is_text(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p != '\0') {
		size_t len = utf8_length(p);

		if (len == 0 || p - (const unsigned char *)s > REPORT_TEXT_MAX)
			return false;
		p += len;
	}
	return true;
}

/* NULL when out of memory. */
static const char *
keep(struct report_taker *t, const char *s)
{
	if (s == NULL || s[0] == '\0')
		return "";
	return t->copy ? arena_strdup(t->mem, s) : s;
}

static bool
take_sample(struct report_taker *t, const struct tocsin_sample *s,
	struct metric *out)
{
	const struct tocsin_metric *row;

	if (s->size < sizeof(*s) || s->name == NULL || s->type > TOCSIN_I64)
		return false;
	row = plugin_metric(t->plugin, s->name);
	if ((row == NULL && !plugin_takes(t->plugin, s->name)) ||
	    (s->instance != NULL && !is_text(s->instance)))
		return false;
	if (s->type == TOCSIN_F64 && !isfinite(s->v.f64))
		return false;
	/* A row's own name lives as long as the plugin. */
	out->name = row != NULL && strcmp(row->name, s->name) == 0 ?
		row->name : keep(t, s->name);
	out->instance = keep(t, s->instance);
	out->type = (enum tocsin_sample_type)s->type;
	out->v.u64 = s->v.u64;
	return out->name != NULL && out->instance != NULL;
}

static void
take_samples(struct report_taker *t, const struct tocsin_report *rep,
	struct observation *out)
{
	const char *at = (const char *)rep->samples;
	uint32_t n = rep->n_samples;
	struct metric *metrics;

	if (n == 0)
		return;
	if (at == NULL || rep->stride < sizeof(struct tocsin_sample) ||
	    rep->stride % _Alignof(struct tocsin_sample) != 0) {
		t->bad_metrics += n;
		return;
	}
	if (n > REPORT_SAMPLES_MAX) {
		t->bad_metrics += n - REPORT_SAMPLES_MAX;
		n = REPORT_SAMPLES_MAX;
	}
	metrics = arena_alloc(t->mem, n * sizeof(*metrics));
	if (metrics == NULL) {
		t->bad_metrics += n;
		return;
	}
	out->metrics = metrics;
	for (uint32_t i = 0; i < n; i++, at += rep->stride) {
		const struct tocsin_sample *s = (const void *)at;

		if (take_sample(t, s, &metrics[out->n_metrics]))
			out->n_metrics++;
		else
			t->bad_metrics++;
	}
}

static bool
take_device(struct report_taker *t, const struct tocsin_device *d,
	struct device_id *out)
{
	const char *in[4];
	const char **to[4] = { &out->kind, &out->model, &out->serial, &out->wwn };

	if (d == NULL)
		return true;
	if (d->size < sizeof(*d) || d->kind == NULL || d->kind[0] == '\0')
		return false;
	in[0] = d->kind;
	in[1] = d->model;
	in[2] = d->serial;
	in[3] = d->wwn;
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		if (in[i] != NULL && !is_text(in[i]))
			return false;
		*to[i] = keep(t, in[i]);
		if (*to[i] == NULL)
			return false;
	}
	return true;
}

/* Boot time of the plugin's to wall time, through the age. */
static struct wall
when(struct clock *clock, int64_t at_ns)
{
	struct wall wall = clock->wall(clock);
	int64_t age_ns;

	if (at_ns <= 0)
		return wall;
	age_ns = clock->mono(clock).ns - at_ns;
	if (age_ns <= 0 || age_ns > dur_s(AGE_MAX_S).ns)
		return wall;
	return wall_add(wall, dur_ns(-age_ns));
}

static bool
reason_fits(const struct tocsin_report *rep)
{
	return rep->size >= sizeof(*rep) && rep->reason <= PROBE_REASON_LAST &&
		reason_is_known(rep->reason) && rep->outcome <= TOCSIN_UNKNOWN &&
		reason_outcome((enum tocsin_reason)rep->reason) ==
			(enum tocsin_outcome)rep->outcome;
}

void
report_own(struct clock *clock, const char *probe, enum tocsin_reason reason,
	const char *text, struct observation *out)
{
	*out = (struct observation){
		.probe = probe,
		.at = clock->wall(clock),
		.outcome = reason_outcome(reason),
		.reason = reason,
		.text = text != NULL ? text : "",
		.device = { "", "", "", "" },
	};
}

void
report_take(struct report_taker *t, const struct tocsin_report *rep,
	struct observation *out)
{
	const char *probe = t->plugin->probe->name;

	report_own(t->clock, probe, TOCSIN_WHY_PROBE_ERROR, NULL, out);
	out->own_row = t->plugin->open;
	if (!reason_fits(rep)) {
		t->bad_reports++;
		out->text = "reported an outcome and a reason that do not fit";
		return;
	}
	if (!take_device(t, rep->device, &out->device)) {
		t->bad_reports++;
		out->device = (struct device_id){ "", "", "", "" };
		out->text = "reported a device without a kind, or no text";
		return;
	}
	out->outcome = (enum tocsin_outcome)rep->outcome;
	out->reason = (enum tocsin_reason)rep->reason;
	out->at = when(t->clock, rep->at_ns);
	out->text = clean_text(t->mem, rep->text);
	take_samples(t, rep, out);
}

static bool
copy_text(struct arena *mem, const char *in, const char **out)
{
	*out = in[0] != '\0' ? arena_strdup(mem, in) : "";
	return *out != NULL;
}

bool
report_copy(struct arena *mem, const struct observation *ob,
	struct observation *out)
{
	struct metric *metrics = NULL;

	*out = *ob;
	if (!copy_text(mem, ob->text, &out->text) ||
	    !copy_text(mem, ob->device.kind, &out->device.kind) ||
	    !copy_text(mem, ob->device.model, &out->device.model) ||
	    !copy_text(mem, ob->device.serial, &out->device.serial) ||
	    !copy_text(mem, ob->device.wwn, &out->device.wwn))
		return false;
	if (ob->n_metrics == 0)
		return true;
	metrics = arena_alloc(mem, ob->n_metrics * sizeof(*metrics));
	if (metrics == NULL)
		return false;
	for (size_t i = 0; i < ob->n_metrics; i++) {
		metrics[i] = ob->metrics[i];
		if (!copy_text(mem, ob->metrics[i].name, &metrics[i].name) ||
		    !copy_text(mem, ob->metrics[i].instance,
			&metrics[i].instance))
			return false;
	}
	out->metrics = metrics;
	return true;
}
