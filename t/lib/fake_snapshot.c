#include "t/lib/fake_snapshot.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* 2026-01-01 */
#define SINCE_MS INT64_C(1767225600000)

static void *
get(struct arena *a, size_t size)
{
	void *p = arena_alloc(a, size);

	tc_bug_if(p == NULL);
	return p;
}

/* The prefix and the number, of at least `digits` digits. */
static const char *
text(struct arena *a, const char *prefix, int digits, size_t n)
{
	char buf[64];
	char *p;

	snprintf(buf, sizeof(buf), "%s%0*zu", prefix, digits, n);
	p = arena_strdup(a, buf);
	tc_bug_if(p == NULL);
	return p;
}

uintptr_t
fake_live(struct arena *a, const struct snap_live *of, const double *values,
	size_t n)
{
	struct snap_live *live = get(a, sizeof(*live) + n * sizeof(*values));

	memcpy(live, of, sizeof(*live));
	if (n > 0)
		memcpy(live->values, values, n * sizeof(*values));
	return (uintptr_t)live;
}

static const struct snap_names *
names_of(struct arena *a, const char *const *names, size_t n)
{
	struct snap_names *all = get(a, sizeof(*all));
	struct snap_name *of = get(a, n * sizeof(*of));

	for (size_t i = 0; i < n; i++)
		of[i] = (struct snap_name){ names[i], "" };
	*all = (struct snap_names){ n, of };
	return all;
}

static uintptr_t
live_of(struct arena *a, int64_t ms, size_t n, size_t host, bool down)
{
	const struct snap_live of = { .at = { SINCE_MS + ms },
		.outcome = down ? TOCSIN_FAIL : TOCSIN_OK,
		.fails = down ? 3 : 0, .oks = down ? 0 : 7 };
	double values[3];

	for (size_t i = 0; i < n; i++)
		values[i] = 0.000125 * (double)(host % 97 + i + 1);
	return fake_live(a, &of, values, n);
}

static const struct snap_kind *
kind(struct arena *a, const char *key, const char *probe,
	const struct snap_names *names)
{
	struct snap_kind *k = get(a, sizeof(*k));

	*k = (struct snap_kind){ key, probe, "tocsin.yaml:3",
		{ .interval = dur_s(15), .timeout = dur_s(5), .fail_after = 3,
			.clear_after = 2, .stale_after = 3 }, names };
	return k;
}

static void
make_checks(struct arena *a, struct snap_host *h, size_t host, bool down)
{
	static const char *const ping[] = {
		"ping_jitter_seconds", "ping_loss_ratio", "ping_rtt_seconds" };
	static const char *const tcp[] = { "tcp_connect_seconds" };
	struct snap_check *c = get(a, 2 * sizeof(*c));

	c[0] = (struct snap_check){ .id = (uint32_t)(host * 2 + 100000),
		.kind = kind(a, "ping", "ping", names_of(a, ping, 3)),
		.layer = LAYER_HOST, .health = HEALTH_HEALTHY, .text = "",
		.since = { SINCE_MS },
		.live = live_of(a, 5000, 3, host, false) };
	c[1] = (struct snap_check){ .id = (uint32_t)(host * 2 + 100001),
		.kind = kind(a, "tcp:8000", "tcp", names_of(a, tcp, 1)),
		.layer = LAYER_ROLE, .health = HEALTH_HEALTHY, .text = "",
		.since = { SINCE_MS },
		.live = live_of(a, 6000, 1, host, down) };
	if (down) {
		c[1].health = HEALTH_UNHEALTHY;
		c[1].reason = TOCSIN_WHY_CONNECT_REFUSED;
		c[1].text = "127.1.0.1:8000: connection refused";
	}
	h->checks = c;
	h->n_checks = 2;
}

static const struct verdict *
make_verdict(struct arena *a)
{
	struct verdict *v = get(a, sizeof(*v));

	v->level = LEVEL_LIKELY;
	v->gate_open = true;
	v->score = 420;
	v->base = -350;
	v->risk = (struct risk){ 0.125, 0.375, 0.5 };
	v->lead_known = true;
	v->lead_from_days = 3;
	v->lead_to_days = 40;
	v->judged_at.ms = SINCE_MS;
	snprintf(v->pack, sizeof(v->pack), "card 1.0.0 sha256:00");
	v->n_evidence = 2;
	v->evidence[0] = (struct verdict_evidence){ .rule = "pending",
		.metric = "smart_197_raw", .stat = "rise_7d",
		.contribution = 275, .value = 16, .change = 16,
		.observed_at = { SINCE_MS }, .age = dur_s(3600) };
	v->evidence[1] = (struct verdict_evidence){ .rule = "age",
		.metric = "smart_9_raw", .stat = "now",
		.contribution = -25, .value = 4000,
		.observed_at = { SINCE_MS }, .age = dur_s(3600) };
	v->n_missing = 1;
	snprintf(v->missing[0], VERDICT_NAME, "smart_188_raw");
	v->flip = (struct verdict_flip){ .known = true, .to = LEVEL_IMMINENT,
		.rule = "pending", .metric = "smart_197_raw",
		.stat = "rise_7d", .value = 16, .needed = 64, .score = 600 };
	return v;
}

static void
make_device(struct arena *a, struct snap_host *h, size_t host)
{
	static const char *const names[] = { "smart_197_raw", "smart_5_raw",
		"temperature_celsius" };
	struct snap_device *d = get(a, sizeof(*d));

	*d = (struct snap_device){ .id = (uint32_t)(host + 500000),
		.ident = { "disk", "ST4000DM000", text(a, "Z300", 4, host),
			"" },
		.at = { SINCE_MS }, .judged = true, .level = LEVEL_LIKELY,
		.risk = { 0.125, 0.375, 0.5 }, .verdict = make_verdict(a),
		.prediction_id = host + 1, .level_since = { SINCE_MS },
		.names = names_of(a, names, 3),
		.live = live_of(a, 0, 3, host, false) };
	fake_rare(h)->devices = d;
	fake_rare(h)->n_devices = 1;
	h->level = LEVEL_LIKELY;
	fake_rare(h)->risk = 0.375;
	fake_rare(h)->risk_device = d->id;
	fake_rare(h)->risk_reason = "disk ST4000DM000: smart_197_raw rise_7d 16";
}

static struct snap_host *
make_host(struct arena *a, const struct fake_fleet *f, size_t i)
{
	struct snap_host *h = get(a, sizeof(*h));
	struct snap_rare *rare = get(a, sizeof(*rare));
	struct tag *tag = get(a, sizeof(*tag));
	bool down = f->down_every != 0 && (i + 1) % f->down_every == 0;
	size_t per = f->hosts_per_partition;

	*tag = (struct tag){ "team", i % 2 == 0 ? "web" : "db" };
	*h = (struct snap_host){ .id = (uint32_t)i + 1,
		.name = text(a, "h", 5, i),
		.partition = text(a, "rack", 1,
			i / (per != 0 ? per : 100)),
		.address = text(a, "127.1.0.", 1, i % 255),
		.tags = tag, .n_tags = 1,
		.health = down ? HEALTH_UNHEALTHY : HEALTH_HEALTHY,
		.reason = down ? TOCSIN_WHY_CONNECT_REFUSED : TOCSIN_WHY_NONE,
		.since = { SINCE_MS }, .rare = rare };
	*rare = (struct snap_rare){ .risk_reason = "",
		.reason_check = down ? "tcp:8000" : "",
		.reason_text = down ? "connection refused" : "" };
	make_checks(a, h, i, down);
	if (f->sick_every != 0 && (i + 1) % f->sick_every == 0)
		make_device(a, h, i);
	if (f->tweak != NULL)
		f->tweak(h, i, a);
	h->state = state_of(h->health, h->disposition, h->flags);
	return h;
}

static void
count(struct snapshot *s, const struct snap_host *h,
	struct snap_partition *parts)
{
	struct snap_partition *p = &parts[s->n_partitions];

	s->counts[h->state]++;
	s->levels[h->level]++;
	s->n_checks += h->n_checks;
	s->n_devices += h->rare->n_devices;
	if (state_worse(h->state, s->worst))
		s->worst = h->state;
	if (h->level != LEVEL_NONE && s->n_top < SNAP_TOP_RISKS)
		s->top[s->n_top++] = h;
	for (size_t i = 0; i < s->n_partitions; i++) {
		if (strcmp(parts[i].name, h->partition) == 0)
			p = &parts[i];
	}
	if (p == &parts[s->n_partitions]) {
		s->n_partitions++;
		p->id = (uint32_t)(900000 + s->n_partitions);
		p->name = h->partition;
	}
	p->n_hosts++;
	p->counts[h->state]++;
}

static struct snap_chunk *
new_chunk(void)
{
	struct snap_chunk *c = MEM_NEW(struct snap_chunk);

	tc_bug_if(c == NULL);
	c->frame = MEM_NEW(struct snap_frame);
	tc_bug_if(c->frame == NULL);
	atomic_init(&c->refs, 1);
	atomic_init(&c->frame->refs, 1);
	c->hosts = c->frame->hosts;
	return c;
}

static void
make_chunks(struct snapshot *s, const struct fake_fleet *f)
{
	for (size_t i = 0; i < f->n_hosts; i++) {
		struct snap_chunk *c;

		if (i % SNAP_CHUNK_HOSTS == 0)
			s->chunks[s->n_chunks++] = new_chunk();
		c = s->chunks[s->n_chunks - 1];
		c->frame->hosts[c->n++] = make_host(&c->frame->arena, f, i);
		c->frame->n = c->n;
	}
}

struct snapshot *
fake_snapshot(const struct fake_fleet *f)
{
	struct snapshot *s = MEM_NEW(struct snapshot);
	struct snap_partition *parts;
	size_t n = f->n_hosts / SNAP_CHUNK_HOSTS + 1;

	tc_bug_if(s == NULL);
	atomic_init(&s->refs, 1);
	s->generation = f->generation;
	s->at = f->at;
	s->at_mono = f->at_mono;
	s->started.ms = SINCE_MS;
	s->since.ms = SINCE_MS;
	s->version = "0.0.0";
	s->degraded_why = "";
	s->worst = STATE_HEALTHY;
	s->n_hosts = f->n_hosts;
	s->chunks = mem_alloc_array(n, sizeof(struct snap_chunk *));
	parts = get(&s->arena, (f->n_hosts + 2) * sizeof(*parts));
	tc_bug_if(s->chunks == NULL);
	make_chunks(s, f);
	for (size_t c = 0; c < s->n_chunks; c++) {
		for (size_t i = 0; i < s->chunks[c]->n; i++)
			count(s, s->chunks[c]->hosts[i], parts);
	}
	for (size_t i = 0; i < s->n_partitions; i++)
		parts[i].brake = (struct snap_brake){ .reason = "",
			.cause = "", .suspect = "",
			.limit = 3, .hosts = parts[i].n_hosts,
			.released_by = "" };
	s->partitions = parts;
	if (f->finish != NULL)
		f->finish(s);
	return s;
}
