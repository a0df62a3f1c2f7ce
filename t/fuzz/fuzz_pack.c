/* Rule packs from anybody: refused with a reason, or usable. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "predict/eval.h"
#include "predict/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pack *pack = NULL;
	struct tc_err e = { 0 };
	struct features f = { 0 };
	struct verdict v, again;

	if (pack_parse((const char *)data, size, &pack, &e) < 0) {
		if (e.text[0] == '\0' || pack)
			abort();
		return 0;
	}
	for (int32_t day = 0; day < 40; day += 3) {
		for (int c = 0; c < COUNTER_N; c++)
			(void)features_observe(&f, (enum counter)c,
				(uint64_t)day * (uint64_t)(c + 1) % 50, day,
				wall_from_days(day));
		(void)features_rank(&f, COUNTER_PENDING, day % 9 ? day * 25 :
			-1);
		eval_device(pack, &f, "", wall_from_days(day), &v);
		if (eval_recompute(pack, &v, &again, &e) < 0 ||
		    again.score != v.score || again.level != v.level)
			abort();
	}
	pack_free(pack);
	return 0;
}
