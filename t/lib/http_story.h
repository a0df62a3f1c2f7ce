/*
 * A server over a fake daemon, and questions to it, each answer held against
 * src/http/openapi.json.
 */
#ifndef TOCSIN_T_LIB_HTTP_STORY_H
#define TOCSIN_T_LIB_HTTP_STORY_H

#include <jansson.h>

#include "t/lib/fake_io.h"
#include "t/lib/http_client.h"
#include "t/lib/schema.h"
#include "t/lib/story.h"

struct http_story {
	struct fake_io io;
	struct fake_fleet fleet;
	struct http *server;
	struct schema schema;
	struct ask ask;		/* port and the viewer's token are set */
};

extern struct http_story story;

void http_begin(size_t n_hosts);
void http_end(void);
/* Asks, wants that status, gives the body (to be freed). */
json_t *http_get(const char *target, int status);
void http_wants(const char *target, int status);
/* 200 and so many items. */
void http_counts(const char *target, size_t n);

/* "(none)" when it is no text. */
const char *json_text_of(json_t *o, const char *key);
json_t *json_item(json_t *body, size_t i);
size_t json_n_items(json_t *body);

#endif
