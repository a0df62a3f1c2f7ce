#include "store/patience.h"

static size_t
expected(const struct patience *p)
{
	return p->expected > 0 ? p->expected : 1;
}

void
patience_add(struct patience *p, bool hasty, struct mono now)
{
	struct mono due = mono_add(now, dur_ms(hasty ? PATIENCE_HASTY_MS :
		PATIENCE_CALM_MS));

	if (p->n == 0 || mono_before(due, p->due))
		p->due = due;
	p->n++;
	p->hasty += hasty;
}

bool
patience_is_over(const struct patience *p, struct mono now)
{
	return p->n > 0 && (p->hasty >= expected(p) ||
		!mono_before(now, p->due));
}

/*
 * Whoever waits for the answer before the next word is alone in each group,
 * and waits in vain once in so many; of many that come by themselves, a few
 * share each group.
 */
void
patience_end(struct patience *p, struct mono now)
{
	if (p->hasty >= expected(p)) {
		if (++p->in_time >= PATIENCE_IN_TIME) {
			p->expected = expected(p) + 1;
			p->in_time = 0;
		}
	} else if (p->hasty > 0 && !mono_before(now, p->due)) {
		p->expected = p->hasty;
		p->in_time = 0;
	}
	p->n = 0;
	p->hasty = 0;
}
