/*
 * /v1/maintenance: windows, what they would mean for the fleet, and what
 * people are told of them.
 */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"
#include "plan/spread.h"
#include "plan/window.h"

#define NAMES_SHOWN 100
#define SERVICES_SHOWN 200

static void
add_window(struct json_write *j, const struct snapshot *s,
	const struct snap_window *w)
{
	window_add_members(j, w->w);
	json_add_bool(j, "running", window_runs(w->w, s->at));
	json_add_u64(j, "n_hosts", w->n_hosts);
}

/* Whether one runs moves with the clock, not with a generation. */
void
view_windows(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	struct json_write w;

	if (reply_unchanged(r, s, true))
		return;
	reply_open(r, &w, s);
	json_add_array(&w, "items");
	for (size_t i = 0; i < s->n_windows; i++) {
		json_put_object(&w);
		add_window(&w, s, &s->windows[i]);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_add_null(&w, "next");
	json_put_end(&w);
}

/* NULL after having set 404. */
static const struct snap_window *
find_window(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const char *asked = r->target.segs[2];
	uint64_t id = 0;

	if (u64_parse(asked, strlen(asked), &id) == 0)
		for (size_t i = 0; i < s->n_windows; i++)
			if (s->windows[i].w->id == id)
				return &s->windows[i];
	problem_set(r, 404, "not_found", "there is no window %s", asked);
	return NULL;
}

void
view_window(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const struct snap_window *found = find_window(r);
	struct json_write w;

	if (found == NULL || reply_unchanged(r, s, true))
		return;
	reply_open(r, &w, s);
	add_window(&w, s, found);
	json_put_end(&w);
}

/* ---- what it would mean ---- */

struct impact {
	const struct snapshot *s;
	const struct window *w;
	struct arena arena;
	const struct snap_host **hosts;	/* covered */
	size_t n;
	size_t running;		/* of them, in a window now */
	size_t below;		/* of them, for they hang on others */
	size_t vms, roles;	/* that go down with it */
	struct spread_host *groups;	/* the fleet's, by service */
	size_t n_groups;
};

/* It lies on the host, or on one that it hangs on. */
static bool
covers(const void *arg, const struct window *w, const void *of)
{
	const struct snapshot *s = arg;
	const struct snap_host *h = of;

	for (int i = 0; h != NULL && i <= FLEET_PARENTS_MOST; i++) {
		if (window_covers(w, h->name, h->partition))
			return true;
		h = h->rare->kin == NULL ? NULL :
			snapshot_host(s, h->rare->kin->parent);
	}
	return false;
}

static bool
is_service(const struct tag *t)
{
	return spread_is_group(t) || (t->value[0] != '\0' &&
		(strcmp(t->key, "service") == 0 ||
		strcmp(t->key, "role") == 0));
}

/* All of a covered host; else the VMs that are named, with their roles. */
static void
count_units(struct impact *m, const struct snap_host *h)
{
	bool all = covers(m->s, m->w, h);

	for (size_t i = 0; i < h->rare->n_units; i++) {
		const struct snap_unit *u = &h->rare->units[i];
		const char *vm = u->is_vm ? u->name : "";

		for (size_t k = 0; !u->is_vm && k < h->rare->n_units; k++)
			if (h->rare->units[k].id == u->vm)
				vm = h->rare->units[k].name;
		if (!all && !window_covers_vm(m->w, vm))
			continue;
		m->vms += u->is_vm;
		m->roles += !u->is_vm;
	}
}

static void
see_host(struct impact *m, const struct snap_host *h, bool fill)
{
	for (size_t i = 0; i < h->n_tags; i++) {
		if (!is_service(&h->tags[i]))
			continue;
		if (fill)
			m->groups[m->n_groups] = (struct spread_host){ h->name,
				h->tags[i].value, h };
		m->n_groups++;
	}
	if (fill)
		count_units(m, h);
	if (!covers(m->s, m->w, h))
		return;
	if (fill) {
		m->hosts[m->n] = h;
		m->running += h->rare->window_id != 0;
		m->below += !window_covers(m->w, h->name, h->partition);
	}
	m->n++;
}

static void
see_all(struct impact *m, bool fill)
{
	m->n = 0;
	m->n_groups = 0;
	for (size_t i = 0; i < m->s->n_chunks; i++)
		for (size_t k = 0; k < m->s->chunks[i]->n; k++)
			see_host(m, m->s->chunks[i]->hosts[k], fill);
}

static int
impact_make(struct impact *m, const struct snapshot *s,
	const struct window *w)
{
	*m = (struct impact){ .s = s, .w = w };
	see_all(m, false);
	m->hosts = arena_alloc(&m->arena, (m->n + 1) * sizeof(*m->hosts));
	m->groups = arena_alloc(&m->arena,
		(m->n_groups + 1) * sizeof(*m->groups));
	if (m->hosts == NULL || m->groups == NULL)
		return TC_ENOMEM;
	see_all(m, true);
	if (m->n_groups > 0)
		spread_sort(m->groups, m->n_groups);
	return 0;
}

static double
share(size_t n, size_t of)
{
	return of == 0 ? 0 : (double)n / (double)of;
}

static void
add_partitions(struct json_write *j, const struct impact *m)
{
	const struct snap_partition *p;

	json_add_array(j, "partitions");
	for (p = next_partition(m->s, ""); p != NULL;
	     p = next_partition(m->s, p->name)) {
		size_t n = 0;

		for (size_t i = 0; i < m->n; i++)
			n += strcmp(m->hosts[i]->partition, p->name) == 0;
		if (n == 0)
			continue;
		json_put_object(j);
		json_add_str(j, "partition", p->name);
		json_add_u64(j, "hosts", p->n_hosts);
		json_add_u64(j, "covered", n);
		json_add_double(j, "share", share(n, p->n_hosts));
		json_put_end(j);
	}
	json_put_end(j);
}

struct service {
	const char *name;
	size_t all, covered;
	const char *host;	/* the last that is covered */
};

/* The service that begins at *i, which goes on behind it. */
static struct service
next_service(const struct impact *m, size_t *i)
{
	struct service s = { .name = m->groups[*i].group };
	const char *last = "";

	for (; *i < m->n_groups &&
		strcmp(m->groups[*i].group, s.name) == 0; (*i)++) {
		const struct spread_host *h = &m->groups[*i];

		if (strcmp(h->name, last) == 0)
			continue;	/* by two of its tags */
		last = h->name;
		s.all++;
		if (!covers(m->s, m->w, h->of))
			continue;
		s.covered++;
		s.host = h->name;
	}
	return s;
}

static void
add_services(struct json_write *j, const struct impact *m)
{
	size_t shown = 0;

	json_add_array(j, "services");
	for (size_t i = 0; i < m->n_groups && shown < SERVICES_SHOWN;) {
		struct service s = next_service(m, &i);

		if (s.covered == 0)
			continue;
		json_put_object(j);
		json_add_str(j, "service", s.name);
		json_add_u64(j, "hosts", s.all);
		json_add_u64(j, "covered", s.covered);
		json_add_u64(j, "left", s.all - s.covered);
		json_put_end(j);
		shown++;
	}
	json_put_end(j);
	json_add_array(j, "single_instance_apps");
	for (size_t i = 0; i < m->n_groups;) {
		struct service s = next_service(m, &i);

		if (s.all != 1 || s.covered != 1)
			continue;
		json_put_object(j);
		json_add_str(j, "service", s.name);
		json_add_str(j, "host", s.host);
		json_put_end(j);
	}
	json_put_end(j);
}

static size_t
only_replicas(const struct impact *m, struct spread_host *out)
{
	size_t n = 0;

	for (size_t c = 0; c < m->s->n_chunks; c++)
		for (size_t k = 0; k < m->s->chunks[c]->n; k++) {
			const struct snap_host *h = m->s->chunks[c]->hosts[k];

			for (size_t i = 0; i < h->n_tags; i++)
				if (spread_is_group(&h->tags[i]))
					out[n++] = (struct spread_host){
						h->name, h->tags[i].value, h };
		}
	if (n > 0)
		spread_sort(out, n);
	return n;
}

/* Each window with which it leaves nothing of a service. */
static void
add_conflicts(struct json_write *j, struct impact *m)
{
	struct spread_host *hosts = arena_alloc(&m->arena,
		(m->n_groups + 1) * sizeof(*hosts));
	const struct spread_list list = { hosts,
		hosts != NULL ? only_replicas(m, hosts) : 0, covers, m->s };

	json_add_array(j, "conflicts");
	for (size_t i = 0; i < m->s->n_windows; i++) {
		/* the same window, changed by nobody meanwhile */
		struct window *other =
			(struct window *)(uintptr_t)m->s->windows[i].w;
		struct spread_found found;

		if (other->id == m->w->id || !spread_conflict(&list, m->w,
			&other, 1, &found))
			continue;
		json_put_object(j);
		json_add_u64(j, "window", other->id);
		json_add_str(j, "service", found.group);
		json_add_array(j, "hosts");
		for (size_t k = 0; k < found.n; k++)
			json_put_str(j, hosts[found.first + k].name);
		json_put_end(j);
		json_put_end(j);
	}
	json_put_end(j);
}

static void
put_impact(struct request *r, struct impact *m)
{
	struct json_write w;

	reply_open(r, &w, m->s);
	r->reply.cache = "no-store";
	add_id(&w, "id", m->w->id);
	json_add_u64(&w, "hosts", m->n);
	json_add_array(&w, "host_names");
	for (size_t i = 0; i < m->n && i < NAMES_SHOWN; i++)
		json_put_str(&w, m->hosts[i]->name);
	json_put_end(&w);
	json_add_u64(&w, "hosts_below", m->below);
	json_add_u64(&w, "vms", m->vms);
	json_add_u64(&w, "roles", m->roles);
	json_add_u64(&w, "in_maintenance_now", m->running);
	json_add_double(&w, "share_of_fleet", share(m->n, m->s->n_hosts));
	add_partitions(&w, m);
	add_services(&w, m);
	add_conflicts(&w, m);
	json_put_end(&w);
}

static void
show_impact(struct request *r, const struct window *w)
{
	struct impact m;

	if (impact_make(&m, request_snapshot(r), w) < 0)
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
	else
		put_impact(r, &m);
	arena_free(&m.arena);
}

void
view_impact(struct request *r)
{
	const struct snap_window *found = find_window(r);

	if (found != NULL)
		show_impact(r, found->w);
}

/* Scope that the snapshot does not know. */
static int
check_scope(const struct snapshot *s, const struct window *w,
	struct tc_err *e)
{
	bool known = w->partition[0] == '\0';

	for (size_t i = 0; i < s->n_partitions && !known; i++)
		known = strcmp(s->partitions[i].name, w->partition) == 0;
	if (!known)
		return tc_fail(e, TC_EINVAL, "/partition: no partition '%s'",
			w->partition);
	for (size_t i = 0; i < w->n_hosts; i++)
		if (snapshot_host(s, w->hosts[i]) == NULL)
			return tc_fail(e, TC_EINVAL, "/hosts: no host '%s'",
				w->hosts[i]);
	return 0;
}

/*
 * Of a window that is not made yet: the same body.  Where the zone's rule is
 * is not known here, what repeats is taken for UTC.
 */
void
view_impact_of(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	struct window *w = MEM_NEW(struct window);
	struct tc_err e = { 0 };

	strbuf_reserve(&r->body, 0);
	if (w == NULL || r->body.failed) {
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
	} else if (window_read(r->body.p, r->body.n, w, &e) < 0 ||
		check_scope(s, w, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
	} else {
		if (w->repeat.every != REPEAT_NEVER)
			(void)window_begin(w, s->at);
		w->id = 0;
		show_impact(r, w);
	}
	window_free(w);
}

/* ---- what people are told ---- */

void
view_notice(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const struct snap_window *found = find_window(r);
	const char *names[NAMES_SHOWN];
	struct notice_hosts hosts = { .names = names };
	struct json_write w;
	struct impact m;

	if (found == NULL || reply_unchanged(r, s, false))
		return;
	if (impact_make(&m, s, found->w) < 0) {
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
	} else {
		hosts.all = m.n;
		for (; hosts.n < m.n && hosts.n < NAMES_SHOWN; hosts.n++)
			names[hosts.n] = m.hosts[hosts.n]->name;
		reply_open(r, &w, s);
		json_add_u64(&w, "id", found->w->id);
		notice_add_members(&w, found->w, &hosts);
		json_put_end(&w);
	}
	arena_free(&m.arena);
}
