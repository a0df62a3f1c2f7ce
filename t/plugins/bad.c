/*
 * Descriptors that must be refused, one for each BAD_….
 */
#include <tocsin/probe.h>

#if defined(BAD_MAJOR)
#define NAME "bad_major"
#elif defined(BAD_MINOR)
#define NAME "bad_minor"
#elif defined(BAD_SIZE)
#define NAME "bad_size"
#elif defined(BAD_NAME)
#define NAME "another"
#elif defined(BAD_FORM)
#define NAME "bad_form"
#elif defined(BAD_OPTION)
#define NAME "bad_option"
#elif defined(BAD_METRIC)
#define NAME "bad_metric"
#else
#define NAME "bad_symbol"
#define tocsin_probe_v1 tocsin_probe_v9
#endif

static int
run(void *instance, const struct tocsin_target *t, struct tocsin_ctx *ctx)
{
	(void)instance;
	(void)t;
	(void)ctx;
	return 0;
}

static const struct tocsin_opt opts[] = {
	{ "port", TOCSIN_OPT_INT, .min = "1", .max = "65535",
#if defined(BAD_OPTION)
		.dflt = "70000",
#endif
		.help = "where" },
	{ .name = NULL },
};

static const struct tocsin_metric metrics[] = {
#if defined(BAD_METRIC)
	{ "Bad Name", TOCSIN_GAUGE, TOCSIN_COUNT, "x" },
#endif
	{ .name = NULL },
};

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
#if defined(BAD_SIZE)
	.size = 16,
#else
	.size = sizeof(struct tocsin_probe),
#endif
#if defined(BAD_MAJOR)
	.abi_major = TOCSIN_ABI_MAJOR + 1,
#else
	.abi_major = TOCSIN_ABI_MAJOR,
#endif
#if defined(BAD_MINOR)
	.abi_minor = TOCSIN_ABI_MINOR + 1,
#endif
	.name = NAME, .help = "for tests", .opts = opts, .metrics = metrics,
#if !defined(BAD_FORM)
	.run = run,
#endif
};
