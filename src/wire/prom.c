#include "wire/prom.h"

#include <string.h>

#include "wire/labels.h"

/* Help escapes the backslash and the line's end, but no quotes. */
static void
put_help(struct strbuf *out, const char *help)
{
	for (; *help != '\0'; help++) {
		if (*help == '\\')
			strbuf_puts(out, "\\\\");
		else if (*help == '\n')
			strbuf_puts(out, "\\n");
		else
			strbuf_putc(out, *help);
	}
}

void
prom_family(struct strbuf *out, const char *name, const char *type,
	const char *help)
{
	strbuf_puts(out, "# HELP ");
	strbuf_puts(out, name);
	strbuf_putc(out, ' ');
	put_help(out, help);
	strbuf_puts(out, "\n# TYPE ");
	strbuf_puts(out, name);
	strbuf_putc(out, ' ');
	strbuf_puts(out, type);
	strbuf_putc(out, '\n');
}

static void
put_series(struct strbuf *out, const char *name,
	const struct prom_label *labels, size_t n)
{
	strbuf_puts(out, name);
	for (size_t i = 0; i < n; i++) {
		strbuf_putc(out, i == 0 ? '{' : ',');
		strbuf_puts(out, labels[i].key);
		strbuf_puts(out, "=\"");
		labels_escape(out, labels[i].value, strlen(labels[i].value));
		strbuf_putc(out, '"');
	}
	strbuf_puts(out, n > 0 ? "} " : " ");
}

void
prom_sample(struct strbuf *out, const char *name,
	const struct prom_label *labels, size_t n, double value)
{
	put_series(out, name, labels, n);
	strbuf_put_double(out, value);
	strbuf_putc(out, '\n');
}

void
prom_one(struct strbuf *out, const char *name, const char *type,
	const char *help, double value)
{
	prom_family(out, name, type, help);
	prom_sample(out, name, NULL, 0, value);
}
