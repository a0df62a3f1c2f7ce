#include "wire/sample_text.h"

#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "base/macros.h"
#include "base/units.h"
#include "model/name.h"
#include "wire/json_read.h"
#include "wire/json_write.h"
#include "wire/utf8.h"

#define NAN_USUAL UINT64_C(0x7ff8000000000000)
#define FIELDS 7
#define FIELDS_LEAST 6		/* older exports have no type */
#define TEXT_MAX 4096

static const char *const fields[FIELDS] = { "at", "host", "device", "metric",
	"instance", "value", "type" };
enum field { F_AT, F_HOST, F_DEVICE, F_METRIC, F_INSTANCE, F_VALUE, F_TYPE };

static const char *const types[] = { [TOCSIN_F64] = "f64",
	[TOCSIN_U64] = "u64", [TOCSIN_I64] = "i64" };

/* ---- out ---- */

static void
put_value(struct strbuf *out, const struct sample_text *s)
{
	switch (s->type) {
	case TOCSIN_U64:
		strbuf_put_u64(out, s->bits);
		return;
	case TOCSIN_I64:
		strbuf_put_i64(out, (int64_t)s->bits);
		return;
	case TOCSIN_F64:
		break;
	}
	strbuf_put_double(out, bits_to_double(s->bits));
	if (isnan(bits_to_double(s->bits)) && s->bits != NAN_USUAL)
		strbuf_printf(out, ":%016llx", (unsigned long long)s->bits);
}

void
csv_cell_put(struct strbuf *out, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		strbuf_puts(out, text);
		return;
	}
	strbuf_puts(out, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"')
			strbuf_puts(out, "\"");
		strbuf_add(out, text, 1);
	}
	strbuf_puts(out, "\"");
}

void
sample_csv_put(struct strbuf *out, const struct sample_text *s)
{
	const char *const texts[] = { s->host, s->device, s->metric,
		s->instance };
	char at[WALL_TEXT];

	strbuf_puts(out, wall_format(s->at, at, sizeof(at)));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		strbuf_puts(out, ",");
		csv_cell_put(out, texts[i]);
	}
	strbuf_puts(out, ",");
	put_value(out, s);
	strbuf_printf(out, ",%s\n", types[s->type]);
}

static void
put_json_value(struct json_write *w, const struct sample_text *s)
{
	struct strbuf text = { 0 };

	json_put_key(w, "value");
	switch (s->type) {
	case TOCSIN_U64:
		json_put_u64(w, s->bits);
		return;
	case TOCSIN_I64:
		json_put_i64(w, (int64_t)s->bits);
		return;
	case TOCSIN_F64:
		break;
	}
	json_put_double(w, bits_to_double(s->bits));
	if (isfinite(bits_to_double(s->bits)))
		return;
	put_value(&text, s);
	json_add_str(w, "text", strbuf_str(&text));
	strbuf_free(&text);
}

void
sample_json_put(struct strbuf *out, const struct sample_text *s)
{
	struct json_write w;

	json_begin(&w, out);
	json_put_object(&w);
	json_add_wall(&w, "at", s->at);
	json_add_str(&w, "host", s->host);
	json_add_str(&w, "device", s->device);
	json_add_str(&w, "metric", s->metric);
	json_add_str(&w, "instance", s->instance);
	put_json_value(&w, s);
	json_add_str(&w, "type", types[s->type]);
	json_put_end(&w);
	strbuf_puts(out, "\n");
}

/* ---- in ---- */

static int
parse_type(const char *text, enum tocsin_sample_type *out, struct tc_err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i], text) == 0) {
			*out = (enum tocsin_sample_type)i;
			return 0;
		}
	}
	return tc_fail(e, TC_EPROTO, "type: f64, u64 or i64");
}

/* 16 digits behind "NaN:". */
static int
parse_nan(const char *text, uint64_t *bits)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t v = 0;

	if (strlen(text) != 16)
		return TC_EPROTO;
	for (; *text != '\0'; text++) {
		const char *at = strchr(digits, *text);

		if (at == NULL)
			return TC_EPROTO;
		v = v << 4 | (uint64_t)(at - digits);
	}
	*bits = v;
	return isnan(bits_to_double(v)) ? 0 : TC_EPROTO;
}

static int
parse_value(const char *text, struct sample_text *out, struct tc_err *e)
{
	size_t n = strlen(text);
	int64_t whole = 0;
	double v = 0;
	int rc = TC_EPROTO;

	switch (out->type) {
	case TOCSIN_U64:
		rc = u64_parse(text, n, &out->bits);
		break;
	case TOCSIN_I64:
		rc = i64_parse(text, n, &whole);
		out->bits = (uint64_t)whole;
		break;
	case TOCSIN_F64:
		if (strncmp(text, "NaN:", 4) == 0) {
			rc = parse_nan(text + 4, &out->bits);
			break;
		}
		rc = double_parse(text, n, &v);
		out->bits = isnan(v) ? NAN_USUAL : bits_of_double(v);
		break;
	}
	return rc < 0 ? tc_fail(e, TC_EPROTO, "value: not a number of type %s",
		types[out->type]) : 0;
}

static int
parse_names(struct sample_text *s, char *host, struct tc_err *e)
{
	char folded[NAME_MAX_BYTES + 1];
	int rc = name_fold(host, strlen(host), folded, e);

	if (rc < 0)
		return tc_wrap(e, "host");
	memcpy(host, folded, strlen(folded) + 1);
	s->host = host;
	if (!name_is_metric(s->metric, strlen(s->metric)))
		return tc_fail(e, TC_EPROTO, "metric: not a name");
	return 0;
}

/* The field that begins at *at; *at is behind it, NULL after the last. */
static char *
next_field(char **at, const char *name, struct tc_err *e)
{
	char *from = *at, *to = from, *p = from;

	if (*p != '"') {
		p += strcspn(p, ",");
		*at = *p == ',' ? p + 1 : NULL;
		*p = '\0';
		return from;
	}
	for (p++; *p != '\0' && (*p != '"' || p[1] == '"'); p++) {
		if (*p == '"')
			p++;
		*to++ = *p;
	}
	if (*p != '"' || (p[1] != '\0' && p[1] != ',')) {
		tc_fail(e, TC_EPROTO, "%s: a quote is open", name);
		return NULL;
	}
	*at = p[1] == ',' ? p + 2 : NULL;
	*to = '\0';
	return from;
}

/* What JSON would not carry either. */
static int
check_text(const char *text, enum field f, struct tc_err *e)
{
	size_t n = strlen(text);

	if (n > TEXT_MAX)
		return tc_fail(e, TC_EPROTO, "%s: more than %d bytes",
			fields[f], TEXT_MAX);
	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_len(text + i, n - i);
		if (len == 0)
			return tc_fail(e, TC_EPROTO, "%s: byte %zu is not "
				"UTF-8", fields[f], i + 1);
	}
	return 0;
}

int
sample_csv_parse(char *line, size_t n, struct sample_text *out,
	struct tc_err *e)
{
	char *texts[FIELDS], *at = line;
	struct sample_text s = { .type = TOCSIN_F64 };
	size_t i = 0;
	int rc = 0;

	if (strlen(line) != n)
		return tc_fail(e, TC_EPROTO, "a NUL in the line");
	for (; at != NULL && i < FIELDS; i++) {
		texts[i] = next_field(&at, fields[i], e);
		if (texts[i] == NULL)
			return e != NULL ? e->code : TC_EPROTO;
	}
	if (at != NULL || i < FIELDS_LEAST)
		return tc_fail(e, TC_EPROTO, "%s: %d fields are wanted, "
			SAMPLE_CSV, i < FIELDS ? fields[i] : "too many", FIELDS);
	if (wall_parse(texts[F_AT], strlen(texts[F_AT]), &s.at) < 0)
		return tc_fail(e, TC_EPROTO, "at: a time such as "
			"2026-05-01T22:00:00.000Z");
	s.device = texts[F_DEVICE];
	s.metric = texts[F_METRIC];
	s.instance = texts[F_INSTANCE];
	if ((rc = check_text(s.device, F_DEVICE, e)) < 0 ||
	    (rc = check_text(s.instance, F_INSTANCE, e)) < 0)
		return rc;
	if (i == FIELDS)
		rc = parse_type(texts[F_TYPE], &s.type, e);
	if (rc < 0 || (rc = parse_names(&s, texts[F_HOST], e)) < 0 ||
	    (rc = parse_value(texts[F_VALUE], &s, e)) < 0)
		return rc;
	*out = s;
	return 0;
}

struct json_parts {
	const char *texts[FIELDS];
	struct json_num num;
	bool has_num;
};

static void
read_part(struct json_read *r, struct json_str key, struct json_parts *p)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (i == F_VALUE || !json_str_is(key, fields[i]))
			continue;
		p->texts[i] = json_get_cstr(r, TEXT_MAX);
		return;
	}
	if (json_str_is(key, "text")) {
		p->texts[F_VALUE] = json_get_cstr(r, TEXT_MAX);
	} else if (!json_str_is(key, "value")) {
		json_unknown(r);
	} else if (json_peek(r) == JSON_NULL) {
		json_get_null(r);
	} else {
		p->num = json_get_num(r);
		p->has_num = true;
	}
}

/* A JSON number has no type: it must fit the one that was said. */
static int
take_number(const struct json_num *num, struct sample_text *s,
	struct tc_err *e)
{
	double v = num->type == TOCSIN_F64 ? num->v.f64 :
		num->type == TOCSIN_U64 ? (double)num->v.u64 :
		(double)num->v.i64;
	bool whole = num->type != TOCSIN_F64 ||
		(v == floor(v) && fabs(v) <= 9007199254740992.0);

	if (s->type == TOCSIN_F64) {
		s->bits = bits_of_double(v);
		return 0;
	}
	if (!whole || (s->type == TOCSIN_U64 && v < 0) ||
	    (s->type == TOCSIN_I64 && num->type == TOCSIN_U64 &&
		num->v.u64 > INT64_MAX))
		return tc_fail(e, TC_EPROTO, "value: not a number of type %s",
			types[s->type]);
	if (num->type != TOCSIN_F64)
		s->bits = num->type == TOCSIN_U64 ? num->v.u64 :
			(uint64_t)num->v.i64;
	else
		s->bits = (uint64_t)(int64_t)v;
	return 0;
}

static int
take_parts(struct json_parts *p, struct sample_text *s, struct tc_err *e)
{
	int rc;

	for (size_t i = 0; i < F_VALUE; i++) {
		if (p->texts[i] == NULL)
			return tc_fail(e, TC_EPROTO, "%s: missing", fields[i]);
	}
	if (wall_parse(p->texts[F_AT], strlen(p->texts[F_AT]), &s->at) < 0)
		return tc_fail(e, TC_EPROTO, "at: a time such as "
			"2026-05-01T22:00:00.000Z");
	s->device = p->texts[F_DEVICE];
	s->metric = p->texts[F_METRIC];
	s->instance = p->texts[F_INSTANCE];
	if (p->texts[F_TYPE] != NULL &&
	    (rc = parse_type(p->texts[F_TYPE], &s->type, e)) < 0)
		return rc;
	if (p->has_num)
		return take_number(&p->num, s, e);
	if (p->texts[F_VALUE] == NULL)
		return tc_fail(e, TC_EPROTO, "value: missing");
	return parse_value(p->texts[F_VALUE], s, e);
}

int
sample_json_parse(char *line, size_t n, struct sample_text *out,
	struct tc_err *e)
{
	struct json_parts parts = { .has_num = false };
	struct sample_text s = { .type = TOCSIN_F64 };
	struct json_read r;
	struct json_str key;
	int rc;

	json_open(&r, line, n);
	if (json_enter_object(&r)) {
		while (json_next_key(&r, &key))
			read_part(&r, key, &parts);
	}
	if ((rc = json_close(&r, e)) < 0 ||
	    (rc = take_parts(&parts, &s, e)) < 0 ||
	    (rc = parse_names(&s, (char *)(uintptr_t)parts.texts[F_HOST],
		    e)) < 0)
		return rc;
	*out = s;
	return 0;
}
