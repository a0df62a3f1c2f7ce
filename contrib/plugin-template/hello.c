/*
 * hello: a plugin to begin with.  Rename it (the file, .name, NAME in the
 * Makefile), declare its options and metrics, and measure something.
 *
 * This is the worker form: run() may block, in a thread of its own, until
 * the target's timeout.  <tocsin/probe.h> tells the rest.
 */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <tocsin/probe.h>

enum { OPT_PATH };

static const struct tocsin_opt opts[] = {
	[OPT_PATH] = { "path", TOCSIN_OPT_STRING, .dflt = "/", .min = "1",
		.max = "255", .help = "A directory of the file system." },
	{ .name = NULL },
};

static const struct tocsin_metric metrics[] = {
	{ "hello_free_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "free for users" },
	{ .name = NULL },
};

static int
hello_run(void *instance, const struct tocsin_target *target,
	struct tocsin_ctx *ctx)
{
	struct tocsin_sample sample = { .size = sizeof(sample),
		.type = TOCSIN_F64, .name = "hello_free_bytes" };
	struct tocsin_report report = { .size = sizeof(report),
		.outcome = TOCSIN_OK, .reason = TOCSIN_WHY_NONE,
		.samples = &sample, .n_samples = 1, .stride = sizeof(sample) };
	struct statvfs fs;

	(void)instance;
	if (statvfs(target->opts[OPT_PATH].s, &fs) != 0) {
		/* We could not measure: that is never the target's fault. */
		report.outcome = TOCSIN_UNKNOWN;
		report.reason = TOCSIN_WHY_UNSUPPORTED;
		report.n_samples = 0;
	} else {
		sample.v.f64 = (double)fs.f_bavail * (double)fs.f_frsize;
	}
	ctx->report(ctx, target->slot, &report);
	return 0;
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "hello", .help = "how much room is left",
	.opts = opts, .metrics = metrics, .run = hello_run,
};
