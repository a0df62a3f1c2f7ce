/*
 * Device risks and host signals to host risk.
 */
#include "predict/host.h"

struct keep { double d7, d30, d90; };

static bool
is_worse(const struct host_device *a, const struct host_device *b)
{
	if (a->level != b->level)
		return a->level > b->level;
	return a->risk.d30 > b->risk.d30;
}

static void
keep_all(struct keep *k, const struct risk *r)
{
	k->d7 *= 1 - r->d7;
	k->d30 *= 1 - r->d30;
	k->d90 *= 1 - r->d90;
}

/* The reason is the worst; its level is the host's. */
static void
note_reason(struct host_risk *h, const struct host_device *d, double *most)
{
	if (d->level < h->level || (d->level == h->level && h->device != 0 &&
			d->risk.d30 <= *most))
		return;
	h->level = d->level;
	h->device = d->device;
	*most = d->risk.d30;
}

/*
 * The probability that more than `spare` of n fail, by their number: at[k] is
 * that of k failures so far, the last of all that are too many.
 */
static double
lost(const double *p, uint32_t n, uint32_t spare)
{
	double at[HOST_GROUP_MAX + 1] = { 1 };

	for (uint32_t i = 0; i < n; i++) {
		at[spare + 1] += at[spare] * p[i];
		for (uint32_t k = spare + 1; k-- > 0;)
			at[k] = at[k] * (1 - p[i]) +
				(k > 0 ? at[k - 1] * p[i] : 0);
	}
	return at[spare + 1];
}

static struct risk
group_risk(const struct host_device *const *list, uint32_t n, uint32_t spare)
{
	double p7[HOST_GROUP_MAX], p30[HOST_GROUP_MAX], p90[HOST_GROUP_MAX];

	for (uint32_t i = 0; i < n; i++) {
		p7[i] = list[i]->risk.d7;
		p30[i] = list[i]->risk.d30;
		p90[i] = list[i]->risk.d90;
	}
	return (struct risk){ lost(p7, n, spare), lost(p30, n, spare),
		lost(p90, n, spare) };
}

static void
sort_worst_first(const struct host_device **list, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		const struct host_device *d = list[i];
		uint32_t k = i;

		for (; k > 0 && is_worse(d, list[k - 1]); k--)
			list[k] = list[k - 1];
		list[k] = d;
	}
}

struct folding {
	struct host_risk h;
	struct keep keep;
	double most;
	uint32_t known;
};

/* What is left of the spare when `absent` of the named ones protect nothing;
 * never so much that nobody is the reason. */
static uint32_t
spare_left(const struct redundancy_group *g, uint32_t named, uint32_t absent)
{
	uint32_t spare = redundancy_spare(g->kind, named);
	uint32_t left = named - absent;

	spare = spare > absent ? spare - absent : 0;
	return left > 0 && spare >= left ? left - 1 : spare;
}

static void
fold_group_level(struct folding *f, const struct redundancy_group *g,
	const struct host_device **list, uint32_t n)
{
	uint32_t named = g->n > n ? g->n : n;
	uint32_t spare = spare_left(g, named, named - n);

	sort_worst_first(list, n);
	note_reason(&f->h, list[spare], &f->most);
	if (spare > 0 && list[0]->level > f->h.spared) {
		f->h.spared = list[0]->level;
		f->h.spared_device = list[0]->device;
	}
}

/* What drives say of themselves has a level and no number. */
static void
fold_group(struct folding *f, const struct redundancy_group *g,
	const struct host_device **list, uint32_t n)
{
	uint32_t named = g->n > n ? g->n : n, known = 0;
	struct risk r;

	if (n == 0)
		return;
	fold_group_level(f, g, list, n);
	for (uint32_t i = 0; i < n; i++)
		if (list[i]->risk.d30 >= 0)
			list[known++] = list[i];
	if (known == 0)
		return;
	r = group_risk(list, known, spare_left(g, named, named - known));
	keep_all(&f->keep, &r);
	f->known += known;
}

static uint32_t
collect(const struct host_device *devices, size_t n, uint32_t group,
	const struct host_device **list)
{
	uint32_t found = 0;

	for (size_t i = 0; i < n && found < HOST_GROUP_MAX; i++)
		if (devices[i].group == group)
			list[found++] = &devices[i];
	return found;
}

static bool
stands_alone(const struct host_device *d, const struct redundancy *declared)
{
	return declared == NULL || d->group >= declared->n;
}

static void
fold_own(struct folding *f, const struct host_own *own)
{
	if (own == NULL || !own->any)
		return;
	keep_all(&f->keep, &own->risk);
	f->known++;
	if (own->level > f->h.level) {
		f->h.level = own->level;
		f->h.device = 0;
		f->h.own = true;
	}
}

void
host_combine(const struct host_device *devices, size_t n,
	const struct redundancy *declared, const struct host_own *own,
	struct host_risk *out)
{
	const struct host_device *list[HOST_GROUP_MAX];
	struct folding f = { .h = { .level = LEVEL_NONE },
		.keep = { 1, 1, 1 } };

	for (size_t i = 0; i < n; i++) {
		f.h.n_blind += devices[i].risk.d30 < 0;
		if (!stands_alone(&devices[i], declared))
			continue;
		note_reason(&f.h, &devices[i], &f.most);
		if (devices[i].risk.d30 < 0)
			continue;
		keep_all(&f.keep, &devices[i].risk);
		f.known++;
	}
	for (uint32_t g = 0; declared != NULL && g < declared->n; g++)
		fold_group(&f, &declared->groups[g], list,
			collect(devices, n, g, list));
	fold_own(&f, own);
	f.h.risk = (struct risk){ 1 - f.keep.d7, 1 - f.keep.d30,
		1 - f.keep.d90 };
	if (f.known == 0)
		f.h.risk = (struct risk){ VERDICT_RISK_UNKNOWN,
			VERDICT_RISK_UNKNOWN, VERDICT_RISK_UNKNOWN };
	*out = f.h;
}
