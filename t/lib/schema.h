/*
 * The part of JSON Schema that src/http/openapi.json uses: type, properties,
 * required, additionalProperties, propertyNames, items, enum, const, oneOf,
 * minimum, maximum, minItems, maxItems, maxLength, pattern, $ref.  An unknown
 * word is an error, so that nothing is passed over in silence.
 */
#ifndef TOCSIN_T_LIB_SCHEMA_H
#define TOCSIN_T_LIB_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct schema {
	json_t *doc;		/* the whole description, for $ref */
	char why[512];		/* of the last failure: place and what */
};

/* False, with why, when the value does not match. */
bool schema_match(struct schema *s, const json_t *rule, const json_t *value);

/*
 * The rule of a reply: by method ("get"), path ("/v1/hosts/{h}") and status;
 * NULL when the description does not have it.  *type is its content type.
 */
const json_t *schema_of_reply(struct schema *s, const char *method,
	const char *path, int status, const char **type);

#endif
