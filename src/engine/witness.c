#include "engine/witness.h"

#include "engine/awake.h"
#include "engine/doubt.h"
#include "engine/unit.h"

bool
check_is_convicted(const struct check *c)
{
	return c->st.health == HEALTH_UNHEALTHY ||
		c->st.behind == HEALTH_UNHEALTHY;
}

static struct check *const *
checks_of(const struct witness *w, size_t *n)
{
	*n = w->vm != NULL ? w->vm->n_checks : w->host->n_checks;
	return w->vm != NULL ? w->vm->checks : host_checks(w->host);
}

static bool
is_asked(const struct witness *w, const struct check *c)
{
	return !c->passive && (!w->machine || is_host_layer(c));
}

bool
witness_can_tell(const struct witness *w)
{
	size_t n;
	struct check *const *checks = checks_of(w, &n);

	for (size_t i = 0; i < n; i++)
		if (is_asked(w, checks[i]))
			return true;
	return false;
}

bool
witness_stands(const struct witness *w)
{
	size_t n;
	struct check *const *checks = checks_of(w, &n);

	for (size_t i = 0; i < n; i++)
		if (is_asked(w, checks[i]) &&
		    checks[i]->st.health == HEALTH_HEALTHY)
			return true;
	return false;
}

bool
witness_lies(const struct witness *w)
{
	size_t n;
	struct check *const *checks = checks_of(w, &n);
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any = any || (is_asked(w, checks[i]) &&
			check_is_convicted(checks[i]));
	return any && !witness_stands(w);
}

bool
witness_answered(const struct engine *en, const struct witness *w,
	int64_t since_ns)
{
	size_t n;
	struct check *const *checks = checks_of(w, &n);

	for (size_t i = 0; i < n; i++) {
		const struct check *c = checks[i];

		if (is_asked(w, c) && c->st.health == HEALTH_HEALTHY &&
		    c->st.outcome == TOCSIN_OK && c->st.heard.ns +
			gap_of(en, w->host->part) >= since_ns)
			return true;
	}
	return false;
}

void
witness_ask(struct engine *en, const struct witness *w, struct now now)
{
	size_t n;
	struct check *const *checks = checks_of(w, &n);

	for (size_t i = 0; i < n; i++) {
		struct check *c = checks[i];
		int64_t wait = c->st.outcome == TOCSIN_OK ? 0 :
			run_spacing(c).ns - run_took(c, now).ns;

		if (!is_asked(w, c) || c->in_flight || !wheel_has(&c->due))
			continue;
		run_wake(en, c, (struct mono){ now.mono.ns +
			(wait > 0 ? wait : 0) });
	}
}

int64_t
witness_verdict_ns(const struct witness *w)
{
	size_t n;
	struct check *const *checks = checks_of(w, &n);
	int64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		const struct check *c = checks[i];
		int64_t each = run_spacing(c).ns;

		if (!is_asked(w, c))
			continue;
		if (c->kind->rule.timeout.ns > each)
			each = c->kind->rule.timeout.ns;
		each *= (int64_t)c->kind->rule.fail_after + 1;
		most = each > most ? each : most;
	}
	return most;
}
