#include "model/unit.h"

#include <string.h>

#include "base/macros.h"

static const char *const classes[] = {
#define X(num, sym, id) [UNIT_##sym] = id,
	UNIT_CLASS_TABLE(X)
#undef X
};

static const char *const agents[] = {
#define X(num, sym, id) [AGENT_##sym] = id,
	UNIT_AGENT_TABLE(X)
#undef X
};

static const char *const runs[] = {
#define X(num, sym, id) [VM_RUN_##sym] = id,
	VM_RUN_TABLE(X)
#undef X
};

static const char *const sides[] = {
#define X(num, sym, id) [SIGNAL_##sym] = id,
	SIGNAL_TABLE(X)
#undef X
};

static const char *const causes[] = {
#define X(num, sym, id) [CAUSE_##sym] = id,
	CAUSE_TABLE(X)
#undef X
};

const char *
unit_class_id(enum unit_class c)
{
	return classes[c];
}

const char *
unit_agent_id(enum unit_agent a)
{
	return agents[a];
}

const char *
vm_run_id(enum vm_run r)
{
	return runs[r];
}

const char *
signal_id(enum signal_side s)
{
	return sides[s];
}

const char *
cause_id(enum cause_hint c)
{
	return causes[c];
}

static int
place_of(const char *const *names, size_t count, const char *id, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(names[i]) == n && memcmp(names[i], id, n) == 0)
			return (int)i;
	return -1;
}

bool
unit_class_parse(const char *id, size_t n, enum unit_class *out)
{
	int at = place_of(classes, ARRAY_LEN(classes), id, n);

	if (at >= 0)
		*out = (enum unit_class)at;
	return at >= 0;
}

bool
unit_agent_parse(const char *id, size_t n, enum unit_agent *out)
{
	int at = place_of(agents, ARRAY_LEN(agents), id, n);

	if (at >= 0)
		*out = (enum unit_agent)at;
	return at >= 0;
}

bool
vm_run_parse(const char *id, size_t n, enum vm_run *out)
{
	int at = place_of(runs, ARRAY_LEN(runs), id, n);

	if (n == 8 && memcmp(id, "shut off", n) == 0)
		at = VM_RUN_SHUT_OFF;
	if (at >= 0)
		*out = (enum vm_run)at;
	return at >= 0;
}

bool
signal_parse(const char *id, size_t n, enum signal_side *out)
{
	int at = place_of(sides, ARRAY_LEN(sides), id, n);

	if (at >= 0)
		*out = (enum signal_side)at;
	return at >= 0;
}
