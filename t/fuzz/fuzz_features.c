/* Saved features from anybody: refused, or the same when saved again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "predict/builtin.h"
#include "predict/eval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char again[FEATURES_SAVED_MAX], twice[FEATURES_SAVED_MAX];
	struct tc_err e = { 0 };
	struct features f, g;
	size_t n;
	struct pack *pack = NULL;
	struct verdict v;

	if (features_restore(data, size, &f, &e) < 0) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	/* the first versions had less to say; they come back as the newest */
	n = features_save(&f, again);
	if (data[1] > 2 && (n != size || memcmp(again, data, size) != 0))
		abort();
	if (features_restore(again, n, &g, &e) < 0 ||
	    features_save(&g, twice) != n || memcmp(again, twice, n) != 0)
		abort();
	if (pack_builtin(&pack, &e) < 0)
		abort();
	eval_device(pack, &f, "", wall_from_days(f.slot_day), &v);
	for (int c = 0; c < COUNTER_N; c++)
		for (int s = 0; s < STAT_N; s++)
			(void)features_get(&f, (struct feature_ref){
				(enum counter)c, (enum stat_kind)s }, INT32_MAX);
	(void)features_observe(&f, COUNTER_PENDING, 9, INT32_MAX,
		(struct wall){ INT64_MAX });
	(void)features_observe(&f, COUNTER_REALLOCATED, 9, INT32_MIN,
		(struct wall){ INT64_MIN });
	eval_device(pack, &f, "", (struct wall){ INT64_MAX }, &v);
	pack_free(pack);
	return 0;
}
