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

static uint32_t *
week(struct features *f, int row, int64_t number)
{
	return &f->weeks[row][(uint64_t)number % FEATURE_WEEKS];
}

int64_t
features_week_of(int64_t day)
{
	return (day < 0 ? day - 6 : day) / 7;
}

static void
weeks_advance(struct features *f, int row, int32_t day, uint32_t value)
{
	int64_t to = features_week_of(day), from = features_week_of(f->slot_day) + 1;

	if (to - from >= FEATURE_WEEKS)
		from = to - FEATURE_WEEKS + 1;
	for (int64_t w = from; w <= to; w++)
		*week(f, row, w) = value;
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
		weeks_advance(f, row, day, f->past[c].now);
	}
	f->slot_day = day;
}

static void
slots_fill(struct features *f, int row, uint32_t value)
{
	for (int i = 0; i < FEATURE_SLOTS; i++)
		f->slots[row][i] = value;
	for (int i = 0; i < FEATURE_WEEKS; i++)
		f->weeks[row][i] = value;
}

/* From the observation's day on, the slots say the new value. */
static void
slots_put(struct features *f, int row, int32_t day, uint32_t value)
{
	for (int32_t d = day; d < f->slot_day; d++)
		*slot(f, row, d) = value;
	*slot(f, row, f->slot_day) = value;
	for (int64_t w = features_week_of(day); w <= features_week_of(f->slot_day); w++)
		*week(f, row, w) = value;
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

bool
features_rank(struct features *f, enum counter counter, int below)
{
	struct counter_past *p = &f->past[counter];
	uint32_t bit = 1u << counter, ranked = f->ranked & bit;
	uint16_t was = p->below;

	p->below = below > 0 && (f->seen & bit) ? (uint16_t)below : 0;
	f->ranked &= ~bit;
	if (below >= 0 && (f->seen & bit))
		f->ranked |= bit;
	return p->below != was || (f->ranked & bit) != ranked;
}

/* The trouble had gone, or had been still for long. */
static bool
is_recurrence(const struct counter_past *p, int32_t day)
{
	int64_t still = (int64_t)day - (p->rises > 0 ? p->rise_day[0] :
		p->first_day);

	return p->max > 0 && (p->now == 0 || still >= FEATURE_QUIET_DAYS);
}

static void
note_rise(struct counter_past *p, int32_t day)
{
	if (p->rises > 0 && p->rise_day[0] >= day)
		return;
	if (is_recurrence(p, day) && p->recurrences < UINT32_MAX)
		p->recurrences++;
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
		f->ranked_day = FEATURE_DAY_BEFORE;
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

/* What a counter with slots was on a day of the last FEATURE_SLOTS. */
static int64_t
value_on(const struct features *f, enum counter counter, int64_t day)
{
	int64_t oldest = (int64_t)f->slot_day - (FEATURE_SLOTS - 1);
	int row = slot_row(counter);

	if (day < oldest)
		day = oldest;
	if (row < 0 || day >= f->slot_day)
		return f->past[counter].now;
	return f->slots[row][(uint64_t)day % FEATURE_SLOTS];
}

/* At the end of the last whole week that ended so many days ago. */
static int64_t
value_weeks_ago(const struct features *f, enum counter counter, int64_t day)
{
	int64_t newest = features_week_of(f->slot_day), then = features_week_of(day - 6);
	int row = slot_row(counter);

	if (then < newest - (FEATURE_WEEKS - 1))
		then = newest - (FEATURE_WEEKS - 1);
	if (row < 0 || then >= newest)
		return f->past[counter].now;
	return f->weeks[row][(uint64_t)then % FEATURE_WEEKS];
}

static struct feature_value
rise_since(const struct features *f, enum counter counter, int64_t baseline)
{
	struct feature_value v = { .baseline = baseline };

	v.change = (int64_t)f->past[counter].now - baseline;
	v.value = v.change > 0 ? v.change : 0;
	return v;
}

static int64_t
rise(const struct features *f, enum counter counter, int32_t day, int days)
{
	return rise_since(f, counter, value_on(f, counter,
		(int64_t)day - days)).value;
}

/* The rise of the last days, less that of as many days before. */
static struct feature_value
acceleration(const struct features *f, enum counter counter, int32_t day)
{
	int64_t then = value_on(f, counter, (int64_t)day - 7);
	int64_t before = then - value_on(f, counter, (int64_t)day - 14);
	struct feature_value v = rise_since(f, counter, then);

	v.baseline = before > 0 ? before : 0;
	v.value -= v.baseline;
	v.change = 0;
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

/* Of a counter that was seen. */
static bool
is_known(const struct features *f, struct feature_ref ref)
{
	const struct counter_past *p = &f->past[ref.counter];

	if (ref.stat == STAT_QUIET_DAYS)
		return p->now > 0;
	if (ref.stat == STAT_DAYS_NONZERO)
		return p->nonzero_day != FEATURE_DAY_NEVER;
	return ref.stat != STAT_PEERS_BELOW ||
		(f->ranked & 1u << ref.counter);
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
		v = rise_since(f, ref.counter, value_on(f, ref.counter,
			(int64_t)day - days));
		break;
	case STAT_RISE_90D:
		v = rise_since(f, ref.counter, value_weeks_ago(f, ref.counter,
			(int64_t)day - 90));
		break;
	case STAT_ACCEL_7D:
		v = acceleration(f, ref.counter, day);
		break;
	case STAT_RISES:
		v.value = p->rises;
		break;
	case STAT_RISES_30D:
		v.value = rises_since(p, (int64_t)day - days);
		break;
	case STAT_RECURRENCES:
		v = (struct feature_value){ .value = p->recurrences };
		break;
	case STAT_QUIET_DAYS:
		v.value = p->rises == 0 ? QUIET_SINCE_FIRST_SIGHT :
			(int64_t)day - p->rise_day[0];
		break;
	case STAT_DAYS_NONZERO:
		v.value = p->nonzero_day == FEATURE_DAY_BEFORE ?
			QUIET_SINCE_FIRST_SIGHT : (int64_t)day - p->nonzero_day;
		break;
	case STAT_PEERS_BELOW:
		v = (struct feature_value){ .value = p->below };
		break;
	case STAT_KINDS_NONZERO:
	case STAT_COUNTERS_NONZERO:
	case STAT_PENDING_GAP:
	case STAT_UNCONFIRMED_30D:
		break;
	}
	v.known = is_known(f, ref);
	v.observed_at = (struct wall){ p->observed_ms };
	return v;
}

static bool
has_seen(const struct features *f, enum counter a, enum counter b)
{
	return (f->seen & 1u << a) && (f->seen & 1u << b);
}

/* What is pending, and what the drive's own scan calls uncorrectable. */
static struct feature_value
pending_gap(const struct features *f)
{
	struct feature_value v = { .known = has_seen(f, COUNTER_PENDING,
		COUNTER_OFFLINE) };

	v.value = (int64_t)f->past[COUNTER_PENDING].now -
		f->past[COUNTER_OFFLINE].now;
	v.value = v.value < 0 ? -v.value : v.value;
	return v;
}

/* Errors reported to the host of which no sector counter knows. */
static struct feature_value
unconfirmed(const struct features *f, int32_t day, int days)
{
	struct feature_value v = { .known = has_seen(f, COUNTER_REPORTED,
		COUNTER_PENDING) && (f->seen & 1u << COUNTER_REALLOCATED) };

	if (v.known && f->past[COUNTER_PENDING].now == 0 &&
	    rise(f, COUNTER_PENDING, day, days) == 0 &&
	    rise(f, COUNTER_REALLOCATED, day, days) == 0)
		v.value = rise(f, COUNTER_REPORTED, day, days);
	return v;
}

/* Known as soon as one counter is: the others add no points while missing. */
static struct feature_value
nonzero(const struct features *f, bool by_kind)
{
	struct feature_value v = { .known = f->seen != 0 };
	uint32_t kinds = 0;

	for (int c = 0; c < COUNTER_N; c++) {
		if (!(f->nonzero & 1u << c))
			continue;
		if (!by_kind) {
			v.value++;
		} else if (counters[c].kind && !(kinds & 1u << counters[c].kind)) {
			kinds |= 1u << counters[c].kind;
			v.value++;
		}
	}
	return v;
}

static int64_t
newest_ms(const struct features *f)
{
	int64_t newest = INT64_MIN;

	for (int c = 0; c < COUNTER_N; c++)
		if ((f->seen & 1u << c) && f->past[c].observed_ms > newest)
			newest = f->past[c].observed_ms;
	return newest;
}

static struct feature_value
of_device(const struct features *f, enum stat_kind stat, int32_t day)
{
	struct feature_value v;

	if (stat == STAT_PENDING_GAP)
		v = pending_gap(f);
	else if (stat == STAT_UNCONFIRMED_30D)
		v = unconfirmed(f, day, stats[stat].window_days);
	else
		v = nonzero(f, stat == STAT_KINDS_NONZERO);
	v.change = v.value;
	v.observed_at = (struct wall){ v.known ? newest_ms(f) : 0 };
	return v;
}

struct feature_value
features_get(const struct features *f, struct feature_ref ref, int32_t day)
{
	if (stat_is_of_device(ref.stat))
		return of_device(f, ref.stat, day);
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
	return stat >= STAT_KINDS_NONZERO;
}

bool
stat_may_be_negative(enum stat_kind stat)
{
	return stat == STAT_ACCEL_7D;
}

static bool
needs_slots(enum stat_kind stat)
{
	return stat >= STAT_RISE_1D && stat <= STAT_ACCEL_7D;
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
