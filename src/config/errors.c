#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/errors.h"

static bool
is_known(const struct config_errors *errs, struct opt_origin at,
	const char *text)
{
	for (size_t i = 0; i < errs->n; i++) {
		const struct config_error *it = &errs->items[i];

		if (it->line == at.line && strcmp(it->text, text) == 0 &&
		    strcmp(it->file, at.file) == 0)
			return true;
	}
	return false;
}

void
config_errors_add(struct config_errors *errs, bool warning,
	struct opt_origin at, const char *fmt, ...)
{
	struct config_error it = { .line = at.line, .warning = warning };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (is_known(errs, at, text))
		return;
	if (warning)
		errs->warnings++;
	else
		errs->errors++;
	if (errs->n == CONFIG_ERRORS_MAX)
		return;
	it.file = arena_strdup(&errs->arena, at.file);
	it.text = arena_strdup(&errs->arena, text);
	if (it.file != NULL && it.text != NULL)
		errs->items[errs->n++] = it;
}

void
config_errors_print(const struct config_errors *errs, struct strbuf *out)
{
	size_t all = errs->errors + errs->warnings;

	for (size_t i = 0; i < errs->n; i++) {
		const struct config_error *it = &errs->items[i];

		strbuf_puts(out, it->file);
		if (it->line != 0)
			strbuf_printf(out, ":%u", it->line);
		strbuf_printf(out, ": %s%s\n", it->warning ? "warning: " : "",
			it->text);
	}
	if (all > errs->n)
		strbuf_printf(out, "and %zu more\n", all - errs->n);
}

void
config_errors_fini(struct config_errors *errs)
{
	arena_free(&errs->arena);
	memset(errs, 0, sizeof(*errs));
}
