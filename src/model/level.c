#include "model/level.h"

#include <string.h>

static const struct {
	const char *id;
	const char *text;
} levels[] = {
#define X(sym, id, text) [sym] = { id, text },
	LEVEL_TABLE(X)
#undef X
};

_Static_assert(sizeof(levels) / sizeof(levels[0]) == LEVEL_N,
	"LEVEL_N counts the table");

const char *
level_name(enum level level)
{
	return (unsigned)level < LEVEL_N ? levels[level].id : "none";
}

const char *
level_text(enum level level)
{
	return levels[(unsigned)level < LEVEL_N ? level : LEVEL_NONE].text;
}

bool
level_from_name(const char *name, size_t n, enum level *out)
{
	for (int i = 0; i < LEVEL_N; i++) {
		if (strlen(levels[i].id) == n &&
		    memcmp(levels[i].id, name, n) == 0) {
			*out = (enum level)i;
			return true;
		}
	}
	return false;
}
