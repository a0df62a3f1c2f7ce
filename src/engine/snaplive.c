/*
 * What each observation moves, in the chunks of a snapshot.  Where nothing
 * else moved, a chunk is a copy of the one before, in which the hosts that
 * were heard of are written anew.
 */
#include <string.h>

#include "engine/inside.h"
#include "engine/maker.h"

static size_t
live_bytes(const struct check *c)
{
	return sizeof(struct snap_live) +
		metrics_n(&c->metrics) * sizeof(double);
}

static void
live_write(struct snap_live *to, const struct check *c)
{
	size_t n = metrics_n(&c->metrics);

	to->at = c->st.at;
	to->fails = c->st.fails;
	to->oks = c->st.oks;
	to->outcome = c->st.outcome;
	to->changes = (uint8_t)check_turns(&c->st);
	if (n > 0)
		memcpy(to->values, metrics_values(&c->metrics),
			n * sizeof(double));
}

int
live_add(struct maker *m, const struct check *c, uintptr_t *at)
{
	struct live_room *room = m->live;
	size_t need = room->n + live_bytes(c);
	void *p = room->p;

	if (mem_grow(&p, &room->cap, need, 1) < 0)
		return TC_ENOMEM;
	room->p = p;
	live_write((void *)(room->p + room->n), c);
	*at = room->n;
	room->n = need;
	return 0;
}

struct snap_chunk *
chunk_new(struct snap_frame *f, const void *live, size_t bytes)
{
	struct snap_chunk *c = mem_resize_array(NULL, sizeof(*c) + bytes, 1);

	if (c == NULL)
		return NULL;
	*c = (struct snap_chunk){ .frame = f, .n = f->n, .hosts = f->hosts,
		.live = (uintptr_t)(c + 1), .live_bytes = bytes };
	atomic_init(&c->refs, 1);
	atomic_init(&c->whole, NULL);
	memcpy(c + 1, live, bytes);
	return c;
}

void
stir(struct engine *en, const struct host *h)
{
	size_t chunk = h->place / SNAP_CHUNK_HOSTS;

	if (en->resort || chunk >= en->n_chunks || !h->present)
		return;
	en->stirred[chunk] |= UINT64_C(1) << h->place % SNAP_CHUNK_HOSTS;
	if (en->dirt[chunk] < DIRTY_VALUES)
		en->dirt[chunk] = DIRTY_VALUES;
}

/* False when the frame is not of these checks: then somebody did not mark(). */
static bool
rewrite(const struct snap_chunk *c, const struct snap_host *shown,
	const struct host *h)
{
	if (shown->id != h->id || shown->n_checks != h->n_checks)
		return false;
	for (size_t i = 0; i < h->n_checks; i++) {
		const struct snap_check *k = &shown->checks[i];
		const struct snap_names *names = k->kind->names;
		size_t n = names != NULL ? names->n : 0;

		if (k->id != host_checks(h)[i]->id ||
		    n != metrics_n(&host_checks(h)[i]->metrics))
			return false;
		live_write((struct snap_live *)(c->live + k->live),
			host_checks(h)[i]);
	}
	return true;
}

struct snap_chunk *
chunk_stirred(struct engine *en, size_t i)
{
	const struct snap_chunk *was = en->chunks[i];
	struct host **hosts = en->sorted + i * SNAP_CHUNK_HOSTS;
	struct snap_chunk *c = chunk_new(was->frame, (const void *)was->live,
		was->live_bytes);

	if (c == NULL)
		return NULL;
	atomic_fetch_add_explicit(&c->frame->refs, 1, memory_order_relaxed);
	for (uint64_t left = en->stirred[i]; left != 0; left &= left - 1) {
		int k = __builtin_ctzll(left);

		if (!rewrite(c, c->hosts[k], hosts[k])) {
			snap_chunk_put(c);
			return NULL;
		}
	}
	return c;
}
