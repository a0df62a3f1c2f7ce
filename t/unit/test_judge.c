/*
 * health: every sequence of outcomes against a model that is slow and plain:
 * it looks at the whole past each time and remembers nothing else.
 */
#include <string.h>

#include "health/check.h"
#include "t/lib/story.h"

#define LONGEST 80

struct model {
	const struct check_rule *rule;
	char past[LONGEST];	/* o or F; what was not measured is left out */
	bool turned[LONGEST];
	size_t n;
	size_t forgotten;	/* changes before this one count no more */
	bool convicted;
	bool flapping;
};

static size_t
in_a_row(const struct model *m, char what)
{
	size_t k = 0;

	while (k < m->n && m->past[m->n - 1 - k] == what)
		k++;
	return k;
}

static size_t
failures_of_last(const struct model *m, size_t n)
{
	size_t k = 0;

	for (size_t i = m->n > n ? m->n - n : 0; i < m->n; i++)
		k += m->past[i] == 'F';
	return k;
}

static size_t
turns_of_last(const struct model *m, size_t n)
{
	size_t from = m->n > n ? m->n - n : 0, k = 0;

	for (size_t i = from > m->forgotten ? from : m->forgotten; i < m->n; i++)
		k += m->turned[i];
	return k;
}

static void
model_see(struct model *m, char what)
{
	const struct check_rule *r = m->rule;
	bool was = m->convicted, window;

	if (what == 'u')
		return;
	m->past[m->n++] = what;
	window = r->fail_of != 0 &&
		failures_of_last(m, r->fail_of) >= r->fail_some;
	if (!was)
		m->convicted = what == 'F' &&
			(in_a_row(m, 'F') >= r->fail_after || window);
	else if (in_a_row(m, 'o') >= r->clear_after && !window)
		m->convicted = false;
	m->turned[m->n - 1] = m->convicted != was;
	if (r->flap_after == 0)
		return;
	if (!m->flapping) {
		m->flapping = turns_of_last(m, r->flap_within) >= r->flap_after;
	} else if (turns_of_last(m, r->flap_clear) == 0) {
		m->flapping = false;
		m->forgotten = m->n;
	}
}

/* ck_assert() tells of every success: too dear for millions of them. */
static void
hold(bool good, const char *seq, size_t after, const char *law)
{
	if (!good)
		ck_abort_msg("%s after %zu: %s", seq, after, law);
}

static enum health
model_health(const struct model *m)
{
	if (m->n == 0)
		return HEALTH_UNKNOWN;
	if (m->convicted)
		return HEALTH_UNHEALTHY;
	return m->past[m->n - 1] == 'F' ? HEALTH_SUSPECT : HEALTH_HEALTHY;
}

static struct now
at_slot(size_t i)
{
	int64_t s = 1000 + (int64_t)i;

	return (struct now){ { s * 1000000000 }, { s * 1000 } };
}

static void
see(struct check_state *c, const struct check_rule *rule, char what, size_t i)
{
	struct check_seen seen = { TOCSIN_OK, TOCSIN_WHY_NONE };
	struct check_move move;

	if (what == 'F')
		seen = (struct check_seen){ TOCSIN_FAIL,
			TOCSIN_WHY_CONNECT_REFUSED };
	if (what == 'u')
		seen = (struct check_seen){ TOCSIN_UNKNOWN,
			TOCSIN_WHY_LOCAL_RESOURCE };
	check_observe(c, rule, seen, at_slot(i), &move);
}

static void
save_and_restore(struct check_state *c, const struct check_rule *rule,
	size_t i)
{
	unsigned char saved[CHECK_SAVED_BYTES];

	check_state_save(c, rule, saved);
	hold(check_state_restore(saved, sizeof(saved), at_slot(i).mono, c,
		NULL) == 0, "saved", i, "not restored");
}

/* Laws that hold whatever the model says. */
static void
check_laws(const struct check_state *c, const struct model *m,
	enum health was, const char *seq)
{
	enum health is = (enum health)c->health;

	hold(is != HEALTH_UNHEALTHY || was == HEALTH_UNHEALTHY ||
		m->past[m->n - 1] == 'F', seq, m->n, "an ok convicts");
	hold(was != HEALTH_UNHEALTHY || is == HEALTH_UNHEALTHY ||
		(is == HEALTH_HEALTHY &&
			in_a_row(m, 'o') >= m->rule->clear_after), seq, m->n,
		"acquitted too soon");
	hold(is != HEALTH_SUSPECT || c->fails < m->rule->fail_after, seq,
		m->n, "not convicted");
}

static void
compare(const struct check_rule *rule, const char *seq, bool with_restarts)
{
	struct model m = { .rule = rule };
	struct check_state c;

	check_state_init(&c, at_slot(0));
	for (size_t i = 0; seq[i] != '\0'; i++) {
		enum health was = (enum health)c.health;

		see(&c, rule, seq[i], i + 1);
		model_see(&m, seq[i]);
		hold((enum health)c.health == model_health(&m), seq, i + 1,
			health_id((enum health)c.health));
		hold(c.flapping == m.flapping, seq, i + 1,
			c.flapping ? "flapping" : "not flapping");
		check_laws(&c, &m, was, seq);
		if (with_restarts)
			save_and_restore(&c, rule, i + 1);
	}
}

#define RULE(...) { .interval = { INT64_C(1000000000) },          \
	.timeout = { INT64_C(1000000000) }, .stale_after = 100, __VA_ARGS__ }

static const struct check_rule rules[] = {
	RULE(.fail_after = 3, .clear_after = 2),
	RULE(.fail_after = 1, .clear_after = 1, .flap_after = 4,
		.flap_within = 10, .flap_clear = 3),
	RULE(.fail_after = 2, .clear_after = 2, .flap_after = 3,
		.flap_within = 12, .flap_clear = 5),
	RULE(.fail_after = 3, .clear_after = 2, .fail_some = 3, .fail_of = 5),
	RULE(.fail_after = 9, .clear_after = 1, .fail_some = 2, .fail_of = 4,
		.flap_after = 3, .flap_within = 8, .flap_clear = 4),
	RULE(.fail_after = 2, .clear_after = 1, .fail_some = 4, .fail_of = 16,
		.flap_after = 2, .flap_within = 16, .flap_clear = 16),
};

START_TEST(p9_all_sequences_of_sixteen_are_judged_as_the_model_does)
{
	for (size_t r = 0; r < ARRAY_LEN(rules); r++)
		for (unsigned n = 0; n < 1U << 16; n++) {
			char seq[17] = { 0 };

			for (unsigned i = 0; i < 16; i++)
				seq[i] = (n >> i & 1) != 0 ? 'F' : 'o';
			compare(&rules[r], seq, false);
		}
}
END_TEST

/* 3^10, and what could not be measured moves nothing. */
START_TEST(p9_all_sequences_of_ten_with_unknowns_and_restarts)
{
	for (size_t r = 0; r < ARRAY_LEN(rules); r++)
		for (unsigned n = 0; n < 59049; n++) {
			char seq[11] = { 0 };
			unsigned digits = n;

			for (unsigned i = 0; i < 10; i++, digits /= 3)
				seq[i] = "oFu"[digits % 3];
			compare(&rules[r], seq, true);
		}
}
END_TEST

/* Long random ones with a restart after each: the windows survive as well. */
START_TEST(p11_long_sequences_survive_a_restart_at_every_step)
{
	uint64_t seed = 20260101;
	struct check_rule widest = RULE(.fail_after = 40, .clear_after = 2,
		.fail_some = 20, .fail_of = 64, .flap_after = 3,
		.flap_within = 64, .flap_clear = 20);

	for (int round = 0; round < 3000; round++) {
		const struct check_rule *rule = round % 2 == 0 ? &widest :
			&rules[(size_t)round / 2 % ARRAY_LEN(rules)];
		char seq[LONGEST] = { 0 };
		char now = 'o';

		for (size_t i = 0; i + 1 < LONGEST; i++) {
			seed = seed * UINT64_C(6364136223846793005) +
				UINT64_C(1442695040888963407);
			if (seed >> 61 == 0)
				now = now == 'o' ? 'F' : 'o';
			seq[i] = (seed >> 40 & 15) == 0 ? 'u' : now;
		}
		compare(rule, seq, true);
	}
}
END_TEST

START_TEST(three_of_five_convict_whom_a_row_of_three_never_would)
{
	static const struct check_rule of = RULE(.fail_after = 5,
		.clear_after = 2, .fail_some = 3, .fail_of = 5);
	struct check_state c;

	check_state_init(&c, at_slot(0));
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_ne(c.health, HEALTH_UNHEALTHY);
		see(&c, &of, "FoFoF"[i], i);
	}
	ck_assert_int_eq(c.health, HEALTH_UNHEALTHY);
	/* two successes alone do not acquit while the window says otherwise */
	see(&c, &of, 'o', 6);
	see(&c, &of, 'F', 7);
	see(&c, &of, 'o', 8);
	see(&c, &of, 'o', 9);
	ck_assert_int_eq(c.health, HEALTH_HEALTHY);
}
END_TEST

START_TEST(p9_flapping_has_its_evidence_and_ends_with_quiet)
{
	static const struct check_rule flap = RULE(.fail_after = 3,
		.clear_after = 2, .flap_after = 5, .flap_within = 60,
		.flap_clear = 20);
	struct check_state c;
	size_t i = 0;

	check_state_init(&c, at_slot(0));
	for (int round = 0; round < 3; round++) {
		ck_assert(!c.flapping);
		for (const char *p = "ooooFFF"; *p != '\0'; p++)
			see(&c, &flap, *p, ++i);
	}
	ck_assert(c.flapping);
	ck_assert_uint_eq(check_turns(&c), 5);
	ck_assert_int_eq(c.health, HEALTH_UNHEALTHY);
	/* one that is down for good has stopped flapping as well */
	for (int k = 0; k < 19; k++)
		see(&c, &flap, 'F', ++i);
	ck_assert(c.flapping);
	see(&c, &flap, 'F', ++i);
	ck_assert(!c.flapping);
	ck_assert_int_eq(c.health, HEALTH_UNHEALTHY);
	ck_assert_uint_eq(check_turns(&c), 0);
}
END_TEST

int
main(void)
{
	return STORIES("judge",
		p9_all_sequences_of_sixteen_are_judged_as_the_model_does,
		p9_all_sequences_of_ten_with_unknowns_and_restarts,
		p11_long_sequences_survive_a_restart_at_every_step,
		three_of_five_convict_whom_a_row_of_three_never_would,
		p9_flapping_has_its_evidence_and_ends_with_quiet);
}
