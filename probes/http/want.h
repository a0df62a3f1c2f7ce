/*
 * What an answer must be like: status, text, pattern, a value in its JSON.
 * The expectations of a check are compiled once and kept; each run has a
 * `body` that takes the answer as it comes, chunk by chunk.
 */
#ifndef TOCSIN_PROBES_HTTP_WANT_H
#define TOCSIN_PROBES_HTTP_WANT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

#define STATUS_MAX 999
#define TEXT_WANTED_MAX 256		/* of `body` */
#define LINE_MAX_BYTES 4096		/* `match` sees that much of a line */
#define JSON_MAX_BYTES (64 << 10)	/* parsed in one go: 0.3 ms */
#define BODY_MAX_BYTES (1 << 20)
#define BODY_SHOWN 60

/* As in the options; "" = not asked for. */
struct want_text {
	const char *status;
	const char *body;
	const char *match;
	const char *json;	/* "/pointer=value" */
};

struct want {
	unsigned refs;
	char *key;
	uint8_t status[STATUS_MAX / 8 + 1];
	char *body;
	size_t n_body;
	char *json;
	bool has_match;
	regex_t match;
};

struct want_cache {
	struct hash wants;
};
void want_cache_free(struct want_cache *c);
/* Give it back with want_put(); NULL, and why, when it makes no sense. */
struct want *want_get(struct want_cache *c, const struct want_text *text,
	char error[256]);
void want_put(struct want *w);
bool want_has_status(const struct want *w, long status);

/* What has come of one answer. {0} is empty. */
struct body {
	uint64_t bytes;
	bool body_met;
	bool match_met;
	bool failed;		/* out of memory */
	char shown[BODY_SHOWN + 1];
	char *kept;	/* `body`: the last bytes; `match`: the line; JSON: all */
	size_t n_kept;
	char *line;
	size_t n_line;
	size_t cap;
};

void body_free(struct body *b);
/* False when no more of it is needed: it is too long, or out of memory. */
bool body_take(struct body *b, const struct want *w, const char *p, size_t n);
/*
 * At the end: true when all was met, else what is wrong as text.  To be asked
 * once.
 */
bool body_is_met(struct body *b, const struct want *w, char text[200]);

#endif
