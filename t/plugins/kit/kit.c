/*
 * A plugin of the loop form with one defect, by KIT_…; KIT_GOOD has none.
 */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <tocsin/probe.h>
#include <unistd.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define SLOTS 64

struct instance {
	struct tocsin_ctx *ctx;
	uint32_t slots[SLOTS];
	unsigned n;
	const struct tocsin_target *kept;
};

static const struct tocsin_metric metrics[] = {
#if defined(KIT_EVERYTHING)
	{ "*", TOCSIN_GAUGE, TOCSIN_COUNT, "anything" },
#endif
	{ "kit_value", TOCSIN_GAUGE, TOCSIN_COUNT, "a value" },
	{ .name = NULL },
};

static void
wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL); /* lint: to be caught at it */
}

static void
burn(void)
{
	volatile unsigned n = 0;

	while (n < 24000000)
		n++;
}

static void *
linger(void *arg)
{
	(void)arg;
	wait_ms(100000);
	return NULL;
}

static void
misbehave(struct instance *in)
{
	pthread_t thread;
	volatile int *nowhere = NULL;

	(void)thread;
	(void)nowhere;
	(void)in;
#if defined(KIT_BLOCKS)
	wait_ms(5);
#elif defined(KIT_BURNS)
	burn();
#elif defined(KIT_LEAKS_FD)
	(void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
#elif defined(KIT_LEAKS_THREAD)
	pthread_create(&thread, NULL, linger, NULL);
#elif defined(KIT_LEAKS_MEMORY)
	*(char *volatile *)&(char *){ NULL } = malloc(4000); /* lint: the leak */
#elif defined(KIT_CRASHES)
	*nowhere = 1;
#elif defined(KIT_EXITS)
	_exit(3);
#elif defined(KIT_HANGS)
	for (;;)
		wait_ms(1000);
#elif defined(KIT_SIGNALS)
	signal(SIGPIPE, SIG_IGN); /* lint: to be caught at it */
#endif
}

static void
give(struct instance *in, uint32_t slot)
{
	struct tocsin_sample s = { .size = sizeof(s), .type = TOCSIN_F64,
		.name = "kit_value", .v.f64 = 1 };
	struct tocsin_report rep = { .size = sizeof(rep), .samples = &s,
		.n_samples = 1, .stride = sizeof(s) };

#if defined(KIT_UNDECLARED)
	s.name = "kit_other";
#elif defined(KIT_WRONG_SLOT)
	in->ctx->report(in->ctx, slot + 1, &rep);
#elif defined(KIT_TWICE)
	in->ctx->report(in->ctx, slot, &rep);
#elif defined(KIT_MISMATCH)
	rep.reason = TOCSIN_WHY_CONNECT_REFUSED;
#elif defined(KIT_REASON)
	rep.reason = TOCSIN_WHY_STALE;
	rep.outcome = TOCSIN_UNKNOWN;
#elif defined(KIT_STALE)
	slot = in->kept->slot;
#elif defined(KIT_INFINITE)
	s.v.f64 = INFINITY;
#endif
#if defined(KIT_SILENT)
	(void)in;
	(void)slot;
#else
	in->ctx->report(in->ctx, slot, &rep);
#endif
}

static int
kit_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct instance *in = calloc(1, sizeof(*in)); /* lint: as others would */

	(void)error;
	in->ctx = ctx;
	*instance = in;
	return 0;
}

static void
kit_close(void *instance)
{
#if defined(KIT_LEFTOVER)
	(void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
#endif
	free(instance);
}

static int
kit_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride)
{
	struct instance *in = instance;
	const char *at = (const char *)targets;

	for (uint32_t i = 0; i < n && in->n < SLOTS; i++, at += stride) {
		in->kept = (const void *)at;
		in->slots[in->n++] = in->kept->slot;
	}
	in->ctx->timer(in->ctx, in->ctx->mono_ns(in->ctx) + 1000000);
	return 0;
}

static void
kit_on_timer(void *instance, int64_t now_ns)
{
	struct instance *in = instance;

	(void)now_ns;
	misbehave(in);
	while (in->n > 0)
		give(in, in->slots[--in->n]);
}

static void
kit_cancel(void *instance, uint32_t slot)
{
#if !defined(KIT_AFTER_CANCEL)
	struct instance *in = instance;

	for (unsigned i = 0; i < in->n; i++)
		if (in->slots[i] == slot)
			in->slots[i] = in->slots[--in->n];
#else
	(void)instance;
	(void)slot;
#endif
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = TEXT(KIT_NAME), .help = "for the kit",
	.metrics = metrics, .open = kit_open, .close = kit_close,
	.start = kit_start, .on_timer = kit_on_timer, .cancel = kit_cancel,
};

/* Not all of them are used by each. */
void *kit_unused(void);
void *
kit_unused(void)
{
	return (void *)((uintptr_t)linger ^ (uintptr_t)burn);
}
