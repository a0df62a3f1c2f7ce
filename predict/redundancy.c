/*
 * Declared redundancy, from text.
 */
#include "predict/redundancy.h"

#include <string.h>
#include <strings.h>

static const char *const names[REDUNDANCY_N] = {
#define X(sym, id, lost) [sym] = id,
	REDUNDANCY_TABLE(X)
#undef X
};

uint32_t
redundancy_spare(enum redundancy_kind kind, uint32_t n)
{
	uint32_t lost = 0;

	if (n == 0)
		return 0;
	switch (kind) {
#define X(sym, id, spare) case sym: lost = spare; break;
	REDUNDANCY_TABLE(X)
#undef X
	}
	return lost < n ? lost : n - 1;
}

static bool
kind_from(const char *p, size_t n, enum redundancy_kind *out)
{
	for (int k = 0; k < REDUNDANCY_N; k++)
		if (strlen(names[k]) == n && memcmp(names[k], p, n) == 0) {
			*out = (enum redundancy_kind)k;
			return true;
		}
	return false;
}

static uint32_t
count_members(const char *p, size_t n)
{
	uint32_t count = 1;

	if (n == 1 && *p == '*')
		return 0;
	for (size_t i = 0; i < n; i++)
		count += p[i] == '+';
	return count;
}

/* Every member has a name. */
static bool
members_are_named(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '+' && (i == 0 || i + 1 == n || p[i + 1] == '+'))
			return false;
	return n > 0;
}

static int
group_from(const char *word, size_t n, struct redundancy_group *out,
	struct tc_err *e)
{
	const char *colon = memchr(word, ':', n);
	size_t head = colon != NULL ? (size_t)(colon - word) : n;

	if (colon == NULL || !kind_from(word, head, &out->kind))
		return tc_fail(e, TC_EINVAL, "redundancy: \"%.*s\": begins with "
			"none of single: mirror: raid5: raid6:",
			n > 60 ? 60 : (int)n, word);
	out->members = colon + 1;
	out->n_text = n - head - 1;
	if (!members_are_named(out->members, out->n_text))
		return tc_fail(e, TC_EINVAL, "redundancy: \"%.*s\": needs "
			"serials or WWNs with + between them, or *",
			n > 60 ? 60 : (int)n, word);
	out->n = count_members(out->members, out->n_text);
	return 0;
}

int
redundancy_parse(const char *text, struct redundancy *out, struct tc_err *e)
{
	struct redundancy made = { .n = 0 };
	int rc = 0;

	if (strlen(text) > REDUNDANCY_TEXT_MAX)
		return tc_fail(e, TC_EINVAL, "redundancy: longer than %d bytes",
			REDUNDANCY_TEXT_MAX);
	for (const char *p = text + strspn(text, " \t"); *p != '\0' && rc == 0;) {
		size_t n = strcspn(p, " \t");

		if (made.n == REDUNDANCY_GROUPS_MAX)
			return tc_fail(e, TC_EINVAL, "redundancy: more than %d "
				"groups", REDUNDANCY_GROUPS_MAX);
		rc = group_from(p, n, &made.groups[made.n++], e);
		p += n;
		p += strspn(p, " \t");
	}
	if (rc == 0)
		*out = made;
	return rc;
}

static bool
is_member(const struct redundancy_group *g, const char *name)
{
	size_t want = strlen(name);
	const char *p = g->members, *end = g->members + g->n_text;

	while (want > 0 && p < end) {
		const char *plus = memchr(p, '+', (size_t)(end - p));
		const char *stop = plus != NULL ? plus : end;

		if ((size_t)(stop - p) == want && strncasecmp(p, name, want) == 0)
			return true;
		p = stop + 1;
	}
	return false;
}

uint32_t
redundancy_group_of(const struct redundancy *r, const char *serial,
	const char *wwn)
{
	uint32_t rest = REDUNDANCY_GROUPS_MAX;

	for (uint32_t i = 0; i < r->n; i++) {
		if (r->groups[i].n == 0)
			rest = i;
		else if (is_member(&r->groups[i], serial) ||
			 is_member(&r->groups[i], wwn))
			return i;
	}
	return rest;
}
