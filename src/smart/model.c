/*
 * Names of the report's enums, and its two growing tables.
 */
#include "smart/model.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#define NAMES(table, type, fn)                                  \
	const char *                                            \
	fn(enum type v)                                         \
	{                                                       \
		static const char *const names[] = { table(X) };        \
									\
		return (size_t)v < ARRAY_LEN(names) ? names[v] : NULL;  \
	}

#define X(sym, id) [sym] = (id),
NAMES(SMART_PROTOCOL_TABLE, smart_protocol, smart_protocol_name)
NAMES(SMART_ENCODING_TABLE, smart_encoding, smart_encoding_name)
NAMES(SMART_UNIT_TABLE, smart_unit, smart_unit_name)
NAMES(SMART_WORSE_TABLE, smart_worse, smart_worse_name)
NAMES(SMART_FAILED_TABLE, smart_failed, smart_failed_name)
NAMES(SMART_WHY_TABLE, smart_why, smart_why_name)
#undef X

struct smart_attribute *
smart_attribute_add(struct smart_report *r)
{
	struct smart_attribute *a;

	if (r->n_attributes == SMART_ATTRIBUTES_MAX)
		return NULL;
	a = &r->attributes[r->n_attributes++];
	memset(a, 0, sizeof(*a));
	return a;
}

const struct smart_attribute *
smart_attribute_find(const struct smart_report *r, uint8_t id)
{
	for (size_t i = 0; i < r->n_attributes; i++) {
		if (r->attributes[i].id == id)
			return &r->attributes[i];
	}
	return NULL;
}

void
smart_undecoded_add(struct smart_report *r, uint8_t id, const char *what,
	enum smart_why why)
{
	struct smart_undecoded *u;
	size_t n = strnlen(what, sizeof(u->what) - 1);

	if (r->n_undecoded == SMART_UNDECODED_MAX)
		return;
	u = &r->undecoded[r->n_undecoded++];
	memset(u, 0, sizeof(*u));
	u->id = id;
	u->why = why;
	memcpy(u->what, what, n);
}

void
smart_text_clean(char *text)
{
	size_t n = strlen(text), skip = 0;

	while (n > 0 && text[n - 1] == ' ')
		n--;
	while (skip < n && text[skip] == ' ')
		skip++;
	memmove(text, text + skip, n - skip);
	text[n - skip] = '\0';
	for (char *p = text; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
}

void
smart_wwn_put(struct smart_report *r, uint64_t wwn)
{
	if (wwn != 0)
		(void)snprintf(r->wwn, sizeof(r->wwn), "%016llx",
			(unsigned long long)wwn);
}
