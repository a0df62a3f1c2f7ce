/*
 * Drive states as plain bytes: version, then each metric that was seen, all
 * little-endian.  Nothing here is trusted when it comes back.
 */
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "predict/drive.h"

#define SAVE_MAGIC 0x44u	/* 'D' */
#define SAVE_VERSION 1u
#define HEAD_BYTES 6u
#define METRIC_BYTES 32u
_Static_assert(HEAD_BYTES + METRIC_BYTES * DRIVE_METRIC_N <= DRIVE_SAVED_MAX,
	"all metrics fit");

static void
put_number(unsigned char *to, double v)
{
	le_put(to, bits_of_double(v), 8);
}

static double
get_number(const unsigned char *from)
{
	return bits_to_double(le_get(from, 8));
}

size_t
drive_save(const struct drive_state *s, unsigned char out[DRIVE_SAVED_MAX])
{
	size_t n = HEAD_BYTES;

	out[0] = SAVE_MAGIC;
	out[1] = SAVE_VERSION;
	le_put(out + 2, s->seen, 4);
	for (int m = 0; m < DRIVE_METRIC_N; m++) {
		if (!(s->seen & 1u << m))
			continue;
		put_number(out + n, s->now[m]);
		put_number(out + n + 8, s->first[m]);
		le_put(out + n + 16, (uint64_t)s->observed_ms[m], 8);
		le_put(out + n + 24, (uint64_t)s->risen_ms[m], 8);
		n += METRIC_BYTES;
	}
	return n;
}

static bool
is_value(double v)
{
	return v >= 0 && v <= DRIVE_VALUE_MAX;
}

/* From 1970 to 9999, in ms: differences of two fit. */
static bool
is_time(int64_t ms)
{
	return ms >= 0 && ms <= INT64_C(253402300799999);
}

int
drive_restore(const void *p, size_t n, struct drive_state *out,
	struct tc_err *e)
{
	const unsigned char *in = p;
	struct drive_state s = { .seen = 0 };
	size_t at = HEAD_BYTES;

	if (n < HEAD_BYTES || in[0] != SAVE_MAGIC)
		return tc_fail(e, TC_ECORRUPT, "no saved drive state");
	if (in[1] > SAVE_VERSION)
		return tc_fail(e, TC_ENEWER, "drive state of version %u", in[1]);
	s.seen = (uint32_t)le_get(in + 2, 4);
	if (in[1] != SAVE_VERSION || s.seen >> DRIVE_METRIC_N != 0)
		return tc_fail(e, TC_ECORRUPT, "drive state: unknown metrics");
	for (int m = 0; m < DRIVE_METRIC_N; m++) {
		if (!(s.seen & 1u << m))
			continue;
		if (n - at < METRIC_BYTES)
			return tc_fail(e, TC_ECORRUPT, "drive state is cut off");
		s.now[m] = get_number(in + at);
		s.first[m] = get_number(in + at + 8);
		s.observed_ms[m] = (int64_t)le_get(in + at + 16, 8);
		s.risen_ms[m] = (int64_t)le_get(in + at + 24, 8);
		at += METRIC_BYTES;
		if (!is_value(s.now[m]) || !is_value(s.first[m]))
			return tc_fail(e, TC_ECORRUPT, "drive state: not a "
				"value");
		if (!is_time(s.observed_ms[m]) || !is_time(s.risen_ms[m]))
			return tc_fail(e, TC_ECORRUPT, "drive state: not a "
				"time");
	}
	if (at != n)
		return tc_fail(e, TC_ECORRUPT, "drive state: bytes left over");
	*out = s;
	return 0;
}
