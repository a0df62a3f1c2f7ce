/*
 * Reading a snapshot: references, search, and text kept with it.
 */
#include "engine/snapshot.h"

#include <string.h>

const struct snap_rare snap_rare_none = {
	.reason_check = "", .reason_text = "", .risk_reason = "",
	.risk = VERDICT_RISK_UNKNOWN,
};

const char *
snap_layer_id(enum snap_layer l)
{
	switch (l) {
	case LAYER_HOST:
		return "host";
	case LAYER_VM:
		return "vm";
	case LAYER_ROLE:
		return "role";
	}
	return "";
}

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
snap_frame_put(struct snap_frame *f)
{
	if (f == NULL || atomic_fetch_sub_explicit(&f->refs, 1,
		memory_order_acq_rel) != 1)
		return;
	mem_free(atomic_load(&f->rows));
	arena_free(&f->arena);
	mem_free(f);
}

void
snap_chunk_put(struct snap_chunk *c)
{
	if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1,
		memory_order_acq_rel) != 1)
		return;
	mem_free(atomic_load(&c->whole));
	snap_frame_put(c->frame);
	mem_free(c);
}

void
snap_windows_put(struct snap_windows *w)
{
	if (w == NULL || atomic_fetch_sub_explicit(&w->refs, 1,
		memory_order_acq_rel) != 1)
		return;
	arena_free(&w->arena);
	mem_free(w);
}

void
snapshot_put(struct snapshot *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->n_chunks; i++)
		snap_chunk_put(s->chunks[i]);
	mem_free(s->chunks);
	snap_windows_put(s->windows_of);
	mem_free(atomic_load(&s->summary));
	arena_free(&s->arena);
	mem_free(s);
}

/* The last chunk whose first name is ≤ `name`; n_chunks when there is none. */
static size_t
chunk_of(const struct snapshot *s, const char *name)
{
	size_t low = 0, high = s->n_chunks;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(s->chunks[mid]->hosts[0]->name, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low == 0 ? s->n_chunks : low - 1;
}

/* The first place in the chunk whose name is ≥ `name`. */
static size_t
place_of(const struct snap_chunk *c, const char *name)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(c->hosts[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
snapshot_find(const struct snapshot *s, const char *folded,
	struct snap_chunk **chunk, size_t *at)
{
	size_t c = chunk_of(s, folded);
	size_t i;

	if (c == s->n_chunks)
		return false;
	i = place_of(s->chunks[c], folded);
	if (i == s->chunks[c]->n ||
	    strcmp(s->chunks[c]->hosts[i]->name, folded) != 0)
		return false;
	*chunk = s->chunks[c];
	*at = i;
	return true;
}

const struct snap_host *
snapshot_host(const struct snapshot *s, const char *folded)
{
	struct snap_chunk *chunk;
	size_t at;

	return snapshot_find(s, folded, &chunk, &at) ? chunk->hosts[at] : NULL;
}

static const struct snap_unit *
find_unit(const struct snap_host *h, uint32_t id)
{
	for (size_t i = 0; i < h->rare->n_units; i++)
		if (h->rare->units[i].id == id)
			return &h->rare->units[i];
	return NULL;
}

const struct snap_unit *
snapshot_unit(const struct snapshot *s, uint32_t id,
	struct snap_whose *whose)
{
	for (size_t i = 0; i < s->n_chunks; i++)
		for (size_t k = 0; k < s->chunks[i]->n; k++) {
			const struct snap_host *h = s->chunks[i]->hosts[k];
			const struct snap_unit *u = find_unit(h, id);

			if (u == NULL)
				continue;
			*whose = (struct snap_whose){ h, s->chunks[i] };
			return u;
		}
	return NULL;
}

bool
snapshot_after(const struct snapshot *s, const char *after, size_t *chunk,
	size_t *at)
{
	size_t c = chunk_of(s, after);
	size_t i;

	if (s->n_chunks == 0)
		return false;
	if (c == s->n_chunks) {
		*chunk = 0;
		*at = 0;
		return true;
	}
	i = place_of(s->chunks[c], after);
	if (i < s->chunks[c]->n &&
	    strcmp(s->chunks[c]->hosts[i]->name, after) == 0)
		i++;
	if (i == s->chunks[c]->n) {
		c++;
		i = 0;
	}
	if (c == s->n_chunks)
		return false;
	*chunk = c;
	*at = i;
	return true;
}

struct snap_text *
snapshot_cache(_Atomic(struct snap_text *) *cache, struct snap_text *fresh)
{
	struct snap_text *in_force = NULL;

	if (atomic_compare_exchange_strong(cache, &in_force, fresh))
		return fresh;
	mem_free(fresh);
	return in_force;
}
