#include "model/alert.h"

#include <string.h>

#include "base/macros.h"

static const char *const ids[] = {
#define X(num, sym, id) [SEVERITY_##sym] = id,
	SEVERITY_TABLE(X)
#undef X
};

const char *
severity_id(enum severity s)
{
	return ids[s];
}

bool
severity_parse(const char *id, size_t n, enum severity *out)
{
	for (size_t i = SEVERITY_INFO; i < ARRAY_LEN(ids); i++) {
		if (strlen(ids[i]) != n || memcmp(ids[i], id, n) != 0)
			continue;
		*out = (enum severity)i;
		return true;
	}
	return false;
}
