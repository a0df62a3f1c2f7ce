/*
 * Alerts in words: titles, lines, mail.
 */
#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "action/render.h"
#include "base/macros.h"
#include "wire/json_read.h"

#define ROWS_MAX 5	/* of a list, evidence above all */
#define LINE_MAX_BYTES 900	/* RFC 5322 allows 998 */
#define SUBJECT_MAX_BYTES 200

void
render_title(struct strbuf *out, const struct note *n)
{
	const struct alert *a = n->alert;

	strbuf_printf(out, "%s %s: %s", a->firing ? "FIRING" : "RESOLVED",
		severity_id(a->severity), a->summary);
}

/* ---- the body's members, as far as they fit on lines ---- */

static void put_value(struct strbuf *out, struct json_read *r, int depth);

static void
put_number(struct strbuf *out, struct json_num v)
{
	switch (v.type) {
	case TOCSIN_F64:
		strbuf_put_double(out, v.v.f64);
		return;
	case TOCSIN_U64:
		strbuf_put_u64(out, v.v.u64);
		return;
	case TOCSIN_I64:
		strbuf_put_i64(out, v.v.i64);
		return;
	}
}

/* "rule=… value=16", deeper ones left out. */
static void
put_pairs(struct strbuf *out, struct json_read *r, int depth)
{
	struct json_str key;
	bool first = true;

	json_enter_object(r);
	while (json_next_key(r, &key)) {
		enum json_kind kind = json_peek(r);

		if (depth > 1 || kind == JSON_OBJECT || kind == JSON_ARRAY ||
		    kind == JSON_NULL) {
			json_skip(r);
			continue;
		}
		strbuf_printf(out, "%s%s=", first ? "" : " ", key.p);
		put_value(out, r, depth + 1);
		first = false;
	}
}

static void
put_rows(struct strbuf *out, struct json_read *r, int depth)
{
	size_t rows = 0;

	json_enter_array(r);
	while (json_next_item(r)) {
		if (rows++ >= ROWS_MAX || depth > 0) {
			json_skip(r);
			continue;
		}
		strbuf_puts(out, "\n  - ");
		put_value(out, r, depth + 1);
	}
	if (rows > ROWS_MAX)
		strbuf_printf(out, "\n  - and %zu more", rows - ROWS_MAX);
}

static void
put_value(struct strbuf *out, struct json_read *r, int depth)
{
	switch (json_peek(r)) {
	case JSON_STRING:
		strbuf_puts(out, json_get_str(r).p);
		return;
	case JSON_NUMBER:
		put_number(out, json_get_num(r));
		return;
	case JSON_BOOL:
		strbuf_puts(out, json_get_bool(r) ? "yes" : "no");
		return;
	case JSON_OBJECT:
		put_pairs(out, r, depth);
		return;
	case JSON_ARRAY:
		put_rows(out, r, depth);
		return;
	case JSON_NULL:
		strbuf_puts(out, "-");
		json_skip(r);
		return;
	case JSON_BAD:
		json_skip(r);
		return;
	}
}

static void
put_members(struct strbuf *out, const struct alert *a)
{
	struct strbuf text = { 0 };
	struct json_read r;
	struct json_str key;

	if (a->body[0] == '\0' || strlen(a->body) > DETAIL_MAX_BYTES)
		return;
	strbuf_puts(&text, a->body);
	if (!text.failed) {
		json_open(&r, text.p, text.n);
		json_enter_object(&r);
		while (json_next_key(&r, &key)) {
			strbuf_printf(out, "%s: ", key.p);
			put_value(out, &r, 0);
			strbuf_putc(out, '\n');
		}
		(void)json_close(&r, NULL);
	}
	out->failed = out->failed || text.failed;
	strbuf_free(&text);
}

static void
put_time(struct strbuf *out, const char *what, struct wall at)
{
	char text[WALL_TEXT];

	strbuf_printf(out, "%s: %s\n", what,
		wall_format(at, text, sizeof(text)));
}

void
render_lines(struct strbuf *out, const struct note *n)
{
	const struct alert *a = n->alert;

	if (a->host[0] != '\0' && n->address[0] != '\0')
		strbuf_printf(out, "host: %s (%s)\n", a->host, n->address);
	else if (a->host[0] != '\0')
		strbuf_printf(out, "host: %s\n", a->host);
	if (a->partition[0] != '\0')
		strbuf_printf(out, "partition: %s\n", a->partition);
	put_time(out, "since", a->since);
	if (!a->firing)
		put_time(out, "ended", a->ended);
	put_members(out, a);
	if (n->link[0] != '\0')
		strbuf_printf(out, "%s\n", n->link);
}

/* ---- mail ---- */

/* One header line of any text: no line can be smuggled in. */
static void
put_subject(struct strbuf *out, const struct strbuf *title)
{
	char text[SUBJECT_MAX_BYTES + 1], coded[2 * SUBJECT_MAX_BYTES];
	bool ascii = true;
	size_t n = 0;

	for (; n < title->n && n < SUBJECT_MAX_BYTES; n++) {
		unsigned char c = (unsigned char)title->p[n];

		text[n] = c < 0x20 || c == 0x7f ? ' ' : title->p[n];
		ascii = ascii && c < 0x80;
	}
	/* not within a character of several bytes */
	while (n < title->n && n > 0 && (title->p[n] & 0xc0) == 0x80)
		n--;
	text[n] = '\0';
	if (ascii) {
		strbuf_printf(out, "Subject: [tocsin] %s\r\n", text);
		return;
	}
	sodium_bin2base64(coded, sizeof(coded), (unsigned char *)text, n,
		sodium_base64_VARIANT_ORIGINAL);
	strbuf_printf(out, "Subject: [tocsin] =?UTF-8?B?%s?=\r\n", coded);
}

/* Lines end with CRLF and are of bounded length. */
static void
put_text(struct strbuf *out, const char *p)
{
	size_t n = 0;

	for (; *p != '\0'; p++) {
		if (*p == '\r')
			continue;
		if (*p == '\n' || n++ == LINE_MAX_BYTES) {
			strbuf_puts(out, "\r\n");
			n = 0;
		}
		if (*p != '\n')
			strbuf_putc(out, *p);
	}
}

void
render_mail(struct strbuf *out, const struct note *n)
{
	struct strbuf text = { 0 };

	render_title(&text, n);
	put_subject(out, &text);
	strbuf_puts(out, "MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n"
		"Auto-Submitted: auto-generated\r\n\r\n");
	strbuf_reset(&text);
	strbuf_printf(&text, "%s\n\n", n->alert->summary);
	render_lines(&text, n);
	put_text(out, strbuf_str(&text));
	out->failed = out->failed || text.failed;
	strbuf_free(&text);
}
