/*
 * Coming back: subjects, then states, as the store kept them.  A strange row
 * is refused and counted by the caller; it never stops the start.
 */
#include <string.h>

#include "base/le.h"
#include "engine/climb.h"
#include "engine/devices.h"
#include "engine/inside.h"
#include "engine/outlook.h"
#include "engine/parents.h"
#include "engine/strain.h"
#include "engine/turns.h"
#include "engine/unit.h"
#include "wire/json_read.h"

struct body {
	const char *owner;
	const char *partition;
	const char *address;
	const char *probe;
	const char *kind;
	const char *model;
	const char *serial;
	const char *wwn;
	const char *cls;
	const char *agent;
	bool passive;
	uint32_t device;
	uint32_t declared;
	uint32_t parent;
	uint32_t replaces;
	int64_t first_ms;
	int64_t gone_ms;
	struct tag tags[64];
	size_t n_tags;
};

static void
read_tags(struct json_read *r, struct body *b)
{
	struct json_str key;

	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key)) {
		const char *value = json_get_cstr(r, 1024);

		if (b->n_tags < ARRAY_LEN(b->tags))
			b->tags[b->n_tags++] = (struct tag){ key.p, value };
	}
}

static void
read_member(struct json_read *r, struct json_str key, struct body *b)
{
	const struct { const char *name; const char **to; } texts[] = {
		{ "owner", &b->owner }, { "partition", &b->partition },
		{ "address", &b->address }, { "probe", &b->probe },
		{ "kind", &b->kind }, { "model", &b->model },
		{ "serial", &b->serial }, { "wwn", &b->wwn },
		{ "class", &b->cls }, { "agent", &b->agent },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (json_str_is(key, texts[i].name)) {
			*texts[i].to = json_get_cstr(r, 1024);
			return;
		}
	if (json_str_is(key, "tags"))
		read_tags(r, b);
	else if (json_str_is(key, "passive"))
		b->passive = json_get_bool(r);
	else if (json_str_is(key, "first_ms"))
		b->first_ms = json_get_int(r, INT64_MIN, INT64_MAX);
	else if (json_str_is(key, "gone_ms"))
		b->gone_ms = json_get_int(r, INT64_MIN, INT64_MAX);
	else if (json_str_is(key, "replaces"))
		b->replaces = (uint32_t)json_get_int(r, 0, UINT32_MAX);
	else if (json_str_is(key, "device"))
		b->device = (uint32_t)json_get_int(r, 0, UINT32_MAX);
	else if (json_str_is(key, "parent"))
		b->parent = (uint32_t)json_get_int(r, 0, UINT32_MAX);
	else if (json_str_is(key, "declared"))
		b->declared = (uint32_t)json_get_int(r, 0, UINT32_MAX);
	else
		json_skip(r);
}

/* `text` is changed and kept: *b points into it. */
static int
read_body(char *text, struct body *b)
{
	struct json_read r;
	struct json_str key;

	*b = (struct body){ .owner = "", .partition = "", .address = "",
		.probe = "", .cls = "", .agent = "", .kind = "", .model = "", .serial = "",
		.wwn = "", .passive = true };
	json_open(&r, text, strlen(text));
	if (json_enter_object(&r))
		while (json_next_key(&r, &key))
			read_member(&r, key, b);
	return json_close(&r, NULL);
}

static enum host_owner
owner_of(const char *id)
{
	for (int o = OWNER_CONFIG; o < OWNER_AGENT; o++)
		if (strcmp(id, host_owner_id((enum host_owner)o)) == 0)
			return (enum host_owner)o;
	return OWNER_AGENT;
}

static int
keep_tags(struct host *h, const struct body *b)
{
	size_t bytes = 0;
	char *text;

	if (b->n_tags == 0)
		return 0;
	for (size_t i = 0; i < b->n_tags; i++)
		bytes += strlen(b->tags[i].key) + strlen(b->tags[i].value) + 2;
	h->tags = mem_alloc(b->n_tags * sizeof(*h->tags) + bytes);
	if (h->tags == NULL)
		return TC_ENOMEM;
	text = (char *)(h->tags + b->n_tags);
	for (size_t i = 0; i < b->n_tags; i++) {
		size_t k = strlen(b->tags[i].key) + 1;
		size_t v = strlen(b->tags[i].value) + 1;

		memcpy(text, b->tags[i].key, k);
		memcpy(text + k, b->tags[i].value, v);
		h->tags[i] = (struct tag){ text, text + k };
		text += k + v;
	}
	h->n_tags = (uint32_t)b->n_tags;
	return 0;
}

static int
restore_host(struct engine *en, const struct change_subject *s,
	const struct body *b)
{
	struct part *p = part_get(en, b->partition[0] != '\0' ?
		b->partition : "default");
	struct host *h = p == NULL ? NULL :
		host_make(en, s->key, p, s->id);
	struct host_rare *own;

	if (h == NULL || host_set_address(h, b->address) < 0 ||
	    keep_tags(h, b) < 0)
		return TC_ENOMEM;
	h->owner = owner_of(b->owner);
	h->present = !s->retired;
	if (b->parent == 0)
		return 0;
	if ((own = host_rare(h)) == NULL)
		return TC_ENOMEM;
	own->parent = b->parent;
	return 0;
}

static int
restore_check(struct engine *en, const struct change_subject *s,
	const struct body *b)
{
	struct host *h = subject_get(en, s->parent, SUBJECT_HOST);
	struct unit *u = unit_of_id(en, s->parent);
	struct device *d;
	struct check *c;

	if (h == NULL && u == NULL)
		return TC_ENOENT;
	c = u != NULL ? unit_check_add(en, u, s->key, b->probe, s->id) :
		check_add(en, h, s->key, b->probe, s->id);
	if (c == NULL)
		return TC_ENOMEM;
	c->passive = b->passive;
	d = subject_get(en, b->device, SUBJECT_DEVICE);
	if (d != NULL && u == NULL)
		check_set_device(c, d);
	return 0;
}

static int
restore_unit(struct engine *en, const struct change_subject *s,
	const struct body *b)
{
	struct unit *vm = subject_get(en, s->parent, SUBJECT_VM);
	struct host *h = vm != NULL ? vm->host :
		subject_get(en, s->parent, SUBJECT_HOST);
	struct unit *u;
	char *address;

	if (h == NULL)
		return TC_ENOENT;
	u = unit_make(en, &(struct unit_birth){ s->kind == SUBJECT_VM, s->key,
		h, vm, s->id });
	address = u != NULL ? mem_strdup(b->address) : NULL;
	if (address == NULL)
		return TC_ENOMEM;
	mem_free(u->address);
	u->address = address;
	u->owner = owner_of(b->owner);
	u->declared = b->declared;
	(void)unit_class_parse(b->cls, strlen(b->cls), &u->cls);
	(void)unit_agent_parse(b->agent, strlen(b->agent), &u->agent);
	return 0;
}

static int
restore_device(struct engine *en, const struct change_subject *s,
	const struct body *b)
{
	struct host *h = subject_get(en, s->parent, SUBJECT_HOST);
	struct device *d;

	if (h == NULL)
		return TC_ENOENT;
	d = device_add(en, h, &(struct device_id){ b->kind, b->model,
		b->serial, b->wwn }, s->id);
	if (d == NULL)
		return TC_ENOMEM;
	d->first.ms = b->first_ms;
	d->replaces = b->replaces;
	d->gone = s->retired;
	d->gone_at.ms = b->gone_ms;
	return 0;
}

int
engine_restore_subject(struct engine *en, const struct change_subject *s)
{
	struct body b;
	int rc = 0;
	char *text;

	if (s->id >= en->next_subject)
		en->next_subject = s->id + 1;
	if (s->retired && s->kind != SUBJECT_HOST && s->kind != SUBJECT_DEVICE)
		return 0;
	text = mem_strdup(s->body != NULL ? s->body : "{}");
	if (text == NULL)
		return TC_ENOMEM;
	if (read_body(text, &b) < 0) {
		mem_free(text);
		return TC_ECORRUPT;
	}
	switch (s->kind) {
	case SUBJECT_PARTITION:
		if (hash_get_str(&en->parts, s->key) == NULL &&
		    part_add(en, s->key, s->id) == NULL)
			rc = TC_ENOMEM;
		break;
	case SUBJECT_HOST:
		rc = restore_host(en, s, &b);
		break;
	case SUBJECT_CHECK:
		rc = restore_check(en, s, &b);
		break;
	case SUBJECT_DEVICE:
		rc = restore_device(en, s, &b);
		break;
	case SUBJECT_VM:
	case SUBJECT_ROLE:
		rc = restore_unit(en, s, &b);
		break;
	case SUBJECT_SERVER:
		break;
	}
	mem_free(text);
	return rc;
}

#define HOST_SAVED_VERSION 1

void
host_state_save(const struct host *h, unsigned char out[HOST_SAVED_BYTES])
{
	out[0] = HOST_SAVED_VERSION;
	out[1] = (unsigned char)h->health;
	out[2] = (unsigned char)h->disposition;
	out[3] = 0;
	le_put(out + 4, (uint64_t)h->since.ms, 8);
}

static int
restore_host_state(struct host *h, const unsigned char *in, size_t n)
{
	if (n != HOST_SAVED_BYTES || in[0] != HOST_SAVED_VERSION ||
	    in[1] > HEALTH_STALE || in[2] > DISPOSITION_RETIRED)
		return TC_ECORRUPT;
	h->health = (enum health)in[1];
	h->disposition = (enum disposition)in[2];
	h->since.ms = (int64_t)le_get(in + 4, 8);
	return 0;
}

int
engine_restore_state(struct engine *en, const struct change_state *s)
{
	struct check *c = subject_get(en, s->subject, SUBJECT_CHECK);
	struct device *d = subject_get(en, s->subject, SUBJECT_DEVICE);
	struct host *h = subject_get(en, s->subject, SUBJECT_HOST);
	int rc;

	struct part *p = subject_get(en, s->subject, SUBJECT_PARTITION);
	struct unit *u = unit_of_id(en, s->subject);

	if (strcmp(s->kind, "unit") == 0 && u != NULL)
		return unit_restore(u, s->bytes, s->n);
	if (strcmp(s->kind, "diagnosis") == 0 && h != NULL)
		return diagnosis_restore(h, s->bytes, s->n);
	if (strcmp(s->kind, "ladder") == 0 && h != NULL)
		return climb_restore(en, h, s->bytes, s->n);
	if (strcmp(s->kind, "strain") == 0 && h != NULL)
		return strain_restore(en, h, s->bytes, s->n);
	if (strcmp(s->kind, "agent") == 0 && h != NULL)
		return watch_restore(en, h, s->bytes, s->n);
	if (strcmp(s->kind, "switch") == 0 && p != NULL && s->n == 1) {
		p->off = *(const unsigned char *)s->bytes;
		return 0;
	}
	if (strcmp(s->kind, "pace") == 0 && p != NULL)
		return pace_of_part_restore(p, s->bytes, s->n);
	if (strcmp(s->kind, "brake") == 0 && p != NULL)
		return brake_restore(s->bytes, s->n, &p->brake, NULL);
	if (strcmp(s->kind, "signals") == 0 && h != NULL)
		return outlook_restore(en, h, s->bytes, s->n);
	if (strcmp(s->kind, "host") == 0 && h != NULL)
		return restore_host_state(h, s->bytes, s->n);
	if (strcmp(s->kind, "check") == 0 && c != NULL) {
		rc = check_state_restore(s->bytes, s->n, (struct mono){ 0 },
			&c->st, NULL);
		/* an earlier version is not ours: it is saved again */
		c->unsaved = rc == 0 && s->n != CHECK_SAVED_BYTES;
		return rc;
	}
	if (strcmp(s->kind, "device") == 0 && d != NULL) {
		rc = features_restore(s->bytes, s->n, &d->features, NULL);
		d->has_features = rc == 0;
		return rc;
	}
	if (strcmp(s->kind, "drive") == 0 && d != NULL)
		return drive_restore(s->bytes, s->n, &d->drive, NULL);
	if (strcmp(s->kind, "seen") == 0 && d != NULL)
		return device_seen_restore(d, s->bytes, s->n);
	if (strcmp(s->kind, "accept") == 0 && d != NULL)
		return accept_restore(d, s->bytes, s->n);
	return c == NULL && d == NULL && h == NULL ? TC_ENOENT : TC_EUNSUP;
}

int
engine_restore_prediction(struct engine *en,
	const struct change_prediction *p)
{
	struct device *d = subject_get(en, p->subject, SUBJECT_DEVICE);
	struct host *h = subject_get(en, p->subject, SUBJECT_HOST);

	if (h != NULL)
		return outlook_restore_prediction(en, h, p);
	if (d == NULL)
		return TC_ENOENT;
	if (!level_from_name(p->level, strlen(p->level), &d->level))
		return TC_ECORRUPT;
	d->prediction_id = p->id;
	d->level_since = p->since;
	return 0;
}

int
engine_restore_plan(struct engine *en, const struct change_plan *p)
{
	struct host *h = subject_get(en, p->host, SUBJECT_HOST);
	struct unit *u = unit_of_id(en, p->host);
	struct host_plan **at;
	struct host_rare *own;

	if (p->id > en->plan_id)
		en->plan_id = p->id;
	if ((h == NULL && u == NULL) || p->state == PLAN_STATE_WITHDRAWN)
		return TC_ENOENT;
	own = u == NULL ? host_rare(h) : NULL;
	if (u == NULL && own == NULL)
		return TC_ENOMEM;
	at = u != NULL ? &u->plan : &own->plan;
	if (*at == NULL)
		*at = host_plan_new(en);
	if (*at == NULL)
		return TC_ENOMEM;
	**at = (struct host_plan){ .id = p->id, .action = p->action,
		.state = p->state, .since = p->since, .paced = true };
	if (u == NULL)
		pace_found(h);
	return 0;
}

void
engine_restore_ids(struct engine *en, const struct engine_ids *ids)
{
	if (ids->alert > en->alert_id)
		en->alert_id = ids->alert;
	if (ids->plan > en->plan_id)
		en->plan_id = ids->plan;
	if (ids->window > en->window_id)
		en->window_id = ids->window;
	if (ids->note > en->note_id)
		en->note_id = ids->note;
}

/* Events of an unclean run may have been given out: their numbers are left. */
void
engine_restore_seq(struct engine *en, uint64_t event_seq,
	uint64_t prediction_id, bool clean)
{
	en->event_seq = event_seq + (clean ? 0 : 1000);
	en->prediction_id = prediction_id;
}

static void
wake_check(struct engine *en, struct check *c, struct now now)
{
	c->st.heard = awake_in(en, check_host(c)->part, now);
	c->st.unmeasured_ms = 0;
	if (c->st.since.ms == 0)
		c->st.since = now.wall;
	if (!c->passive)
		return;
	if (check_set_rule(en, c, &en->passive) == 0 &&
	    strcmp(c->kind->probe, "smart") == 0)
		(void)check_set_interval(en, c, en->smart_interval);
}

/*
 * All is restored: silence is counted from now on, and every device is judged
 * before anybody asks.
 */
void
restore_finish(struct engine *en, struct now now)
{
	size_t at = 0;
	struct host *h;
	struct device *d;

	while ((h = roster_next(en, &at)) != NULL) {
		for (size_t i = 0; i < h->n_checks; i++)
			wake_check(en, host_checks(h)[i], now);
		for (struct unit *u = h->rare->units; u != NULL; u = u->next) {
			for (size_t i = 0; i < u->n_checks; i++)
				wake_check(en, u->checks[i], now);
			unit_wake(en, u, now);
		}
		watch_wake(en, h, now);
	}
	at = 0;
	while ((d = hash_next(&en->devices, &at)) != NULL) {
		if (d->check != NULL) {
			if (d->check->st.at.ms > d->at.ms)
				d->at = d->check->st.at;
			d->asleep = d->check->st.asleep != 0;
			d->reason = (enum tocsin_reason)d->check->st.reason;
		}
		risk_judge(en, d, now);
	}
	at = 0;
	while ((h = roster_next(en, &at)) != NULL)
		outlook_age(en, h, now);
	climbs_wake(en, now);
	strains_wake(en, now);
	parents_count(en);
	en->restored = true;
}
