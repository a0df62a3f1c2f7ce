#include "store/tiers.h"

const struct tier_span tiers[TIERS] = {
#define X(sym, number, name, row, block) [sym] = { name, row, block },
	TIER_TABLE(X)
#undef X
};
