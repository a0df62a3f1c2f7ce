/*
 * The page: files of a fixed list, read once at the start and served from
 * memory.  What is not in the list does not exist, whatever the path says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/macros.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"

#define FILE_MAX_BYTES (1U << 20)

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

static const struct file {
	const char *name;
	const char *type;
} files[] = {
	{ "index.html", HTML },		/* "/" is the first */
	{ "style.css", CSS },
	{ "icon.svg", "image/svg+xml" },
	{ "app.js", SCRIPT },
	{ "api.js", SCRIPT },
	{ "cells.js", SCRIPT },
	{ "chart.js", SCRIPT },
	{ "deeds.js", SCRIPT },
	{ "dom.js", SCRIPT },
	{ "fleet.js", SCRIPT },
	{ "host.js", SCRIPT },
	{ "lists.js", SCRIPT },
	{ "now.js", SCRIPT },
	{ "people.js", SCRIPT },
	{ "plans.js", SCRIPT },
	{ "score.js", SCRIPT },
	{ "store.js", SCRIPT },
	{ "units.js", SCRIPT },
	{ "words.js", SCRIPT },
};

_Static_assert(ARRAY_LEN(files) <= PAGE_FILES, "PAGE_FILES");

void
page_load(struct http *h)
{
	struct tc_err e = { 0 };
	char path[4096];

	for (size_t i = 0; h->conf.page_dir != NULL && i < ARRAY_LEN(files);
		i++) {
		snprintf(path, sizeof(path), "%s/%s", h->conf.page_dir,
			files[i].name);
		if (file_slurp(path, FILE_MAX_BYTES, &h->page[i], &e) == 0)
			continue;
		log_at(WARN, "http", "the page is not complete: %s", e.text);
		return;
	}
}

void
page_free(struct http *h)
{
	for (size_t i = 0; i < PAGE_FILES; i++)
		strbuf_free(&h->page[i]);
}

/* A browser asks again with every load, and is told that it has it. */
static void
hand_out(struct request *r, size_t i)
{
	const struct strbuf *file = &r->h->page[i];
	struct reply *rep = &r->reply;

	if (file->n == 0) {
		problem_set(r, 404, "not_found", "the file is not installed");
		return;
	}
	snprintf(rep->etag, sizeof(rep->etag), "\"%016" PRIx64 "\"",
		hash_bytes(file->p, file->n, 0));
	rep->type = files[i].type;
	rep->cache = "no-cache";
	rep->status = 200;
	if (r->guard.etag != NULL && strstr(r->guard.etag, rep->etag) != NULL)
		rep->status = 304;
	else
		strbuf_add(&rep->body, file->p, file->n);
}

void
view_page(struct request *r)
{
	hand_out(r, 0);
}

void
view_page_file(struct request *r)
{
	const char *name = r->target.segs[1];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (strcmp(files[i].name, name) == 0) {
			hand_out(r, i);
			return;
		}
	}
	problem_set(r, 404, "not_found", "the page has no such file");
}
