#include "probes/common/samples.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "probes/common/sysfile.h"

void
samples_free(struct samples *s)
{
	mem_free(s->items);
	arena_free(&s->text);
	*s = (struct samples){0};
}

void
samples_add(struct samples *s, const char *name, const char *instance,
	double value)
{
	void *items = s->items;
	const char *label = NULL;

	if (!isfinite(value) || s->n == SAMPLES_MAX)
		return;
	if (mem_grow(&items, &s->cap, s->n + 1, sizeof(*s->items)) < 0) {
		s->failed = true;
		return;
	}
	s->items = items;
	if (instance && *instance) {
		label = arena_strdup(&s->text, instance);
		if (!label) {
			s->failed = true;
			return;
		}
	}
	s->items[s->n++] = (struct tocsin_sample){
		.size = sizeof(struct tocsin_sample), .type = TOCSIN_F64,
		.name = name, .instance = label, .v.f64 = value,
	};
}

void
samples_add_file(struct samples *s, const char *root, const char *path,
	const char *name, const char *instance)
{
	uint64_t v;

	if (sysfile_u64(root, path, &v))
		samples_add(s, name, instance, (double)v);
}

void
samples_report(const struct samples *s, struct tocsin_ctx *ctx,
	const struct tocsin_target *target, const char *text)
{
	struct tocsin_report report = {
		.size = sizeof(report), .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_NONE, .text = text,
		.samples = s->items, .n_samples = (uint32_t)s->n,
		.stride = sizeof(struct tocsin_sample),
	};

	if (s->failed) {
		samples_refuse(ctx, target, -ENOMEM, "samples");
		return;
	}
	ctx->report(ctx, target->slot, &report);
}

static enum tocsin_reason
reason_of(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return TOCSIN_WHY_LOCAL_PERMISSION;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return TOCSIN_WHY_LOCAL_RESOURCE;
	default:
		return TOCSIN_WHY_UNSUPPORTED;
	}
}

void
samples_refuse(struct tocsin_ctx *ctx, const struct tocsin_target *target,
	int err, const char *what)
{
	char text[256];
	struct tocsin_report report = {
		.size = sizeof(report), .outcome = TOCSIN_UNKNOWN,
		.reason = (uint16_t)reason_of(err), .text = text,
		.stride = sizeof(struct tocsin_sample),
	};

	snprintf(text, sizeof(text), "%s: %s", what, strerror(-err));
	ctx->report(ctx, target->slot, &report);
}

const char *
target_option(const struct tocsin_target *target, size_t row,
	const char *otherwise)
{
	const char *s;

	if (!target->opts || row >= target->n_opts)
		return otherwise;
	s = target->opts[row].s;
	return s && *s ? s : otherwise;
}

/* "some avg10=5.29 avg60=3.25 avg300=1.99 total=17617580" (µs) */
struct psi_line {
	double ratio;
	double seconds;
	bool has_ratio;
	bool has_seconds;
};

static struct psi_line
psi_parse(struct span rest)
{
	struct psi_line line = {0};
	struct span word;
	uint64_t us;

	while (span_word(&rest, &word)) {
		struct span value = word;
		const char *eq = memchr(word.p, '=', word.n);

		if (!eq)
			continue;
		value.p = eq + 1;
		value.n = word.n - (size_t)(eq + 1 - word.p);
		if (span_starts(word, "avg10=") &&
		    span_double(&value, &line.ratio)) {
			line.ratio /= 100;
			line.has_ratio = line.ratio >= 0 && line.ratio <= 1;
		} else if (span_starts(word, "total=") &&
			   span_u64(&value, &us)) {
			line.seconds = (double)us / 1e6;
			line.has_seconds = true;
		}
	}
	return line;
}

/* Names are wanted until the report: they are kept with the labels. */
static void
psi_add_line(struct samples *s, const char *resource, const char *kind,
	const struct psi_line *line)
{
	char name[64];
	const char *kept;

	snprintf(name, sizeof(name), "psi_%s_%s_seconds_total", resource, kind);
	kept = arena_strdup(&s->text, name);
	if (kept && line->has_seconds)
		samples_add(s, kept, "", line->seconds);
	snprintf(name, sizeof(name), "psi_%s_%s_ratio", resource, kind);
	kept = arena_strdup(&s->text, name);
	if (kept && line->has_ratio)
		samples_add(s, kept, "", line->ratio);
}

void
psi_add(struct samples *s, const char *root, const char *resource)
{
	struct strbuf text = {0};
	struct span rest, line, word;
	char path[64];

	snprintf(path, sizeof(path), "proc/pressure/%s", resource);
	if (sysfile_read(root, path, &text) < 0)
		goto out;
	rest = span_of(&text);
	while (span_line(&rest, &line)) {
		struct psi_line parsed;

		if (!span_word(&line, &word))
			continue;
		parsed = psi_parse(line);
		if (span_is(word, "some"))
			psi_add_line(s, resource, "some", &parsed);
		else if (span_is(word, "full"))
			psi_add_line(s, resource, "full", &parsed);
	}
out:
	strbuf_free(&text);
}
