#include "plan/zone.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86400

struct scan {
	const char *p, *end;
	bool bad;
};

static bool
took(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static int
number(struct scan *s, int max)
{
	const char *from = s->p;
	int v = 0;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9' && v <= max)
		v = v * 10 + (*s->p++ - '0');
	if (s->p == from || v > max)
		s->bad = true;
	return v;
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "CET", "<+03>" */
static void
name(struct scan *s, char *out, size_t size)
{
	bool quoted = took(s, '<');
	size_t n = 0;

	while (s->p < s->end && (is_letter(*s->p) || (quoted && *s->p != '>')))
	{
		if (n + 1 < size)
			out[n++] = *s->p;
		s->p++;
	}
	out[n] = '\0';
	if (n < 2 || (quoted && !took(s, '>')))
		s->bad = true;
}

/* "[+-]hh[:mm[:ss]]" in seconds */
static int32_t
hours(struct scan *s)
{
	bool minus = took(s, '-');
	int32_t v;

	if (!minus)
		(void)took(s, '+');
	v = number(s, 167) * 3600;
	if (took(s, ':'))
		v += number(s, 59) * 60;
	if (took(s, ':'))
		v += number(s, 59);
	return minus ? -v : v;
}

static struct zone_move
move(struct scan *s)
{
	struct zone_move m = { .at_s = 2 * 3600 };

	if (!took(s, ','))
		s->bad = true;
	if (took(s, 'M')) {
		m.month = number(s, 12);
		s->bad = s->bad || !took(s, '.');
		m.week = number(s, 5);
		s->bad = s->bad || !took(s, '.');
		m.weekday = number(s, 6);
		s->bad = s->bad || m.month == 0 || m.week == 0;
	} else {
		m.no_leap = took(s, 'J');
		m.day = number(s, 365) - (m.no_leap ? 1 : 0);
		s->bad = s->bad || m.day < 0;
	}
	if (took(s, '/'))
		m.at_s = hours(s);
	return m;
}

int
zone_parse(const char *text, size_t n, struct zone *out, struct tc_err *e)
{
	struct scan s = { text, text + n, false };
	struct zone z = { .std_name = "UTC" };

	if (n > 0) {
		name(&s, z.std_name, sizeof(z.std_name));
		z.std_s = -hours(&s);
	}
	if (s.p < s.end && !s.bad) {
		z.has_dst = true;
		name(&s, z.dst_name, sizeof(z.dst_name));
		z.dst_s = z.std_s + 3600;
		if (s.p < s.end && *s.p != ',')
			z.dst_s = -hours(&s);
		z.to_dst = move(&s);
		z.to_std = move(&s);
	}
	if (s.bad || s.p != s.end || n >= ZONE_RULE_BYTES)
		return tc_fail(e, TC_EINVAL, "'%.*s' is no rule of a zone",
			(int)(n < 64 ? n : 64), text);
	*out = z;
	return 0;
}

bool
zone_id_is_valid(const char *id)
{
	size_t n = strlen(id);

	if (n == 0 || n >= ZONE_ID_BYTES || !is_letter(id[0]) ||
	    strstr(id, "..") != NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_letter(id[i]) && strchr("0123456789/_+-", id[i]) == NULL)
			return false;
	return true;
}

/* ---- when the clock is moved ---- */

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Sunday 0; 1970-01-01 was a Thursday */
static int
weekday(int32_t days)
{
	int w = (int)((days + 4) % 7);

	return w < 0 ? w + 7 : w;
}

static int32_t
day_of(const struct zone_move *m, int year)
{
	int32_t first;
	int32_t day;

	if (m->month == 0) {
		first = date_to_days((struct date){ year, 1, 1 });
		return first + m->day +
			(m->no_leap && is_leap(year) && m->day >= 59);
	}
	first = date_to_days((struct date){ year, m->month, 1 });
	day = first + (m->weekday - weekday(first) + 7) % 7 +
		7 * (m->week - 1);
	/* "5" is the last, which may be the fourth */
	while (date_from_days(day).month != m->month)
		day -= 7;
	return day;
}

static int64_t
moment_of(const struct zone_move *m, int year, int32_t offset_s)
{
	return (int64_t)day_of(m, year) * DAY_S + m->at_s - offset_s;
}

int32_t
zone_offset_s(const struct zone *z, struct wall at)
{
	int64_t s = at.ms / 1000 - (at.ms % 1000 < 0);
	int year = date_from_days(wall_to_days((struct wall){
		at.ms + (int64_t)z->std_s * 1000 })).year;
	int64_t begin, end;
	bool inside;

	if (!z->has_dst)
		return z->std_s;
	begin = moment_of(&z->to_dst, year, z->std_s);
	end = moment_of(&z->to_std, year, z->dst_s);
	/* in the south summer goes over the new year */
	inside = begin < end ? s >= begin && s < end : s >= begin || s < end;
	return inside ? z->dst_s : z->std_s;
}

struct wall
zone_moment(const struct zone *z, struct date d, int minute)
{
	int64_t local = wall_from_days(date_to_days(d)).ms +
		(int64_t)minute * 60000;
	struct wall std = { local - (int64_t)z->std_s * 1000 };
	struct wall dst = { local - (int64_t)z->dst_s * 1000 };
	struct wall first, later;

	if (!z->has_dst)
		return std;
	first = std.ms < dst.ms ? std : dst;
	later = std.ms < dst.ms ? dst : std;
	if (zone_offset_s(z, first) == (local - first.ms) / 1000)
		return first;
	return later;
}

struct date
zone_date(const struct zone *z, struct wall at)
{
	return date_from_days(wall_to_days((struct wall){
		at.ms + (int64_t)zone_offset_s(z, at) * 1000 }));
}

const char *
zone_format(const struct zone *z, struct wall at, char *text, size_t size)
{
	int32_t offset = zone_offset_s(z, at);
	struct wall local = { at.ms + (int64_t)offset * 1000 };
	int32_t days = wall_to_days(local);
	int minute = (int)((local.ms - wall_from_days(days).ms) / 60000);
	struct date d = date_from_days(days);

	snprintf(text, size, "%04d-%02d-%02d %02d:%02d %s", d.year, d.month,
		d.day, minute / 60, minute % 60, z->has_dst &&
		offset == z->dst_s ? z->dst_name : z->std_name);
	return text;
}
