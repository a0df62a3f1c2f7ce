#include "base/intern.h"

#include <string.h>

struct intern_name {
	uint32_t id;
	char text[];
};

void
intern_free(struct intern *in)
{
	hash_free(&in->by_name);
	mem_free(in->names);
	arena_free(&in->text);
	in->names = NULL;
	in->n = 0;
	in->cap = 0;
}

uint32_t
intern_find(const struct intern *in, const char *name, size_t n)
{
	const struct intern_name *known = hash_get(&in->by_name, name, n);

	return known != NULL ? known->id : 0;
}

uint32_t
intern_put(struct intern *in, const char *name, size_t n)
{
	uint32_t id = intern_find(in, name, n);
	size_t max = in->max != 0 ? in->max : UINT32_MAX - 1;
	void *names = in->names;
	struct intern_name *fresh;

	if (id != 0)
		return id;
	if (in->n >= max ||
	    mem_grow(&names, &in->cap, in->n + 1, sizeof(*in->names)) < 0)
		return 0;
	in->names = names;
	fresh = arena_alloc(&in->text, sizeof(*fresh) + n + 1);
	if (fresh == NULL)
		return 0;
	memcpy(fresh->text, name, n);
	fresh->id = (uint32_t)in->n + 1;
	if (hash_put(&in->by_name, fresh->text, n, fresh) < 0)
		return 0;
	in->names[in->n++] = fresh;
	return fresh->id;
}

const char *
intern_name(const struct intern *in, uint32_t id)
{
	return id == 0 || id > in->n ? NULL : in->names[id - 1]->text;
}
