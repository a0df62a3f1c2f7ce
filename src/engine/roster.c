#include "engine/roster.h"

#include <string.h>

#include "base/hash.h"
#include "engine/inside.h"

#define CAP_LEAST 16

/* Of the host with this name, or the free one where it would stand. */
static uint32_t *
slot_of(const struct engine *en, const struct roster *r, const char *name)
{
	size_t mask = r->cap - 1;
	size_t i = hash_bytes(name, strlen(name), r->seed) & mask;

	for (;; i = (i + 1) & mask) {
		const struct host *h = subject_get(en, r->ids[i],
			SUBJECT_HOST);

		if (h == NULL || strcmp(h->name, name) == 0)
			return &r->ids[i];
	}
}

static int
grow(struct engine *en)
{
	struct roster *r = &en->hosts, bigger = *r;

	bigger.cap = r->cap == 0 ? CAP_LEAST : r->cap * 2;
	bigger.ids = mem_alloc_array(bigger.cap, sizeof(*bigger.ids));
	if (bigger.ids == NULL)
		return TC_ENOMEM;
	for (size_t at = 0; at < r->cap; at++) {
		const struct host *h = subject_get(en, r->ids[at],
			SUBJECT_HOST);

		if (h != NULL)
			*slot_of(en, &bigger, h->name) = h->id;
	}
	mem_free(r->ids);
	*r = bigger;
	return 0;
}

int
roster_add(struct engine *en, const struct host *h)
{
	struct roster *r = &en->hosts;

	/* At most three of four are taken. */
	if ((r->n + 1) * 4 > r->cap * 3 && grow(en) < 0)
		return TC_ENOMEM;
	*slot_of(en, r, h->name) = h->id;
	r->n++;
	return 0;
}

struct host *
host_find(const struct engine *en, const char *name)
{
	const struct roster *r = &en->hosts;

	return r->n == 0 ? NULL :
		subject_get(en, *slot_of(en, r, name), SUBJECT_HOST);
}

struct host *
roster_next(const struct engine *en, size_t *at)
{
	while (*at < en->hosts.cap) {
		uint32_t id = en->hosts.ids[(*at)++];

		if (id != 0)
			return subject_get(en, id, SUBJECT_HOST);
	}
	return NULL;
}

void
roster_free(struct roster *r)
{
	mem_free(r->ids);
	*r = (struct roster){ .seed = r->seed };
}
