#include "probe/frames.h"

#include <string.h>

#define HEAD_BYTES (2 * sizeof(uint32_t))
#define NO_TEXT UINT32_MAX

/* ---- out ---- */

void
frame_put_u32(struct strbuf *out, uint32_t v)
{
	strbuf_add(out, &v, sizeof(v));
}

void
frame_put_i64(struct strbuf *out, int64_t v)
{
	strbuf_add(out, &v, sizeof(v));
}

void
frame_put_f64(struct strbuf *out, double v)
{
	strbuf_add(out, &v, sizeof(v));
}

void
frame_put_text(struct strbuf *out, const char *s)
{
	frame_put_u32(out, s != NULL ? (uint32_t)strlen(s) : NO_TEXT);
	if (s != NULL)
		strbuf_add(out, s, strlen(s) + 1);
}

size_t
frame_begin(struct strbuf *out, enum frame_kind kind)
{
	size_t begun = out->n;

	frame_put_u32(out, 0);
	frame_put_u32(out, (uint32_t)kind);
	return begun;
}

void
frame_end(struct strbuf *out, size_t begun)
{
	uint32_t n = (uint32_t)(out->n - begun);

	if (!out->failed)
		memcpy(out->p + begun, &n, sizeof(n));
}

/* ---- in ---- */

long
frame_next(const char *p, size_t n, struct frame *out)
{
	uint32_t head[2];

	if (n < HEAD_BYTES)
		return 0;
	memcpy(head, p, sizeof(head));
	if (head[0] < HEAD_BYTES || head[0] > FRAME_MAX_BYTES ||
	    head[1] < FRAME_PLUGIN || head[1] > FRAME_RESULT)
		return TC_EPROTO;
	if (n < head[0])
		return 0;
	*out = (struct frame){ .kind = (enum frame_kind)head[1],
		.p = p + HEAD_BYTES, .left = head[0] - HEAD_BYTES };
	return (long)head[0];
}

static void
take(struct frame *f, void *into, size_t n)
{
	if (f->bad || f->left < n) {
		f->bad = true;
		memset(into, 0, n);
		return;
	}
	memcpy(into, f->p, n);
	f->p += n;
	f->left -= n;
}

uint32_t
frame_u32(struct frame *f)
{
	uint32_t v;

	take(f, &v, sizeof(v));
	return v;
}

int64_t
frame_i64(struct frame *f)
{
	int64_t v;

	take(f, &v, sizeof(v));
	return v;
}

double
frame_f64(struct frame *f)
{
	double v;

	take(f, &v, sizeof(v));
	return v;
}

const char *
frame_text(struct frame *f)
{
	uint32_t n = frame_u32(f);
	const char *s = f->p;

	if (f->bad || n == NO_TEXT)
		return NULL;
	if (n >= f->left || memchr(s, '\0', (size_t)n + 1) != s + n) {
		f->bad = true;
		return NULL;
	}
	f->p += n + 1;
	f->left -= n + 1;
	return s;
}

/* ---- a plugin's rows ---- */

static void
put_opts(struct strbuf *out, const struct tocsin_opt *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		frame_put_text(out, rows->name);
		frame_put_u32(out, (uint32_t)rows->type);
		frame_put_text(out, rows->dflt);
		frame_put_text(out, rows->min);
		frame_put_text(out, rows->max);
		frame_put_text(out, rows->choices);
		frame_put_text(out, rows->unit);
		frame_put_text(out, rows->help);
	}
	frame_put_text(out, NULL);
}

void
frame_put_plugin(struct strbuf *out, const struct tocsin_probe *probe)
{
	size_t begun = frame_begin(out, FRAME_PLUGIN);
	const struct tocsin_metric *m = probe->metrics;

	frame_put_text(out, probe->name);
	frame_put_text(out, probe->help);
	put_opts(out, probe->opts);
	for (; m != NULL && m->name != NULL; m++) {
		frame_put_text(out, m->name);
		frame_put_u32(out, (uint32_t)m->kind);
		frame_put_u32(out, (uint32_t)m->unit);
		frame_put_text(out, m->help);
	}
	frame_put_text(out, NULL);
	frame_end(out, begun);
}

static const char *
keep(struct frame *f, struct arena *mem)
{
	const char *s = frame_text(f);

	if (s == NULL)
		return NULL;
	s = arena_strdup(mem, s);
	f->bad |= s == NULL;
	return s;
}

static void
take_opts(struct frame *f, struct arena *mem, struct tocsin_opt *rows)
{
	for (size_t n = 0; (rows[n].name = keep(f, mem)) != NULL; n++) {
		if (n == PLUGIN_OPTS_MAX) {
			f->bad = true;
			return;
		}
		rows[n].type = (enum tocsin_opt_type)frame_u32(f);
		rows[n].dflt = keep(f, mem);
		rows[n].min = keep(f, mem);
		rows[n].max = keep(f, mem);
		rows[n].choices = keep(f, mem);
		rows[n].unit = keep(f, mem);
		rows[n].help = keep(f, mem);
	}
}

static void
take_metrics(struct frame *f, struct arena *mem, struct tocsin_metric *rows)
{
	for (size_t n = 0; (rows[n].name = keep(f, mem)) != NULL; n++) {
		if (n == PLUGIN_METRICS_MAX) {
			f->bad = true;
			return;
		}
		rows[n].kind = (enum tocsin_metric_kind)frame_u32(f);
		rows[n].unit = (enum tocsin_unit)frame_u32(f);
		rows[n].help = keep(f, mem);
	}
}

int
frame_plugin(struct frame *f, struct arena *mem, struct tocsin_probe *out,
	struct tc_err *e)
{
	struct tocsin_opt *opts =
		arena_alloc(mem, (PLUGIN_OPTS_MAX + 1) * sizeof(*opts));
	struct tocsin_metric *metrics =
		arena_alloc(mem, (PLUGIN_METRICS_MAX + 1) * sizeof(*metrics));

	if (opts == NULL || metrics == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	*out = (struct tocsin_probe){ TOCSIN_PROBE_ABI, .opts = opts,
		.metrics = metrics };
	out->name = keep(f, mem);
	out->help = keep(f, mem);
	take_opts(f, mem, opts);
	if (!f->bad)
		take_metrics(f, mem, metrics);
	if (f->bad || f->kind != FRAME_PLUGIN)
		return tc_fail(e, TC_EPROTO, "no word of what it is");
	return 0;
}
