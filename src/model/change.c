#include "model/change.h"

struct change_set *
change_set_new(void)
{
	return MEM_NEW(struct change_set);
}

void
change_set_free(struct change_set *cs)
{
	if (cs == NULL)
		return;
	for (size_t i = 0; i < cs->n; i++)
		if (cs->items[i].kind == CHANGE_HISTORY)
			mem_free(cs->items[i].u.history.owned);
	arena_free(&cs->arena);
	mem_free(cs->items);
	mem_free(cs);
}

struct change *
change_add(struct change_set *cs, enum change_kind kind)
{
	void *items = cs->items;
	struct change *c;

	if (mem_grow(&items, &cs->cap, cs->n + 1, sizeof(*cs->items)) < 0)
		return NULL;
	cs->items = items;
	c = &cs->items[cs->n++];
	*c = (struct change){ .kind = kind };
	return c;
}
