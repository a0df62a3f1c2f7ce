/*
 * Who knows of which alert that fires: only they are told of its end.
 */
#include <string.h>

#include "action/parts.h"

struct told *
told_get(const struct action *a, uint64_t alert)
{
	return hash_get(&a->told, &alert, sizeof(alert));
}

struct told *
told_add(struct action *a, uint64_t alert, enum severity severity)
{
	struct told *t = MEM_NEW(struct told);

	if (t == NULL)
		return NULL;
	t->alert = alert;
	t->severity = severity;
	if (hash_put(&a->told, &t->alert, sizeof(t->alert), t) < 0) {
		mem_free(t);
		return NULL;
	}
	return t;
}

struct told_to *
told_to_find(const struct told *t, const char *receiver)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->to[i].receiver, receiver) == 0)
			return &t->to[i];
	return NULL;
}

struct told_to *
told_to_get(struct told *t, const char *receiver)
{
	struct told_to *to = told_to_find(t, receiver);
	void *items = t->to;
	char *name;

	if (to != NULL)
		return to;
	name = mem_strdup(receiver);
	if (name == NULL ||
	    mem_grow(&items, &t->cap, t->n + 1, sizeof(*t->to)) < 0) {
		mem_free(name);
		return NULL;
	}
	t->to = items;
	t->to[t->n] = (struct told_to){ .receiver = name };
	return &t->to[t->n++];
}

static void
told_free(struct told *t)
{
	for (size_t i = 0; i < t->n; i++) {
		mem_free(t->to[i].receiver);
		mem_free(t->to[i].payload);
	}
	mem_free(t->to);
	mem_free(t);
}

void
told_drop(struct action *a, struct told *t)
{
	hash_remove(&a->told, &t->alert, sizeof(t->alert));
	told_free(t);
}

void
told_free_all(struct action *a)
{
	struct told *t;
	size_t at = 0;

	while ((t = hash_next(&a->told, &at)) != NULL)
		told_free(t);
	hash_free(&a->told);
}
