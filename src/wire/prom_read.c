#include "wire/prom_read.h"

#include <string.h>

#include "base/units.h"

/* Lies in the arena, its text behind it. */
struct entry {
	const void *known;
	char text[];
};

struct line {
	const char *p;
	size_t n;
	size_t series_n;	/* of p: name and labels */
};

struct sample {
	const void *known;
	double value;
};

void
prom_memory_init(struct prom_memory *m, prom_know *know, void *arg,
	size_t limit_bytes)
{
	*m = (struct prom_memory){ .know = know, .arg = arg,
		.limit_bytes = limit_bytes };
}

void
prom_memory_free(struct prom_memory *m)
{
	hash_free(&m->by_text);
	arena_free(&m->mem);
}

void
prom_memory_trim(struct prom_memory *m)
{
	if (m->mem.used_bytes <= m->limit_bytes)
		return;
	hash_free(&m->by_text);
	arena_free(&m->mem);
	if (m->forgotten != NULL)
		m->forgotten(m->arg);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to the last '}', or the first blank where there are no labels. */
static size_t
series_length(const char *p, size_t n)
{
	const char *open = memchr(p, '{', n), *close;
	size_t i = 0;

	if (open != NULL) {
		close = memrchr(p, '}', n);
		return close != NULL ? (size_t)(close - p) + 1 : n;
	}
	while (i < n && !is_blank(p[i]))
		i++;
	return i;
}

struct learning {
	struct prom_memory *m;
	const struct line *line;
	const void *known;
};

static int
learn_point(void *arg, const struct prom_point *point)
{
	struct learning *l = arg;
	struct arena *mem = &l->m->mem;
	struct entry *entry = arena_alloc(mem,
		sizeof(*entry) + l->line->series_n);

	if (entry == NULL)
		return TC_ENOMEM;
	memcpy(entry->text, l->line->p, l->line->series_n);
	entry->known = l->m->know(l->m->arg, mem, point);
	if (entry->known == NULL || hash_put(&l->m->by_text, entry->text,
	    l->line->series_n, entry) < 0)
		return TC_ENOMEM;
	l->known = entry->known;
	l->m->learnt++;
	return 0;
}

/* Everything about the line is checked by prom_parse(). */
static int
learn(struct prom_memory *m, const struct line *line, unsigned lines,
	const void **known, struct tc_err *e)
{
	struct learning l = { m, line, NULL };
	struct tc_err why = { 0 };
	int rc = prom_parse(line->p, line->n, learn_point, &l, &why);

	if (rc == TC_ENOMEM)
		return tc_fail(e, rc, "out of memory");
	if (rc < 0) {
		const char *words = strchr(why.text, ':');

		return tc_fail(e, rc, "line %u%s", lines,
			words != NULL ? words : "");
	}
	*known = l.known;
	return 0;
}

/* The value, and a time that nobody asks for; false: let it be explained. */
static bool
read_value(const char *p, size_t n, double *out)
{
	size_t i;
	int64_t at_ms;

	while (n > 0 && is_blank(*p)) {
		p++;
		n--;
	}
	while (n > 0 && is_blank(p[n - 1]))
		n--;
	for (i = 0; i < n && !is_blank(p[i]); i++)
		;
	if (!prom_number(p, i, out))
		return false;
	if (i == n)
		return true;
	while (is_blank(p[i]))
		i++;
	return i64_parse(p + i, n - i, &at_ms) == 0;
}

static int
read_line(struct prom_memory *m, const struct line *line, unsigned lines,
	struct sample *out, struct tc_err *e) /* lint: one line and its place */
{
	const struct entry *entry =
		hash_get(&m->by_text, line->p, line->series_n);
	int rc;

	out->known = entry != NULL ? entry->known : NULL;
	m->met += entry != NULL;
	if (!read_value(line->p + line->series_n, line->n - line->series_n,
	    &out->value)) {
		rc = learn(m, line, lines, &out->known, e);
		return rc < 0 ? rc :
			tc_fail(e, TC_EPROTO, "line %u: not a sample", lines);
	}
	return out->known != NULL ? 0 :
		learn(m, line, lines, &out->known, e);
}

int
prom_read(struct prom_memory *m, struct prom_piece *piece, prom_take *take,
	void *arg, struct tc_err *e)
{
	const char *next = piece->text, *end = next + piece->n;

	while (next < end) {
		const char *stop = memchr(next, '\n', (size_t)(end - next));
		struct line line = { .p = next };
		struct sample sample;
		int rc;

		if (stop == NULL)
			stop = end;
		next = stop < end ? stop + 1 : end;
		piece->lines++;
		if (stop > line.p && stop[-1] == '\r')
			stop--;
		while (line.p < stop && is_blank(*line.p))
			line.p++;
		line.n = (size_t)(stop - line.p);
		if (line.n == 0 || *line.p == '#')
			continue;
		line.series_n = series_length(line.p, line.n);
		rc = read_line(m, &line, piece->lines, &sample, e);
		if (rc < 0)
			return rc;
		take(arg, sample.known, sample.value);
	}
	return 0;
}
