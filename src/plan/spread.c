#include "plan/spread.h"

#include <stdlib.h>
#include <string.h>

bool
spread_is_group(const struct tag *t)
{
	return t->value[0] != '\0' && (strcmp(t->key, "app") == 0 ||
		strcmp(t->key, "anti_affinity") == 0);
}

static int
by_group(const void *a, const void *b)
{
	const struct spread_host *x = a, *y = b;
	int c = strcmp(x->group, y->group);

	return c != 0 ? c : strcmp(x->name, y->name);
}

void
spread_sort(struct spread_host *hosts, size_t n)
{
	qsort(hosts, n, sizeof(*hosts), by_group);
}

static size_t
group_end(const struct spread_host *hosts, size_t n, size_t first)
{
	size_t i = first + 1;

	while (i < n && strcmp(hosts[i].group, hosts[first].group) == 0)
		i++;
	return i;
}

static bool
is_left(const struct spread_list *l, const struct spread_found *group,
	const struct window *w)
{
	bool by_w = false, by_other = false;

	for (size_t i = group->first; i < group->first + group->n; i++) {
		bool in_w = l->covers(l->arg, w, l->hosts[i].of);
		bool in_other = l->covers(l->arg, group->other,
			l->hosts[i].of);

		if (!in_w && !in_other)
			return true;
		by_w = by_w || !in_w;
		by_other = by_other || !in_other;
	}
	return !by_w || !by_other;
}

bool
spread_conflict(const struct spread_list *l, const struct window *w,
	struct window *const *others, size_t n_others,
	struct spread_found *out)
{
	for (size_t k = 0; k < n_others; k++) {
		size_t end;

		if (others[k] == w || !window_meets(w, others[k]))
			continue;
		for (size_t i = 0; i < l->n; i = end) {
			struct spread_found group;

			end = group_end(l->hosts, l->n, i);
			group = (struct spread_found){ others[k],
				l->hosts[i].group, i, end - i };
			if (group.n < 2 || is_left(l, &group, w))
				continue;
			*out = group;
			return true;
		}
	}
	return false;
}
