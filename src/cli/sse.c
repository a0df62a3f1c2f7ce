#include "cli/sse.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* "id: 7" → true with "7" */
static bool
field(const char *line, const char *name, const char **value)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) != 0 || line[n] != ':')
		return false;
	*value = line + n + 1 + (line[n + 1] == ' ');
	return true;
}

static int
end_frame(struct sse *s, int (*sink)(void *, struct sse *), void *arg)
{
	int rc = s->data.n > 0 ? sink(arg, s) : 0;

	strbuf_reset(&s->data);
	s->event[0] = '\0';
	return rc;
}

/* An id or event that does not fit is none of ours: it is cut. */
static int
end_line(struct sse *s, int (*sink)(void *, struct sse *), void *arg)
{
	const char *line = strbuf_str(&s->line);
	const char *value;

	if (!*line)
		return end_frame(s, sink, arg);
	if (field(line, "id", &value))
		snprintf(s->id, sizeof(s->id), "%s", value);
	else if (field(line, "event", &value))
		snprintf(s->event, sizeof(s->event), "%s", value);
	else if (field(line, "data", &value))
		strbuf_printf(&s->data, "%s%s", s->data.n ? "\n" : "", value);
	return s->data.n > SSE_LINE_MAX ? TC_EPROTO : 0;
}

int
sse_feed(struct sse *s, const char *p, size_t n,
	int (*sink)(void *arg, struct sse *frame), void *arg)
{
	int rc = 0;

	while (n > 0 && rc == 0) {
		const char *end = memchr(p, '\n', n);
		size_t k = end ? (size_t)(end - p) : n;

		if (s->line.n + k > SSE_LINE_MAX)
			return TC_EPROTO;
		strbuf_add(&s->line, p, k);
		p += k;
		n -= k;
		if (!end)
			break;
		p++;
		n--;
		while (s->line.n > 0 && s->line.p[s->line.n - 1] == '\r')
			s->line.p[--s->line.n] = '\0';
		rc = end_line(s, sink, arg);
		strbuf_reset(&s->line);
	}
	if (s->line.failed || s->data.failed)
		return TC_ENOMEM;
	return rc;
}

void
sse_free(struct sse *s)
{
	strbuf_free(&s->line);
	strbuf_free(&s->data);
}
