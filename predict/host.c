/*
 * Device risks to host risk.
 */
#include "predict/host.h"

#include <stdbool.h>

static bool
is_worse(const struct host_device *a, const struct host_device *b)
{
	if (a->level != b->level)
		return a->level > b->level;
	return a->risk.d30 > b->risk.d30;
}

void
host_combine(const struct host_device *devices, size_t n,
	struct host_risk *out)
{
	struct host_risk h = { LEVEL_NONE, { 0, 0, 0 }, 0, 0 };
	const struct host_device *worst = NULL;
	double keep7 = 1, keep30 = 1, keep90 = 1;

	for (size_t i = 0; i < n; i++) {
		const struct host_device *d = &devices[i];

		if (!worst || is_worse(d, worst))
			worst = d;
		if (d->risk.d30 < 0) {
			h.n_blind++;
			continue;
		}
		keep7 *= 1 - d->risk.d7;
		keep30 *= 1 - d->risk.d30;
		keep90 *= 1 - d->risk.d90;
	}
	if (worst) {
		h.level = worst->level;
		h.device = worst->device;
	}
	h.risk = (struct risk){ 1 - keep7, 1 - keep30, 1 - keep90 };
	if (h.n_blind == n)
		h.risk = (struct risk){ VERDICT_RISK_UNKNOWN,
			VERDICT_RISK_UNKNOWN, VERDICT_RISK_UNKNOWN };
	*out = h;
}
