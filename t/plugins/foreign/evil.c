/*
 * A plugin that does its worst to the process that it is in.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tocsin/probe.h>
#include <unistd.h>

enum { DO_WELL, DO_CRASH, DO_ABORT, DO_EXIT, DO_SPIN, DO_NONSENSE };

static const struct tocsin_opt opts[] = {
	{ "do", TOCSIN_OPT_ENUM, .dflt = "well",
		.choices = "well|crash|abort|exit|spin|nonsense",
		.help = "what" },
	{ "say", TOCSIN_OPT_STRING, .dflt = "", .help = "a text" },
	{ .name = NULL },
};

static const struct tocsin_metric metrics[] = {
	{ "evil_deeds", TOCSIN_GAUGE, TOCSIN_COUNT, "done" },
	{ "evil_pid", TOCSIN_GAUGE, TOCSIN_COUNT, "who" },
	{ .name = NULL },
};

static int
evil_run(void *instance, const struct tocsin_target *t, struct tocsin_ctx *ctx)
{
	static const char nonsense[] = "HTTP/1.1 200 OK\r\n\r\n{}{}{}{}";
	struct tocsin_sample s[] = {
		{ .size = sizeof(s[0]), .type = TOCSIN_F64,
			.name = "evil_deeds", .instance = "a=\"b\"",
			.v.f64 = 2.5 },
		{ .size = sizeof(s[0]), .type = TOCSIN_U64,
			.name = "evil_pid", .v.u64 = (uint64_t)getpid() },
	};
	struct tocsin_device d = { .size = sizeof(d), .kind = "disk",
		.serial = "S1" };
	struct tocsin_report rep = { .size = sizeof(rep), .samples = s,
		.n_samples = 2, .stride = sizeof(s[0]), .text = t->opts[1].s };
	volatile int *nowhere = NULL;
	volatile int spins = 0;

	(void)instance;
	switch (t->opts[0].i) {
	case DO_CRASH:
		*nowhere = 1;
		break;
	case DO_ABORT:
		abort();
	case DO_EXIT:
		_exit(7);
	case DO_SPIN:
		for (;;)
			spins = !spins;
	case DO_NONSENSE:
		(void)!write(0, nonsense, sizeof(nonsense) - 1);
		break;
	default:
		break;
	}
	rep.device = &d;
	ctx->report(ctx, t->slot, &rep);
	rep.device = NULL;
	ctx->report(ctx, t->slot, &rep);
	return 0;
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "evil", .help = "does its worst",
	.opts = opts, .metrics = metrics, .run = evil_run,
};
