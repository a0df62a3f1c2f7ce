#include "t/lib/probe_rig.h"
#include "t/lib/scratch.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t
rig_mono(struct tocsin_ctx *ctx)
{
	return ((struct rig *)ctx->host)->now_ns;
}

static int64_t
rig_wall(struct tocsin_ctx *ctx)
{
	return ((struct rig *)ctx->host)->now_ns / 1000000;
}

static void
rig_log(struct tocsin_ctx *ctx, enum tocsin_log level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static bool
is_declared(const char *name)
{
	for (const struct tocsin_metric *m = tocsin_probe_v1.metrics; m->name;
	     m++) {
		if (strcmp(m->name, name) == 0)
			return true;
	}
	return false;
}

static void
rig_report(struct tocsin_ctx *ctx, uint32_t slot,
	const struct tocsin_report *report)
{
	struct rig *r = ctx->host;

	ck_assert_uint_eq(slot, 7);
	ck_assert_uint_eq(report->size, sizeof(*report));
	ck_assert_uint_eq(report->stride, sizeof(struct tocsin_sample));
	ck_assert_uint_le(report->n_samples, 4096);
	r->reports++;
	r->outcome = report->outcome;
	r->reason = report->reason;
	r->n = report->n_samples;
	snprintf(r->text, sizeof(r->text), "%s",
		report->text ? report->text : "");
	for (size_t i = 0; i < r->n; i++) {
		const struct tocsin_sample *s = &report->samples[i];
		const char *label = s->instance ? s->instance : "";

		ck_assert_msg(is_declared(s->name), "%s: undeclared", s->name);
		ck_assert_uint_eq(s->type, TOCSIN_F64);
		ck_assert_msg(isfinite(s->v.f64), "%s: not finite", s->name);
		ck_assert_uint_lt(strlen(label), sizeof(r->samples[i].instance));
		memcpy(r->samples[i].name, s->name, strlen(s->name) + 1);
		memcpy(r->samples[i].instance, label, strlen(label) + 1);
		r->samples[i].v = s->v.f64;
	}
}

static void
rig_open(struct rig *r)
{
	char error[256] = "";

	r->instance = NULL;
	if (tocsin_probe_v1.open)
		ck_assert_int_eq(tocsin_probe_v1.open(&r->ctx, &r->instance,
			error), 0);
}

struct rig *
rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	snprintf(r->root, sizeof(r->root), "/tmp/tocsin-rig-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->root));
	r->ctx = (struct tocsin_ctx){
		.size = sizeof(r->ctx), .host = r, .mono_ns = rig_mono,
		.wall_ms = rig_wall, .report = rig_report, .log = rig_log,
	};
	r->now_ns = 1000000000;
	r->opts[0].s = r->root;
	r->opts[1].s = r->opts[2].s = r->opts[3].s = "";
	rig_open(r);
	return r;
}

void
rig_free(struct rig *r)
{
	if (tocsin_probe_v1.close)
		tocsin_probe_v1.close(r->instance);
	scratch_remove(r->root);
	free(r);
}

void
rig_dir(struct rig *r, const char *path)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/%s", r->root, path);
	for (char *slash = name + strlen(r->root) + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		mkdir(name, 0755);
		*slash = '/';
	}
	mkdir(name, 0755);
}

void
rig_bytes(struct rig *r, const char *path, const void *p, size_t n)
{
	char name[512];
	const char *slash = strrchr(path, '/');
	FILE *f;

	if (slash) {
		snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
		rig_dir(r, name);
	}
	snprintf(name, sizeof(name), "%s/%s", r->root, path);
	f = fopen(name, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	fclose(f);
}

void
rig_file(struct rig *r, const char *path, const char *text)
{
	rig_bytes(r, path, text, strlen(text));
}

void
rig_remove(struct rig *r, const char *path)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/%s", r->root, path);
	scratch_remove(name);
}

void
rig_run(struct rig *r)
{
	struct tocsin_target target = {
		.size = sizeof(target), .slot = 7, .host = "h1", .address = "",
		.opts = r->opts, .timeout_ns = 1000000000,
	};

	while (tocsin_probe_v1.opts[target.n_opts].name)
		target.n_opts++;
	r->reports = 0;
	r->n = 0;
	r->now_ns += 15000000000;
	ck_assert_int_eq(tocsin_probe_v1.run(r->instance, &target, &r->ctx),
		0);
	ck_assert_uint_eq(r->reports, 1);
}

void
rig_restart(struct rig *r)
{
	if (tocsin_probe_v1.close)
		tocsin_probe_v1.close(r->instance);
	rig_open(r);
}

static const struct rig_sample *
find(const struct rig *r, const char *name, const char *instance)
{
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->samples[i].name, name) == 0 &&
		    strcmp(r->samples[i].instance, instance) == 0)
			return &r->samples[i];
	}
	return NULL;
}

bool
rig_has(const struct rig *r, const char *name, const char *instance)
{
	return find(r, name, instance) != NULL;
}

double
rig_value(const struct rig *r, const char *name, const char *instance)
{
	const struct rig_sample *s = find(r, name, instance);

	return s ? s->v : (double)NAN;
}
