/*
 * A fact whose body is a JSON object: begun, written, ended.
 */
#ifndef TOCSIN_ENGINE_SAY_H
#define TOCSIN_ENGINE_SAY_H

#include "engine/inside.h"
#include "wire/json_write.h"

struct say {
	struct change_set *cs;	/* where its texts are: fact_text() */
	struct change *c;	/* the caller's to fill, with say_end() */
	struct strbuf body;
	struct json_write w;	/* in the object */
};

/* False, and nothing is to be ended, when memory is out. */
bool say_begin(struct engine *en, enum change_kind kind, struct say *s);
/* The body; it lives as long as the fact. */
const char *say_end(struct say *s);

#endif
