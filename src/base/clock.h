/*
 * Time that cannot be mixed up.  The only file that asks the system's clocks.
 *
 *	mono	CLOCK_BOOTTIME, ns: timers and ages on this machine; never stored
 *	wall	UTC, ms since 1970: stored and shown; never scheduled on
 *	dur	a length of time, ns
 */
#ifndef TOCSIN_BASE_CLOCK_H
#define TOCSIN_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mono { int64_t ns; };
struct wall { int64_t ms; };
struct dur { int64_t ns; };

struct clock {
	struct mono (*mono)(struct clock *);
	struct wall (*wall)(struct clock *);
};

/* Both, read at one moment. */
struct now {
	struct mono mono;
	struct wall wall;
};

/* The machine's clocks; one constant object, any thread. */
struct clock *clock_system(void);

/* CPU time used by this thread; benchmarks and self-metrics only. */
struct dur clock_thread_cpu(void);

static inline struct dur
dur_ns(int64_t ns)
{
	return (struct dur){ ns };
}

static inline struct dur
dur_ms(int64_t ms)
{
	return (struct dur){ ms * 1000000 };
}

static inline struct dur
dur_s(int64_t s)
{
	return (struct dur){ s * 1000000000 };
}

static inline int64_t
dur_to_ms(struct dur d)
{
	return d.ns / 1000000;
}

static inline double
dur_to_seconds(struct dur d)
{
	return (double)d.ns / 1e9;
}

static inline struct mono
mono_add(struct mono m, struct dur d)
{
	return (struct mono){ m.ns + d.ns };
}

/* later − earlier; negative when the arguments are the other way round. */
static inline struct dur
mono_diff(struct mono later, struct mono earlier)
{
	return (struct dur){ later.ns - earlier.ns };
}

static inline bool
mono_before(struct mono a, struct mono b)
{
	return a.ns < b.ns;
}

static inline struct wall
wall_add(struct wall w, struct dur d)
{
	return (struct wall){ w.ms + d.ns / 1000000 };
}

/* What the wall clock would say, had nobody set it since `began`. */
static inline struct wall
wall_steady(struct now began, struct mono now)
{
	return wall_add(began.wall, mono_diff(now, began.mono));
}

/*
 * later − earlier into *out; TC_ERANGE when negative or beyond 292 years.
 * Only predict, store and reports subtract wall times.
 */
int wall_diff(struct wall later, struct wall earlier, struct dur *out);

/* A calendar date, proleptic Gregorian, UTC. */
struct date { int year; int month; int day; };

/* Days since 1970-01-01 and back; any year −9999…9999. */
int32_t date_to_days(struct date d);
struct date date_from_days(int32_t days);
bool date_is_valid(struct date d);
/* "2015-02-29" → error.  Reads exactly 10 characters. */
int date_parse(const char *text, size_t n, struct date *out);

static inline int32_t
wall_to_days(struct wall w)
{
	int64_t day = 86400000;

	return (int32_t)(w.ms >= 0 ? w.ms / day : -((-w.ms + day - 1) / day));
}

static inline struct wall
wall_from_days(int32_t days)
{
	return (struct wall){ (int64_t)days * 86400000 };
}

/* RFC 3339, UTC, ms: "2026-01-01T00:00:00.123Z"; size ≥ WALL_TEXT. */
#define WALL_TEXT 32
const char *wall_format(struct wall w, char *text, size_t size);
/*
 * RFC 3339 with Z or an offset.  Seconds ≤ 59, or 60 read as 59.999 + 1 ms
 * (a leap second is the next second's start).  TC_EINVAL otherwise.
 */
int wall_parse(const char *text, size_t n, struct wall *out);

#endif
