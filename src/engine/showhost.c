/*
 * A host in a snapshot: its words, its checks and its devices, copied into the
 * frame.
 */
#include <stdio.h>
#include <string.h>

#include "engine/devices.h"
#include "engine/inside.h"
#include "engine/maker.h"
#include "engine/outlook.h"
#include "engine/parents.h"
#include "engine/unit.h"
#include "plan/repair.h"

const char *
shown_text(struct arena *a, const char *text)
{
	const char *p = text == NULL || text[0] == '\0' ? NULL :
		arena_strdup(a, text);

	return p != NULL ? p : "";
}

static const struct snap_kind *
met(const struct maker *m, const struct check *c)
{
	for (size_t i = 0; i < MAKER_MET; i++)
		if (m->met[i].kind == c->kind &&
		    m->met[i].shape == c->metrics.shape)
			return m->met[i].copy;
	return NULL;
}

static void
remember(struct maker *m, const struct check *c, const struct snap_kind *copy)
{
	m->met[m->turn].kind = c->kind;
	m->met[m->turn].shape = c->metrics.shape;
	m->met[m->turn].copy = copy;
	m->turn = (m->turn + 1) % MAKER_MET;
}

static size_t
names_bytes(size_t n)
{
	return sizeof(struct snap_names) + n * sizeof(struct snap_name);
}

static const struct snap_names *
show_names(struct arena *a, const struct metric_shape *shape)
{
	struct snap_names *out = arena_alloc(a, names_bytes(shape->n));
	struct snap_name *of;

	if (out == NULL)
		return NULL;
	of = (struct snap_name *)(out + 1);
	*out = (struct snap_names){ shape->n, of };
	for (size_t i = 0; i < shape->n; i++)
		of[i] = (struct snap_name){ shape->of[i].name,
			shape->of[i].instance };
	return out;
}

/* NULL = no memory. */
static const struct snap_kind *
show_kind(struct maker *m, const struct check *c)
{
	const struct check_kind *k = c->kind;
	const struct metric_shape *shape = c->metrics.shape;
	const struct snap_kind *known = met(m, c);
	struct snap_kind *out = known == NULL ?
		arena_alloc(m->arena, sizeof(*out)) : NULL;

	if (out == NULL)
		return known;
	*out = (struct snap_kind){ k->key, k->probe, k->origin, k->rule,
		shape != NULL ? show_names(m->arena, shape) : NULL };
	if (out->names == NULL && shape != NULL)
		return NULL;
	remember(m, c, out);
	return out;
}

/* What a host's own checks say of its services is of the role layer. */
static enum snap_layer
layer_of(const struct check *c)
{
	if (check_unit(c) != NULL)
		return check_unit(c)->is_vm ? LAYER_VM : LAYER_ROLE;
	return is_host_layer(c) ? LAYER_HOST : LAYER_ROLE;
}

int
show_check(struct maker *m, const struct check *c, struct snap_check *out)
{
	*out = (struct snap_check){ .id = c->id, .reason = c->st.reason,
		.health = c->st.health, .layer = layer_of(c) & 15,
		.passive = c->passive, .flapping = c->st.flapping,
		.kind = show_kind(m, c),
		.text = shown_text(m->arena, c->text), .since = c->st.since };
	if (out->kind == NULL)
		return TC_ENOMEM;
	return live_add(m, c, &out->live);
}

static const struct verdict *
show_verdict(struct arena *a, const struct verdict *from)
{
	struct verdict *v = from == NULL ? NULL :
		arena_alloc(a, verdict_bytes(from));

	if (v != NULL)
		memcpy(v, from, verdict_bytes(from));
	return v;
}

/* Its values are those of its check, which is among those of the host. */
static void
show_values(const struct device *d, const struct snap_check *checks, size_t n,
	struct snap_device *out)
{
	for (size_t i = 0; d->check != NULL && i < n; i++)
		if (checks[i].id == d->check->id) {
			out->names = checks[i].kind->names;
			out->live = checks[i].live;
		}
}

static void
show_device(struct maker *m, const struct device *d, struct snap_device *out)
{
	struct arena *a = m->arena;

	*out = (struct snap_device){ .id = d->id, .ident = d->ident,
		.asleep = d->asleep, .at = d->at, .reason = d->reason,
		.judged = d->judged, .level = d->level, .risk = d->risk,
		.verdict = show_verdict(a, d->verdict),
		.prediction_id = d->prediction_id,
		.level_since = d->level_since,
		.accepted = d->n_accepted > 0 ? accept_show(a, d) : NULL };
	out->n_accepted = out->accepted != NULL ? d->n_accepted : 0;
}

static const struct tag *
show_tags(struct arena *a, const struct host *h)
{
	struct tag *out = arena_alloc(a, h->n_tags * sizeof(*out));

	for (size_t i = 0; out != NULL && i < h->n_tags; i++)
		out[i] = (struct tag){ shown_text(a, h->tags[i].key),
			shown_text(a, h->tags[i].value) };
	return out;
}

/* "disk ST4000DM000 Z300XXXX: smart_197_raw is 24, +16 in 7 days" */
static const char *
risk_words(struct arena *a, const struct device *d)
{
	const struct verdict_evidence *top;
	char text[256];

	if (d == NULL || d->verdict == NULL || d->verdict->n_evidence == 0)
		return "";
	top = &d->verdict->evidence[0];
	snprintf(text, sizeof(text), "%s %s %s: %s %s %lld", d->ident.kind,
		d->ident.model, d->ident.serial, top->metric, top->stat,
		(long long)top->value);
	return shown_text(a, text);
}

/* "its own signals: host_failures rise_7d 2" */
static const char *
own_words(struct arena *a, const struct host *h)
{
	const struct verdict *v = host_verdict(h);
	char text[128];

	if (v == NULL || v->n_evidence == 0)
		return "";
	snprintf(text, sizeof(text), "its own signals: %s %s %lld",
		v->evidence[0].metric, v->evidence[0].stat,
		(long long)v->evidence[0].value);
	return shown_text(a, text);
}

static const struct snap_outlook *
show_outlook(struct arena *a, const struct host *h)
{
	const struct verdict *v = host_verdict(h);
	struct snap_outlook *own = v != NULL ?
		arena_alloc(a, sizeof(*own)) : NULL;

	if (own == NULL)
		return NULL;
	*own = (struct snap_outlook){ show_verdict(a, v),
		h->outlook->told->prediction_id,
		h->outlook->told->level_since };
	return own->verdict != NULL ? own : NULL;
}

static enum disposition
shown_disposition(const struct host *h)
{
	return h->rare->window != NULL &&
		h->disposition == DISPOSITION_IN_SERVICE ?
		DISPOSITION_MAINTENANCE : h->disposition;
}

static const char *
show_diagnosis(struct arena *a, const struct host *h)
{
	struct strbuf text = { 0 };
	const char *out;

	if (h->rare->diagnosis == NULL)
		return NULL;
	diagnosis_write(h->rare->diagnosis, &text);
	out = text.failed ? NULL : arena_strdup(a, text.p);
	strbuf_free(&text);
	return out;
}

/* Names live as long as the engine does. */
static const struct snap_kin *
show_kin(struct maker *m, const struct host *h)
{
	const struct host *p = parent_of(m->en, h), *dead = NULL;
	struct snap_kin *kin;

	if (p == NULL && h->rare->n_below == 0)
		return NULL;
	if (h->health == HEALTH_UNREACHABLE)
		dead = parent_dead(m->en, h);
	kin = arena_alloc(m->arena, sizeof(*kin));
	if (kin != NULL)
		*kin = (struct snap_kin){ p != NULL ? p->name : "",
			dead != NULL ? dead->name : "", h->rare->n_below };
	return kin;
}

/* Those that are not gone; false = no memory. */
static bool
show_devices(struct maker *m, const struct host *h,
	const struct snap_check *checks, struct snap_rare *out)
{
	const struct host_rare *rare = h->rare;
	struct snap_device *list = arena_alloc(m->arena,
		rare->n_devices * sizeof(*list));

	for (size_t i = 0; list != NULL && i < rare->n_devices; i++) {
		struct snap_device *d = &list[out->n_devices];

		if (rare->devices[i]->gone)
			continue;
		show_device(m, rare->devices[i], d);
		show_values(rare->devices[i], checks, h->n_checks, d);
		out->n_devices++;
	}
	out->devices = list;
	return list != NULL;
}

/* NULL = no memory. */
static const struct snap_rare *
show_rare(struct maker *m, const struct host *h,
	const struct snap_check *checks)
{
	const struct check *worst = host_worst(h);
	const struct host_rare *rare = h->rare;
	struct arena *a = m->arena;
	struct snap_rare *out;

	if (!host_has_rare(h) && worst == NULL && host_verdict(h) == NULL)
		return &snap_rare_none;
	out = arena_alloc(a, sizeof(*out));
	if (out == NULL)
		return NULL;
	*out = (struct snap_rare){
		.reason_check = worst != NULL ? worst->kind->key : "",
		.reason_text = shown_text(a, worst != NULL ? worst->text : ""),
		.risk = rare->risk.risk.d30, .risk_device = rare->risk.device,
		.risk_reason = rare->risk.level == LEVEL_NONE ? "" :
			rare->risk.own ? own_words(a, h) :
			risk_words(a, subject_get(m->en, rare->risk.device,
				SUBJECT_DEVICE)),
		.replace_device = rare->risk.spared_device,
		.outlook = show_outlook(a, h),
		.plan_id = rare->plan != NULL ? rare->plan->id : 0,
		.window_id = rare->window != NULL ? rare->window->id : 0,
		.diagnosis = show_diagnosis(a, h), .kin = show_kin(m, h) };
	if (!show_devices(m, h, checks, out) ||
	    ((rare->units != NULL || rare->watch != NULL) &&
	    show_units(m, h, out) < 0))
		return NULL;
	return out;
}

int
shown_host(struct maker *m, const struct host *h, struct snap_host *out)
{
	struct arena *a = m->arena;
	struct snap_check *checks =
		arena_alloc(a, h->n_checks * sizeof(*checks));

	if (checks == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < h->n_checks; i++)
		if (show_check(m, host_checks(h)[i], &checks[i]) < 0)
			return TC_ENOMEM;
	*out = (struct snap_host){ .id = h->id, .name = h->name,
		.partition = h->part->name, .address = shown_text(a, host_address(h)),
		.owner = h->owner, .tags = show_tags(a, h),
		.state = state_of(h->health, shown_disposition(h), h->flags),
		.health = h->health, .disposition = h->disposition,
		.flags = (uint8_t)h->flags, .reason = h->reason, .since = h->since,
		.level = h->rare->risk.level, .cause = h->rare->risk.cause,
		.checks = checks, .n_checks = h->n_checks,
		.why_not = h->why_not, .rare = show_rare(m, h, checks) };
	out->n_tags = out->tags != NULL ? h->n_tags : 0;
	return out->rare != NULL ? 0 : TC_ENOMEM;
}

static size_t
text_piece(const char *text)
{
	return text == NULL || text[0] == '\0' ? 0 :
		arena_piece(strlen(text) + 1);
}

static size_t
shown_check_bytes(struct maker *m, const struct check *c)
{
	static const struct snap_kind counted;
	size_t n = text_piece(c->text);

	if (met(m, c) != NULL)
		return n;
	remember(m, c, &counted);
	n += arena_piece(sizeof(struct snap_kind));
	if (c->metrics.shape != NULL)
		n += arena_piece(names_bytes(c->metrics.shape->n));
	return n;
}

size_t
shown_host_bytes(struct maker *m, const struct host *h)
{
	const struct check *worst = host_worst(h);
	size_t n = arena_piece(sizeof(struct snap_host)) +
		arena_piece(h->n_checks * sizeof(struct snap_check)) +
		(worst != NULL || host_has_rare(h) ?
			arena_piece(sizeof(struct snap_rare)) : 0) +
		arena_piece(h->rare->n_devices * sizeof(struct snap_device)) +
		arena_piece(h->n_tags * sizeof(struct tag)) +
		text_piece(host_address(h)) +
		text_piece(worst != NULL ? worst->text : NULL);

	for (size_t i = 0; i < h->n_checks; i++)
		n += shown_check_bytes(m, host_checks(h)[i]);
	for (size_t i = 0; i < h->n_tags; i++)
		n += text_piece(h->tags[i].key) + text_piece(h->tags[i].value);
	return n;
}
