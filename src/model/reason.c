#include "model/reason.h"

#include <string.h>

#include "base/macros.h"

static const struct row {
	enum tocsin_reason code;
	enum tocsin_outcome outcome;
	const char *id;
	const char *words;
} rows[] = {
#define X(num, sym, id, outcome, words) \
	{ TOCSIN_WHY_##sym, TOCSIN_##outcome, id, words },
	TOCSIN_REASON_TABLE(X)
#undef X
};

static const char *const outcome_ids[] = { "ok", "fail", "unknown" };

const char *
outcome_id(enum tocsin_outcome o)
{
	return (size_t)o < ARRAY_LEN(outcome_ids) ? outcome_ids[o] : "unknown";
}

bool
outcome_parse(const char *id, size_t n, enum tocsin_outcome *out)
{
	for (size_t i = 0; i < ARRAY_LEN(outcome_ids); i++) {
		if (strlen(outcome_ids[i]) != n ||
		    memcmp(outcome_ids[i], id, n) != 0)
			continue;
		*out = (enum tocsin_outcome)i;
		return true;
	}
	return false;
}

static const struct row *
find(unsigned code)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((unsigned)rows[i].code == code)
			return &rows[i];
	return NULL;
}

bool
reason_is_known(unsigned code)
{
	return find(code) != NULL;
}

const char *
reason_id(enum tocsin_reason r)
{
	const struct row *row = find((unsigned)r);

	return row != NULL ? row->id : "unknown_reason";
}

const char *
reason_words(enum tocsin_reason r)
{
	const struct row *row = find((unsigned)r);

	return row != NULL ? row->words : "a reason this version does not know";
}

bool
reason_parse(const char *id, size_t n, enum tocsin_reason *out)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].id) != n || memcmp(rows[i].id, id, n) != 0)
			continue;
		*out = rows[i].code;
		return true;
	}
	return false;
}

enum tocsin_outcome
reason_outcome(enum tocsin_reason r)
{
	const struct row *row = find((unsigned)r);

	return row != NULL ? row->outcome : TOCSIN_UNKNOWN;
}
