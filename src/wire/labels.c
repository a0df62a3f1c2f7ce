#include "wire/labels.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX_BYTES 127

static bool
is_key_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		(!first && c >= '0' && c <= '9');
}

static size_t
key_len(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && is_key_byte(*p, p == from))
		p++;
	return (size_t)(p - from);
}

/* Up to the closing quote; NULL when there is none or an escape is wrong. */
static const char *
value_end(const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		if (++p == end || (*p != '\\' && *p != '"' && *p != 'n'))
			return NULL;
	}
	return p < end ? p : NULL;
}

/* One `key="value"` at *at. */
static int
split_one(const char **at, const char *end, struct label *l, struct tc_err *e)
{
	const char *p = *at, *close;

	l->key = p;
	l->key_n = key_len(p, end);
	if (l->key_n == 0 || l->key_n > KEY_MAX_BYTES)
		return tc_fail(e, TC_EINVAL, "not a label name");
	p += l->key_n;
	if (end - p < 3 || p[0] != '=' || p[1] != '"')
		return tc_fail(e, TC_EINVAL, "a label is written key=\"value\"");
	close = value_end(p + 2, end);
	if (close == NULL)
		return tc_fail(e, TC_EINVAL, "not a label value");
	l->value = p + 2;
	l->value_n = (size_t)(close - l->value);
	*at = close + 1;
	return 0;
}

int
labels_split(const char *text, size_t n, struct label out[LABELS_MAX],
	struct tc_err *e)
{
	const char *p = text, *end = text + n;
	int count = 0, rc;

	while (p < end) {
		if (count == LABELS_MAX)
			return tc_fail(e, TC_EINVAL, "more than %d labels",
				LABELS_MAX);
		if ((rc = split_one(&p, end, &out[count], e)) < 0)
			return rc;
		count++;
		if (p == end)
			break;
		if (*p++ != ',' || p == end)
			return tc_fail(e, TC_EINVAL,
				"labels are separated by one comma");
	}
	return count;
}

static int
compare(const void *pa, const void *pb)
{
	const struct label *a = pa, *b = pb;
	size_t n = a->key_n < b->key_n ? a->key_n : b->key_n;
	int order = memcmp(a->key, b->key, n);

	if (order != 0)
		return order;
	return (a->key_n > b->key_n) - (a->key_n < b->key_n);
}

bool
labels_are_sorted(const struct label *labels, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare(&labels[i - 1], &labels[i]) >= 0)
			return false;
	return true;
}

int
labels_canonical(struct arena *a, const char *text, size_t n,
	const char **out, struct tc_err *e)
{
	struct label labels[LABELS_MAX];
	int count = labels_split(text, n, labels, e);
	char *copy, *to;

	if (count < 0)
		return count;
	if (labels_are_sorted(labels, (size_t)count)) {
		*out = text;
		return 0;
	}
	qsort(labels, (size_t)count, sizeof(labels[0]), compare);
	if (!labels_are_sorted(labels, (size_t)count))
		return tc_fail(e, TC_EINVAL, "a label twice");
	copy = to = arena_alloc(a, n + 1);
	if (copy == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (int i = 0; i < count; i++) {
		const struct label *l = &labels[i];
		size_t whole = (size_t)(l->value + l->value_n + 1 - l->key);

		if (i > 0)
			*to++ = ',';
		memcpy(to, l->key, whole);
		to += whole;
	}
	*out = copy;
	return 0;
}

void
labels_escape(struct strbuf *out, const char *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (value[i]) {
		case '\\':
		case '"':
			strbuf_putc(out, '\\');
			strbuf_putc(out, value[i]);
			break;
		case '\n':
			strbuf_puts(out, "\\n");
			break;
		default:
			strbuf_putc(out, value[i]);
			break;
		}
	}
}
