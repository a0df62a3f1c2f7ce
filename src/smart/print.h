/*
 * A report as one JSON object: what tocsin-smartd --decode prints.
 */
#ifndef TOCSIN_SMART_PRINT_H
#define TOCSIN_SMART_PRINT_H

#include "base/strbuf.h"
#include "smart/model.h"

/*
 * Keys: protocol model serial firmware capacity_bytes smart_passed
 * power_on_hours temperature_celsius reallocated_sectors pending_sectors
 * offline_uncorrectable reported_uncorrectable crc_errors wear_ratio
 * spare_ratio media_errors critical_warning grown_defects uncorrected_errors
 * asleep undecoded attributes.  null where the drive does not say.  Without a
 * newline at the end; out->failed when memory ran out.
 */
void smart_print_json(const struct smart_report *r, struct strbuf *out);

/* A JSON string with its quotes, or null for NULL and "". */
void smart_print_text(const char *text, struct strbuf *out);

#endif
