/*
 * JSON out: values appended to a strbuf, commas by themselves.
 *
 *	json_begin(&w, &sb);
 *	json_put_object(&w);
 *	json_add_str(&w, "host", "h1");
 *	json_put_key(&w, "checks");
 *	json_put_array(&w);
 *	…
 *	json_put_end(&w);	(closes the innermost)
 *	json_put_end(&w);
 *
 * json_put_X writes a value (in an array, at the top, or after a key),
 * json_add_X a member.  Wrong nesting is our bug and aborts.  Out of memory
 * stays in the strbuf's `failed`.
 */
#ifndef TOCSIN_WIRE_JSON_WRITE_H
#define TOCSIN_WIRE_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/strbuf.h"

struct json_write {
	struct strbuf *out;
	uint64_t objects;	/* bit i: the i-th open one is an object */
	unsigned depth;
	bool comma;
	bool after_key;
};

void json_begin(struct json_write *w, struct strbuf *out);

void json_put_object(struct json_write *w);
void json_put_array(struct json_write *w);
void json_put_end(struct json_write *w);
void json_put_key(struct json_write *w, const char *key);
void json_put_key_n(struct json_write *w, const char *key, size_t n);

/* Escaped; what is no UTF-8 becomes U+FFFD.  NULL is written as null. */
void json_put_str(struct json_write *w, const char *s);
void json_put_str_n(struct json_write *w, const char *s, size_t n);
void json_put_u64(struct json_write *w, uint64_t v);
void json_put_i64(struct json_write *w, int64_t v);
/*
 * Shortest that reads back the same; NaN and Inf are null.  Never looks like
 * an integer beyond 2^53, so that the reader gives a double again.
 */
void json_put_double(struct json_write *w, double v);
void json_put_bool(struct json_write *w, bool v);
void json_put_null(struct json_write *w);
/* RFC 3339 in quotes, UTC, ms. */
void json_put_wall(struct json_write *w, struct wall t);
/* JSON text made before: one whole value, trusted. */
void json_put_raw(struct json_write *w, const char *json, size_t n);

void json_add_str(struct json_write *w, const char *key, const char *s);
void json_add_u64(struct json_write *w, const char *key, uint64_t v);
void json_add_i64(struct json_write *w, const char *key, int64_t v);
void json_add_double(struct json_write *w, const char *key, double v);
void json_add_bool(struct json_write *w, const char *key, bool v);
void json_add_null(struct json_write *w, const char *key);
void json_add_wall(struct json_write *w, const char *key, struct wall t);
void json_add_raw(struct json_write *w, const char *key, const char *json,
	size_t n);
void json_add_object(struct json_write *w, const char *key);
void json_add_array(struct json_write *w, const char *key);

/* A quoted string alone, as the writer would write it. */
void json_quote(struct strbuf *out, const char *s, size_t n);

#endif
