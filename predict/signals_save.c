/*
 * Signals of a host as plain bytes: version, counts, means, rises, disks, all
 * little-endian.  Nothing here is trusted when it comes back.
 */
#include <string.h>

#include "base/le.h"
#include "base/mem.h"
#include "predict/signals.h"

#define SAVE_MAGIC 0x48u	/* 'H' */
#define SAVE_VERSION 1u

static void
put(struct strbuf *out, uint64_t v, size_t bytes)
{
	unsigned char at[8];

	le_put(at, v, bytes);
	strbuf_add(out, at, bytes);
}

static void
put_float(struct strbuf *out, float f)
{
	uint32_t v;

	memcpy(&v, &f, sizeof(v));
	put(out, v, 4);
}

static float
get_float(struct le_in *r)
{
	uint32_t v = (uint32_t)le_take(r, 4);
	float f;

	memcpy(&f, &v, sizeof(f));
	r->bad = r->bad || !(f >= 0 && f <= SIGNAL_MEAN_MAX);
	return f;
}

static void
put_mean(struct strbuf *out, const struct signal_mean *m)
{
	put_float(out, m->fast);
	put_float(out, m->slow);
	put(out, m->since_s, 4);
}

static struct signal_mean
get_mean(struct le_in *r)
{
	struct signal_mean m = { get_float(r), 0, 0 };

	m.slow = get_float(r);
	m.since_s = (uint32_t)le_take(r, 4);
	return m;
}

static const struct signal_entry *
entry_of(const struct signals *s, int signal)
{
	const struct signal_entry *e = signals_entries(s);

	for (uint8_t i = 0; i < s->n_entries; i++, e++)
		if (e->signal == signal)
			return e;
	return NULL;
}

int
signals_save(const struct signals *s, struct strbuf *out)
{
	struct signal_entry all[SIGNAL_N] = { { 0 } };
	const struct signal_entry *e;

	put(out, SAVE_MAGIC, 1);
	put(out, SAVE_VERSION, 1);
	put(out, s->seen, 4);
	for (int i = 0; i < SIGNAL_N; i++)
		if ((e = entry_of(s, i)) != NULL)
			all[i] = *e;
	for (int i = 0; i < SIGNAL_COUNTS; i++)
		put(out, all[i].u.now, 4);
	for (int i = 0; i < SIGNAL_N; i++)
		put(out, all[i].at_s, 4);
	for (int i = 0; i < SIGNAL_N; i++)
		put(out, all[i].source, 1);
	for (int i = SIGNAL_COUNTS; i < SIGNAL_N; i++)
		put_mean(out, &all[i].u.mean);
	put(out, s->n_rises, 1);
	for (uint8_t i = 0; i < s->n_rises; i++) {
		put(out, s->rises[i].signal, 1);
		put(out, (uint32_t)s->rises[i].day, 4);
		for (int k = 0; k < SIGNAL_SLOTS; k++)
			put(out, s->rises[i].slots[k], 2);
	}
	put(out, s->n_disks, 1);
	for (uint8_t i = 0; i < s->n_disks; i++) {
		put(out, s->disks[i].name, 4);
		put_mean(out, &s->disks[i].mean);
	}
	return out->failed ? TC_ENOMEM : 0;
}

static void
get_rises(struct le_in *r, struct signals *s)
{
	uint32_t had = 0;

	for (uint8_t i = 0; i < s->n_rises; i++) {
		struct signal_rises *one = &s->rises[i];

		one->signal = (uint8_t)le_take(r, 1);
		r->bad = r->bad || one->signal >= SIGNAL_COUNTS ||
			(had & 1u << one->signal);
		had |= r->bad ? 0 : 1u << one->signal;
		one->day = (int32_t)(uint32_t)le_take(r, 4);
		r->bad = r->bad || one->day < 0 || one->day > INT32_MAX / 2;
		for (int k = 0; k < SIGNAL_SLOTS; k++)
			one->slots[k] = (uint16_t)le_take(r, 2);
	}
}

static int
get_lists(struct le_in *r, struct signals *s)
{
	uint8_t n_rises = (uint8_t)le_take(r, 1), n_disks;

	if (r->bad || n_rises > SIGNAL_COUNTS)
		return TC_ECORRUPT;
	if (n_rises > 0)
		s->rises = mem_alloc_array(n_rises, sizeof(*s->rises));
	if (n_rises > 0 && s->rises == NULL)
		return TC_ENOMEM;
	s->n_rises = n_rises;
	get_rises(r, s);
	n_disks = (uint8_t)le_take(r, 1);
	if (r->bad || n_disks > SIGNAL_DISKS)
		return TC_ECORRUPT;
	if (n_disks > 0)
		s->disks = mem_alloc_array(n_disks, sizeof(*s->disks));
	if (n_disks > 0 && s->disks == NULL)
		return TC_ENOMEM;
	s->n_disks = n_disks;
	for (uint8_t i = 0; i < n_disks; i++) {
		s->disks[i].name = (uint32_t)le_take(r, 4);
		s->disks[i].mean = get_mean(r);
	}
	return r->bad || r->left != 0 ? TC_ECORRUPT : 0;
}

/* Only those that were told. */
static int
keep_entries(struct signals *s, const struct signal_entry *all)
{
	for (int i = 0; i < SIGNAL_N; i++) {
		struct signal_entry *e;

		if (!(s->seen & 1u << i) && all[i].at_s == 0)
			continue;
		if ((e = signals_entry(s, (enum signal)i)) == NULL)
			return TC_ENOMEM;
		*e = all[i];
		e->signal = (uint8_t)i;
	}
	return 0;
}

int
signals_restore(const void *p, size_t n, struct signals *out,
	struct tc_err *e)
{
	struct le_in r = { p, n, false };
	struct signal_entry all[SIGNAL_N] = { { 0 } };
	struct signals s = { 0 };
	uint64_t version;
	int rc;

	if (le_take(&r, 1) != SAVE_MAGIC)
		return tc_fail(e, TC_ECORRUPT, "signals: not saved by us");
	version = le_take(&r, 1);
	if (version > SAVE_VERSION)
		return tc_fail(e, TC_ENEWER, "signals: version %u, we know %u",
			(unsigned)version, SAVE_VERSION);
	s.seen = (uint32_t)le_take(&r, 4);
	if (version == 0 || s.seen >> SIGNAL_N != 0)
		return tc_fail(e, TC_ECORRUPT, "signals: unknown ones");
	for (int i = 0; i < SIGNAL_COUNTS; i++)
		all[i].u.now = (uint32_t)le_take(&r, 4);
	for (int i = 0; i < SIGNAL_N; i++)
		all[i].at_s = (uint32_t)le_take(&r, 4);
	for (int i = 0; i < SIGNAL_N; i++)
		all[i].source = (uint8_t)le_take(&r, 1);
	for (int i = SIGNAL_COUNTS; i < SIGNAL_N; i++)
		all[i].u.mean = get_mean(&r);
	rc = keep_entries(&s, all);
	if (rc < 0 || (rc = get_lists(&r, &s)) < 0) {
		signals_free(&s);
		return tc_fail(e, rc, "signals: %zu bytes do not fit", n);
	}
	*out = s;
	return 0;
}
