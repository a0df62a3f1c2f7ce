/*
 * The peers of each day of a history: moves are noted by day while it is read,
 * then added up.  Memory goes by models and days, not by rows.
 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "predict/peers.h"

#define NOWHERE PEER_BUCKETS

struct peer_line {
	struct peer_line *next;
	int32_t first_day;
	uint32_t n_days;
	struct peer_counts *days;	/* moves, then sums; modulo 2^32 */
	uint32_t name_n;
	char name[];
};

struct peer_drive {
	struct peer_line *line;		/* NULL = of no known model */
	int32_t last_day;
	bool failed;
	uint8_t bucket[COUNTER_N];	/* NOWHERE = not counted */
	uint32_t serial_n;
	char serial[];
};

struct peer_past {
	struct hash by_model;
	struct arena memory;
	struct peer_line *first;
};

/* While it is read. */
struct reader {
	struct peer_past *past;
	struct hash by_serial;
	struct arena memory;
	struct peer_drive *recent;
};

static struct peer_line *
line_of(struct peer_past *p, const struct row *row)
{
	struct peer_line *l = hash_get(&p->by_model, row->model, row->model_n);

	if (l)
		return l;
	l = arena_alloc(&p->memory, sizeof(*l) + row->model_n);
	if (!l)
		return NULL;
	memcpy(l->name, row->model, row->model_n);
	l->name_n = row->model_n;
	if (hash_put(&p->by_model, l->name, l->name_n, l) < 0)
		return NULL;
	l->next = p->first;
	p->first = l;
	return l;
}

/* Room for the day; grows by half its length beyond. */
static int
line_reach(struct peer_line *l, int32_t day, struct tc_err *e)
{
	int64_t from = l->n_days ? l->first_day : day;
	int64_t to = from + l->n_days;
	struct peer_counts *days;

	if (day >= from && day < to)
		return 0;
	from = day < from ? day - (int64_t)l->n_days / 2 : from;
	to = day >= to ? day + 1 + (int64_t)l->n_days / 2 : to;
	if (to - from > PEERS_DAYS_MAX || from < INT32_MIN || to > INT32_MAX)
		return tc_fail(e, TC_EFULL, "the rows of model %.*s are more "
			"than %d days apart", (int)l->name_n, l->name,
			PEERS_DAYS_MAX / 2);
	days = mem_alloc_array((size_t)(to - from), sizeof(*days));
	if (!days)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if (l->n_days > 0)
		memcpy(&days[l->first_day - from], l->days,
			l->n_days * sizeof(*days));
	mem_free(l->days);
	l->days = days;
	l->first_day = (int32_t)from;
	l->n_days = (uint32_t)(to - from);
	return 0;
}

static int
move(struct peer_drive *d, int counter, uint8_t to, int32_t day,
	struct tc_err *e)
{
	uint8_t from = d->bucket[counter];
	uint32_t *n;
	int rc;

	if (from == to)
		return 0;
	if ((rc = line_reach(d->line, day, e)) < 0)
		return rc;
	n = d->line->days[day - d->line->first_day].n[counter];
	if (from != NOWHERE)
		n[from]--;
	if (to != NOWHERE)
		n[to]++;
	d->bucket[counter] = to;
	return 0;
}

static struct peer_drive *
drive_new(struct reader *r, const struct row *row, struct tc_err *e)
{
	struct peer_drive *d = arena_alloc(&r->memory, sizeof(*d) +
		row->serial_n);

	if (!d)
		goto fail;
	memcpy(d->serial, row->serial, row->serial_n);
	d->serial_n = row->serial_n;
	d->last_day = row->day;
	memset(d->bucket, NOWHERE, sizeof(d->bucket));
	if (row->model_n > 0) {
		d->line = line_of(r->past, row);
		if (!d->line)
			goto fail;
	}
	if (hash_put(&r->by_serial, d->serial, d->serial_n, d) == 0)
		return d;
fail:
	(void)tc_fail(e, TC_ENOMEM, "out of memory");
	return NULL;
}

static struct peer_drive *
drive_of(struct reader *r, const struct row *row, struct tc_err *e)
{
	struct peer_drive *d = r->recent;

	if (d && d->serial_n == row->serial_n &&
	    memcmp(d->serial, row->serial, d->serial_n) == 0)
		return d;
	d = hash_get(&r->by_serial, row->serial, row->serial_n);
	r->recent = d ? d : drive_new(r, row, e);
	return r->recent;
}

/* What goes back in time is for the run itself to refuse. */
static int
take_row(struct reader *r, const struct row *row, struct tc_err *e)
{
	struct peer_drive *d = drive_of(r, row, e);
	int rc = 0;

	if (!d)
		return TC_ENOMEM;
	if (!d->line || d->failed || row->day < d->last_day)
		return 0;
	d->last_day = row->day;
	d->failed = row->failure;
	for (int c = 0; c < COUNTER_N && rc == 0; c++)
		if (row->seen & 1u << c)
			rc = move(d, c, (uint8_t)peer_bucket(counter_decode(
				(enum counter)c, row->raw[c])), row->day, e);
	for (int c = 0; c < COUNTER_N && rc == 0 && d->failed &&
	     row->day < INT32_MAX; c++)
		rc = move(d, c, NOWHERE, row->day + 1, e);
	return rc;
}

static void
add_up(struct peer_line *l)
{
	for (uint32_t i = 1; i < l->n_days; i++)
		for (int c = 0; c < COUNTER_N; c++)
			for (int k = 0; k < PEER_BUCKETS; k++)
				l->days[i].n[c][k] += l->days[i - 1].n[c][k];
}

int
peer_past_read(struct row_source *source, struct peer_past **out,
	struct tc_err *e)
{
	struct reader r = { .past = NULL };
	struct row row = { 0 };
	int rc;

	if (!source->rewind)
		return tc_fail(e, TC_EUNSUP, "to compare with peers the "
			"history must be read twice, and this one cannot be");
	r.past = MEM_NEW(struct peer_past);
	if (!r.past)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	while ((rc = source->next(source, &row, e)) > 0)
		if ((rc = take_row(&r, &row, e)) < 0)
			break;
	if (rc == 0)
		rc = source->rewind(source, e);
	for (struct peer_line *l = r.past->first; l; l = l->next)
		add_up(l);
	hash_free(&r.by_serial);
	arena_free(&r.memory);
	if (rc < 0)
		peer_past_free(r.past);
	else
		*out = r.past;
	return rc < 0 ? rc : 0;
}

void
peer_past_free(struct peer_past *p)
{
	if (!p)
		return;
	for (struct peer_line *l = p->first; l; l = l->next)
		mem_free(l->days);
	hash_free(&p->by_model);
	arena_free(&p->memory);
	mem_free(p);
}

const struct peer_line *
peer_past_line(const struct peer_past *p, const char *model, size_t n)
{
	return p && n > 0 ? hash_get(&p->by_model, model, n) : NULL;
}

const struct peer_counts *
peer_line_on(const struct peer_line *line, int32_t day)
{
	int64_t at;

	if (!line || line->n_days == 0)
		return NULL;
	at = (int64_t)day - 1 - line->first_day;
	if (at >= line->n_days)
		at = line->n_days - 1;
	return at < 0 ? NULL : &line->days[at];
}
