/*
 * JSON in → out → in: what is read is written so that it reads the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_value(struct json_read *r, struct json_write *w);

static void
copy_number(struct json_read *r, struct json_write *w)
{
	struct json_num num = json_get_num(r);

	if (num.type == TOCSIN_U64)
		json_put_u64(w, num.v.u64);
	else if (num.type == TOCSIN_I64)
		json_put_i64(w, num.v.i64);
	else
		json_put_double(w, num.v.f64);
}

static void
copy_inside(struct json_read *r, struct json_write *w, enum json_kind kind)
{
	struct json_str key;

	if (kind == JSON_OBJECT) {
		json_enter_object(r);
		json_put_object(w);
		while (json_next_key(r, &key)) {
			json_put_key_n(w, key.p, key.n);
			copy_value(r, w);
		}
	} else {
		json_enter_array(r);
		json_put_array(w);
		while (json_next_item(r))
			copy_value(r, w);
	}
	json_put_end(w);
}

static void
copy_value(struct json_read *r, struct json_write *w)
{
	enum json_kind kind = json_peek(r);
	struct json_str s;

	switch (kind) {
	case JSON_BAD:
		json_skip(r);
		json_put_null(w);
		break;
	case JSON_NULL:
		json_get_null(r);
		json_put_null(w);
		break;
	case JSON_BOOL:
		json_put_bool(w, json_get_bool(r));
		break;
	case JSON_NUMBER:
		copy_number(r, w);
		break;
	case JSON_STRING:
		s = json_get_str(r);
		json_put_str_n(w, s.p, s.n);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		if (json_failed(r))
			break;
		copy_inside(r, w, kind);
		break;
	}
}

static int
copy_text(char *text, size_t n, struct strbuf *out)
{
	struct json_write w;
	struct json_read r;

	json_open(&r, text, n);
	json_begin(&w, out);
	copy_value(&r, &w);
	return json_close(&r, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf once = { 0 }, twice = { 0 };
	char *text = malloc(size + 1), *again;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (copy_text(text, size, &once) == 0) {
		again = malloc(once.n + 1);
		if (again == NULL)
			abort();
		memcpy(again, once.p, once.n + 1);
		if (copy_text(again, once.n, &twice) != 0 ||
		    once.n != twice.n || memcmp(once.p, twice.p, once.n) != 0)
			abort();
		free(again);
	}
	strbuf_free(&once);
	strbuf_free(&twice);
	free(text);
	return 0;
}
