#include "agent/pending.h"

#include "agent/ident.h"
#include "probe/report.h"
#include "wire/batch.h"

void
pending_free(struct pending *p)
{
	mem_free(p->items);
	arena_free(&p->arena);
	*p = (struct pending){0};
}

int
pending_add(struct pending *p, const struct observation *ob)
{
	void *items = p->items;

	if (p->n == BATCH_OBSERVATIONS_MAX)
		return TC_EFULL;
	if (mem_grow(&items, &p->cap, p->n + 1, sizeof(*p->items)) < 0)
		return TC_ENOMEM;
	p->items = items;
	if (!report_copy(&p->arena, ob, &p->items[p->n]))
		return TC_ENOMEM;
	p->n++;
	return 0;
}

struct flush {
	const char *host;
	struct wall now;
	int (*put)(void *, const struct batch *, const struct strbuf *);
	void *arg;
	struct strbuf text;
	size_t refused;
};

static bool
write_some(struct flush *f, struct observation *items, size_t n)
{
	char id[IDENT_TEXT];
	struct batch b = { .host = f->host, .id = id, .sent = f->now,
		.items = items, .n = n };

	ident_batch(f->now, id);
	strbuf_reset(&f->text);
	if (batch_write(&b, &f->text) < 0) {
		f->refused++;
		return true;
	}
	if (f->text.n > PENDING_BODY_MAX && n > 1)
		return false;
	f->refused += f->put(f->arg, &b, &f->text) < 0;
	return true;
}

size_t
pending_flush(struct pending *p, const char *host, struct wall now,
	int (*put)(void *arg, const struct batch *b, const struct strbuf *text),
	void *arg)
{
	struct flush f = { .host = host, .now = now, .put = put, .arg = arg };
	size_t at = 0, some = p->n;

	while (at < p->n) {
		if (some > p->n - at)
			some = p->n - at;
		if (write_some(&f, p->items + at, some))
			at += some;
		else
			some = (some + 1) / 2;
	}
	p->n = 0;
	arena_reset(&p->arena);
	strbuf_free(&f.text);
	return f.refused;
}
