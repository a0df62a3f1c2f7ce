/* Saved drive states from anybody: refused, or the same when saved again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "predict/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char again[DRIVE_SAVED_MAX];
	struct verdict v = { .judged_at = wall_from_days(20001) };
	struct drive_rules rules;
	struct tc_err e = { 0 };
	struct drive_state s;

	if (drive_restore(data, size, &s, &e) < 0) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	if (drive_save(&s, again) != size || memcmp(again, data, size) != 0)
		abort();
	if (drive_rules_builtin(&rules, &e) < 0)
		abort();
	drive_judge(&rules, &s, NULL, 0, &v);
	(void)drive_observe(&s, "media_errors", 9, (struct wall){ INT64_MAX });
	drive_judge(&rules, &s, NULL, 0, &v);
	return 0;
}
