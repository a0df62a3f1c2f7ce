#include "plan/window.h"

#include <stdlib.h>
#include <string.h>

#define GRACE_S 60
#define YEAR_TIMES 800
#define YEAR_MS (INT64_C(366) * 86400000)

static const struct {
	const char *id;
	const char *effect;
} types[] = {
#define X(sym, id, effect) [WINDOW_##sym] = { id, effect },
	WINDOW_TYPE_TABLE(X)
#undef X
};

const char *
window_type_id(enum window_type t)
{
	return types[t].id;
}

static bool
same_word(const char *id, const char *text, size_t n)
{
	if (strlen(id) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (id[i] != (text[i] == '-' ? '_' : text[i]))
			return false;
	return true;
}

bool
window_type_parse(const char *id, size_t n, enum window_type *out)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!same_word(types[i].id, id, n))
			continue;
		*out = (enum window_type)i;
		return true;
	}
	return false;
}

const char *
window_effect(const struct window *w)
{
	return w->effect[0] != '\0' ? w->effect : types[w->type].effect;
}

void
window_init(struct window *w)
{
	*w = (struct window){ .grace = dur_s(GRACE_S),
		.type = WINDOW_HOST_REBOOT, .zone = { .std_name = "UTC" } };
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort_names(char **names, size_t *n_names)
{
	size_t n = 0;

	if (*n_names > 0)
		qsort(names, *n_names, sizeof(*names), by_name);
	for (size_t i = 0; i < *n_names; i++) {
		if (n > 0 && strcmp(names[n - 1], names[i]) == 0)
			mem_free(names[i]);
		else
			names[n++] = names[i];
	}
	*n_names = n;
}

void
window_sort(struct window *w)
{
	sort_names(w->hosts, &w->n_hosts);
	sort_names(w->vms, &w->n_vms);
}

bool
window_covers(const struct window *w, const char *host, const char *partition)
{
	if (w->partition[0] != '\0')
		return strcmp(w->partition, partition) == 0;
	return w->n_hosts > 0 && bsearch(&host, w->hosts, w->n_hosts,
		sizeof(*w->hosts), by_name) != NULL;
}

bool
window_covers_vm(const struct window *w, const char *vm)
{
	return w->n_vms > 0 && bsearch(&vm, w->vms, w->n_vms,
		sizeof(*w->vms), by_name) != NULL;
}

bool
window_runs(const struct window *w, struct wall now)
{
	return w->from.ms <= now.ms && now.ms < w->to.ms;
}

bool
window_is_over(const struct window *w, struct wall now)
{
	return now.ms >= wall_add(w->to, w->grace).ms;
}

static bool
take_next(struct window *w, struct wall after)
{
	struct span s;

	if (!repeat_next(&w->repeat, &w->zone, after, &s))
		return false;
	w->from = s.from;
	w->to = s.to;
	return true;
}

bool
window_go_on(struct window *w)
{
	return w->repeat.every != REPEAT_NEVER && take_next(w, w->to);
}

bool
window_begin(struct window *w, struct wall now)
{
	struct wall after = w->from.ms > now.ms ? w->from : now;

	return take_next(w, after);
}

bool
window_meets(const struct window *a, const struct window *b)
{
	struct window x = *a, y = *b;
	int64_t last = (a->from.ms < b->from.ms ? b->from.ms : a->from.ms) +
		YEAR_MS;

	for (int i = 0; i < YEAR_TIMES; i++) {
		if (x.from.ms < y.to.ms && y.from.ms < x.to.ms)
			return true;
		if (x.from.ms > last || y.from.ms > last)
			return false;
		/* who ends first cannot meet what comes of the other */
		if (!window_go_on(x.to.ms <= y.to.ms ? &x : &y))
			return false;
	}
	return false;
}

void
window_fini(struct window *w)
{
	for (size_t i = 0; i < w->n_hosts; i++)
		mem_free(w->hosts[i]);
	for (size_t i = 0; i < w->n_vms; i++)
		mem_free(w->vms[i]);
	mem_free(w->hosts);
	mem_free(w->vms);
	w->hosts = NULL;
	w->vms = NULL;
	w->n_hosts = 0;
	w->n_vms = 0;
}

void
window_free(struct window *w)
{
	if (w == NULL)
		return;
	window_fini(w);
	mem_free(w);
}

static char **
clone_names(struct arena *a, char *const *names, size_t n)
{
	char **copy = arena_alloc(a, (n + 1) * sizeof(*copy));

	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = arena_strdup(a, names[i]);
		if (copy[i] == NULL)
			return NULL;
	}
	return copy;
}

struct window *
window_clone(struct arena *a, const struct window *w)
{
	struct window *c = arena_alloc(a, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = *w;
	c->hosts = clone_names(a, w->hosts, w->n_hosts);
	c->vms = clone_names(a, w->vms, w->n_vms);
	c->cap_hosts = w->n_hosts;
	c->cap_vms = w->n_vms;
	return c->hosts != NULL && c->vms != NULL ? c : NULL;
}
