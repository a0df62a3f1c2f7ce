/*
 * From a device's counters to its verdict, and on to its host's level.
 */
#include <stdio.h>
#include <string.h>

#include "engine/devices.h"
#include "engine/inside.h"
#include "engine/outlook.h"
#include "predict/eval.h"
#include "predict/peers.h"
#include "smart/encoding.h"
#include "wire/verdict.h"

const char *
risk_decoded_name(enum counter counter)
{
	switch (counter) {
	case COUNTER_REALLOCATED:
		return "reallocated_sectors";
	case COUNTER_REPORTED:
		return "reported_uncorrectable";
	case COUNTER_TIMEOUTS:
		return "command_timeouts";
	case COUNTER_PENDING:
		return "pending_sectors";
	case COUNTER_OFFLINE:
		return "offline_uncorrectable";
	}
	return "";
}

static const struct metric *
find_metric(const struct observation *ob, const char *name)
{
	for (size_t i = 0; i < ob->n_metrics; i++) {
		const struct metric *m = &ob->metrics[i];

		if (m->instance[0] == '\0' && strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

static bool
whole_number(const struct metric *m, uint64_t *out)
{
	double value = metric_number(m);

	if (!(value >= 0) || value >= 18446744073709551616.0)
		return false;
	*out = m->type == TOCSIN_U64 ? m->v.u64 : (uint64_t)value;
	return true;
}

/*
 * Raw values are packed by their makers: decode before judging.  Our probe
 * says what it could decode and how much it could not; where somebody else
 * read the drive, the table of packings decides.  False: worth nothing.
 */
static bool
counter_value(const struct observation *ob, const struct metric *m,
	enum counter counter, uint64_t *out)
{
	unsigned id;
	struct smart_f64 decoded;

	if (find_metric(ob, "smart_undecoded_count") != NULL) {
		m = find_metric(ob, risk_decoded_name(counter));
		return m != NULL && whole_number(m, out);
	}
	if (!whole_number(m, out) || sscanf(m->name, "smart_%u_raw", &id) != 1)
		return false;
	decoded = smart_raw_decode(ob->device.model, "", (uint8_t)id, *out);
	*out = (uint64_t)decoded.v;
	return decoded.has;
}

struct fed {
	bool features;
	bool drive;
};

static struct fed
feed(struct device *d, const struct observation *ob)
{
	struct fed moved = { false, false };
	int32_t day = wall_to_days(ob->at);

	for (size_t i = 0; i < ob->n_metrics; i++) {
		const struct metric *m = &ob->metrics[i];
		enum counter counter;
		uint64_t value;

		if (m->instance[0] == '\0')
			moved.drive = drive_observe(&d->drive, m->name,
				metric_number(m), ob->at) || moved.drive;
		if (!counter_from_metric(m->name, strlen(m->name), &counter) ||
		    m->instance[0] != '\0' ||
		    !counter_value(ob, m, counter, &value))
			continue;
		moved.features = features_observe(&d->features, counter, value,
			day, ob->at) || moved.features;
		d->has_features = true;
	}
	return moved;
}

/* The fleet as it stands, for this day; without it ranks stay as they are. */
static void
renew_peers(struct engine *en)
{
	size_t at = 0;
	struct device *d;

	peers_free(en->peers);
	en->peers = NULL;
	if (en->pack == NULL || en->pack->ranks == 0)
		return;
	en->peers = peers_new();
	while (en->peers != NULL &&
	       (d = hash_next(&en->devices, &at)) != NULL) {
		if (d->gone || !d->host->present ||
		    peers_add(en->peers, d->ident.model, &d->features) == 0)
			continue;
		peers_free(en->peers);
		en->peers = NULL;
	}
}

/* Once a day and when a counter moved: a restart changes no rank. */
static bool
rank(const struct engine *en, struct device *d, struct wall now)
{
	int32_t today = wall_to_days(now);

	if (en->peers == NULL || !d->has_features ||
	    d->features.ranked_day == today)
		return false;
	(void)peers_rank(peers_of(en->peers, d->ident.model), en->pack->ranks,
		today, &d->features);
	return d->features.nonzero != 0;
}

void
risk_observe(struct engine *en, struct device *d,
	const struct observation *ob, struct now now)
{
	struct fed moved;
	bool revoked;

	if (ob->at.ms >= d->at.ms) {
		d->at = ob->at;
		d->reason = ob->reason;
		d->asleep = ob->reason == TOCSIN_WHY_DEVICE_ASLEEP;
	}
	device_seen(en, d, d->at);
	moved = feed(d, ob);
	if (rank(en, d, now.wall) || moved.features)
		say_device_state(en, d);
	if (moved.drive)
		say_drive_state(en, d);
	revoked = d->n_accepted > 0 && accept_tend(en, d, now.wall);
	if (moved.features || moved.drive || revoked || d->judged_day != wall_to_days(now.wall))
		risk_judge(en, d, now);
}

/* Most devices have nothing to say: only evidence is kept, row by row. */
static void
keep_verdict(struct device *d, const struct verdict *v)
{
	d->judged = true;
	d->level = v->level;
	d->risk = v->risk;
	d->score = v->score;
	mem_free(d->verdict);
	d->verdict = NULL;
	if (v->n_evidence == 0)
		return;
	d->verdict = mem_alloc(verdict_bytes(v));
	if (d->verdict != NULL)
		memcpy(d->verdict, v, verdict_bytes(v));
}

static void
say_outlook(struct engine *en, const struct device *d,
	const struct verdict *v)
{
	say_prediction(en, d->id, d->host->id, &(struct prediction_item){
		d->prediction_id, d->host->name, d->ident, d->level_since,
		v });
}

static void
level_moved(struct engine *en, struct device *d, const struct verdict *v,
	enum level from, struct wall at)
{
	d->level_since = at;
	if (v->level != LEVEL_NONE)
		d->prediction_id = ++en->prediction_id;
	say_outlook(en, d, v);
	say_level_move(en, d, from, at);
	if (v->level == LEVEL_NONE)
		d->prediction_id = 0;
}

void
risk_judge(struct engine *en, struct device *d, struct now now)
{
	struct acceptance accepted[ACCEPTED_MAX];
	struct features forgiven;
	struct verdict v;
	enum level from = d->level;
	int32_t score = d->score;
	bool known = d->judged;

	if (en->pack == NULL || d->gone || !d->host->present ||
	    (!d->has_features && d->drive.seen == 0))
		return;
	if (rank(en, d, now.wall))
		say_device_state(en, d);
	eval_device(en->pack, accept_features(d, &forgiven), d->ident.model,
		now.wall, &v);
	drive_judge(&en->states, &d->drive, accepted,
		accept_list(d, accepted), &v);
	d->judged_day = wall_to_days(now.wall);
	if (v.blind && v.n_evidence == 0 && !d->judged)
		return;
	keep_verdict(d, &v);
	mark(en, d->host, from != v.level ? DIRTY_URGENT : DIRTY_COSMETIC);
	if (from != v.level)
		level_moved(en, d, &v, from, now.wall);
	else if (v.level != LEVEL_NONE && known && v.score != score)
		say_outlook(en, d, &v);
	risk_fold(en, d->host);
}

/* A wrong declaration is none: every disk stands alone then. */
static void
declared(const struct host *h, struct redundancy *out)
{
	out->n = 0;
	for (size_t i = 0; i < h->n_tags; i++)
		if (strcmp(h->tags[i].key, REDUNDANCY_TAG) == 0 &&
		    redundancy_parse(h->tags[i].value, out, NULL) < 0)
			out->n = 0;
}

void
risk_close(struct engine *en, struct device *d, struct now now)
{
	struct verdict v = { .risk = { VERDICT_RISK_UNKNOWN,
		VERDICT_RISK_UNKNOWN, VERDICT_RISK_UNKNOWN } };
	enum level from = d->level;

	v.judged_at = now.wall;
	keep_verdict(d, &v);
	d->judged = false;
	if (from != LEVEL_NONE)
		level_moved(en, d, &v, from, now.wall);
	risk_fold(en, d->host);
}

void
risk_fold(struct engine *en, struct host *h)
{
	struct host_device list[DEVICES_PER_HOST];
	const struct host_risk *was = &h->rare->risk;
	struct host_own own = outlook_own(h);
	enum level worst = LEVEL_NONE;
	struct redundancy groups;
	struct host_risk risk;
	size_t n = 0;

	declared(h, &groups);

	for (size_t i = 0; i < h->rare->n_devices; i++) {
		const struct device *d = h->rare->devices[i];

		if (d->judged)
			list[n++] = (struct host_device){ d->id, d->level,
				d->risk, redundancy_group_of(&groups,
				d->ident.serial, d->ident.wwn) };
		if (d->judged && d->level > worst)
			worst = d->level;
	}
	host_combine(list, n, &groups, &own, &risk);
	if (risk.level != was->level || risk.device != was->device ||
	    risk.spared_device != was->spared_device)
		mark(en, h, DIRTY_URGENT);
	else
		mark(en, h, DIRTY_COSMETIC);
	risk.cause = outlook_cause(&en->outlook, own.any ?
		host_verdict(h) : NULL, worst);
	host_set_risk(h, &risk);
}

/* Windows pass with the days: once a day everybody is judged again. */
void
risk_age_all(struct engine *en, struct now now)
{
	int32_t today = wall_to_days(now.wall);
	size_t at = 0;
	struct device *d;
	struct host *h;

	if (today == en->judged_day)
		return;
	en->judged_day = today;
	renew_peers(en);
	while ((d = hash_next(&en->devices, &at)) != NULL)
		if (d->judged_day != today)
			risk_judge(en, d, now);
	at = 0;
	while ((h = roster_next(en, &at)) != NULL)
		outlook_age(en, h, now);
}
