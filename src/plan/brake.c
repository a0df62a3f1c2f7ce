#include "plan/brake.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/le.h"

static size_t
at_least(size_t least, size_t n)
{
	return n > least ? n : least;
}

size_t
brake_limit(size_t hosts)
{
	return at_least(2, hosts * 3 / 100);
}

size_t
brake_hard_limit(size_t hosts)
{
	return at_least(3, hosts / 10);
}

static void
latch(struct brake *b, size_t bad, size_t hosts, struct wall at)
{
	b->latched = true;
	b->since = at;
	b->bad_then = bad;
	b->hosts_then = hosts;
}

bool
brake_update(struct brake *b, size_t bad, size_t hosts, struct wall at)
{
	/* What was tolerated shrinks with the trouble, never grows. */
	if (bad < b->tolerated)
		b->tolerated = bad;
	if (b->latched || bad <= brake_limit(hosts) || bad <= b->tolerated)
		return false;
	latch(b, bad, hosts, at);
	b->cause = BRAKE_TOO_MANY;
	b->vm = 0;
	return true;
}

bool
brake_contagion(struct brake *b, uint32_t vm, size_t bad, size_t hosts,	/* lint: who, how many, when */
	struct wall at)
{
	if (b->latched)
		return false;
	latch(b, bad, hosts, at);
	b->cause = BRAKE_CONTAGION;
	b->vm = vm;
	return true;
}

const char *
brake_cause_id(enum brake_cause c)
{
	switch (c) {
	case BRAKE_TOO_MANY:
		break;
	case BRAKE_CONTAGION:
		return "contagion";
	}
	return "too_many";
}

int
brake_release(struct brake *b, const char *by, const char *reason, size_t bad,	/* lint: who, why, when */
	struct wall at, struct tc_err *e)
{
	if (by[0] == '\0')
		return tc_fail(e, TC_EINVAL, "a brake is released by a named "
			"person");
	if (reason[0] == '\0')
		return tc_fail(e, TC_EINVAL, "a brake is released for a "
			"reason");
	if (!b->latched)
		return tc_fail(e, TC_EEXIST, "the brake is not latched");
	b->latched = false;
	b->released = at;
	b->tolerated = bad;
	snprintf(b->released_by, sizeof(b->released_by), "%s", by);
	return 0;
}

/*
 * version, latched, cause, 5 free, since, bad, hosts, released, tolerated, by,
 * vm; what is free is 0, and 0 is what it means in older ones.
 */
#define SAVED_VERSION 1
#define SAVED_BY_AT 48
#define SAVED_VM_AT 112

void
brake_save(const struct brake *b, unsigned char out[BRAKE_SAVED_BYTES])
{
	memset(out, 0, BRAKE_SAVED_BYTES);
	out[0] = SAVED_VERSION;
	out[1] = b->latched;
	out[2] = (unsigned char)b->cause;
	le_put(out + SAVED_VM_AT, b->vm, 4);
	le_put(out + 8, (uint64_t)b->since.ms, 8);
	le_put(out + 16, b->bad_then, 8);
	le_put(out + 24, b->hosts_then, 8);
	le_put(out + 32, (uint64_t)b->released.ms, 8);
	le_put(out + 40, b->tolerated, 8);
	memcpy(out + SAVED_BY_AT, b->released_by, sizeof(b->released_by));
}

int
brake_restore(const void *p, size_t n, struct brake *out, struct tc_err *e)
{
	const unsigned char *in = p;

	if (n != BRAKE_SAVED_BYTES || in[0] != SAVED_VERSION)
		return tc_fail(e, TC_ECORRUPT, "brake of %zu bytes", n);
	*out = (struct brake){ .latched = in[1] != 0,
		.cause = in[2] == BRAKE_CONTAGION ? BRAKE_CONTAGION :
			BRAKE_TOO_MANY,
		.vm = (uint32_t)le_get(in + SAVED_VM_AT, 4),
		.since.ms = (int64_t)le_get(in + 8, 8),
		.bad_then = (size_t)le_get(in + 16, 8),
		.hosts_then = (size_t)le_get(in + 24, 8),
		.released.ms = (int64_t)le_get(in + 32, 8),
		.tolerated = (size_t)le_get(in + 40, 8) };
	memcpy(out->released_by, in + SAVED_BY_AT, sizeof(out->released_by));
	out->released_by[sizeof(out->released_by) - 1] = '\0';
	return 0;
}
