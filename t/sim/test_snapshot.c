/*
 * A snapshot made of what moved since the last is the same as one made from
 * nothing, after any accidents; and a reader's old one stays as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "engine/shown.h"
#include "predict/builtin.h"
#include "predict/rules.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

/* Few enough that one snapshot a second shows all of them anew. */
#define HOSTS 140
#define STEPS 120

/* ---- all that a snapshot says, in words ---- */

static void
put_check(struct strbuf *b, const struct snap_chunk *in,
	const struct snap_check *c)
{
	const struct snap_live *l = snap_live(in, c->live);
	const struct snap_names *names = c->kind->names;

	strbuf_printf(b, "\n  check %u %s %s %s %s health %d reason %d "
		"text '%s' passive %d flapping %d since %lld at %lld "
		"outcome %d fails %d oks %d changes %d every %lld", c->id,
		c->kind->key, c->kind->probe, c->kind->origin,
		snap_layer_id(c->layer), c->health, c->reason, c->text,
		c->passive, c->flapping, (long long)c->since.ms,
		(long long)l->at.ms, l->outcome, l->fails, l->oks, l->changes,
		(long long)c->kind->rule.interval.ns);
	for (size_t i = 0; names != NULL && i < names->n; i++)
		strbuf_printf(b, " %s{%s}=%.17g", names->of[i].name,
			names->of[i].instance, l->values[i]);
}

static void
put_device(struct strbuf *b, const struct snap_chunk *in,
	const struct snap_device *d)
{
	strbuf_printf(b, "\n  device %u %s %s asleep %d at %lld reason %d "
		"judged %d level %d risk %.17g verdict %d prediction %llu "
		"accepted %zu", d->id, d->ident.kind, d->ident.serial,
		d->asleep, (long long)d->at.ms, (int)d->reason, d->judged,
		(int)d->level, d->risk.d30, d->verdict != NULL ?
		d->verdict->score : 0, (unsigned long long)d->prediction_id,
		d->n_accepted);
	for (size_t i = 0; d->names != NULL && i < d->names->n; i++)
		strbuf_printf(b, " %s=%.17g", d->names->of[i].name,
			snap_live(in, d->live)->values[i]);
}

static void
put_unit(struct strbuf *b, const struct snap_chunk *in,
	const struct snap_unit *u)
{
	strbuf_printf(b, "\n  unit %u %s state %d health %d reason %d "
		"since %lld by %u cause %d run %d busy %d action %d "
		"why_not %u plan %llu", u->id, u->path, (int)u->state,
		(int)u->health, (int)u->reason, (long long)u->since.ms, u->by,
		(int)u->cause, (int)u->run, u->busy, (int)u->action,
		u->why_not, (unsigned long long)u->plan_id);
	for (int i = 0; i < 3; i++)
		strbuf_printf(b, " side %d %d", u->told[i], (int)u->sides[i]);
	for (size_t i = 0; i < u->n_checks; i++)
		put_check(b, in, &u->checks[i]);
}

static void
put_host(struct strbuf *b, const struct snap_chunk *in,
	const struct snap_host *h)
{
	strbuf_printf(b, "\nhost %u %s of %s at '%s' owner %d state %d "
		"health %d disposition %d flags %u reason %d by '%s' '%s' "
		"since %lld level %d risk %.17g '%s' device %u replace %u "
		"cause %d why_not %u plan %llu window %llu diagnosis %s",
		h->id, h->name, h->partition, h->address, (int)h->owner,
		(int)h->state, (int)h->health, (int)h->disposition, h->flags,
		(int)h->reason, h->rare->reason_check, h->rare->reason_text,
		(long long)h->since.ms, (int)h->level, h->rare->risk,
		h->rare->risk_reason,
		h->rare->risk_device, h->rare->replace_device, (int)h->cause,
		h->why_not,
		(unsigned long long)h->rare->plan_id,
		(unsigned long long)h->rare->window_id,
		h->rare->diagnosis != NULL ? h->rare->diagnosis : "none");
	for (size_t i = 0; i < h->n_tags; i++)
		strbuf_printf(b, " %s=%s", h->tags[i].key, h->tags[i].value);
	if (h->rare->outlook != NULL)
		strbuf_printf(b, " outlook %d since %lld",
			h->rare->outlook->verdict->score,
			(long long)h->rare->outlook->level_since.ms);
	if (h->rare->watch != NULL)
		strbuf_printf(b, " agent %d %d %d", h->rare->watch->expected,
			h->rare->watch->alarming, (int)h->rare->watch->reason);
	for (size_t i = 0; i < h->n_checks; i++)
		put_check(b, in, &h->checks[i]);
	for (size_t i = 0; i < h->rare->n_devices; i++)
		put_device(b, in, &h->rare->devices[i]);
	for (size_t i = 0; i < h->rare->n_units; i++)
		put_unit(b, in, &h->rare->units[i]);
}

static char *
words(const struct snapshot *s)
{
	struct strbuf b = { 0 };
	char *out;

	strbuf_printf(&b, "worst %d since %lld checks %zu devices %zu "
		"unjudged %zu vms %zu roles %zu broken %zu", (int)s->worst,
		(long long)s->since.ms, s->n_checks, s->n_devices,
		s->n_devices_unjudged, s->n_vms, s->n_roles, s->broken);
	for (size_t i = 0; i < STATE_COUNT_; i++)
		strbuf_printf(&b, " %zu", s->counts[i]);
	for (size_t i = 0; i < s->n_top; i++)
		strbuf_printf(&b, " top %s", s->top[i]->name);
	for (size_t i = 0; i < s->n_partitions; i++)
		strbuf_printf(&b, "\npartition %s %zu healthy %zu latched %d",
			s->partitions[i].name, s->partitions[i].n_hosts,
			s->partitions[i].counts[STATE_HEALTHY],
			s->partitions[i].brake.latched);
	for (size_t c = 0; c < s->n_chunks; c++)
		for (size_t i = 0; i < s->chunks[c]->n; i++)
			put_host(&b, s->chunks[c], s->chunks[c]->hosts[i]);
	ck_assert(!b.failed);
	out = strdup(strbuf_str(&b));
	strbuf_free(&b);
	return out;
}

/* Names the first line that differs. */
static void
same(const char *got, const char *want, uint64_t seed, int step)
{
	size_t line = 0;

	for (size_t i = 0; got[i] != '\0' || want[i] != '\0'; i++) {
		if (got[i] != want[i])
			ck_abort_msg("seed %llu, step %d:\n%.*s\nbut anew\n%.*s",
				(unsigned long long)seed, step,
				(int)strcspn(got + line, "\n"), got + line,
				(int)strcspn(want + line, "\n"), want + line);
		if (got[i] == '\n')
			line = i + 1;
	}
}

/* ---- accidents ---- */

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
say_drive(struct sim *s, const char *host, uint64_t r)
{
	struct metric m[] = {
		{ "smart_197_raw", "", TOCSIN_F64, { (double)(r % 90) } },
		{ r >> 8 & 1 ? "smart_5_raw" : "temperature_celsius", "",
			TOCSIN_F64, { (double)(r >> 16 & 31) } } };
	struct observation ob = { .probe = "smart", .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_NONE, .text = "", .metrics = m,
		.n_metrics = 2,
		.device = { "disk", "WDC", r >> 7 & 1 ? "S1" : "S2", "" } };

	(void)sim_batch(s, host, &ob, true);
}

static void
say_memory(struct sim *s, const char *host, uint64_t r)
{
	struct metric m = { "memory_available_bytes", "", TOCSIN_F64,
		{ (double)r } };
	struct observation ob = { .probe = "memory",
		.outcome = r & 64 ? TOCSIN_OK : TOCSIN_FAIL,
		.reason = r & 64 ? TOCSIN_WHY_NONE : TOCSIN_WHY_CONNECT_REFUSED,
		.text = r & 128 ? "little is left" : "", .metrics = &m,
		.n_metrics = 1, .device.kind = "" };

	(void)sim_batch(s, host, &ob, true);
}

static void
give_units(struct sim *s, const char *host, uint64_t r)
{
	static const struct unit_rule rule = { .heartbeat = { 15000000000 },
		.late_after = 3, .clear_after = 2, .grace = { 60000000000 },
		.never = { 60000000000 }, .lost = { 60000000000 },
		.gone = { 30000000000 }, .busy_ratio = 0.9 };
	static const struct check_def tcp = { .key = "tcp:80", .probe = "tcp",
		.rule = { .interval = { 15000000000 },
			.timeout = { 5000000000 }, .fail_after = 3,
			.clear_after = 2, .stale_after = 3 } };
	static struct unit_def units[2];
	const struct unit_def fresh[2] = {
		{ .is_vm = true, .name = "v1", .address = "v1",
			.parent = SIZE_MAX, .agent = AGENT_NONE, .rule = rule,
			.checks = &tcp, .n_checks = 1, .own_checks = true },
		{ .name = "web", .address = "web", .parent = 0,
			.agent = AGENT_NONE, .rule = rule, .checks = &tcp,
			.n_checks = 1, .own_checks = true } };

	memcpy(units, fresh, sizeof(fresh));
	sim_units(s, host, r & 64 ? units : NULL, r & 64 ? 2 : 0,
		r & 128 ? AGENT_TOCSIN : AGENT_NONE);
}

static void
change_rule(struct sim *s, uint64_t r)
{
	struct check_rule rule = { .interval = dur_s(5 + (int64_t)(r % 20)),
		.timeout = dur_s(5), .fail_after = 1 + (unsigned)(r >> 8 & 3),
		.clear_after = 2, .stale_after = 3, .flap_after = 3,
		.flap_within = 20, .flap_clear = 10 };

	sim_rule(s, &rule);
}

static void
order(struct sim *s, const char *host, uint64_t r)
{
	static const char *const to[] = { "maintenance", "in_service",
		"quarantined", "probation" };
	char body[96];

	if (r & 64)
		snprintf(body, sizeof(body), "{\"disposition\":\"%s\"}",
			to[r >> 8 & 3]);
	else
		snprintf(body, sizeof(body), "{\"tags\":{\"team\":\"t%d\"}}",
			(int)(r >> 8 & 7));
	(void)sim_order(s, ORDER_HOST_PATCH, host, body);
}

static void
accident(struct sim *s, uint64_t r)
{
	char host[8];

	snprintf(host, sizeof(host), "h%d", (int)(r >> 32) % HOSTS & 127);
	switch (r % 13) {
	case 0: case 1: case 2:
		sim_set(s, host, r & 128 ? "ping" : "tcp", r >> 9 & 1 ?
			TOCSIN_WHY_NONE : TOCSIN_WHY_CONNECT_REFUSED);
		return;
	case 3: case 4:
		say_drive(s, host, r >> 8);
		return;
	case 5:
		say_memory(s, host, r >> 8);
		return;
	case 6:
		give_units(s, host, r >> 8);
		return;
	case 7:
		order(s, host, r >> 8);
		return;
	case 8:
		sim_loss(s, r & 512 ? 0.2 : 0, r);
		return;
	case 9:
		sim_without(s, r & 512 ? host : "");
		return;
	case 10:
		change_rule(s, r >> 8);
		return;
	case 11:	/* a switch falls, or comes back */
		sim_set(s, "h3", "ping", r & 512 ? TOCSIN_WHY_NONE :
			TOCSIN_WHY_NO_REPLY);
		sim_set(s, "h3", "tcp", r & 512 ? TOCSIN_WHY_NONE :
			TOCSIN_WHY_CONNECT_TIMEOUT);
		return;
	default:
		sim_cut(s, (r >> 9 & 3) == 0);
	}
}

static void
storm(uint64_t seed)
{
	struct pack *pack = NULL;
	struct sim *s;
	uint64_t state = seed;

	ck_assert_int_eq(pack_builtin(&pack, NULL), 0);
	s = sim_new(HOSTS, pack, 1);
	sim_parent(s, "h20", "h50", "h3");
	for (int step = 0; step < STEPS; step++) {
		uint64_t r = next_random(&state);
		struct snapshot *some, *all;
		char *got, *again, *want;

		accident(s, r);
		sim_run_until(s, sim_now(s) + 1 + (double)(r >> 20 & 15));
		some = sim_snapshot(s);
		if (r >> 40 & 3) {
			snapshot_put(some);
			continue;
		}
		got = words(some);
		sim_forget_snapshots(s);
		all = sim_snapshot(s);
		want = words(all);
		same(got, want, seed, step);
		/* who still reads the old one sees nothing of what follows */
		sim_run_until(s, sim_now(s) + 20);
		snapshot_put(sim_snapshot(s));
		again = words(some);
		same(again, got, seed, step);
		snapshot_put(some);
		snapshot_put(all);
		free(got);
		free(again);
		free(want);
	}
	sim_free(s);
	pack_free(pack);
}

START_TEST(what_is_shared_is_what_would_be_made_anew)
{
	const char *fixed = getenv("TOCSIN_SEED");
	uint64_t first = fixed != NULL ? strtoull(fixed, NULL, 10) : 20261122;

	printf("seed %llu\n", (unsigned long long)first);
	for (uint64_t i = 0; i < (fixed != NULL ? 1 : 6); i++)
		storm(first + i * 7919);
}
END_TEST

/* ---- what is shared, and for how long ---- */

START_TEST(answers_alone_leave_the_frames_as_they_are)
{
	struct sim *s = sim_new(HOSTS, NULL, 0);
	struct snapshot *a, *b;

	sim_run_until(s, 60);
	a = sim_snapshot(s);
	sim_run_until(s, 90);
	b = sim_snapshot(s);
	for (size_t i = 0; i < a->n_chunks; i++) {
		ck_assert_ptr_ne(a->chunks[i], b->chunks[i]);
		ck_assert_ptr_eq(a->chunks[i]->frame, b->chunks[i]->frame);
	}
	ck_assert_uint_eq(a->generation, b->generation);
	snapshot_put(a);
	sim_set(s, "h7", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 110);
	a = sim_snapshot(s);
	ck_assert_uint_gt(a->generation, b->generation);
	ck_assert_ptr_ne(a->chunks[1]->frame, b->chunks[1]->frame);
	ck_assert_ptr_eq(a->chunks[0]->frame, b->chunks[0]->frame);
	snapshot_put(a);
	snapshot_put(b);
	sim_free(s);
}
END_TEST

int
main(void)
{
	return STORIES("snapshot", what_is_shared_is_what_would_be_made_anew,
		answers_alone_leave_the_frames_as_they_are);
}
