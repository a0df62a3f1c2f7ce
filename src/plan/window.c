#include "plan/window.h"

#include <string.h>

#include "base/mem.h"

static const char *const type_ids[] = {
#define X(sym, id) [WINDOW_##sym] = id,
	WINDOW_TYPE_TABLE(X)
#undef X
};

const char *
window_type_id(enum window_type t)
{
	return type_ids[t];
}

bool
window_type_parse(const char *id, size_t n, enum window_type *out)
{
	for (size_t i = 0; i < ARRAY_LEN(type_ids); i++) {
		if (strlen(type_ids[i]) != n || memcmp(type_ids[i], id, n) != 0)
			continue;
		*out = (enum window_type)i;
		return true;
	}
	return false;
}

bool
window_covers(const struct window *w, const char *host, const char *partition)
{
	if (w->partition[0] != '\0')
		return strcmp(w->partition, partition) == 0;
	for (size_t i = 0; i < w->n_hosts; i++)
		if (strcmp(w->hosts[i], host) == 0)
			return true;
	return false;
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

void
window_free(struct window *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n_hosts; i++)
		mem_free(w->hosts[i]);
	mem_free(w->hosts);
	mem_free(w);
}
