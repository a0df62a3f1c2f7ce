#include "model/outcome.h"

#include <string.h>

static const char *const kinds[] = {
#define X(sym, id) [sym] = id,
	OUTCOME_TABLE(X)
#undef X
};

static const char *const sources[] = {
#define X(sym, id) [sym] = id,
	OUTCOME_SOURCE_TABLE(X)
#undef X
};

const char *
outcome_kind_id(enum outcome_kind kind)
{
	return kinds[kind];
}

bool
outcome_kind_parse(const char *id, size_t n, enum outcome_kind *out)
{
	for (int k = 0; k < OUTCOME_KIND_N; k++) {
		if (strlen(kinds[k]) != n || memcmp(kinds[k], id, n) != 0)
			continue;
		*out = (enum outcome_kind)k;
		return true;
	}
	return false;
}

const char *
outcome_source_id(enum outcome_source source)
{
	return sources[source];
}
