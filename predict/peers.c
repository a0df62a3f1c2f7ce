/*
 * A fleet's counters by model, as they stand, and a drive's place among them.
 */
#include "predict/peers.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

struct one_model {
	struct peer_counts counts;
	char name[];
};

struct peers {
	struct hash by_model;
	struct arena memory;
};

unsigned
peer_bucket(uint32_t value)
{
	unsigned k = 0;

	while (value > 0 && k < PEER_BUCKETS - 1) {
		value >>= 1;
		k++;
	}
	return k;
}

int
peers_below(const struct peer_counts *counts, enum counter counter,
	uint32_t value)
{
	const uint32_t *n = counts->n[counter];
	uint64_t below = 0, all = 0;
	unsigned own = peer_bucket(value);

	for (unsigned k = 0; k < PEER_BUCKETS; k++) {
		below += k < own ? n[k] : 0;
		all += n[k];
	}
	return all < PEERS_MIN ? -1 : (int)(below * 1000 / all);
}

bool
peers_rank(const struct peer_counts *counts, uint32_t counters, int32_t day,
	struct features *f)
{
	bool news = false;

	for (int c = 0; c < COUNTER_N; c++) {
		if (!(counters & f->seen & 1u << c))
			continue;
		news |= features_rank(f, (enum counter)c, counts ?
			peers_below(counts, (enum counter)c, f->past[c].now) :
			-1);
	}
	f->ranked_day = day;
	return news;
}

struct peers *
peers_new(void)
{
	return MEM_NEW(struct peers);
}

void
peers_free(struct peers *p)
{
	if (!p)
		return;
	hash_free(&p->by_model);
	arena_free(&p->memory);
	mem_free(p);
}

static struct one_model *
model_new(struct peers *p, const char *model)
{
	size_t n = strlen(model) + 1;
	struct one_model *m = arena_alloc(&p->memory, sizeof(*m) + n);

	if (!m)
		return NULL;
	memcpy(m->name, model, n);
	return hash_put_str(&p->by_model, m->name, m) < 0 ? NULL : m;
}

int
peers_add(struct peers *p, const char *model, const struct features *f)
{
	struct one_model *m;

	if (model[0] == '\0' || f->seen == 0)
		return 0;
	m = hash_get_str(&p->by_model, model);
	if (!m)
		m = model_new(p, model);
	if (!m)
		return TC_ENOMEM;
	for (int c = 0; c < COUNTER_N; c++)
		if (f->seen & 1u << c)
			m->counts.n[c][peer_bucket(f->past[c].now)]++;
	return 0;
}

const struct peer_counts *
peers_of(const struct peers *p, const char *model)
{
	const struct one_model *m = p ? hash_get_str(&p->by_model, model) :
		NULL;

	return m ? &m->counts : NULL;
}
