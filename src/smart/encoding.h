/*
 * What a raw attribute means: a table of drive × attribute → packing, unit,
 * direction and the field of the report it feeds.  smartctl's own reading of
 * the raw value is preferred where it differs; what nobody can read is listed
 * as undecoded, never guessed.
 */
#ifndef TOCSIN_SMART_ENCODING_H
#define TOCSIN_SMART_ENCODING_H

#include <stdbool.h>
#include <stdint.h>

#include "smart/model.h"

/* Which field of the report an attribute feeds. */
enum smart_role {
	SMART_ROLE_NONE,
	SMART_ROLE_REALLOCATED,
	SMART_ROLE_PENDING,
	SMART_ROLE_OFFLINE,
	SMART_ROLE_REPORTED,
	SMART_ROLE_CRC,
	SMART_ROLE_HOURS,
	SMART_ROLE_TEMPERATURE,
	SMART_ROLE_TEMPERATURE2,	/* only where there is no other */
	SMART_ROLE_WEAR,
	SMART_ROLE_SPARE,
};

/* One row of the table; NULL matches everything. */
struct smart_packing {
	const char *model;	/* glob: * any, ? one, # a digit */
	const char *firmware;	/* glob */
	uint8_t id;		/* 0 = any */
	const char *named;	/* glob over smartctl's name */
	const char *name;	/* ours, where the source has none */
	enum smart_encoding encoding;
	enum smart_unit unit;
	enum smart_worse worse;
	enum smart_role role;
};

/*
 * The first row that fits: those of certain drives before the common ones.
 * `name` is smartctl's or "".  Never NULL: the last row fits everything.
 */
const struct smart_packing *smart_packing_find(const char *model,
	const char *firmware, uint8_t id, const char *name);

/* What `encoding` makes of the raw and normalised value; none if nothing. */
struct smart_f64 smart_encoding_apply(enum smart_encoding encoding,
	const struct smart_attribute *a);

/*
 * One raw value of one drive: none where its packing is not known.  For those
 * who have nothing but raw values (recorded history).
 */
struct smart_f64 smart_raw_decode(const char *model, const char *firmware,
	uint8_t id, uint64_t raw);

/*
 * Decodes every ATA attribute in place, fills those fields of the report that
 * are still unknown, lists what could not be decoded.
 */
void smart_decode(struct smart_report *r);

#endif
