/*
 * Streaming signals of hosts; see signals.h for the meaning.
 */
#include "predict/signals.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/macros.h"
#include "base/mem.h"

#define FAST_S 3600.0f
#define SLOW_S (7 * 86400.0f)
#define PAST_MIN_S 86400u	/* a shorter past is none */
#define FRESH_S 3600
#define OUTLIER 8.0f		/* one value counts as so many times the past */
#define FLOOR_S 0.0005f		/* faster than this is all the same */
#define PEERS_MIN 4

static const struct {
	const char *id;
	enum signal_kind kind;
} table[SIGNAL_N] = {
#define X(sym, id, kind) [sym] = { id, kind },
	HOST_SIGNAL_TABLE(X)
#undef X
};

static const struct {
	const char *id;
	const char *unit;
} stats[SIGNAL_STAT_N] = {
#define X(sym, id, unit) [sym] = { id, unit },
	SIGNAL_STAT_TABLE(X)
#undef X
};

/*
 * Which metrics tell of which signal: those of each ping first, and compared by
 * their lengths, since most metrics are none of them.
 */
static const struct {
	const char *metric;
	uint8_t n;
	uint8_t signal;
} sources[] = {
#define X(name, signal) { name, sizeof(name) - 1, signal },
	X("ping_loss_ratio", SIGNAL_PING_LOSS)
	X("ping_rtt_seconds", SIGNAL_PING_RTT)
	X("ping_jitter_seconds", SIGNAL_PING_JITTER)
	X("disk_errors_total", SIGNAL_IO_ERRORS)
	X("disk_timeouts_total", SIGNAL_IO_ERRORS)
	X("kernel_io_errors_total", SIGNAL_KERNEL_IO)
	X("memory_corrected_errors_total", SIGNAL_ECC_CORRECTED)
	X("memory_uncorrected_errors_total", SIGNAL_ECC_UNCORRECTED)
	X("kernel_machine_checks_total", SIGNAL_MACHINE_CHECKS)
	X("kernel_oopses_total", SIGNAL_OOPSES)
	X("kernel_lockups_total", SIGNAL_LOCKUPS)
	X("kernel_crash_records", SIGNAL_CRASHES)
	X("unclean_reboots_total", SIGNAL_UNCLEAN)
	X("net_receive_errors_total", SIGNAL_LINK)
	X("net_transmit_errors_total", SIGNAL_LINK)
	X("psi_io_full_ratio", SIGNAL_IO_STALLS)
	X("psi_memory_full_ratio", SIGNAL_MEMORY_STALLS)
	X("disk_read_latency_seconds", SIGNAL_DISK_LATENCY)
	X("disk_write_latency_seconds", SIGNAL_DISK_LATENCY)
#undef X
};

uint8_t
signal_of_metric(const char *metric)
{
	size_t n = strlen(metric);

	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (sources[i].n == n &&
		    memcmp(sources[i].metric, metric, n) == 0)
			return sources[i].signal;
	return SIGNAL_NONE;
}

static uint32_t
seconds(struct wall at)
{
	int64_t s = at.ms / 1000;

	return s <= 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static struct signal_entry *
own_entries(struct signals *s)
{
	return (struct signal_entry *)(uintptr_t)signals_entries(s);
}

/* NULL: never told. */
static struct signal_entry *
entry_find(const struct signals *s, enum signal signal)
{
	const struct signal_entry *e = signals_entries(s);

	for (uint8_t i = 0; i < s->n_entries; i++, e++)
		if (e->signal == signal)
			return (struct signal_entry *)(uintptr_t)e;
	return NULL;
}

/* Room for one more; NULL = no memory. */
static struct signal_entry *
more_entries(struct signals *s)
{
	bool near = s->n_entries <= SIGNALS_NEAR;
	struct signal_entry *list;

	if (s->n_entries < SIGNALS_NEAR)
		return s->entries.near;
	list = mem_resize_array(near ? NULL : s->entries.far,
		s->n_entries + 1u, sizeof(*list));
	if (list == NULL)
		return NULL;
	if (near)
		memcpy(list, s->entries.near, sizeof(s->entries.near));
	s->entries.far = list;
	return list;
}

struct signal_entry *
signals_entry(struct signals *s, enum signal signal)
{
	struct signal_entry *e = entry_find(s, signal);

	if (e != NULL)
		return e;
	e = more_entries(s);
	if (e == NULL)
		return NULL;
	e += s->n_entries++;
	*e = (struct signal_entry){ .signal = (uint8_t)signal };
	return e;
}

/* ---- counts -------------------------------------------------------------- */

static struct signal_rises *
rises_find(const struct signals *s, enum signal signal)
{
	for (uint8_t i = 0; i < s->n_rises; i++)
		if (s->rises[i].signal == signal)
			return &s->rises[i];
	return NULL;
}

static struct signal_rises *
rises_add(struct signals *s, enum signal signal, int32_t day)
{
	struct signal_rises *more = mem_resize_array(s->rises,
		s->n_rises + 1u, sizeof(*more));

	if (more == NULL)
		return NULL;
	s->rises = more;
	more += s->n_rises++;
	*more = (struct signal_rises){ .day = day, .signal = (uint8_t)signal };
	return more;
}

static void
note_rise(struct signals *s, enum signal signal, uint32_t by, int32_t day)
{
	struct signal_rises *r = rises_find(s, signal);
	uint32_t sum;

	if (r == NULL && (r = rises_add(s, signal, day)) == NULL)
		return;
	/* what came late belongs to the newest day */
	for (int32_t d = day; d > r->day && d > day - SIGNAL_SLOTS; d--)
		r->slots[(uint32_t)d % SIGNAL_SLOTS] = 0;
	r->day = r->day < day ? day : r->day;
	sum = r->slots[(uint32_t)r->day % SIGNAL_SLOTS] + by;
	r->slots[(uint32_t)r->day % SIGNAL_SLOTS] = (uint16_t)
		(sum > UINT16_MAX || sum < by ? UINT16_MAX : sum);
}

static bool
count_is(struct signals *s, struct signal_entry *e, double sum, struct wall at)
{
	uint32_t v = sum >= UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
	uint32_t before = e->u.now;
	enum signal signal = (enum signal)e->signal;
	bool rose = (s->seen & 1u << signal) != 0 && v > before;

	s->seen |= 1u << signal;
	e->u.now = v;
	if (rose)
		note_rise(s, signal, v - before, wall_to_days(at));
	return rose;
}

void
signals_event(struct signals *s, enum signal signal, struct wall at)
{
	struct signal_entry *e = signals_entry(s, signal);

	if (e == NULL)
		return;
	s->seen |= 1u << signal;
	if (seconds(at) > e->at_s)
		e->at_s = seconds(at);
	note_rise(s, signal, 1, wall_to_days(at));
}

/* ---- means --------------------------------------------------------------- */

static void
mean_add(struct signal_mean *m, float v, uint32_t at_s, uint32_t before_s)
{
	float dt = at_s > before_s ? (float)(at_s - before_s) : 0;

	if (!(v >= 0))
		return;
	if (v > SIGNAL_MEAN_MAX)
		v = SIGNAL_MEAN_MAX;
	if (m->since_s == 0) {
		*m = (struct signal_mean){ v, v, at_s };
		return;
	}
	m->fast += (v - m->fast) * (dt / (FAST_S + dt));
	m->slow += (v - m->slow) * (dt / (SLOW_S + dt));
}

static float
without_outlier(const struct signal_mean *m, float v)
{
	float most = OUTLIER * (m->slow + FLOOR_S);

	return m->since_s != 0 && v > most ? most : v;
}

static struct signal_mean *
disk_mean(struct signals *s, const struct signal_metric *m)
{
	uint64_t h = hash_bytes(m->instance, strlen(m->instance),
		(uint64_t)m->name[5]);
	uint32_t name = (uint32_t)(h >> 32) | 1;
	struct signal_disk *more;

	for (uint8_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].name == name)
			return &s->disks[i].mean;
	if (s->n_disks == SIGNAL_DISKS)
		return NULL;
	more = mem_resize_array(s->disks, s->n_disks + 1u, sizeof(*more));
	if (more == NULL)
		return NULL;
	s->disks = more;
	more += s->n_disks++;
	*more = (struct signal_disk){ .name = name };
	return &more->mean;
}

static void
shift_is(struct signals *s, struct signal_entry *e,
	const struct signal_metric *m, uint32_t at_s)
{
	struct signal_mean *mean = e->signal == SIGNAL_DISK_LATENCY ?
		disk_mean(s, m) : &e->u.mean;

	if (mean == NULL)
		return;
	mean_add(mean, without_outlier(mean, (float)m->value), at_s, e->at_s);
	s->seen |= 1u << e->signal;
}

/* ---- one observation ----------------------------------------------------- */

/* False: another one measures it.  A new one begins a new past. */
static bool
may_tell(struct signals *s, struct signal_entry *e, uint8_t source,
	uint32_t at_s)
{
	if (at_s < e->at_s)
		return false;
	if (!(s->seen & 1u << e->signal) || e->source == source)
		return true;
	if (at_s - e->at_s <= FRESH_S)
		return false;
	s->seen &= ~(1u << e->signal);
	if (e->signal >= SIGNAL_COUNTS)
		e->u.mean.since_s = 0;
	if (e->signal == SIGNAL_DISK_LATENCY)
		s->n_disks = 0;
	return true;
}

static void
take_metric(struct signals *s, struct signal_entry *e,
	const struct signal_metric *m, uint32_t at_s)
{
	if (table[e->signal].kind == SIGNAL_SHARE) {
		mean_add(&e->u.mean, m->value > 1 ? 1 : (float)m->value, at_s,
			e->at_s);
		s->seen |= 1u << e->signal;
	} else {
		shift_is(s, e, m, at_s);
	}
}

void
signals_begin(struct signals_heard *o, struct signals *s, uint8_t source,
	struct wall at)
{
	o->s = s;
	o->at = at;
	o->at_s = seconds(at);
	o->here = 0;
	o->source = source;
}

void
signals_tell(struct signals_heard *o, enum signal signal,
	const struct signal_metric *m)
{
	struct signal_entry *e;

	if (!(m->value >= 0) || (e = signals_entry(o->s, signal)) == NULL ||
	    !may_tell(o->s, e, o->source, o->at_s))
		return;
	e->source = o->source;
	if (signal >= SIGNAL_COUNTS)
		take_metric(o->s, e, m, o->at_s);
	else if (o->here & 1u << signal)
		o->sums[signal] += m->value;
	else
		o->sums[signal] = m->value;
	o->here |= 1u << signal;
}

bool
signals_end(struct signals_heard *o)
{
	struct signal_entry *e = own_entries(o->s);
	bool rose = false;

	for (uint8_t i = 0; i < o->s->n_entries; i++, e++) {
		if (!(o->here & 1u << e->signal))
			continue;
		if (e->signal < SIGNAL_COUNTS)
			rose = count_is(o->s, e, o->sums[e->signal], o->at) ||
				rose;
		e->at_s = o->at_s;
	}
	return rose;
}

void
signals_new_past(struct signals *s)
{
	struct signal_entry *e = own_entries(s);

	for (uint8_t i = 0; i < s->n_entries; i++, e++)
		if (e->signal >= SIGNAL_COUNTS)
			e->u.mean.since_s = 0;
	mem_free(s->disks);
	s->disks = NULL;
	s->n_disks = 0;
	s->seen &= (1u << SIGNAL_COUNTS) - 1;
}

void
signals_free(struct signals *s)
{
	if (s->n_entries > SIGNALS_NEAR)
		mem_free(s->entries.far);
	mem_free(s->rises);
	mem_free(s->disks);
	memset(s, 0, sizeof(*s));
}

/* ---- what is asked ------------------------------------------------------- */

static int64_t
risen_within(const struct signal_rises *r, int32_t today, int32_t days)
{
	int64_t sum = 0;

	for (int32_t d = today - days + 1; r != NULL && d <= r->day; d++)
		if (d > r->day - SIGNAL_SLOTS)
			sum += r->slots[(uint32_t)d % SIGNAL_SLOTS];
	return sum;
}

static struct feature_value
of_count(const struct signals *s, const struct signal_entry *e,
	enum signal_stat stat, int32_t today)
{
	static const int32_t days[] = { [SIGNAL_RISE_1D] = 1,
		[SIGNAL_RISE_7D] = 7, [SIGNAL_RISE_30D] = 30 };
	const struct signal_rises *r = rises_find(s, (enum signal)e->signal);
	struct feature_value v = { .known = true };

	if (stat == SIGNAL_QUIET_DAYS) {
		v.known = r != NULL;
		v.value = r != NULL && today > r->day ? today - r->day : 0;
		return v;
	}
	v.value = v.change = risen_within(r, today, days[stat]);
	v.baseline = (int64_t)e->u.now - v.value;
	if (table[e->signal].kind == SIGNAL_EVENT || v.baseline < 0)
		v.baseline = 0;
	return v;
}

static struct feature_value
of_past(const struct signal_mean *m, uint32_t now_s)
{
	struct feature_value v = { .known = m->since_s != 0 &&
		now_s >= m->since_s && now_s - m->since_s >= PAST_MIN_S };

	if (!v.known)
		return v;
	v.value = llroundf(100 * (m->fast + FLOOR_S) / (m->slow + FLOOR_S));
	v.baseline = 100;
	v.change = v.value - 100;
	return v;
}

static struct feature_value
worst_disk(const struct signals *s, uint32_t now_s)
{
	struct feature_value worst = { .known = false };

	for (uint8_t i = 0; i < s->n_disks; i++) {
		struct feature_value v = of_past(&s->disks[i].mean, now_s);

		if (v.known && (!worst.known || v.value > worst.value))
			worst = v;
	}
	return worst;
}

static float
median(float *list, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		float v = list[i];
		size_t k = i;

		for (; k > 0 && list[k - 1] > v; k--)
			list[k] = list[k - 1];
		list[k] = v;
	}
	return list[n / 2];
}

/* Reads beside reads would be best; with all together the median holds. */
static struct feature_value
of_peers(const struct signals *s)
{
	struct feature_value v = { .known = s->n_disks > PEERS_MIN,
		.baseline = 100 };
	float list[SIGNAL_DISKS], most = 0;

	if (!v.known)
		return v;
	for (uint8_t i = 0; i < s->n_disks; i++) {
		list[i] = s->disks[i].mean.fast;
		most = fmaxf(most, list[i]);
	}
	v.value = llroundf(100 * (most + FLOOR_S) /
		(median(list, s->n_disks) + FLOOR_S));
	v.change = v.value - 100;
	return v;
}

static struct feature_value
of_share(const struct signal_mean *m, enum signal_stat stat, uint32_t now_s)
{
	struct feature_value v = { .known = m->since_s != 0 };

	v.baseline = llroundf(1000 * m->slow);
	v.value = llroundf(1000 * m->fast);
	v.change = v.value - v.baseline;
	if (stat == SIGNAL_ABOVE_PAST) {
		v.known = v.known && now_s >= m->since_s &&
			now_s - m->since_s >= PAST_MIN_S;
		v.value = v.change > 0 ? v.change : 0;
	}
	return v;
}

struct feature_value
signals_get(const struct signals *s, enum signal signal,
	enum signal_stat stat, struct wall now)
{
	const struct signal_entry *e = entry_find(s, signal);
	struct feature_value v = { .known = false };
	uint32_t now_s = seconds(now);

	if (e == NULL || !(s->seen & 1u << signal) ||
	    !signal_stat_fits(signal, stat))
		return v;
	if (signal < SIGNAL_COUNTS) {
		v = of_count(s, e, stat, wall_to_days(now));
	} else if (now_s <= e->at_s || now_s - e->at_s <= FRESH_S) {
		if (stat == SIGNAL_OF_PEERS)
			v = of_peers(s);
		else if (signal == SIGNAL_DISK_LATENCY)
			v = worst_disk(s, now_s);
		else if (stat == SIGNAL_OF_PAST)
			v = of_past(&e->u.mean, now_s);
		else
			v = of_share(&e->u.mean, stat, now_s);
	}
	v.observed_at = (struct wall){ (int64_t)e->at_s * 1000 };
	return v;
}

/* ---- names --------------------------------------------------------------- */

const char *
signal_name(enum signal signal)
{
	return (unsigned)signal < SIGNAL_N ? table[signal].id : "";
}

enum signal_kind
signal_kind_of(enum signal signal)
{
	return table[signal].kind;
}

const char *
signal_stat_name(enum signal_stat stat)
{
	return (unsigned)stat < SIGNAL_STAT_N ? stats[stat].id : "";
}

const char *
signal_stat_unit(enum signal_stat stat)
{
	return (unsigned)stat < SIGNAL_STAT_N ? stats[stat].unit : "";
}

bool
signal_from_name(const char *name, enum signal *out)
{
	for (int i = 0; i < SIGNAL_N; i++)
		if (strcmp(table[i].id, name) == 0) {
			*out = (enum signal)i;
			return true;
		}
	return false;
}

bool
signal_stat_from_name(const char *name, enum signal_stat *out)
{
	for (int i = 0; i < SIGNAL_STAT_N; i++)
		if (strcmp(stats[i].id, name) == 0) {
			*out = (enum signal_stat)i;
			return true;
		}
	return false;
}

bool
signal_stat_fits(enum signal signal, enum signal_stat stat)
{
	switch (table[signal].kind) {
	case SIGNAL_COUNT:
	case SIGNAL_EVENT:
		return stat <= SIGNAL_QUIET_DAYS;
	case SIGNAL_SHARE:
		return stat == SIGNAL_PERMILLE || stat == SIGNAL_ABOVE_PAST;
	case SIGNAL_SHIFT:
		return stat == SIGNAL_OF_PAST || (stat == SIGNAL_OF_PEERS &&
			signal == SIGNAL_DISK_LATENCY);
	}
	return false;
}
