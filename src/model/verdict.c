#include "model/verdict.h"

const char *
evidence_kind_name(enum evidence_kind kind)
{
	static const char *const names[] = {
#define X(sym, id) [sym] = id,
		EVIDENCE_KIND_TABLE(X)
#undef X
	};

	return names[(unsigned)kind < EVIDENCE_KIND_N ? kind : EVIDENCE_RULE];
}

const char *
verdict_kind_name(enum verdict_kind kind)
{
	static const char *const names[] = {
#define X(sym, id) [sym] = id,
		VERDICT_KIND_TABLE(X)
#undef X
	};

	return names[(unsigned)kind < VERDICT_KIND_N ? kind : VERDICT_FAILURE];
}
