/*
 * A worker probe that behaves as its option says; tests of the runner.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tocsin/probe.h>
#include <unistd.h>

enum mode { MODE_OK, MODE_TWO, MODE_NOTHING, MODE_ERROR, MODE_HANG,
	MODE_WRONG_SLOT };

static const struct tocsin_opt opts[] = {
	{ "mode", TOCSIN_OPT_ENUM, .dflt = "ok",
		.choices = "ok|two|nothing|error|hang|wrong_slot",
		.help = "how to behave" },
	{ "fd", TOCSIN_OPT_INT, .dflt = "-1",
		.help = "hang until this can be read" },
	{ "say", TOCSIN_OPT_STRING, .dflt = "", .help = "text" },
	{ .name = NULL },
};

static const struct tocsin_metric metrics[] = {
	{ "work_celsius", TOCSIN_GAUGE, TOCSIN_CELSIUS, "warmth" },
	{ .name = NULL },
};

static void
report(struct tocsin_ctx *ctx, uint32_t slot, const char *serial,
	const char *say)
{
	/* All of it is gone when run() returns. */
	char text[256], sn[64];
	struct tocsin_device device = { .size = sizeof(device), .kind = "disk",
		.model = "M", .serial = sn };
	struct tocsin_sample sample = { .size = sizeof(sample),
		.type = TOCSIN_F64, .name = "work_celsius", .v.f64 = 33.5 };
	struct tocsin_report rep = { .size = sizeof(rep), .text = text,
		.device = serial != NULL ? &device : NULL, .samples = &sample,
		.n_samples = 1, .stride = sizeof(sample) };

	snprintf(text, sizeof(text), "%s", say);
	snprintf(sn, sizeof(sn), "%s", serial != NULL ? serial : "");
	ctx->report(ctx, slot, &rep);
	memset(text, 'x', sizeof(text) - 1);
	memset(sn, 'x', sizeof(sn) - 1);
}

static int
work_run(void *instance, const struct tocsin_target *t, struct tocsin_ctx *ctx)
{
	char c;

	(void)instance;
	switch ((enum mode)t->opts[0].i) {
	case MODE_OK:
		report(ctx, t->slot, NULL, t->opts[2].s);
		return 0;
	case MODE_TWO:
		report(ctx, t->slot, "S1", "one");
		report(ctx, t->slot, "S2", "two");
		return 0;
	case MODE_NOTHING:
		return 0;
	case MODE_ERROR:
		return -EIO;
	case MODE_HANG:
		while (read((int)t->opts[1].i, &c, 1) < 0)
			;
		report(ctx, t->slot, NULL, "late");
		return 0;
	case MODE_WRONG_SLOT:
		report(ctx, t->slot + 1, NULL, "not mine");
		return 0;
	}
	return -EINVAL;
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "work", .help = "for tests", .opts = opts,
	.metrics = metrics, .run = work_run,
};
