/*
 * Report → JSON.
 */
#include "smart/print.h"

void
smart_print_text(const char *text, struct strbuf *out)
{
	if (text == NULL || text[0] == '\0') {
		strbuf_puts(out, "null");
		return;
	}
	strbuf_putc(out, '"');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_putc(out, '\\');
		if ((unsigned char)*p < 0x20)
			strbuf_printf(out, "\\u%04x", (unsigned)*p);
		else
			strbuf_putc(out, *p);
	}
	strbuf_putc(out, '"');
}

static void
key(struct strbuf *out, const char *name)
{
	char last = out->n != 0 ? out->p[out->n - 1] : '{';

	if (last != '{')
		strbuf_putc(out, ',');
	strbuf_printf(out, "\"%s\":", name);
}

static void
put_text(struct strbuf *out, const char *name, const char *text)
{
	key(out, name);
	smart_print_text(text, out);
}

static void
put_u64(struct strbuf *out, const char *name, struct smart_u64 v)
{
	key(out, name);
	if (v.has)
		strbuf_put_u64(out, v.v);
	else
		strbuf_puts(out, "null");
}

static void
put_f64(struct strbuf *out, const char *name, struct smart_f64 v)
{
	key(out, name);
	if (v.has)
		strbuf_put_double(out, v.v);
	else
		strbuf_puts(out, "null");
}

static void
put_bool(struct strbuf *out, const char *name, struct smart_bool v)
{
	key(out, name);
	strbuf_puts(out, !v.has ? "null" : v.v ? "true" : "false");
}

static void
put_id(struct strbuf *out, uint8_t id)
{
	put_u64(out, "id", (struct smart_u64){ id != 0, id });
}

static void
put_undecoded(struct strbuf *out, const struct smart_undecoded *u)
{
	strbuf_putc(out, '{');
	put_id(out, u->id);
	put_text(out, "name", u->what);
	put_text(out, "reason", smart_why_name(u->why));
	strbuf_putc(out, '}');
}

static void
put_attribute(struct strbuf *out, const struct smart_attribute *a)
{
	strbuf_putc(out, '{');
	put_id(out, a->id);
	put_text(out, "name", a->name);
	put_u64(out, "raw", a->raw);
	put_text(out, "raw_string", a->raw_text);
	put_f64(out, "decoded", a->decoded);
	put_text(out, "unit", smart_unit_name(a->unit));
	put_text(out, "encoding", smart_encoding_name(a->encoding));
	put_text(out, "worse", smart_worse_name(a->worse));
	put_u64(out, "value", a->value);
	put_u64(out, "worst", a->worst);
	put_u64(out, "threshold", a->threshold);
	put_text(out, "when_failed", smart_failed_name(a->failed));
	put_u64(out, "flags", a->flags);
	strbuf_putc(out, '}');
}

void
smart_print_json(const struct smart_report *r, struct strbuf *out)
{
	strbuf_putc(out, '{');
	put_text(out, "protocol", smart_protocol_name(r->protocol));
	put_text(out, "model", r->model);
	put_text(out, "serial", r->serial);
	put_text(out, "firmware", r->firmware);
	put_u64(out, "capacity_bytes", r->capacity_bytes);
	put_bool(out, "smart_passed", r->smart_passed);
	put_u64(out, "power_on_hours", r->power_on_hours);
	put_f64(out, "temperature_celsius", r->temperature_celsius);
	put_u64(out, "reallocated_sectors", r->reallocated_sectors);
	put_u64(out, "pending_sectors", r->pending_sectors);
	put_u64(out, "offline_uncorrectable", r->offline_uncorrectable);
	put_u64(out, "reported_uncorrectable", r->reported_uncorrectable);
	put_u64(out, "crc_errors", r->crc_errors);
	put_f64(out, "wear_ratio", r->wear_ratio);
	put_f64(out, "spare_ratio", r->spare_ratio);
	put_u64(out, "media_errors", r->media_errors);
	put_u64(out, "critical_warning", r->critical_warning);
	put_u64(out, "grown_defects", r->grown_defects);
	put_u64(out, "uncorrected_errors", r->uncorrected_errors);
	put_bool(out, "asleep", r->asleep);
	key(out, "undecoded");
	strbuf_putc(out, '[');
	for (size_t i = 0; i < r->n_undecoded; i++) {
		if (i != 0)
			strbuf_putc(out, ',');
		put_undecoded(out, &r->undecoded[i]);
	}
	strbuf_putc(out, ']');
	key(out, "attributes");
	strbuf_putc(out, '[');
	for (size_t i = 0; i < r->n_attributes; i++) {
		if (i != 0)
			strbuf_putc(out, ',');
		put_attribute(out, &r->attributes[i]);
	}
	strbuf_puts(out, "]}");
}
