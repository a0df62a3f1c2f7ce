#include "plan/pace.h"

#include <string.h>

#include "base/le.h"
#include "plan/brake.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define SAVED_VERSION 1

struct pace_limits
pace_of_size(const struct pace_limits *l, size_t hosts)
{
	size_t limit = brake_limit(hosts);
	unsigned own = limit < PACE_MAX / 2 ? (unsigned)limit : PACE_MAX / 2;

	return (struct pace_limits){
		.at_once = l->at_once != 0 ? l->at_once : own,
		.per_hour = l->per_hour != 0 ? l->per_hour : own,
		.per_day = l->per_day != 0 ? l->per_day : 2 * own };
}

void
pace_count(const struct pace *p, struct wall now, struct pace_counts *sum)
{
	sum->open += p->open;
	for (size_t i = 0; i < p->n; i++) {
		int64_t age = now.ms - p->begun_ms[i];

		sum->hour += age < HOUR_MS;
		sum->day += age < DAY_MS;
	}
}

bool
pace_allows(const struct pace_limits *l, const struct pace_counts *c)
{
	return (l->at_once == 0 || c->open < l->at_once) &&
		(l->per_hour == 0 || c->hour < l->per_hour) &&
		(l->per_day == 0 || c->day < l->per_day);
}

static void
forget(struct pace *p, size_t n)
{
	p->n -= n;
	memmove(p->begun_ms, p->begun_ms + n, p->n * sizeof(*p->begun_ms));
}

void
pace_begin(struct pace *p, struct wall now)
{
	size_t old = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->begun_ms[i] > now.ms)
			p->begun_ms[i] = now.ms;
	while (old < p->n && now.ms - p->begun_ms[old] >= DAY_MS)
		old++;
	forget(p, old);
	if (p->n == PACE_MAX)
		forget(p, 1);
	p->begun_ms[p->n++] = now.ms;
	p->open++;
}

void
pace_end(struct pace *p)
{
	if (p->open > 0)
		p->open--;
}

/* A byte of version, then 8 bytes each, little end first. */
void
pace_save(const struct pace *p, struct strbuf *out)
{
	strbuf_putc(out, SAVED_VERSION);
	for (size_t i = 0; i < p->n; i++) {
		unsigned char at[8];

		le_put(at, (uint64_t)p->begun_ms[i], sizeof(at));
		strbuf_add(out, at, sizeof(at));
	}
}

int
pace_restore(const void *bytes, size_t n, struct pace *out, struct tc_err *e)
{
	const unsigned char *in = bytes;

	if (n < 1 || in[0] != SAVED_VERSION || (n - 1) % 8 != 0 ||
	    (n - 1) / 8 > PACE_MAX)
		return tc_fail(e, TC_ECORRUPT, "pace of %zu bytes", n);
	out->n = (n - 1) / 8;
	for (size_t i = 0; i < out->n; i++)
		out->begun_ms[i] = (int64_t)le_get(in + 1 + 8 * i, 8);
	return 0;
}
