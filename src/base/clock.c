#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"

static struct mono
system_mono(struct clock *c)
{
	struct timespec ts;

	(void)c;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (struct mono){ (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec };
}

static struct wall
system_wall(struct clock *c)
{
	struct timespec ts;

	(void)c;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct wall){ (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 };
}

struct clock *
clock_system(void)
{
	static const struct clock the_clock = { system_mono, system_wall };

	return (struct clock *)(uintptr_t)&the_clock;
}

struct dur
clock_thread_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (struct dur){ (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec };
}

int
wall_diff(struct wall later, struct wall earlier, struct dur *out)
{
	int64_t ms, ns;

	if (__builtin_sub_overflow(later.ms, earlier.ms, &ms) || ms < 0 ||
	    __builtin_mul_overflow(ms, (int64_t)1000000, &ns))
		return TC_ERANGE;
	out->ns = ns;
	return 0;
}

/*
 * Days from the civil calendar: years are counted from 1 March of year 0, in
 * eras of 400 years = 146097 days (the Gregorian cycle).
 */
int32_t
date_to_days(struct date d)
{
	int y = d.month <= 2 ? d.year - 1 : d.year;
	int era = (y >= 0 ? y : y - 399) / 400;
	int yoe = y - era * 400;
	int doy = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
	int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (int32_t)(era * 146097 + doe - 719468);
}

struct date
date_from_days(int32_t days)
{
	int z = days + 719468;
	int era = (z >= 0 ? z : z - 146096) / 146097;
	int doe = z - era * 146097;
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int mp = (5 * doy + 2) / 153;
	int month = mp < 10 ? mp + 3 : mp - 9;

	return (struct date){ yoe + era * 400 + (month <= 2), month,
		doy - (153 * mp + 2) / 5 + 1 };
}

bool
date_is_valid(struct date d)
{
	struct date back;

	if (d.year < -9999 || d.year > 9999 || d.month < 1 || d.month > 12 ||
	    d.day < 1 || d.day > 31)
		return false;
	back = date_from_days(date_to_days(d));
	return back.month == d.month && back.day == d.day;
}

static int
digits(const char *p, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

int
date_parse(const char *text, size_t n, struct date *out)
{
	struct date d;

	if (n != 10 || text[4] != '-' || text[7] != '-')
		return TC_EINVAL;
	d = (struct date){ digits(text, 4), digits(text + 5, 2),
		digits(text + 8, 2) };
	if (d.year < 0 || !date_is_valid(d))
		return TC_EINVAL;
	*out = d;
	return 0;
}

const char *
wall_format(struct wall w, char *text, size_t size)
{
	int32_t days = wall_to_days(w);
	int64_t ms = w.ms - wall_from_days(days).ms;
	struct date d = date_from_days(days);

	snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", d.year,
		d.month, d.day, (int)(ms / 3600000), (int)(ms / 60000 % 60),
		(int)(ms / 1000 % 60), (int)(ms % 1000));
	return text;
}

/* "", ".1", ".123456" → ms; how many characters were read, or −1. */
static int
fraction(const char *p, size_t n, int *ms)
{
	int scale = 100, i = 1;

	*ms = 0;
	if (n == 0 || p[0] != '.')
		return 0;
	for (; (size_t)i < n && p[i] >= '0' && p[i] <= '9'; i++) {
		*ms += (p[i] - '0') * scale;
		scale /= 10;
	}
	return i > 1 ? i : -1;
}

/* "Z", "+02:00" → minutes east of UTC. */
static int
offset(const char *p, size_t n, int *minutes)
{
	int h, m;

	*minutes = 0;
	if (n == 1 && (p[0] == 'Z' || p[0] == 'z'))
		return 0;
	if (n != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':')
		return TC_EINVAL;
	h = digits(p + 1, 2);
	m = digits(p + 4, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return TC_EINVAL;
	*minutes = (p[0] == '-' ? -1 : 1) * (h * 60 + m);
	return 0;
}

int
wall_parse(const char *text, size_t n, struct wall *out)
{
	struct date d;
	int h, m, s, ms, east, frac;

	if (n < 20 || date_parse(text, 10, &d) < 0 ||
	    strchr("Tt ", text[10]) == NULL || text[13] != ':' ||
	    text[16] != ':')
		return TC_EINVAL;
	h = digits(text + 11, 2);
	m = digits(text + 14, 2);
	s = digits(text + 17, 2);
	frac = fraction(text + 19, n - 19, &ms);
	if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 || frac < 0 ||
	    offset(text + 19 + frac, n - 19 - (size_t)frac, &east) < 0)
		return TC_EINVAL;
	if (s == 60)
		ms = 0;
	out->ms = wall_from_days(date_to_days(d)).ms +
		((int64_t)h * 3600 + m * 60 + s - east * 60) * 1000 + ms;
	return 0;
}
