/*
 * What the parts of the JSON reader share; nobody else's.
 */
#ifndef TOCSIN_WIRE_JSON_SCAN_H
#define TOCSIN_WIRE_JSON_SCAN_H

#include "wire/json_read.h"

/* Goes to the value at hand; false, and failed, when it is another kind. */
bool json_begin_value(struct json_read *r, enum json_kind want,
	const char *not_it);
/* At the opening quote; leaves the string unescaped in place. */
bool json_scan_string(struct json_read *r, struct json_str *out);

#endif
