#include "model/cause.h"

#include <string.h>

static const struct {
	const char *id;
	const char *text;
} causes[] = {
#define X(sym, id, text) [sym] = { id, text },
	CAUSE_TABLE(X)
#undef X
};

_Static_assert(sizeof(causes) / sizeof(causes[0]) == CAUSE_N,
	"CAUSE_N counts the table");

const char *
cause_name(enum cause cause)
{
	return causes[(unsigned)cause < CAUSE_N ? cause : CAUSE_UNKNOWN].id;
}

const char *
cause_text(enum cause cause)
{
	return causes[(unsigned)cause < CAUSE_N ? cause : CAUSE_UNKNOWN].text;
}

bool
cause_from_name(const char *name, size_t n, enum cause *out)
{
	for (int i = 0; i < CAUSE_N; i++) {
		if (strlen(causes[i].id) == n &&
		    memcmp(causes[i].id, name, n) == 0) {
			*out = (enum cause)i;
			return true;
		}
	}
	return false;
}
