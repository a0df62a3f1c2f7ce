#include "health/observer.h"

#include <string.h>

#define NS_PER_S INT64_C(1000000000)
/* A witness that answered longer ago says nothing of now. */
#define WITNESS_NS (5 * NS_PER_S)
/* One lost packet is no silence. */
#define CONTROL_MISSES 2
/* A thousand checks have six million runs a day. */
#define BY_CHANCE 1e-9
/* A doubt that comes again so soon is the same trouble. */
#define AGAIN_TIMES 2

static const char *const ids[] = {
#define X(sym, id, words) [OBSERVER_WHY_##sym] = (id),
	OBSERVER_WHY_TABLE(X)
#undef X
};

static const char *const all_words[] = {
#define X(sym, id, words) [OBSERVER_WHY_##sym] = (words),
	OBSERVER_WHY_TABLE(X)
#undef X
};

const char *
observer_why_id(enum observer_why w)
{
	return ids[w];
}

const char *
observer_why_words(enum observer_why w)
{
	return all_words[w];
}

enum observer_kind
observer_kind_of(enum tocsin_reason reason)
{
	switch ((unsigned)reason) {
	case TOCSIN_WHY_NO_REPLY:
	case TOCSIN_WHY_CONNECT_TIMEOUT:
	case TOCSIN_WHY_RESPONSE_TIMEOUT:
	case TOCSIN_WHY_RESOLVER_FAILED:
	/* A router near us says so as well as one near them. */
	case TOCSIN_WHY_HOST_UNREACHABLE:
	case TOCSIN_WHY_NET_UNREACHABLE:
		return OBSERVER_SILENT;
	case TOCSIN_WHY_LOCAL_RESOURCE:
	case TOCSIN_WHY_LOCAL_NO_ROUTE:
	case TOCSIN_WHY_LOCAL_PERMISSION:
		return OBSERVER_LOCAL;
	case TOCSIN_WHY_SLOT_MISSED:
		return OBSERVER_LATE;
	default:
		return OBSERVER_HEARD;
	}
}

bool
observer_is_silence(enum tocsin_reason reason)
{
	return observer_kind_of(reason) != OBSERVER_HEARD;
}

/* ---- hosts by their latest result ---- */

static size_t
place(int64_t slot)
{
	return (size_t)slot % OBSERVER_RING;
}

/* Slots that nothing was said in are forgotten. */
static void
advance(struct observer_ring *r, int64_t slot)
{
	if (slot - r->slot >= OBSERVER_RING) {
		memset(r->n, 0, sizeof(r->n));
		r->slot = slot;
		return;
	}
	while (r->slot < slot) {
		r->slot++;
		for (size_t k = 0; k < OBSERVER_KINDS; k++)
			r->n[k][place(r->slot)] = 0;
	}
}

/* The host goes from where it was counted to this slot and kind. */
static void
count_in(struct observer_ring *r, const struct observer_mark *was,
	const struct observer_mark *host)
{
	uint32_t *n = &r->n[was->kind][place(was->slot)];

	if (r->slot != host->slot)
		advance(r, host->slot);
	if (was->counted && host->slot - was->slot < OBSERVER_RING && *n > 0)
		--*n;
	r->n[host->kind][place(host->slot)]++;
	if (host->kind != OBSERVER_HEARD)
		r->uneasy = host->slot;
}

void
observer_note(struct observer *o, struct observer_ring *part,
	struct observer_mark *host, enum observer_kind kind, struct mono now)
{
	struct observer_mark was = *host;

	host->slot = (uint32_t)(now.ns / OBSERVER_SLOT_NS);
	host->counted = true;
	host->kind = (uint8_t)kind;
	if (was.counted && was.slot == host->slot && was.kind == kind)
		return;
	count_in(&o->all, &was, host);
	if (part != NULL)
		count_in(part, &was, host);
}

/* All are heard of, as they mostly are: there is nothing to count. */
static bool
is_calm(const struct observer_ring *r, struct mono now)
{
	return now.ns / OBSERVER_SLOT_NS - r->uneasy >= OBSERVER_WINDOW;
}

bool
observer_is_calm(const struct observer *o, struct mono now)
{
	return is_calm(&o->all, now);
}

void
observer_note_answer(struct observer *o, struct mono now)
{
	o->answered = now.ns;
}

bool
observer_was_answered(const struct observer *o, struct mono since)
{
	return o->answered != 0 && o->answered >= since.ns;
}

struct observer_count
observer_count(struct observer_ring *r, struct mono now)
{
	int64_t slot = now.ns / OBSERVER_SLOT_NS;
	struct observer_count c = { { 0 } };

	advance(r, slot);
	for (size_t k = 0; k < OBSERVER_KINDS; k++)
		for (int64_t s = slot - OBSERVER_WINDOW + 1; s <= slot; s++)
			c.n[k] += s >= 0 ? r->n[k][place(s)] : 0;
	return c;
}

/* ---- loss: silent, then heard of again ---- */

static size_t
loss_place(int64_t second)
{
	return (size_t)second % OBSERVER_LOSS_RING;
}

static void
advance_loss(struct observer_ring *r, int64_t second)
{
	if (second - r->loss.second >= OBSERVER_LOSS_RING) {
		memset(&r->loss, 0, sizeof(r->loss));
		r->loss.second = second;
		return;
	}
	while (r->loss.second < second) {
		size_t i = loss_place(++r->loss.second);

		r->loss.asked[i] = 0;
		r->loss.lost[i] = 0;
		r->loss.hosts[i] = 0;
	}
}

static void
count_loss(struct observer_ring *r, const struct observer_mark *host,
	unsigned lost, int64_t second)
{
	size_t i = loss_place(second);

	advance_loss(r, second);
	r->loss.asked[i] += 1 + lost;
	if (lost == 0)
		return;
	r->loss.lost[i] += lost;
	r->loss.latest = second;
	if (host->lost_second != 0 &&
	    second - host->lost_second < OBSERVER_LOSS_RING &&
	    r->loss.hosts[loss_place(host->lost_second)] > 0)
		r->loss.hosts[loss_place(host->lost_second)]--;
	r->loss.hosts[i]++;
}

void
observer_note_loss(struct observer *o, struct observer_ring *part,
	struct observer_mark *host, unsigned lost, struct mono now)
{
	int64_t second = now.ns / NS_PER_S;

	count_loss(&o->all, host, lost, second);
	if (part != NULL)
		count_loss(part, host, lost, second);
	if (lost > 0)
		host->lost_second = (uint32_t)second;
}

static double
loss_of(const struct observer_ring *r, int64_t from, int64_t to)
{
	uint32_t asked = 0, lost = 0, hosts = 0;

	for (int64_t s = from > 0 ? from : 0; s <= to; s++) {
		asked += r->loss.asked[loss_place(s)];
		lost += r->loss.lost[loss_place(s)];
		hosts += r->loss.hosts[loss_place(s)];
	}
	/* One host's bad cable is not ours. */
	return hosts >= OBSERVER_LEAST_HOSTS ? (double)lost / asked : 0;
}

static double
loss_within(struct observer_ring *r, int64_t seconds, struct mono now)
{
	int64_t second = now.ns / NS_PER_S;

	if (second - r->loss.latest >= seconds)
		return 0;
	advance_loss(r, second);
	return loss_of(r, second - seconds + 1, second);
}

double
observer_loss(struct observer *o, struct mono now)
{
	double brief = loss_within(&o->all, OBSERVER_LOSS_SHORT_S, now);
	double lasting = loss_within(&o->all, OBSERVER_LOSS_LONG_S, now);

	return brief > lasting ? brief : lasting;
}

/* In doubt only one of several silences in a row is counted. */
static bool
too_much_is_lost(struct observer *o, struct mono now)
{
	double lasting = loss_within(&o->all, OBSERVER_LOSS_LONG_S, now);

	if (o->suspect)
		return lasting >= OBSERVER_LOSS_CALM;
	return lasting >= OBSERVER_LOSS_DOUBT ||
		loss_within(&o->all, OBSERVER_LOSS_SHORT_S, now) >=
			OBSERVER_LOSS_DOUBT_SHORT;
}

/* Second by second: what it would have lost as the whole did, and what it did. */
static bool
is_clear_of_loss(struct observer *o, struct observer_ring *part,
	struct mono now)
{
	int64_t second = now.ns / NS_PER_S;
	double expected = 0;
	uint32_t lost = 0;

	if (part == NULL)
		return false;
	advance_loss(&o->all, second);
	advance_loss(part, second);
	for (size_t i = 0; i < OBSERVER_LOSS_RING; i++) {
		lost += part->loss.lost[i];
		if (o->all.loss.lost[i] > 0 && part->loss.asked[i] > 0)
			expected += (double)part->loss.asked[i] *
				o->all.loss.lost[i] / o->all.loss.asked[i];
	}
	return expected >= OBSERVER_CLEAR_LEAST + OBSERVER_CLEAR_EACH * lost;
}

unsigned
observer_need(struct observer *o, struct observer_ring *part,
	struct mono now)
{
	double loss = observer_loss(o, now), chance = loss;
	unsigned need = 1;

	if (loss <= 0 || is_clear_of_loss(o, part, now))
		return 0;
	while (need < OBSERVER_NEED_MOST && chance > BY_CHANCE) {
		chance *= loss;
		need++;
	}
	return need;
}

/* ---- controls ---- */

void
observer_note_control(struct observer_control *c, enum tocsin_reason reason,
	struct mono now)
{
	switch (observer_kind_of(reason)) {
	case OBSERVER_HEARD:
		/* Only an answer is one; "no ICMP socket" is nothing. */
		if (reason_outcome(reason) == TOCSIN_UNKNOWN)
			return;
		c->known = true;
		c->misses = 0;
		c->heard = now;
		return;
	case OBSERVER_LOCAL:
		c->misses = UINT8_MAX;
		return;
	case OBSERVER_SILENT:
		if (c->misses < UINT8_MAX)
			c->misses++;
		return;
	case OBSERVER_LATE:
	case OBSERVER_BEHIND:
	case OBSERVER_PARENT:
	case OBSERVER_KINDS:
		return;
	}
}

static bool
witness_answers(const struct observer *o, struct mono now)
{
	for (size_t i = 0; i < o->n_controls; i++) {
		const struct observer_control *c = &o->controls[i];

		if (c->witness && c->known && c->misses == 0 &&
		    mono_diff(now, c->heard).ns < WITNESS_NS)
			return true;
	}
	return false;
}

static bool
controls_are_silent(const struct observer *o)
{
	size_t known = 0;

	for (size_t i = 0; i < o->n_controls; i++) {
		known += o->controls[i].known;
		if (o->controls[i].known &&
		    o->controls[i].misses < CONTROL_MISSES)
			return false;
	}
	return known > 0;
}

/* ---- the doubt ---- */

static uint32_t
not_heard(const struct observer_count *c)
{
	uint32_t parents = c->n[OBSERVER_PARENT];

	return c->n[OBSERVER_SILENT] + c->n[OBSERVER_LOCAL] +
		c->n[OBSERVER_LATE] +
		(parents >= OBSERVER_LEAST_HOSTS ? parents : 0);
}

static enum observer_why
ground_in_silence(struct observer *o, struct mono now)
{
	struct observer_count c = observer_count(&o->all, now);
	uint32_t silent = not_heard(&c), heard = c.n[OBSERVER_HEARD];
	bool with_controls = silent > 0 && silent >= heard &&
		controls_are_silent(o);
	bool most = silent > 0 && silent >= 2 * heard &&
		silent + c.n[OBSERVER_BEHIND] >= OBSERVER_LEAST_HOSTS;

	if ((with_controls || most) && 2 * c.n[OBSERVER_LOCAL] >= silent)
		return OBSERVER_WHY_LOCAL_ERRORS;
	if ((with_controls || most) && 2 * c.n[OBSERVER_LATE] >= silent)
		return OBSERVER_WHY_MISSED_SLOTS;
	if (with_controls)
		return OBSERVER_WHY_CONTROLS;
	if (most && !witness_answers(o, now))
		return OBSERVER_WHY_ALL_AT_ONCE;
	return OBSERVER_WHY_NONE;
}

enum observer_why
observer_ground(struct observer *o, struct mono now)
{
	enum observer_why why = is_calm(&o->all, now) ? OBSERVER_WHY_NONE :
		ground_in_silence(o, now);

	if (why != OBSERVER_WHY_NONE)
		return why;
	return too_much_is_lost(o, now) ? OBSERVER_WHY_LOSS :
		OBSERVER_WHY_NONE;
}

bool
observer_doubts_part(struct observer *o, struct observer_ring *part,
	struct mono now)
{
	struct observer_count all = observer_count(&o->all, now);
	struct observer_count c = observer_count(part, now);
	uint32_t silent = not_heard(&c), heard = c.n[OBSERVER_HEARD];

	if (!o->suspect)
		return false;
	if (o->why == OBSERVER_WHY_LOSS)
		return !is_clear_of_loss(o, part, now);
	if (o->why == OBSERVER_WHY_CONTROLS)
		return silent + c.n[OBSERVER_BEHIND] > 0 && silent >= heard;
	return silent >= 2 * heard &&
		(silent + c.n[OBSERVER_BEHIND] >= OBSERVER_LEAST_HOSTS ||
			all.n[OBSERVER_HEARD] == 0);
}

static void
begin(struct observer *o, enum observer_why why, struct mono now)
{
	int64_t before = o->calm_s > 0 ? o->calm_s : OBSERVER_CALM_S;
	bool again = o->ended != 0 &&
		now.ns - o->ended < AGAIN_TIMES * before * NS_PER_S;

	o->suspect = true;
	o->why = why;
	o->calm_s = again ? 2 * before : OBSERVER_CALM_S;
	if (o->calm_s > OBSERVER_CALM_MOST_S)
		o->calm_s = OBSERVER_CALM_MOST_S;
}

bool
observer_update(struct observer *o, struct mono now)
{
	enum observer_why why = observer_ground(o, now);

	if (why != OBSERVER_WHY_NONE) {
		o->calm_since = 0;
		if (o->suspect)
			return false;
		begin(o, why, now);
		return true;
	}
	if (!o->suspect)
		return false;
	/* Nothing heard is no ground, and no reason to trust either. */
	if (o->calm_since == 0 &&
	    observer_count(&o->all, now).n[OBSERVER_HEARD] == 0)
		return false;
	if (o->calm_since == 0)
		o->calm_since = now.ns;
	if (now.ns - o->calm_since < o->calm_s * NS_PER_S)
		return false;
	o->suspect = false;
	o->ended = now.ns;
	return true;
}
