/*
 * History to states.
 */
#include <string.h>

#include "predict/fit/inside.h"
#include "base/macros.h"
#include "predict/eval.h"

static const int64_t bounds_count[] = { 0, 1, 2, 4, 8, 16, 32, 64, 128, 256,
	512, 1024, 4096 };
static const int64_t bounds_events[] = { 0, 1, 2, 3, 4, 8 };
static const int64_t bounds_days[] = { 0, 1, 3, 7, 14, 30, 60, 90, 180, 365,
	QUIET_SINCE_FIRST_SIGHT };
static const int64_t bounds_kinds[] = { 0, 2, 3 };
static const int64_t bounds_signed[] = { -INT64_C(1000000000000), -63, -15, -3,
	0, 1, 4, 16, 64, 256 };
static const int64_t bounds_permille[] = { 0, 500, 800, 900, 950, 970, 980,
	990, 995, 998 };
#define SETTLES_DAYS 365

static void
set_column(struct fit_column *c, enum counter counter, enum stat_kind stat)
{
	c->ref = (struct feature_ref){ counter, stat };
#define BOUNDS(b) (c->bounds = (b), c->n_bounds = ARRAY_LEN(b))
	switch (stat) {
	case STAT_NOW:
	case STAT_MAX:
	case STAT_RISE_1D:
	case STAT_RISE_7D:
	case STAT_RISE_30D:
	case STAT_RISE_90D:
	case STAT_PENDING_GAP:
	case STAT_UNCONFIRMED_30D:
		BOUNDS(bounds_count);
		break;
	case STAT_ACCEL_7D:
		BOUNDS(bounds_signed);
		break;
	case STAT_PEERS_BELOW:
		BOUNDS(bounds_permille);
		break;
	case STAT_RISES:
	case STAT_RISES_30D:
	case STAT_RECURRENCES:
		BOUNDS(bounds_events);
		break;
	case STAT_QUIET_DAYS:
	case STAT_DAYS_NONZERO:
		BOUNDS(bounds_days);
		break;
	case STAT_KINDS_NONZERO:
	case STAT_COUNTERS_NONZERO:
		BOUNDS(bounds_kinds);
		break;
	}
#undef BOUNDS
}

static void
set_columns(struct fit_column *c)
{
	static const enum counter counters[] = { COUNTER_REALLOCATED,
		COUNTER_REPORTED, COUNTER_PENDING };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		for (int s = STAT_NOW; s <= STAT_PEERS_BELOW; s++)
			set_column(&c[n++], counters[i], (enum stat_kind)s);
	set_column(&c[n++], COUNTER_REALLOCATED, STAT_KINDS_NONZERO);
	set_column(&c[n++], COUNTER_REALLOCATED, STAT_PENDING_GAP);
	set_column(&c[n++], COUNTER_REALLOCATED, STAT_UNCONFIRMED_30D);
	tc_bug_if(n != FIT_COLUMNS);
}

static uint8_t
code_of(const struct fit_column *c, const struct features *f, int32_t day)
{
	struct feature_value v = features_get(f, c->ref, day);
	uint8_t k = 0;

	if (!v.known)
		return 0;
	while (k < c->n_bounds && v.value >= c->bounds[k])
		k++;
	return k;
}

/* ---- while reading ------------------------------------------------------- */

struct moment {
	int32_t day;
	int32_t reference;
	bool open;
	uint8_t code[FIT_COLUMNS];
};

struct reading {
	struct fit_device device;
	const struct pack_model *prior;
	const struct peer_line *peers;
	struct features features;
	struct moment *moments;
	size_t n;
	size_t cap;
	struct reading *next;
	uint32_t serial_n;
	char serial[];
};

struct reader {
	struct fit_data *data;
	const struct pack *reference;
	struct hash by_serial;
	struct arena memory;
	struct reading *first;
	struct reading **last;
	struct reading *recent;
};

/* A column that is not used makes no states: the maximum over time is soft. */
static bool
is_used(const struct fit_data *d, int column)
{
	return (d->stats >> d->columns[column].ref.stat & 1) != 0;
}

static int
note_moment(struct reader *r, struct reading *d, int32_t day, struct tc_err *e)
{
	struct moment now = { .day = day };
	void *p = d->moments;

	if (d->peers)
		(void)peers_rank(peer_line_on(d->peers, day),
			(1u << COUNTER_N) - 1, day, &d->features);
	now.reference = eval_score(r->reference, &d->features, d->prior, day,
		&now.open);
	if (!now.open)
		now.reference = FIT_CLOSED;
	for (int i = 0; i < FIT_COLUMNS && now.open; i++)
		now.code[i] = !is_used(r->data, i) ? 0 :
			code_of(&r->data->columns[i], &d->features, day);
	if (d->n > 0 && d->moments[d->n - 1].reference == now.reference &&
	    memcmp(d->moments[d->n - 1].code, now.code, sizeof(now.code)) == 0)
		return 0;
	if (mem_grow(&p, &d->cap, d->n + 1, sizeof(now)) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	d->moments = p;
	if (d->n > 0 && d->moments[d->n - 1].day == day)
		d->n--;
	d->moments[d->n++] = now;
	return 0;
}

/* "ST4000", "HGST", "WDC": who built it, and for Seagate the series. */
static size_t
family_length(const char *model, size_t n)
{
	const char *blank = memchr(model, ' ', n);
	size_t word = blank ? (size_t)(blank - model) : n;

	if (word > 6 && memcmp(model, "ST", 2) == 0)
		return 6;
	return word;
}

static struct reading *
reading_new(struct reader *r, const struct row *row, struct tc_err *e)
{
	struct reading *d = arena_alloc(&r->memory, sizeof(*d) +
		row->serial_n + 1);
	const char *serial;

	if (!d)
		goto fail;
	memcpy(d->serial, row->serial, row->serial_n);
	d->serial_n = row->serial_n;
	serial = arena_strndup(&r->data->memory, row->serial, row->serial_n);
	if (!serial)
		goto fail;
	d->device = (struct fit_device){ .serial = serial,
		.hash = hash_bytes(row->serial,
		row->serial_n, 0), .fail_day = FIT_NEVER,
		.first_day = row->day, .last_day = row->day };
	d->peers = peer_past_line(r->data->peers, row->model, row->model_n);
	if (row->model_n > 0) {
		d->device.model = intern_put(&r->data->models, row->model,
			row->model_n);
		d->device.family = intern_put(&r->data->families, row->model,
			family_length(row->model, row->model_n));
		if (!d->device.model || !d->device.family)
			goto fail;
		d->prior = pack_model_find(r->reference,
			intern_name(&r->data->models, d->device.model));
	}
	if (hash_put(&r->by_serial, d->serial, d->serial_n, d) < 0)
		goto fail;
	*r->last = d;
	r->last = &d->next;
	r->data->n_devices++;
	return d;
fail:
	(void)tc_fail(e, TC_ENOMEM, "out of memory");
	return NULL;
}

static struct reading *
reading_of(struct reader *r, const struct row *row, struct tc_err *e)
{
	struct reading *d = r->recent;

	if (d && d->serial_n == row->serial_n &&
	    memcmp(d->serial, row->serial, d->serial_n) == 0)
		return d;
	d = hash_get(&r->by_serial, row->serial, row->serial_n);
	r->recent = d ? d : reading_new(r, row, e);
	return r->recent;
}

static int
note_until(struct reader *r, struct reading *d, int32_t day, struct tc_err *e)
{
	int64_t settled = (int64_t)d->features.changed_day + SETTLES_DAYS;
	int rc = 0;

	if (d->n == 0 || !d->moments[d->n - 1].open)
		return 0;
	for (int32_t at = d->device.last_day + 1; rc == 0 && at < day &&
	     at <= settled; at++)
		rc = note_moment(r, d, at, e);
	return rc;
}

static int
take_row(struct reader *r, const struct row *row, struct tc_err *e)
{
	struct reading *d = reading_of(r, row, e);
	int rc;

	if (!d)
		return TC_ENOMEM;
	if (d->device.fail_day != FIT_NEVER)
		return 0;
	if (row->day < d->device.last_day)
		return tc_fail(e, TC_EINVAL, "%s:%llu: drive %s goes back in "
			"time; rows of one drive must come by date", row->file,
			(unsigned long long)row->line, d->serial);
	if ((rc = note_until(r, d, row->day, e)) < 0)
		return rc;
	for (int c = 0; c < COUNTER_N; c++)
		if (row->seen & 1u << c)
			(void)features_observe(&d->features, (enum counter)c,
				row->raw[c], row->day,
				wall_from_days(row->day));
	d->device.last_day = row->day;
	if (row->failure)
		d->device.fail_day = row->day;
	return note_moment(r, d, row->day, e);
}

/* ---- afterwards ---------------------------------------------------------- */

static int
make_room(struct fit_data *d, struct tc_err *e)
{
	size_t n = d->n_states ? d->n_states : 1;
	bool ok;

	d->devices = mem_alloc_array(d->n_devices ? d->n_devices : 1,
		sizeof(d->devices[0]));
	d->day = mem_alloc_array(n, sizeof(d->day[0]));
	d->open = mem_alloc_array(n, sizeof(d->open[0]));
	d->reference = mem_alloc_array(n, sizeof(d->reference[0]));
	d->device = mem_alloc_array(n, sizeof(d->device[0]));
	ok = d->devices && d->day && d->open && d->device &&
		d->reference;
	for (int c = 0; c < FIT_COLUMNS; c++) {
		d->code[c] = mem_alloc_array(n, 1);
		ok = ok && d->code[c];
	}
	return ok ? 0 : tc_fail(e, TC_ENOMEM, "out of memory");
}

static void
add_device(struct fit_data *d, size_t at, const struct reading *from,
	size_t *state)
{
	struct fit_device *to = &d->devices[at];

	*to = from->device;
	to->state = (uint32_t)*state;
	to->n_states = (uint32_t)from->n;
	for (size_t i = 0; i < from->n; i++, ++*state) {
		const struct moment *m = &from->moments[i];

		d->day[*state] = m->day;
		d->open[*state] = m->open;
		d->reference[*state] = m->reference;
		d->device[*state] = (uint32_t)at;
		for (int c = 0; c < FIT_COLUMNS; c++)
			d->code[c][*state] = m->code[c];
	}
	if (at == 0 || to->first_day < d->first_day)
		d->first_day = to->first_day;
	if (at == 0 || to->last_day > d->last_day)
		d->last_day = to->last_day;
}

static int
gather(struct reader *r, struct tc_err *e)
{
	struct fit_data *data = r->data;
	size_t state = 0, at = 0;
	int rc;

	for (struct reading *d = r->first; d; d = d->next)
		data->n_states += d->n;
	if ((rc = make_room(data, e)) < 0)
		return rc;
	for (struct reading *d = r->first; d; d = d->next)
		add_device(data, at++, d, &state);
	return 0;
}

int
fit_data_read(struct row_source *source, const struct pack *reference,
	uint32_t stats, struct fit_data *out, struct tc_err *e)
{
	struct reader r = { .data = out, .reference = reference };
	struct row row = { 0 };
	int rc;

	memset(out, 0, sizeof(*out));
	set_columns(out->columns);
	r.last = &r.first;
	out->stats = stats;
	if ((stats >> STAT_PEERS_BELOW & 1) != 0 && source->rewind &&
	    (rc = peer_past_read(source, &out->peers, e)) < 0)
		return rc;
	while ((rc = source->next(source, &row, e)) > 0) {
		out->rows++;
		if ((rc = take_row(&r, &row, e)) < 0)
			break;
	}
	if (rc == 0)
		rc = gather(&r, e);
	for (struct reading *d = r.first; d; d = d->next)
		mem_free(d->moments);
	hash_free(&r.by_serial);
	arena_free(&r.memory);
	if (rc < 0)
		fit_data_free(out);
	return rc;
}

void
fit_data_free(struct fit_data *d)
{
	mem_free(d->devices);
	mem_free(d->day);
	mem_free(d->open);
	mem_free(d->reference);
	mem_free(d->device);
	for (int c = 0; c < FIT_COLUMNS; c++)
		mem_free(d->code[c]);
	peer_past_free(d->peers);
	intern_free(&d->models);
	intern_free(&d->families);
	arena_free(&d->memory);
	memset(d, 0, sizeof(*d));
}

bool
fit_failed(const struct fit_view *v, const struct fit_device *d)
{
	return d->fail_day != FIT_NEVER && d->fail_day <= v->until;
}

bool
fit_survives(const struct fit_view *v, const struct fit_device *d)
{
	int32_t end = v->until < v->data->last_day ? v->until :
		v->data->last_day;

	return !fit_failed(v, d) && d->last_day >= end - 7;
}
