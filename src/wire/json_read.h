/*
 * JSON in: a pull parser over text in memory, strict RFC 8259, UTF-8 checked.
 * No tree: the caller asks for what it expects and names what is wrong.
 *
 *	json_open(&r, text, n);
 *	if (json_enter_object(&r)) {
 *		while (json_next_key(&r, &key)) {
 *			if (json_str_is(key, "host"))
 *				host = json_get_cstr(&r, 253);
 *			else
 *				json_unknown(&r);
 *		}
 *	}
 *	rc = json_close(&r, e);
 *
 * The text is changed in place: strings are unescaped and NUL-terminated where
 * they stand, and what is returned points there.  Failure is sticky: after it
 * every loop ends and every value is empty; json_close() tells, with the JSON
 * pointer and the byte: "/observations/3/at_ms: not a number (byte 71)".
 */
#ifndef TOCSIN_WIRE_JSON_READ_H
#define TOCSIN_WIRE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tocsin/probe.h>

#include "base/err.h"

#define JSON_DEPTH_MAX 32
#define JSON_KEYS_MAX 65536	/* of one object */

enum json_kind {
	JSON_BAD,	/* nothing that begins a value, or failed before */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* Borrowed from the text; p[n] is NUL, and there may be NULs before it. */
struct json_str {
	const char *p;
	size_t n;
};

/*
 * F64, but an integer beyond ±2^53 that 64 bits hold is U64 or I64
 * (model/observation.h).
 */
struct json_num {
	enum tocsin_sample_type type;
	union {
		double f64;
		uint64_t u64;
		int64_t i64;
	} v;
};

struct json_slot;
struct json_frame {
	struct json_str key;	/* object: of the member at hand */
	size_t index;		/* array: of the item at hand */
	bool is_object;
	bool first;
};
/* Keys seen in the object open at one depth; slots of older ones are free. */
struct json_keys {
	struct json_slot *slots;
	size_t cap;
	size_t n;
	uint32_t stamp;
};

struct json_read {
	char *start;
	char *at;
	char *end;
	char *mark;	/* of the value at hand, for the message */
	bool pending;	/* a value must be read now */
	unsigned depth;
	struct json_frame frames[JSON_DEPTH_MAX];
	struct json_keys keys[JSON_DEPTH_MAX];
	uint64_t seed;
	struct tc_err err;
};

/* text[n] must be there and be NUL (as in a strbuf); n may be 0. */
void json_open(struct json_read *r, char *text, size_t n);
/* Also checks that nothing follows the value; frees what the reader had. */
int json_close(struct json_read *r, struct tc_err *e);

static inline bool
json_failed(const struct json_read *r)
{
	return r->err.code != 0;
}

/* Fails at the value (or member) at hand; the first failure stays. */
void json_fail(struct json_read *r, const char *fmt, ...) TC_PRINTF(2, 3);
/* "/host: unknown field" */
void json_unknown(struct json_read *r);
void json_fail_memory(struct json_read *r);
/* RFC 6901, of the value at hand; cut with "…" when longer than `size`. */
void json_pointer(const struct json_read *r, char *text, size_t size);

/* What comes next, without reading it. */
enum json_kind json_peek(struct json_read *r);

/* Walks: true while there is one more; the end is read with the false. */
bool json_enter_object(struct json_read *r);
bool json_next_key(struct json_read *r, struct json_str *key);
bool json_enter_array(struct json_read *r);
bool json_next_item(struct json_read *r);

/* Each wants just this kind; "" or 0 after failure. */
struct json_str json_get_str(struct json_read *r);
/* At most max_bytes, no NUL inside; never NULL. */
const char *json_get_cstr(struct json_read *r, size_t max_bytes);
struct json_num json_get_num(struct json_read *r);
double json_get_double(struct json_read *r);
/* A number without a fraction (1e3 and 2.0 are none) in min…max. */
int64_t json_get_int(struct json_read *r, int64_t min, int64_t max);
uint64_t json_get_u64(struct json_read *r);
bool json_get_bool(struct json_read *r);
void json_get_null(struct json_read *r);
/* Any value, checked as strictly. */
void json_skip(struct json_read *r);

static inline bool
json_str_is(struct json_str s, const char *text)
{
	return strlen(text) == s.n && memcmp(text, s.p, s.n) == 0;
}

#endif
