#include "model/plan.h"

#include <string.h>

#include "base/macros.h"

static const char *const action_ids[] = {
#define X(num, sym, id) [PLAN_##sym] = id,
	PLAN_ACTION_TABLE(X)
#undef X
};

static const char *const state_ids[] = {
#define X(num, sym, id) [PLAN_STATE_##sym] = id,
	PLAN_STATE_TABLE(X)
#undef X
};

static const char *const urgencies[] = {
#define X(num, sym, id) [URGENCY_##sym] = id,
	URGENCY_TABLE(X)
#undef X
};

static const struct said {
	const char *id;
	const char *words;
} why_nots[] = {
#define X(sym, id, words) [WHY_NOT_##sym] = { id, words },
	WHY_NOT_TABLE(X)
#undef X
};

static const char *const target_ids[] = {
#define X(sym, id) [TARGET_##sym] = id,
	TARGET_TABLE(X)
#undef X
};

const char *
plan_action_id(enum plan_action a)
{
	return action_ids[a];
}

const char *
plan_state_id(enum plan_state s)
{
	return state_ids[s];
}

const char *
urgency_id(enum urgency u)
{
	return urgencies[u];
}

const char *
why_not_id(enum why_not w)
{
	return why_nots[w].id;
}

const char *
why_not_words(enum why_not w)
{
	return why_nots[w].words;
}

const char *
target_id(enum target_state t)
{
	return target_ids[t];
}

bool
plan_state_parse(const char *id, size_t n, enum plan_state *out)
{
	for (size_t i = PLAN_STATE_RECOMMENDED; i < ARRAY_LEN(state_ids); i++) {
		if (strlen(state_ids[i]) != n ||
		    memcmp(state_ids[i], id, n) != 0)
			continue;
		*out = (enum plan_state)i;
		return true;
	}
	return false;
}

static const char *const switch_ids[] = {
#define X(bit, sym, id) [SWITCH_##sym] = id,
	SWITCH_TABLE(X)
#undef X
};

const char *
switch_id(enum plan_switch s)
{
	return switch_ids[s];
}

bool
switch_parse(const char *id, size_t n, enum plan_switch *out)
{
	for (size_t i = 0; i < ARRAY_LEN(switch_ids); i++) {
		if (strlen(switch_ids[i]) != n ||
		    memcmp(switch_ids[i], id, n) != 0)
			continue;
		*out = (enum plan_switch)i;
		return true;
	}
	return false;
}
