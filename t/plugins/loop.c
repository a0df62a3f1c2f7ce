/*
 * A loop probe that behaves as its option says; tests of the runner.
 */
#include <errno.h>
#include <string.h>
#include <tocsin/probe.h>

#define SLOTS_MAX 1024

enum mode { MODE_OK, MODE_IN_START, MODE_SILENT, MODE_TWICE, MODE_WRONG_SLOT,
	MODE_WRONG_METRIC, MODE_BAD_REASON, MODE_REFUSE, MODE_ECHO };

struct run {
	uint32_t slot;
	int64_t mode;
	char text[256];
};

struct instance {
	struct tocsin_ctx *ctx;
	struct run runs[SLOTS_MAX];
	unsigned n;
	uint32_t cancelled;
};

static struct instance the_instance;

static const struct tocsin_opt opts[] = {
	{ "mode", TOCSIN_OPT_ENUM, .dflt = "ok", .choices = "ok|in_start|silent|"
		"twice|wrong_slot|wrong_metric|bad_reason|refuse|echo",
		.help = "how to behave" },
	{ "say", TOCSIN_OPT_STRING, .dflt = "", .max = "200", .help = "text" },
	{ .name = NULL },
};

static const struct tocsin_metric metrics[] = {
	{ "loop_runs", TOCSIN_COUNTER, TOCSIN_COUNT, "runs started" },
	{ "loop_*_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "anything" },
	{ .name = NULL },
};

static void
report(struct instance *in, const struct run *run)
{
	struct tocsin_sample samples[] = {
		{ .size = sizeof(samples[0]), .type = TOCSIN_U64,
			.name = "loop_runs", .v.u64 = 7 },
		{ .size = sizeof(samples[0]), .type = TOCSIN_F64,
			.name = "loop_disk_bytes", .instance = "disk=\"sda\"",
			.v.f64 = 1.5 },
		{ .size = sizeof(samples[0]), .type = TOCSIN_F64,
			.name = "loop_celsius", .v.f64 = 1.5 },
		{ .size = sizeof(samples[0]), .type = TOCSIN_F64,
			.name = "loop__bytes_", .v.f64 = 1.5 },
		{ .size = sizeof(samples[0]), .type = TOCSIN_F64,
			.name = "loop_x_bytes", .v.f64 = 0.0 / 1.0 },
	};
	struct tocsin_report rep = { .size = sizeof(rep), .samples = samples,
		.n_samples = 2, .stride = sizeof(samples[0]),
		.text = run->text };

	if (run->mode == MODE_WRONG_METRIC) {
		samples[4].v.f64 = 1e308 * 10;	/* not finite */
		rep.n_samples = 5;
	}
	if (run->mode == MODE_BAD_REASON)
		rep.reason = TOCSIN_WHY_CONNECT_REFUSED;	/* but "ok" */
	in->ctx->report(in->ctx, run->slot +
		(run->mode == MODE_WRONG_SLOT ? 1 : 0), &rep);
	if (run->mode == MODE_TWICE)
		in->ctx->report(in->ctx, run->slot, &rep);
	if (run->mode == MODE_WRONG_SLOT)
		in->ctx->report(in->ctx, run->slot, &rep);
}

static int
loop_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	(void)error;
	memset(&the_instance, 0, sizeof(the_instance));
	the_instance.ctx = ctx;
	*instance = &the_instance;
	return 0;
}

static int
loop_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride)
{
	struct instance *in = instance;
	const char *at = (const char *)targets;

	for (uint32_t i = 0; i < n; i++, at += stride) {
		const struct tocsin_target *t = (const void *)at;
		struct run *run = &in->runs[in->n];

		run->slot = t->slot;
		run->mode = t->opts[0].i;
		strncpy(run->text, run->mode == MODE_ECHO ? t->address :
			t->opts[1].s, sizeof(run->text) - 1);
		if (run->mode == MODE_REFUSE)
			return -EBUSY;
		if (run->mode == MODE_IN_START)
			report(in, run);
		else if (in->n < SLOTS_MAX - 1)
			in->n++;
	}
	in->ctx->timer(in->ctx, in->ctx->mono_ns(in->ctx));
	return 0;
}

static void
loop_on_timer(void *instance, int64_t now_ns)
{
	struct instance *in = instance;
	unsigned kept = 0;

	(void)now_ns;
	for (unsigned i = 0; i < in->n; i++) {
		if (in->runs[i].mode == MODE_SILENT)
			in->runs[kept++] = in->runs[i];
		else
			report(in, &in->runs[i]);
	}
	in->n = kept;
}

static void
loop_cancel(void *instance, uint32_t slot)
{
	struct instance *in = instance;

	for (unsigned i = 0; i < in->n; i++) {
		if (in->runs[i].slot != slot)
			continue;
		in->runs[i] = in->runs[--in->n];
		in->cancelled++;
	}
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "loop", .help = "for tests", .opts = opts,
	.metrics = metrics, .open = loop_open, .start = loop_start,
	.on_timer = loop_on_timer, .cancel = loop_cancel,
};
