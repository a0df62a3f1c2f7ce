/*
 * Parts of the fleet: /v1/summary?tag= (am I affected), and /v1/healthy-set
 * for load balancers and DNS.  From the snapshot alone.
 */
#include <stdio.h>
#include <string.h>

#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"

/* ---- the summary of a tag ---- */

static bool
is_riskier(const struct snap_host *a, const struct snap_host *b)
{
	return a->level != b->level ? a->level > b->level :
		a->rare->risk > b->rare->risk;
}

static void
rank(struct snapshot *part, const struct snap_host *h)
{
	size_t i = part->n_top;

	if (h->level == LEVEL_NONE || (i == SNAP_TOP_RISKS &&
		!is_riskier(h, part->top[i - 1])))
		return;
	if (i < SNAP_TOP_RISKS)
		part->n_top++;
	else
		i--;
	for (; i > 0 && is_riskier(h, part->top[i - 1]); i--)
		part->top[i] = part->top[i - 1];
	part->top[i] = h;
}

/* Of the worst state: the longest; of all being well: the latest. */
static void
note_since(struct snapshot *part, const struct snap_host *h)
{
	bool later = h->since.ms > part->since.ms;

	if (state_worse(h->state, part->worst)) {
		part->worst = h->state;
		part->since = h->since;
	} else if (h->state == part->worst &&
		later == (h->state == STATE_HEALTHY)) {
		part->since = h->since;
	}
}

static void
count_host(struct snapshot *part, const struct snap_host *h)
{
	part->n_hosts++;
	part->counts[h->state]++;
	part->levels[h->level]++;
	part->n_checks += h->n_checks;
	part->n_devices += h->rare->n_devices;
	for (size_t i = 0; i < h->rare->n_devices; i++)
		part->n_devices_unjudged += !h->rare->devices[i].judged;
	part->n_plans += h->rare->plan_id != 0;
	note_since(part, h);
	rank(part, h);
}

void
part_of_tag(const struct snapshot *s, const char *tag, struct snapshot *part)
{
	*part = (struct snapshot){ .generation = s->generation, .at = s->at,
		.at_mono = s->at_mono, .started = s->started,
		.since = s->started, .version = s->version,
		.observer_suspect = s->observer_suspect,
		.degraded = s->degraded, .degraded_why = s->degraded_why,
		.worst = STATE_HEALTHY };
	for (size_t i = 0; i < s->n_chunks; i++)
		for (size_t k = 0; k < s->chunks[i]->n; k++)
			if (host_has_tag(s->chunks[i]->hosts[k], tag))
				count_host(part, s->chunks[i]->hosts[k]);
	for (size_t i = 0; i < s->n_alerts; i++) {
		const struct snap_host *h = s->alerts[i].host[0] == '\0' ?
			NULL : snapshot_host(s, s->alerts[i].host);

		part->n_alerts += h != NULL && host_has_tag(h, tag);
	}
}

/* ---- the healthy set ---- */

/* How much is known for a member: more comes first when none is well. */
enum fitness { FIT_NOT, FIT_ANY, FIT_DOUBTFUL, FIT_WELL };

/* A host, or a role of that name. */
struct member {
	const char *host;
	const char *role;	/* its path, "" = the host itself */
	const char *address;
	enum unit_state state;
	enum tocsin_reason reason;
};

static enum fitness
fitness_of(const struct member *m)
{
	switch (m->state) {
	case STATE_HEALTHY:
	case STATE_ASLEEP:
	case STATE_SUSPECT:	/* not convicted */
	case STATE_OVERLOADED:	/* busy is not dead */
		return FIT_WELL;
	case STATE_UNKNOWN:
	case STATE_STALE:
	case STATE_FLAPPING:
		return FIT_DOUBTFUL;
	case STATE_UNHEALTHY:
	case STATE_UNREACHABLE:
	case STATE_IMPAIRED:
		return FIT_ANY;
	case STATE_MAINTENANCE:
	case STATE_REBOOTING:
	case STATE_EVACUATING:
	case STATE_QUARANTINED:
	case STATE_DIAGNOSING:
	case STATE_RETIRED:
	case STATE_COUNT_:
		return FIT_NOT;
	}
	return FIT_NOT;
}

struct set {
	const struct snapshot *s;
	const char *group;
	size_t counts[FIT_WELL + 1];
	size_t all;
	enum fitness least;	/* who is in */
	bool open;		/* none is well */
};

/* "key=value": that tag; else a tag of that value, or a partition so called. */
static bool
is_of(const struct set *set, const struct snap_host *h)
{
	if (strpbrk(set->group, "=:") != NULL)
		return host_has_tag(h, set->group);
	if (strcmp(h->partition, set->group) == 0)
		return true;
	for (size_t i = 0; i < h->n_tags; i++)
		if (strcmp(h->tags[i].value, set->group) == 0)
			return true;
	return false;
}

static const char *
address_of(const struct snap_host *h)
{
	return h->address[0] != '\0' ? h->address : h->name;
}

/* Its own, else its VM's, else its host's. */
static const char *
role_address(const struct snap_host *h, const struct snap_unit *role)
{
	if (role->address[0] != '\0')
		return role->address;
	for (size_t i = 0; i < h->rare->n_units; i++)
		if (h->rare->units[i].id == role->vm &&
		    h->rare->units[i].address[0] != '\0')
			return h->rare->units[i].address;
	return address_of(h);
}

typedef void member_sink(void *arg, const struct member *m);

static void
each_role(const struct set *set, const struct snap_host *h, member_sink *sink,
	void *arg)
{
	for (size_t i = 0; i < h->rare->n_units; i++) {
		const struct snap_unit *u = &h->rare->units[i];

		if (u->is_vm || strcmp(u->name, set->group) != 0)
			continue;
		sink(arg, &(struct member){ h->name, u->path,
			role_address(h, u), u->state, u->reason });
	}
}

static void
each_member(const struct set *set, member_sink *sink, void *arg)
{
	for (size_t i = 0; i < set->s->n_chunks; i++)
		for (size_t k = 0; k < set->s->chunks[i]->n; k++) {
			const struct snap_host *h = set->s->chunks[i]->hosts[k];

			if (is_of(set, h))
				sink(arg, &(struct member){ h->name, "",
					address_of(h), h->state, h->reason });
			else
				each_role(set, h, sink, arg);
		}
}

static void
count_member(void *arg, const struct member *m)
{
	struct set *set = arg;

	set->counts[fitness_of(m)]++;
	set->all++;
}

static void
set_count(struct set *set)
{
	each_member(set, count_member, set);
	/*
	 * Never empty: better one who is in doubt, or broken, than none; the
	 * balancer looks for itself.  Who was taken out by a person stays out
	 * while there is anybody else.
	 */
	set->least = FIT_WELL;
	while (set->least > FIT_NOT && set->counts[set->least] == 0)
		set->least--;
	set->open = set->least != FIT_WELL;
}

struct members {
	struct json_write *w;
	const struct set *set;
	bool in;
};

static void
put_member(void *arg, const struct member *m)
{
	struct members *l = arg;

	if ((fitness_of(m) >= l->set->least) != l->in)
		return;
	json_put_object(l->w);
	json_add_str(l->w, "host", m->host);
	if (m->role[0] != '\0')
		json_add_str(l->w, "role", m->role);
	json_add_str(l->w, "address", m->address);
	json_add_str(l->w, "state", state_id(m->state));
	if (!l->in)
		json_add_str(l->w, "reason", reason_id(m->reason));
	json_put_end(l->w);
}

static void
add_members(struct json_write *w, const struct set *set, bool in)
{
	struct members l = { w, set, in };

	json_add_array(w, in ? "items" : "left_out");
	each_member(set, put_member, &l);
	json_put_end(w);
}

static void
set_json(struct request *r, const struct set *set)
{
	struct json_write w;

	reply_open(r, &w, set->s);
	json_add_str(&w, "group", set->group);
	json_add_u64(&w, "hosts", set->all);
	json_add_bool(&w, "fail_open", set->open);
	add_members(&w, set, true);
	add_members(&w, set, false);
	json_put_end(&w);
}

struct lines {
	struct strbuf *out;
	const struct set *set;
};

static void
put_line(void *arg, const struct member *m)
{
	struct lines *l = arg;

	if (fitness_of(m) < l->set->least)
		return;
	strbuf_puts(l->out, m->address);
	strbuf_putc(l->out, '\n');
}

/* An address a line, and nothing else: for programs that read lines. */
static void
set_text(struct request *r, const struct set *set)
{
	struct lines l = { &r->reply.body, set };

	each_member(set, put_line, &l);
	r->reply.status = 200;
	r->reply.type = "text/plain; charset=utf-8";
	r->reply.fail_open = set->open;
}

void
view_healthy_set(struct request *r)
{
	const char *format = target_get(&r->target, "format");
	struct set set = { .s = request_snapshot(r),
		.group = target_get(&r->target, "group") };
	bool text = format != NULL && strcmp(format, "text") == 0;

	if (set.group == NULL || set.group[0] == '\0' ||
	    (format != NULL && !text && strcmp(format, "json") != 0)) {
		problem_set(r, 400, "invalid", set.group == NULL ?
			"group is needed: a tag's value, key=value, a role, or "
			"a partition" : "format: text or json");
		return;
	}
	if (reply_unchanged(r, set.s, false))
		return;
	set_count(&set);
	if (set.all == 0)
		problem_set(r, 404, "not_found", "nothing is of group %.200s",
			set.group);
	else if (text)
		set_text(r, &set);
	else
		set_json(r, &set);
}
