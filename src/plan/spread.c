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
is_left(const struct spread_host *hosts, size_t n, const struct window *w,
	const struct window *other)
{
	bool by_w = false, by_other = false;

	for (size_t i = 0; i < n; i++) {
		bool in_w = window_covers(w, hosts[i].name,
			hosts[i].partition);
		bool in_other = window_covers(other, hosts[i].name,
			hosts[i].partition);

		if (!in_w && !in_other)
			return true;
		by_w = by_w || !in_w;
		by_other = by_other || !in_other;
	}
	return !by_w || !by_other;
}

bool
spread_conflict(const struct spread_host *hosts, size_t n,
	const struct window *w, struct window *const *others,
	size_t n_others, struct spread_found *out)	/* lint: two lists and a window */
{
	for (size_t k = 0; k < n_others; k++) {
		size_t end;

		if (others[k] == w || !window_meets(w, others[k]))
			continue;
		for (size_t i = 0; i < n; i = end) {
			end = group_end(hosts, n, i);
			if (end - i < 2 || is_left(hosts + i, end - i, w,
				others[k]))
				continue;
			*out = (struct spread_found){ others[k],
				hosts[i].group, i, end - i };
			return true;
		}
	}
	return false;
}
