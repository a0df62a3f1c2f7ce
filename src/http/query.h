/*
 * The target of a request: path segments and query parameters, decoded
 * strictly; and cursors of paged lists.
 */
#ifndef TOCSIN_HTTP_QUERY_H
#define TOCSIN_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

#define TARGET_SEGMENTS_MAX 8
#define TARGET_PARAMS_MAX 16
#define TARGET_BYTES_MAX 4096

struct target_param {
	const char *name;
	const char *value;
};

/* Pointers into the text given to target_parse(). */
struct target {
	const char *segs[TARGET_SEGMENTS_MAX];
	size_t n_segs;
	struct target_param params[TARGET_PARAMS_MAX];
	size_t n_params;
};

/*
 * "/v1/hosts?state=stale" → segments and parameters; `text` is changed in
 * place.  TC_EINVAL: no absolute path, a broken or forbidden %-escape, a
 * control byte, a parameter twice; TC_ERANGE: too many of either.
 */
int target_parse(char *text, struct target *out, struct tc_err *e);

/* NULL when it was not given. */
const char *target_get(const struct target *t, const char *name);
/*
 * The first parameter that `known` (names with blanks between them) does not
 * have; NULL when all are known.
 */
const char *target_unknown(const struct target *t, const char *known);

/* A decimal number in min…max, `dflt` when absent. */
int target_u64(const struct target *t, const char *name,
	const uint64_t range[3], uint64_t *out, struct tc_err *e);
/* RFC 3339, or ms since 1970; *out is left alone when absent. */
int target_wall(const struct target *t, const char *name, struct wall *out,
	struct tc_err *e);

/* True when `word` is one of the comma-separated `list`. */
bool list_has(const char *list, const char *word);

/*
 * Cursors: base64url of the kind's letter and the key after which to go on.
 * Decoding needs size ≥ CURSOR_KEY_BYTES.
 */
#define CURSOR_KEY_BYTES 320
void cursor_put(struct strbuf *out, char kind, const char *key);
int cursor_parse(const char *text, char kind, char *key, struct tc_err *e);

#endif
