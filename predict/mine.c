#include "predict/mine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define Z95 1.959963984540054
#define NONE UINT32_MAX

/* Attributes and values of a group; compared as bytes. */
struct key {
	uint32_t attribute[2];
	uint32_t value[2];
};

struct group {
	struct key key;
	uint64_t items;
	uint64_t failed;
	double p;
	double q;
	double ratio;
};

struct mining {
	const struct mine_input *in;
	struct hash by_key;
	struct arena memory;
	struct group **groups;	/* looked at */
	size_t n_groups;
	uint64_t failed;
};

struct mine_input
mine_defaults(void)
{
	return (struct mine_input){ .pairs = true, .failed_min = 5,
		.shrink = 2, .fdr = 0.01 };
}

const char *
mine_class_name(enum mine_class c)
{
	switch (c) {
	case MINE_HARDWARE:
		return "hardware";
	case MINE_SOFTWARE:
		return "software";
	case MINE_PLACE:
		return "place";
	}
	return "";
}

static int
count(struct mining *m, const struct key *key, bool failed)
{
	struct group *g = hash_get(&m->by_key, key, sizeof(*key));

	if (!g) {
		g = arena_alloc(&m->memory, sizeof(*g));
		if (!g)
			return TC_ENOMEM;
		*g = (struct group){ .key = *key, .p = 1, .ratio = 1 };
		if (hash_put(&m->by_key, &g->key, sizeof(g->key), g) < 0)
			return TC_ENOMEM;
	}
	g->items++;
	g->failed += failed;
	return 0;
}

static int
count_item(struct mining *m, const struct mine_item *item)
{
	uint32_t n = (uint32_t)m->in->n_attributes;
	int rc = 0;

	for (uint32_t a = 0; a < n && rc == 0; a++) {
		struct key one = { { a, NONE }, { item->value[a], 0 } };

		if (item->value[a] == MINE_VALUE_UNKNOWN)
			continue;
		rc = count(m, &one, item->failed);
		for (uint32_t b = a + 1; m->in->pairs && b < n && rc == 0;
		     b++) {
			struct key two = { { a, b },
				{ item->value[a], item->value[b] } };

			if (item->value[b] != MINE_VALUE_UNKNOWN)
				rc = count(m, &two, item->failed);
		}
	}
	return rc;
}

static double
log_choose(double n, double k)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* Fisher: as many failures in the group or more, were they dealt out. */
static double
fisher(uint64_t items, uint64_t failed, uint64_t all, uint64_t all_failed)
{
	double n = (double)items, big_n = (double)all, k = (double)all_failed;
	double whole = log_choose(big_n, n), sum = 0;
	uint64_t most = items < all_failed ? items : all_failed;

	for (uint64_t x = failed; x <= most; x++) {
		double part;

		if (n - (double)x > big_n - k)
			continue;
		part = exp(log_choose(k, (double)x) +
			log_choose(big_n - k, n - (double)x) - whole);
		sum += part;
		if (part < sum * 1e-12)
			break;
	}
	return sum < 1 ? sum : 1;
}

/* Rates inside and outside, `shrink` failures at the fleet's rate added. */
static double
ratio_of(const struct mining *m, const struct group *g)
{
	double all = (double)m->in->n_items, failed = (double)m->failed;
	double rate = failed / all, add = m->in->shrink;
	double inside = ((double)g->failed + add) /
		((double)g->items + add / rate);
	double outside = (failed - (double)g->failed + add) /
		(all - (double)g->items + add / rate);

	return inside / outside;
}

static int
choose_groups(struct mining *m)
{
	struct group *g;

	m->groups = mem_alloc_array(m->by_key.n + 1, sizeof(m->groups[0]));
	if (!m->groups)
		return TC_ENOMEM;
	for (size_t at = 0; (g = hash_next(&m->by_key, &at));) {
		if (g->failed < m->in->failed_min ||
		    g->items == m->in->n_items)
			continue;
		g->p = fisher(g->items, g->failed, m->in->n_items, m->failed);
		g->ratio = ratio_of(m, g);
		m->groups[m->n_groups++] = g;
	}
	return 0;
}

static int
compare_groups(const void *a, const void *b)
{
	const struct group *x = *(const struct group *const *)a;
	const struct group *y = *(const struct group *const *)b;

	if (x->p < y->p || x->p > y->p)
		return x->p < y->p ? -1 : 1;
	if (x->ratio < y->ratio || x->ratio > y->ratio)
		return x->ratio > y->ratio ? -1 : 1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* What the half alone says; 1 and no failures when it was not looked at. */
static const struct group *
half_of(const struct mining *m, const struct key *key, int which)
{
	struct key half = { { key->attribute[which], NONE },
		{ key->value[which], 0 } };

	return hash_get(&m->by_key, &half, sizeof(half));
}

/*
 * A pair that is but its half in other words, or only a half of a whole that
 * says as much, is not told.
 */
static bool
says_more(const struct mining *m, const struct group *g)
{
	if (g->key.attribute[1] == NONE) {
		for (size_t i = 0; i < m->n_groups; i++) {
			const struct group *o = m->groups[i];

			for (int w = 0; w < 2 && o->key.attribute[1] != NONE;
			     w++)
				if (half_of(m, &o->key, w) == g &&
				    o->p < g->p && o->failed * 10 >=
					g->failed * 9)
					return false;
		}
		return true;
	}
	for (int w = 0; w < 2; w++) {
		const struct group *h = half_of(m, &g->key, w);

		if (h && (h->p <= g->p || h->ratio >= g->ratio))
			return false;
	}
	return true;
}

static enum mine_class
class_of(const struct mine_input *in, const struct key *key)
{
	enum mine_class a = in->attributes[key->attribute[0]].class;
	enum mine_class b = key->attribute[1] == NONE ? a :
		in->attributes[key->attribute[1]].class;

	if (a == MINE_SOFTWARE || b == MINE_SOFTWARE)
		return MINE_SOFTWARE;
	return a == MINE_PLACE && b == MINE_PLACE ? MINE_PLACE : MINE_HARDWARE;
}

static struct mine_finding
finding_of(const struct mining *m, const struct group *g)
{
	double a = (double)g->failed + m->in->shrink;
	double c = (double)(m->failed - g->failed) + m->in->shrink;
	double all = (double)m->in->n_items, n = (double)g->items;
	double more = m->in->shrink * all / (double)m->failed;
	/* of the logarithm of a ratio of two shares */
	double se = sqrt((1 - a / (n + more)) / a +
		(1 - c / (all - n + more)) / c);

	return (struct mine_finding){
		.attribute = { g->key.attribute[0], g->key.attribute[1] },
		.value = { g->key.value[0], g->key.value[1] },
		.class = class_of(m->in, &g->key),
		.items = g->items, .failed = g->failed, .ratio = g->ratio,
		.low = g->ratio * exp(-Z95 * se),
		.high = g->ratio * exp(Z95 * se), .p = g->p, .q = g->q };
}

/* Benjamini–Hochberg over all groups looked at; only then who says more. */
static int
report(struct mining *m, struct mine_report *out)
{
	size_t kept = 0;
	double q = 1;

	qsort(m->groups, m->n_groups, sizeof(m->groups[0]), compare_groups);
	for (size_t i = m->n_groups; i > 0 && kept == 0; i--)
		if (m->groups[i - 1]->p * (double)m->n_groups / (double)i <=
		    m->in->fdr)
			kept = i;
	out->findings = mem_alloc_array(kept + 1, sizeof(out->findings[0]));
	if (!out->findings)
		return TC_ENOMEM;
	for (size_t i = kept; i > 0; i--) {
		struct group *g = m->groups[i - 1];

		q = fmin(q, g->p * (double)m->n_groups / (double)i);
		g->q = q;
	}
	for (size_t i = 0; i < kept; i++) {
		struct mine_finding f = finding_of(m, m->groups[i]);

		/* drawn to 1, it must still stand above it */
		if (f.low > 1 && says_more(m, m->groups[i]))
			out->findings[out->n++] = f;
	}
	return 0;
}

int
mine_run(const struct mine_input *in, struct mine_report *out,
	struct tc_err *e)
{
	struct mining m = { .in = in };
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (in->n_attributes > MINE_ATTRIBUTES_MAX)
		return tc_fail(e, TC_EINVAL, "at most %d attributes",
			MINE_ATTRIBUTES_MAX);
	for (size_t i = 0; i < in->n_items && rc == 0; i++) {
		m.failed += in->items[i].failed;
		rc = count_item(&m, &in->items[i]);
	}
	if (rc == 0 && m.failed > 0)
		rc = choose_groups(&m);
	if (rc == 0 && m.failed > 0)
		rc = report(&m, out);
	out->items = in->n_items;
	out->failed = m.failed;
	out->groups = m.n_groups;
	hash_free(&m.by_key);
	arena_free(&m.memory);
	mem_free(m.groups);
	return rc < 0 ? tc_fail(e, rc, "out of memory") : 0;
}

void
mine_free(struct mine_report *r)
{
	mem_free(r->findings);
	memset(r, 0, sizeof(*r));
}
