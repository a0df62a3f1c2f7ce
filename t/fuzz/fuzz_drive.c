/* A table of drive states from anybody: refused with a place, or usable. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "predict/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const metrics[] = { "critical_warning",
		"spare_ratio", "wear_ratio", "media_errors", "grown_defects",
		"uncorrected_errors", "crc_errors", "smart_passed" };
	struct verdict v = { .judged_at = wall_from_days(20001) }, again;
	struct drive_rules rules;
	struct drive_state s = { 0 };
	struct tc_err e = { 0 };

	if (drive_rules_parse((const char *)data, size, &rules, &e) < 0) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		(void)drive_observe(&s, metrics[i], 0, wall_from_days(20000));
		(void)drive_observe(&s, metrics[i], (double)(i * 37),
			wall_from_days(20001));
	}
	drive_judge(&rules, &s, NULL, 0, &v);
	if (v.n_evidence > rules.n)
		abort();
	again = v;
	(void)drive_recompute(&rules, &v, &again, &e);
	return 0;
}
