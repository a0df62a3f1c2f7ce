/*
 * Any line: what is taken as a sample is written, and taken again as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/sample_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
must_come_back(const struct sample_text *s,
	void (*put)(struct strbuf *, const struct sample_text *),
	int (*parse)(char *, size_t, struct sample_text *, struct tc_err *))
{
	struct strbuf text = { 0 };
	struct sample_text again;
	struct tc_err e = { 0 };

	put(&text, s);
	must(text.n > 0 && text.p[text.n - 1] == '\n');
	text.p[--text.n] = '\0';
	must(parse(text.p, text.n, &again, &e) == 0);
	must(again.at.ms == s->at.ms && again.type == s->type &&
		again.bits == s->bits);
	must(strcmp(again.host, s->host) == 0 &&
		strcmp(again.device, s->device) == 0 &&
		strcmp(again.metric, s->metric) == 0 &&
		strcmp(again.instance, s->instance) == 0);
	strbuf_free(&text);
}

static void
try(const uint8_t *data, size_t size,
	int (*parse)(char *, size_t, struct sample_text *, struct tc_err *))
{
	char *copy = malloc(size + 1);
	struct sample_text s;
	struct tc_err e = { 0 };

	must(copy != NULL);
	if (size != 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	if (parse(copy, size, &s, &e) == 0) {
		/* Line ends are no part of a line of CSV. */
		if (strpbrk(s.device, "\r\n") == NULL &&
		    strpbrk(s.instance, "\r\n") == NULL)
			must_come_back(&s, sample_csv_put, sample_csv_parse);
		must_come_back(&s, sample_json_put, sample_json_parse);
	} else {
		must(e.text[0] != '\0');
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try(data, size, sample_csv_parse);
	try(data, size, sample_json_parse);
	return 0;
}
