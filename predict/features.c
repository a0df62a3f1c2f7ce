/*
 * Streaming features of a disk's counters; see features.h for the meaning.
 */
#include "predict/features.h"

#include <string.h>

static const struct {
	const char *metric;
	uint8_t slotted;
	uint8_t kind;
} counters[COUNTER_N] = {
#define X(sym, metric, slots, kind) [sym] = { metric, slots, kind },
	COUNTER_TABLE(X)
#undef X
};

static const struct {
	const char *id;
	const char *unit;
	int32_t window_days;
} stats[STAT_N] = {
#define X(sym, id, unit, days) [sym] = { id, unit, days },
	STAT_TABLE(X)
#undef X
};

static const char device_metric[] = "device";

/* Row of a slotted counter in features.slots, or −1. */
static int
slot_row(enum counter counter)
{
	switch (counter) {
	case COUNTER_REALLOCATED:
		return 0;
	case COUNTER_REPORTED:
		return 1;
	case COUNTER_PENDING:
		return 2;
	case COUNTER_TIMEOUTS:
	case COUNTER_OFFLINE:
		break;
	}
	return -1;
}

static uint32_t *
slot(struct features *f, int row, int32_t day)
{
	return &f->slots[row][(uint32_t)day % FEATURE_SLOTS];
}

/* Carries the values forward into the slots of the days up to `day`. */
static void
slots_advance(struct features *f, int32_t day)
{
	int64_t gap = (int64_t)day - f->slot_day;
	int32_t from;

	if (gap <= 0)
		return;
	from = gap < FEATURE_SLOTS ? f->slot_day : day - FEATURE_SLOTS;
	for (int c = 0; c < COUNTER_N; c++) {
		int row = slot_row((enum counter)c);

		if (row < 0 || !(f->seen & 1u << c))
			continue;
		for (int32_t d = from + 1; d < day; d++)
			*slot(f, row, d) = f->past[c].now;
		*slot(f, row, day) = f->past[c].now;
	}
	f->slot_day = day;
}

static void
slots_fill(struct features *f, int row, uint32_t value)
{
	for (int i = 0; i < FEATURE_SLOTS; i++)
		f->slots[row][i] = value;
}

/* From the observation's day on, the slots say the new value. */
static void
slots_put(struct features *f, int row, int32_t day, uint32_t value)
{
	for (int32_t d = day; d < f->slot_day; d++)
		*slot(f, row, d) = value;
	*slot(f, row, f->slot_day) = value;
}

uint32_t
counter_decode(enum counter counter, uint64_t raw)
{
	uint32_t largest = 0;

	if (counter != COUNTER_TIMEOUTS)
		return raw > UINT32_MAX ? UINT32_MAX : (uint32_t)raw;
	for (int word = 0; word < 3; word++, raw >>= 16) {
		if ((raw & 0xffff) > largest)
			largest = (uint32_t)(raw & 0xffff);
	}
	return largest;
}

static void
first_sight(struct features *f, enum counter counter, uint32_t value,
	int32_t day)
{
	struct counter_past *p = &f->past[counter];
	int row = slot_row(counter);

	f->seen |= 1u << counter;
	*p = (struct counter_past){ .now = value, .first = value, .max = value,
		.first_day = day, .nonzero_day = value ? FEATURE_DAY_BEFORE :
			FEATURE_DAY_NEVER };
	if (row >= 0)
		slots_fill(f, row, value);
}

void
features_forgive(struct features *f, enum counter counter)
{
	int64_t observed_ms = f->past[counter].observed_ms;
	int32_t day = f->past[counter].first_day;

	if (!(f->seen & 1u << counter))
		return;
	first_sight(f, counter, 0, day);
	f->past[counter].observed_ms = observed_ms;
	f->nonzero &= ~(1u << counter);
}

static void
note_rise(struct counter_past *p, int32_t day)
{
	if (p->rises > 0 && p->rise_day[0] >= day)
		return;
	memmove(&p->rise_day[1], &p->rise_day[0],
		sizeof(p->rise_day) - sizeof(p->rise_day[0]));
	p->rise_day[0] = day;
	if (p->rises < UINT32_MAX)
		p->rises++;
}

/* Reallocated sectors cannot be given back: a decrease is another baseline. */
static void
rebaseline(struct features *f, enum counter counter, uint32_t value)
{
	int row = slot_row(counter);

	if (counter != COUNTER_REALLOCATED)
		return;
	f->past[counter].first = value;
	slots_fill(f, row, value);
}

bool
features_observe(struct features *f, enum counter counter, uint64_t raw,
	int32_t day, struct wall at)
{
	uint32_t value = counter_decode(counter, raw);
	struct counter_past *p = &f->past[counter];
	uint32_t bit = 1u << counter;
	bool changed = true;

	if (!f->seen) {
		f->first_day = f->slot_day = f->changed_day = day;
	} else if ((int64_t)f->slot_day - day >= FEATURE_SLOTS) {
		return false;
	}
	slots_advance(f, day);
	if (!(f->seen & bit)) {
		first_sight(f, counter, value, day);
	} else {
		if (at.ms < p->observed_ms)
			return false;
		changed = value != p->now;
		if (value > 0 && p->nonzero_day == FEATURE_DAY_NEVER)
			p->nonzero_day = day;
		if (value > p->now)
			note_rise(p, day);
		else if (value < p->now)
			rebaseline(f, counter, value);
	}
	p->observed_ms = at.ms;
	if (changed) {
		p->now = value;
		p->max = value > p->max ? value : p->max;
		if (day > f->changed_day)
			f->changed_day = day;
		if (slot_row(counter) >= 0)
			slots_put(f, slot_row(counter), day, value);
	}
	f->nonzero = value ? f->nonzero | bit : f->nonzero & ~bit;
	return changed;
}

static struct feature_value
rise(const struct features *f, enum counter counter, int32_t day, int32_t days)
{
	const struct counter_past *p = &f->past[counter];
	int64_t then = (int64_t)day - days;
	int64_t oldest = (int64_t)f->slot_day - (FEATURE_SLOTS - 1);
	struct feature_value v = { .baseline = p->now };
	int row = slot_row(counter);

	if (then < oldest)
		then = oldest;
	if (row >= 0 && then < f->slot_day)
		v.baseline = f->slots[row][(uint32_t)then % FEATURE_SLOTS];
	v.change = (int64_t)p->now - v.baseline;
	v.value = v.change > 0 ? v.change : 0;
	return v;
}

static int64_t
rises_since(const struct counter_past *p, int64_t after)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < FEATURE_RISES_KEPT && i < p->rises; i++)
		n += p->rise_day[i] > after;
	return n;
}

static struct feature_value
of_counter(const struct features *f, struct feature_ref ref, int32_t day)
{
	const struct counter_past *p = &f->past[ref.counter];
	struct feature_value v = { .baseline = p->first,
		.change = (int64_t)p->now - p->first };
	int32_t days = stats[ref.stat].window_days;

	switch (ref.stat) {
	case STAT_NOW:
		v.value = p->now;
		break;
	case STAT_MAX:
		v.value = p->max;
		v.change = (int64_t)p->max - p->first;
		break;
	case STAT_RISE_1D:
	case STAT_RISE_7D:
	case STAT_RISE_30D:
		v = rise(f, ref.counter, day, days);
		break;
	case STAT_RISES:
		v.value = p->rises;
		break;
	case STAT_RISES_30D:
		v.value = rises_since(p, (int64_t)day - days);
		break;
	case STAT_QUIET_DAYS:
		v.value = p->rises == 0 ? QUIET_SINCE_FIRST_SIGHT :
			(int64_t)day - p->rise_day[0];
		break;
	case STAT_DAYS_NONZERO:
		v.value = p->nonzero_day == FEATURE_DAY_BEFORE ?
			QUIET_SINCE_FIRST_SIGHT : (int64_t)day - p->nonzero_day;
		break;
	case STAT_KINDS_NONZERO:
	case STAT_COUNTERS_NONZERO:
		break;
	}
	v.known = ref.stat == STAT_QUIET_DAYS ? p->now > 0 :
		ref.stat != STAT_DAYS_NONZERO ||
		p->nonzero_day != FEATURE_DAY_NEVER;
	v.observed_at = (struct wall){ p->observed_ms };
	return v;
}

/* Known as soon as one counter is: the others add no points while missing. */
static struct feature_value
of_device(const struct features *f, enum stat_kind stat)
{
	struct feature_value v = { .known = f->seen != 0 };
	uint32_t kinds = 0;
	int64_t newest = INT64_MIN;

	for (int c = 0; c < COUNTER_N; c++) {
		uint32_t bit = 1u << c;

		if ((f->seen & bit) && f->past[c].observed_ms > newest)
			newest = f->past[c].observed_ms;
		if (!(f->nonzero & bit))
			continue;
		if (stat == STAT_COUNTERS_NONZERO) {
			v.value++;
		} else if (counters[c].kind && !(kinds & 1u << counters[c].kind)) {
			kinds |= 1u << counters[c].kind;
			v.value++;
		}
	}
	v.change = v.value;
	v.observed_at = (struct wall){ v.known ? newest : 0 };
	return v;
}

struct feature_value
features_get(const struct features *f, struct feature_ref ref, int32_t day)
{
	if (stat_is_of_device(ref.stat))
		return of_device(f, ref.stat);
	if (!(f->seen & 1u << ref.counter))
		return (struct feature_value){ .known = false };
	return of_counter(f, ref, day);
}

const char *
counter_metric(enum counter counter)
{
	return (unsigned)counter < COUNTER_N ? counters[counter].metric : "";
}

bool
counter_from_metric(const char *metric, size_t n, enum counter *out)
{
	for (int c = 0; c < COUNTER_N; c++) {
		if (strlen(counters[c].metric) == n &&
		    memcmp(counters[c].metric, metric, n) == 0) {
			*out = (enum counter)c;
			return true;
		}
	}
	return false;
}

const char *
stat_name(enum stat_kind stat)
{
	return (unsigned)stat < STAT_N ? stats[stat].id : "";
}

const char *
stat_unit(enum stat_kind stat)
{
	return (unsigned)stat < STAT_N ? stats[stat].unit : "";
}

int32_t
stat_window_days(enum stat_kind stat)
{
	return (unsigned)stat < STAT_N ? stats[stat].window_days : 0;
}

bool
stat_is_of_device(enum stat_kind stat)
{
	return stat == STAT_KINDS_NONZERO || stat == STAT_COUNTERS_NONZERO;
}

static bool
needs_slots(enum stat_kind stat)
{
	return stat == STAT_RISE_1D || stat == STAT_RISE_7D ||
		stat == STAT_RISE_30D;
}

static bool
stat_from_name(const char *name, size_t n, enum stat_kind *out)
{
	for (int i = 0; i < STAT_N; i++) {
		if (strlen(stats[i].id) == n &&
		    memcmp(stats[i].id, name, n) == 0) {
			*out = (enum stat_kind)i;
			return true;
		}
	}
	return false;
}

bool
feature_ref_parse(const char *text, size_t n, struct feature_ref *out)
{
	const char *dot = memchr(text, '.', n);
	struct feature_ref ref = { COUNTER_REALLOCATED, STAT_NOW };
	size_t head;

	if (!dot)
		return false;
	head = (size_t)(dot - text);
	if (!stat_from_name(dot + 1, n - head - 1, &ref.stat))
		return false;
	if (stat_is_of_device(ref.stat)) {
		if (head != sizeof(device_metric) - 1 ||
		    memcmp(text, device_metric, head) != 0)
			return false;
	} else if (!counter_from_metric(text, head, &ref.counter) ||
		   (needs_slots(ref.stat) && !counters[ref.counter].slotted)) {
		return false;
	}
	*out = ref;
	return true;
}

const char *
feature_ref_metric(struct feature_ref ref)
{
	return stat_is_of_device(ref.stat) ? device_metric :
		counter_metric(ref.counter);
}
