/*
 * Orders about hosts: put, changed, retired; and what other monitors say.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/devices.h"
#include "engine/inside.h"
#include "engine/parents.h"
#include "engine/unit.h"
#include "model/name.h"
#include "wire/json_read.h"

#define SIGNAL_TTL_S 3600
#define TAGS_MAX 64

struct host_wish {
	char partition[NAME_MAX_BYTES + 1];
	char address[256];
	enum disposition disposition;
	char parent[NAME_MAX_BYTES + 1];	/* "" = it hangs on nothing */
	bool has_partition, has_address, has_disposition, has_tags, has_parent;
	struct tag tags[TAGS_MAX];
	size_t n_tags;
};

static void
get_tags(struct json_read *r, struct host_wish *h)
{
	struct redundancy groups;
	struct tc_err why = { 0 };
	struct json_str key;

	h->has_tags = true;
	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key)) {
		const char *value = json_get_cstr(r, 1024);

		if (h->n_tags == TAGS_MAX)
			json_fail(r, "more than %d tags", TAGS_MAX);
		else
			h->tags[h->n_tags++] = (struct tag){ key.p, value };
		if (!json_failed(r) && json_str_is(key, REDUNDANCY_TAG) &&
		    redundancy_parse(value, &groups, &why) < 0)
			json_fail(r, "%s", why.text);
	}
}

static void
get_disposition(struct json_read *r, struct host_wish *h)
{
	const char *text = json_get_cstr(r, 32);

	h->has_disposition = true;
	if (!json_failed(r) &&
	    !disposition_parse(text, strlen(text), &h->disposition))
		json_fail(r, "'%s' is no disposition", text);
}

/* Folded, "" when it is not there. */
static void
get_name(struct json_read *r, char out[NAME_MAX_BYTES + 1])
{
	const char *text = json_get_cstr(r, NAME_MAX_BYTES);
	struct tc_err why = { 0 };

	out[0] = '\0';
	if (!json_failed(r) && text[0] != '\0' &&
	    name_fold(text, strlen(text), out, &why) < 0)
		json_fail(r, "%s", why.text);
}

static int
read_host(const struct engine_wish *w, struct host_wish *h, struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	struct tc_err why = { 0 };

	memset(h, 0, sizeof(*h));
	json_open(&r, w->body, w->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "tags")) {
				get_tags(&r, h);
			} else if (json_str_is(key, "disposition")) {
				get_disposition(&r, h);
			} else if (json_str_is(key, "address")) {
				h->has_address = true;
				snprintf(h->address, sizeof(h->address), "%s",
					json_get_cstr(&r, 255));
				if (!name_is_address(h->address))
					json_fail(&r, "'%s' is no address or "
						"name", h->address);
			} else if (json_str_is(key, "parent")) {
				h->has_parent = true;
				get_name(&r, h->parent);
			} else if (json_str_is(key, "partition")) {
				const char *p = json_get_cstr(&r,
					NAME_MAX_BYTES);

				h->has_partition = true;
				if (name_fold(p, strlen(p), h->partition,
					    &why) < 0)
					json_fail(&r, "%s", why.text);
			} else {
				json_unknown(&r);
			}
		}
	return json_close(&r, e);
}

/* Of the name in the wish; *out NULL = none is wished. */
static int
find_parent(const struct engine *en, const struct engine_wish *w,
	const struct host_wish *wish, const struct host **out,
	struct tc_err *e)
{
	*out = NULL;
	if (wish->parent[0] == '\0')
		return 0;
	*out = host_find(en, wish->parent);
	if (*out == NULL || !(*out)->present)
		return tc_fail(e, TC_ERANGE, "/parent: no host '%s'",
			wish->parent);
	return parent_allowed(en, host_find(en, w->target), w->target, *out,
		e);
}

static int
change_parent(struct engine *en, const struct engine_wish *w, struct host *h,
	const struct host *to, struct tc_err *e)
{
	const struct host *from = parent_of(en, h);

	if (from == to)
		return 0;
	if (parent_set(en, h, to, e) < 0)
		return e->code;
	audit_change(en, w, "host.parent", h->id, (const char *const[]){ "",
		from != NULL ? from->name : "", to != NULL ? to->name : "" });
	return 0;
}

/* Its checks stay: PUT describes the host, not what watches it. */
int
order_put_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct host *h = host_find(en, w->target);
	struct host_wish wish;
	struct host_def def = { .name = w->target, .owner = OWNER_API };
	const struct host *parent;
	int rc = read_host(w, &wish, e);

	if (rc < 0)
		return rc;
	if (wish.has_disposition)
		return tc_fail(e, TC_EINVAL, "/disposition: is set by PATCH");
	if (h != NULL && h->present && h->owner != OWNER_API)
		return tc_fail(e, TC_EEXIST, "owned_by: %s",
			host_owner_id(h->owner));
	if ((rc = find_parent(en, w, &wish, &parent, e)) < 0)
		return rc;
	def.partition = wish.has_partition ? wish.partition : "default";
	def.address = wish.address;
	def.tags = wish.tags;
	def.n_tags = wish.n_tags;
	if (host_take_def(en, &def) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	h = host_find(en, w->target);
	audit_change(en, w, "host.put", h->id, (const char *const[]){ "", "",
		def.address });
	if ((rc = change_parent(en, w, h, parent, e)) < 0)
		return rc;
	strbuf_printf(reply, "\"name\":\"%s\",\"id\":%u", h->name, h->id);
	return 0;
}

static bool
source_is_file(const struct host *h)
{
	return h->owner == OWNER_CONFIG || h->owner == OWNER_FILE_SD;
}

/* Overlays: tags of an owned host come back with its source's next reading. */
int
order_patch_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct host *h = host_find(en, w->target);
	struct host_wish wish;
	struct host_def def;
	const struct host *parent;
	enum disposition before;
	int rc;

	if (h == NULL || !h->present)
		return tc_fail(e, TC_ENOENT, "no host '%s'", w->target);
	if ((rc = read_host(w, &wish, e)) < 0)
		return rc;
	if (wish.has_address || wish.has_partition)
		return tc_fail(e, TC_EINVAL, "address and partition are the "
			"owner's: %s", host_owner_id(h->owner));
	if (wish.has_parent && source_is_file(h))
		return tc_fail(e, TC_EEXIST, "owned_by: %s, which says what "
			"it hangs on", host_owner_id(h->owner));
	if ((rc = find_parent(en, w, &wish, &parent, e)) < 0)
		return rc;
	before = h->disposition;
	if (wish.has_disposition &&
	    (rc = host_dispose(en, h, w, wish.disposition, e)) < 0)
		return rc;
	def = (struct host_def){ .tags = wish.tags, .n_tags = wish.n_tags };
	if (wish.has_tags && host_copy_tags(h, &def) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	h->part->targets_moved = h->part->targets_moved || wish.has_tags;
	if (wish.has_parent &&
	    (rc = change_parent(en, w, h, parent, e)) < 0)
		return rc;
	risk_fold(en, h);
	host_say_subject(en, h);
	say_host_state(en, h);
	mark(en, h, DIRTY_URGENT);
	audit_change(en, w, "host.patch", h->id, (const char *const[]){ "",
		disposition_id(before), disposition_id(h->disposition) });
	strbuf_printf(reply, "\"name\":\"%s\",\"disposition\":\"%s\"", h->name,
		disposition_id(h->disposition));
	if (wish.has_parent)
		strbuf_printf(reply, ",\"parent\":\"%s\"", wish.parent);
	return 0;
}

int
order_delete_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct host *h = host_find(en, w->target);

	if (h == NULL || !h->present)
		return tc_fail(e, TC_ENOENT, "no host '%s'", w->target);
	if (source_is_file(h))
		return tc_fail(e, TC_EEXIST, "owned_by: %s",
			host_owner_id(h->owner));
	host_retire(en, h, en->now);
	audit_change(en, w, "host.delete", h->id, (const char *const[]){ "",
		"in_service", "retired" });
	strbuf_printf(reply, "\"name\":\"%s\",\"state\":\"retired\"", h->name);
	return 0;
}

/* ---- signals of other monitors ---- */

struct signal_wish {
	const char *host;
	const char *vm;
	const char *role;
	const char *vm_state;
	const char *source;
	const char *text;
	enum tocsin_outcome outcome;
	struct dur ttl;
};

static void
get_outcome(struct json_read *r, struct signal_wish *s)
{
	const char *text = json_get_cstr(r, 16);

	if (!json_failed(r) && !outcome_parse(text, strlen(text), &s->outcome))
		json_fail(r, "'%s' is none of ok fail unknown", text);
}

static void
get_ttl(struct json_read *r, struct signal_wish *s)
{
	struct tc_err e = { 0 };

	if (dur_parse(json_get_cstr(r, 32), &s->ttl, &e) < 0 &&
	    !json_failed(r))
		json_fail(r, "%s", e.text);
	else if (s->ttl.ns < dur_s(1).ns || s->ttl.ns > dur_s(604800).ns)
		json_fail(r, "must be from 1s to 7d");
}

static int
read_signal(const struct engine_wish *w, struct signal_wish *s,
	struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	int rc;

	*s = (struct signal_wish){ "", "", "", "", "", "", TOCSIN_UNKNOWN,
		dur_s(SIGNAL_TTL_S) };
	json_open(&r, w->body, w->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "host"))
				s->host = json_get_cstr(&r, NAME_MAX_BYTES);
			else if (json_str_is(key, "vm"))
				s->vm = json_get_cstr(&r, NAME_MAX_BYTES);
			else if (json_str_is(key, "role"))
				s->role = json_get_cstr(&r, NAME_MAX_BYTES);
			else if (json_str_is(key, "vm_state"))
				s->vm_state = json_get_cstr(&r, 16);
			else if (json_str_is(key, "source"))
				s->source = json_get_cstr(&r, 64);
			else if (json_str_is(key, "text"))
				s->text = json_get_cstr(&r, 255);
			else if (json_str_is(key, "outcome"))
				get_outcome(&r, s);
			else if (json_str_is(key, "ttl"))
				get_ttl(&r, s);
			else
				json_unknown(&r);
		}
	rc = json_close(&r, e);
	if (rc == 0 && !name_is_metric(s->source, strlen(s->source)))
		rc = tc_fail(e, TC_EINVAL, "/source: must be a short name such "
			"as haproxy");
	return rc;
}

/* Whom a signal is about: a host, one of its VMs, a role of either. */
struct signal_whom {
	struct host *host;
	struct unit *unit;	/* NULL: the host itself */
};

static int
find_whom(struct engine *en, const struct signal_wish *s,
	struct signal_whom *out, struct tc_err *e)
{
	char name[NAME_MAX_BYTES + 1];
	struct unit *vm = NULL;
	int rc;

	*out = (struct signal_whom){ 0 };
	if (s->host[0] != '\0' || s->vm[0] == '\0') {
		if ((rc = name_fold(s->host, strlen(s->host), name, e)) < 0)
			return rc;
		out->host = host_find(en, name);
		if (out->host == NULL || !out->host->present)
			return tc_fail(e, TC_ENOENT, "no host '%s'", name);
	}
	if (s->vm[0] != '\0') {
		if ((rc = name_fold(s->vm, strlen(s->vm), name, e)) < 0)
			return rc;
		vm = vm_find(en, name);
		if (vm == NULL || (out->host != NULL && vm->host != out->host &&
			s->vm_state[0] == '\0'))
			return tc_fail(e, TC_ENOENT, "no VM '%s' there", name);
		if (out->host == NULL)
			out->host = vm->host;
		out->unit = vm;
	}
	if (s->role[0] == '\0')
		return 0;
	if ((rc = name_fold(s->role, strlen(s->role), name, e)) < 0)
		return rc;
	out->unit = role_find(vm != NULL ? vm->host : out->host, vm, name);
	return out->unit != NULL ? 0 :
		tc_fail(e, TC_ENOENT, "no role '%s' there", name);
}

/* A hypervisor's word: judged as such, not as a check. */
static int
take_vm_state(struct engine *en, const struct engine_wish *w,
	const struct signal_wish *s, const struct signal_whom *whom,
	struct tc_err *e)
{
	enum vm_run before;
	struct observation ob = { .probe = "hypervisor", .at = en->now.wall,
		.text = s->text, .device.kind = "" };

	if (!vm_run_parse(s->vm_state, strlen(s->vm_state), &ob.run))
		return tc_fail(e, TC_EINVAL, "/vm_state: '%s' is none of "
			"running paused crashed shut_off", s->vm_state);
	if (whom->unit == NULL || !whom->unit->is_vm)
		return tc_fail(e, TC_EINVAL, "/vm_state: of which vm?");
	if (ob.run == VM_RUN_RUNNING)
		vm_move(en, whom->unit, whom->host, en->now);
	before = whom->unit->run;
	unit_observe(en, whom->unit, &ob, dur_s(0));
	mark(en, whom->unit->host, DIRTY_URGENT);
	/* It may be said every few seconds: only news goes into the trail. */
	if (before != ob.run)
		audit_change(en, w, "signal.take", whom->unit->id,
			(const char *const[]){ s->text, vm_run_id(before),
			vm_run_id(ob.run) });
	return 0;
}

static struct check *
signal_check(struct engine *en, const struct signal_whom *whom,
	const char *key)
{
	struct unit *u = whom->unit;
	struct check *c = u != NULL ? unit_check_find(u, key) :
		check_find(whom->host, key);

	if (c != NULL)
		return c;
	c = u != NULL ? unit_check_add(en, u, key, "signal", 0) :
		check_add(en, whom->host, key, "signal", 0);
	if (c != NULL)
		check_say_subject(en, c, false);
	return c;
}

/* One word of another monitor convicts or acquits; it is stale after ttl. */
int
order_take_signal(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct signal_whom whom;
	struct signal_wish s;
	struct observation ob;
	struct check *c;
	struct host *h;
	char key[128];
	int rc = read_signal(w, &s, e);

	if (rc < 0 || (rc = find_whom(en, &s, &whom, e)) < 0)
		return rc;
	h = whom.host;
	if (s.vm_state[0] != '\0') {
		if ((rc = take_vm_state(en, w, &s, &whom, e)) < 0)
			return rc;
		strbuf_printf(reply, "\"host\":\"%s\",\"check\":"
			"\"hypervisor\",\"unit\":\"%s\"",
			whom.unit->host->name, whom.unit->path);
		return 0;
	}
	snprintf(key, sizeof(key), "signal:%s", s.source);
	c = signal_check(en, &whom, key);
	if (c == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if (check_set_rule(en, c, &(struct check_rule){ .interval = s.ttl,
		.timeout = s.ttl, .fail_after = 1, .clear_after = 1,
		.stale_after = 1 }) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	ob = (struct observation){ .probe = "signal", .at = en->now.wall,
		.outcome = s.outcome, .text = s.text, .device.kind = "",
		.reason = s.outcome == TOCSIN_FAIL ?
			TOCSIN_WHY_REPORTED_CRITICAL : s.outcome == TOCSIN_OK ?
			TOCSIN_WHY_NONE : TOCSIN_WHY_EXEC_UNKNOWN };
	judge_observation(en, c, &ob, en->now);
	run_schedule(en, c, en->now);
	mark(en, h, DIRTY_URGENT);
	audit_change(en, w, "signal.take", check_whose(c), (const char *const[]){
		s.text, s.source, outcome_id(s.outcome) });
	strbuf_printf(reply, "\"host\":\"%s\",\"check\":\"%s\"", h->name, key);
	if (whom.unit != NULL)
		strbuf_printf(reply, ",\"unit\":\"%s\"", whom.unit->path);
	return 0;
}
