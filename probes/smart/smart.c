/*
 * Health of drives, as they tell it: one report for each drive, and one for
 * the machine about how many could be read.  tocsin-smartd touches the
 * drives; what they said is decoded here, without privileges.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/probe.h>

#include "base/hash.h"
#include "base/mem.h"
#include "probes/smart/client.h"
#include "smart/metrics.h"
#include "smart/pages.h"
#include "smart/smartctl.h"

/* kept of the run's time, to report what was read so far */
#define MARGIN_NS ((int64_t)250000000)
#define SAMPLES_MAX (SMART_ATTRIBUTES_MAX + 24)

enum { OPT_HELPER, OPT_REPLAY };

static const struct tocsin_opt opts[] = {
	[OPT_HELPER] = { "helper", TOCSIN_OPT_STRING,
		TOCSIN_LIBEXECDIR "/tocsin-smartd", NULL, NULL, NULL, NULL,
		"the privileged helper, or the Unix socket it listens on" },
	[OPT_REPLAY] = { "replay", TOCSIN_OPT_STRING, "", NULL, NULL, NULL, NULL,
		"play the recorded dumps of this folder in place of drives" },
	{ .name = NULL }
};

#define GAUGE(name, unit, help) \
	{ name, TOCSIN_GAUGE, TOCSIN_##unit, help }

static const struct tocsin_metric metrics[] = {
	GAUGE("smart_*_raw", COUNT, "ATA attribute, raw, as the drive keeps it"),
	GAUGE("reallocated_sectors", COUNT, "ATA 5"),
	GAUGE("pending_sectors", COUNT, "ATA 197, or SAS pending defects"),
	GAUGE("offline_uncorrectable", COUNT, "ATA 198"),
	GAUGE("reported_uncorrectable", COUNT, "ATA 187"),
	GAUGE("command_timeouts", COUNT, "ATA 188"),
	GAUGE("crc_errors", COUNT, "ATA 199: the cable, not the drive"),
	GAUGE("power_on_hours", COUNT, "hours under power"),
	GAUGE("temperature_celsius", CELSIUS, "drive sensor"),
	GAUGE("wear_ratio", RATIO, "rated life used; wear is not failure"),
	GAUGE("spare_ratio", RATIO, "spare blocks left"),
	GAUGE("media_errors", COUNT, "NVMe: unrecovered data integrity errors"),
	GAUGE("critical_warning", COUNT, "NVMe: bits"),
	GAUGE("grown_defects", COUNT, "SAS: defects since it was made"),
	GAUGE("uncorrected_errors", COUNT, "SAS: read, write and verify"),
	GAUGE("capacity_bytes", BYTES, "size"),
	GAUGE("smart_passed", BOOLEAN, "the drive's own verdict"),
	GAUGE("smart_undecoded_count", COUNT, "values nobody could read"),
	GAUGE("firmware_info", COUNT, "1; its label is the drive's firmware"),
	GAUGE("smart_devices", COUNT, "drives of the machine"),
	GAUGE("smart_devices_asleep", COUNT, "left asleep"),
	GAUGE("smart_devices_no_smart", COUNT, "without SMART: not covered"),
	GAUGE("smart_devices_unreadable", COUNT, "could not be read"),
	{ .name = NULL }
};

/* Who a drive of the helper's list is; from its last reading that told. */
struct known {
	bool is;
	uint64_t place;		/* hash of path and type */
	char model[SMART_TEXT_MAX];
	char serial[SMART_TEXT_MAX];
	char wwn[SMART_TEXT_MAX];
	char kernels_serial[SMART_TEXT_MAX];
};

struct counts {
	unsigned devices, asleep, no_smart, unreadable;
};

struct smart {
	pthread_mutex_t lock;
	struct client client;
	struct smart_helper_device *devices;	/* SMART_HELPER_DEVICES_MAX */
	struct known *known;			/* by id − 1 */
	size_t next;	/* where a run begins that the last one did not reach */
	struct smart_report report;
	struct strbuf data;
};

struct run {
	struct smart *s;
	const struct tocsin_target *target;
	struct tocsin_ctx *ctx;
	struct counts counts;
	bool replay;
	char first_gap[128];
};

struct samples {
	size_t n;
	char names[SAMPLES_MAX][32];
	struct tocsin_sample items[SAMPLES_MAX];
	char firmware[SMART_FIRMWARE_LABEL];
};

static int
add_sample(void *arg, const struct smart_metric *m)
{
	struct samples *to = arg;
	struct tocsin_sample *s = &to->items[to->n];

	if (to->n == SAMPLES_MAX)
		return -1;
	(void)snprintf(to->names[to->n], sizeof(to->names[0]), "%s", m->name);
	*s = (struct tocsin_sample){ .size = sizeof(*s),
		.type = m->is_u64 ? TOCSIN_U64 : TOCSIN_F64,
		.name = to->names[to->n] };
	if (m->is_u64)
		s->v.u64 = m->u64;
	else
		s->v.f64 = m->f64;
	to->n++;
	return 0;
}

static void
add_firmware(struct samples *to, const char *version)
{
	struct smart_metric m = { .name = "firmware_info", .is_u64 = true,
		.u64 = 1 };

	if (smart_firmware_label(version, to->firmware) &&
	    add_sample(to, &m) == 0)
		to->items[to->n - 1].instance = to->firmware;
}

static int64_t
clock_of(void *arg)
{
	struct tocsin_ctx *ctx = arg;

	return ctx->mono_ns(ctx);
}

static const char *
option(const struct tocsin_target *target, size_t row)
{
	const char *s = row < target->n_opts ? target->opts[row].s : NULL;

	return s != NULL && s[0] != '\0' ? s : opts[row].dflt;
}

/* ---- who it is ---- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static const char *
place_of(const struct smart_helper_device *d)
{
	return d->name[0] != '\0' ? d->name : base_name(d->path);
}

static uint64_t
place_hash(const struct smart_helper_device *d)
{
	uint64_t seed = hash_bytes(d->path, strlen(d->path), 0);

	return hash_bytes(d->type, strlen(d->type), seed);
}

/* Another drive of the list that said the same names before this one. */
static const struct known *
twin_of(const struct smart *s, uint32_t id)
{
	const struct known *k = &s->known[id - 1];

	for (uint32_t i = 0; i < id - 1; i++) {
		const struct known *other = &s->known[i];

		if (other->is && strcmp(other->model, k->model) == 0 &&
		    strcmp(other->serial, k->serial) == 0)
			return other;
	}
	return NULL;
}

/* The serial itself, or one that tells twins apart. */
static void
name_serial(char *out, size_t size, const char *serial,
	const struct smart_helper_device *d, bool has_twin)
{
	if (serial[0] == '\0')
		(void)snprintf(out, size, "%s", place_of(d));
	else if (has_twin)
		(void)snprintf(out, size, "%s@%s", serial, place_of(d));
	else
		(void)snprintf(out, size, "%s", serial);
}

static void
learn(struct smart *s, const struct smart_helper_device *d)
{
	struct known *k = &s->known[d->id - 1];

	if (s->report.model[0] == '\0' && s->report.serial[0] == '\0')
		return;
	k->is = true;
	k->place = place_hash(d);
	memcpy(k->model, s->report.model, sizeof(k->model));
	memcpy(k->serial, s->report.serial, sizeof(k->serial));
	memcpy(k->wwn, s->report.wwn, sizeof(k->wwn));
	memcpy(k->kernels_serial, d->serial, sizeof(k->kernels_serial));
}

/* Another drive under the same path, or another list under the same ids. */
static void
forget_if_changed(struct smart *s, const struct smart_helper_device *d)
{
	struct known *k = &s->known[d->id - 1];

	if (strcmp(k->kernels_serial, d->serial) != 0 ||
	    k->place != place_hash(d))
		k->is = false;
}

/* Two paths to one drive: same names, same WWN. */
static bool
is_second_path(const struct run *run, const struct smart_helper_device *d)
{
	const struct known *k = &run->s->known[d->id - 1];
	const struct known *twin = k->is ? twin_of(run->s, d->id) : NULL;

	return twin != NULL && !run->replay && k->wwn[0] != '\0' &&
		strcmp(k->wwn, twin->wwn) == 0;
}

/* ---- reports ---- */

static void
report(struct run *run, const struct smart_helper_device *d,
	struct tocsin_report *r)
{
	const struct known *k = &run->s->known[d->id - 1];
	const char *model = k->is ? k->model : d->model;
	char serial[2 * SMART_TEXT_MAX + sizeof(d->path)];

	name_serial(serial, sizeof(serial), k->is ? k->serial : d->serial, d,
		k->is && twin_of(run->s, d->id) != NULL);
	struct tocsin_device who = { .size = sizeof(who), .kind = "disk",
		.model = model[0] != '\0' ? model : "unknown",
		.serial = serial,
		.wwn = k->is ? k->wwn : d->wwn, .path = d->path };

	if (who.wwn[0] == '\0')
		who.wwn = NULL;
	r->size = sizeof(*r);
	r->device = &who;
	r->stride = sizeof(struct tocsin_sample);
	run->ctx->report(run->ctx, run->target->slot, r);
	r->device = NULL;
}

static void
report_gap(struct run *run, const struct smart_helper_device *d,
	enum tocsin_reason reason, const char *why)
{
	char text[200];
	struct tocsin_report r = { .outcome = TOCSIN_UNKNOWN,
		.reason = (uint16_t)reason, .text = text };

	(void)snprintf(text, sizeof(text), "%.100s: %.90s", place_of(d), why);
	if (run->first_gap[0] == '\0')
		(void)snprintf(run->first_gap, sizeof(run->first_gap), "%.120s",
			text);
	if (reason == TOCSIN_WHY_NO_SMART)
		run->counts.no_smart++;
	else
		run->counts.unreadable++;
	report(run, d, &r);
}

static void
report_asleep(struct run *run, const struct smart_helper_device *d)
{
	struct tocsin_report r = { .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_DEVICE_ASLEEP };

	run->counts.asleep++;
	/* never seen awake: it is counted, but it has no name yet */
	if (run->s->known[d->id - 1].is)
		report(run, d, &r);
}

/*
 * The drive's own verdict.  NVMe raises bit 2 and fails itself when its rated
 * life is used up: that is wear, and wear is not failure.
 */
static bool
says_failed(const struct smart_report *r)
{
	bool only_worn = r->critical_warning.has && r->critical_warning.v == 4 &&
		r->wear_ratio.has && r->wear_ratio.v >= 1;

	return r->smart_passed.has && !r->smart_passed.v && !only_worn;
}

static void
report_data(struct run *run, const struct smart_helper_device *d)
{
	const struct smart_report *from = &run->s->report;
	struct samples *samples = MEM_NEW(struct samples);
	struct tocsin_report r = { .outcome = TOCSIN_OK };

	if (samples == NULL || smart_metrics_each(from, add_sample, samples) < 0) {
		report_gap(run, d, TOCSIN_WHY_LOCAL_RESOURCE, "out of memory");
		mem_free(samples);
		return;
	}
	if (!from->suspect)
		add_firmware(samples, from->firmware);
	if (from->suspect) {
		r.outcome = TOCSIN_UNKNOWN;
		r.reason = TOCSIN_WHY_DEVICE_UNREADABLE;
		r.text = "a page's checksum is wrong";
		run->counts.unreadable++;
	} else if (says_failed(from)) {
		r.outcome = TOCSIN_FAIL;
		r.reason = TOCSIN_WHY_DEVICE_FAILED;
	}
	r.samples = samples->items;
	r.n_samples = (uint32_t)samples->n;
	report(run, d, &r);
	mem_free(samples);
}

static void
take_data(struct run *run, const struct smart_helper_device *d,
	const struct smart_helper_reading *reading)
{
	struct smart *s = run->s;
	struct smart_report *r = &s->report;
	struct tc_err e = { 0 };
	unsigned status;
	const char *why;

	if (smart_dump_decode(s->data.p, s->data.n, r, &e) < 0) {
		report_gap(run, d, TOCSIN_WHY_DEVICE_UNREADABLE, e.text);
		return;
	}
	/* a page whose sum is wrong may have the name wrong as well */
	if (!r->suspect)
		learn(s, d);
	if (is_second_path(run, d)) {
		run->counts.devices--;
		return;
	}
	status = (unsigned)(reading->exit.has ? reading->exit.v :
		r->exit_status.v);
	switch (smart_reading_judge(r, status)) {
	case SMART_READING_DATA:
		report_data(run, d);
		return;
	case SMART_READING_ASLEEP:
		report_asleep(run, d);
		return;
	case SMART_READING_NO_SMART:
		report_gap(run, d, TOCSIN_WHY_NO_SMART, "no SMART");
		return;
	case SMART_READING_FAILED:
		why = r->message[0] != '\0' ? r->message : "no data";
		report_gap(run, d, TOCSIN_WHY_DEVICE_UNREADABLE, why);
		return;
	}
}

static void
take_reading(struct run *run, const struct smart_helper_device *d,
	const struct smart_helper_reading *reading)
{
	const char *why = smart_helper_why_name(reading->why);

	if (reading->bytes != 0)
		take_data(run, d, reading);
	else if (is_second_path(run, d))
		run->counts.devices--;
	else if (reading->why == SMART_HELPER_ASLEEP)
		report_asleep(run, d);
	else if (reading->why == SMART_HELPER_NO_SMART)
		report_gap(run, d, TOCSIN_WHY_NO_SMART, "no SMART");
	else
		report_gap(run, d, TOCSIN_WHY_DEVICE_UNREADABLE, why);
}

static void
add_count(struct samples *to, const char *name, unsigned v)
{
	struct smart_metric m = { .name = name, .is_u64 = true, .u64 = v };

	(void)add_sample(to, &m);
}

/* About the machine: how much of it is seen. */
static void
report_machine(struct run *run, const struct tc_err *e)
{
	const struct counts *c = &run->counts;
	struct samples *samples = MEM_NEW(struct samples);
	char text[256] = "";
	struct tocsin_report r = { .size = sizeof(r), .outcome = TOCSIN_OK,
		.text = text, .stride = sizeof(struct tocsin_sample) };

	if (samples == NULL)
		return;
	add_count(samples, "smart_devices", c->devices);
	add_count(samples, "smart_devices_asleep", c->asleep);
	add_count(samples, "smart_devices_no_smart", c->no_smart);
	add_count(samples, "smart_devices_unreadable", c->unreadable);
	r.samples = samples->items;
	r.n_samples = (uint32_t)samples->n;
	if (e->code != 0) {
		r.outcome = TOCSIN_UNKNOWN;
		r.reason = e->code == TC_EPERM ? TOCSIN_WHY_LOCAL_PERMISSION :
			e->code == TC_ENOENT ? TOCSIN_WHY_UNSUPPORTED :
			e->code == TC_ENOMEM ? TOCSIN_WHY_LOCAL_RESOURCE :
			TOCSIN_WHY_DEVICE_UNREADABLE;
		(void)snprintf(text, sizeof(text), "%.250s", e->text);
		/* counts of a run that was cut short are no counts */
		r.n_samples = 0;
	} else if (c->devices == 0) {
		(void)snprintf(text, sizeof(text), "no drives here");
	} else if (c->no_smart + c->unreadable != 0) {
		(void)snprintf(text, sizeof(text), "%u of %u drives not covered: "
			"%s", c->no_smart + c->unreadable, c->devices,
			run->first_gap);
	}
	run->ctx->report(run->ctx, run->target->slot, &r);
	mem_free(samples);
}

/* ---- one run ---- */

static int
read_drives(struct run *run, const struct smart_helper_list *list,
	struct tc_err *e)
{
	struct smart *s = run->s;
	size_t first = list->n != 0 ? s->next % list->n : 0;
	struct smart_helper_reading reading;
	int rc;

	for (size_t i = 0; i < list->n; i++) {
		const struct smart_helper_device *d =
			&list->items[(first + i) % list->n];

		if (d->id > SMART_HELPER_DEVICES_MAX)
			return tc_fail(e, TC_EPROTO, "id %u", (unsigned)d->id);
		forget_if_changed(s, d);
		run->counts.devices++;
		if ((rc = client_read(&s->client, d->id, &reading, &s->data,
			e)) < 0) {
			/* the next run begins behind the one that was late */
			s->next = (first + i + 1) % list->n;
			return rc;
		}
		take_reading(run, d, &reading);
	}
	s->next = 0;
	return 0;
}

static int
begin(struct smart *s, const struct tocsin_target *target,
	struct tocsin_ctx *ctx, struct tc_err *e)
{
	const char *helper = option(target, OPT_HELPER);
	const char *replay = option(target, OPT_REPLAY);

	if (!client_is_for(&s->client, helper, replay)) {
		client_fini(&s->client);
		if (client_init(&s->client, helper, replay) < 0)
			return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	s->client.mono_ns = clock_of;
	s->client.arg = ctx;
	s->client.due_ns = ctx->mono_ns(ctx) + target->timeout_ns - MARGIN_NS;
	return 0;
}

static int
smart_run(void *instance, const struct tocsin_target *target,
	struct tocsin_ctx *ctx)
{
	struct smart *s = instance;
	struct run run = { .s = s, .target = target, .ctx = ctx };
	struct smart_helper_list list = { .items = s->devices,
		.max = SMART_HELPER_DEVICES_MAX };
	struct tc_err e = { 0 };

	(void)pthread_mutex_lock(&s->lock);
	run.replay = option(target, OPT_REPLAY)[0] != '\0';
	if (begin(s, target, ctx, &e) == 0 &&
	    client_list(&s->client, &list, &e) == 0)
		(void)read_drives(&run, &list, &e);
	report_machine(&run, &e);
	(void)pthread_mutex_unlock(&s->lock);
	return 0;
}

static void
smart_close(void *instance)
{
	struct smart *s = instance;

	client_fini(&s->client);
	strbuf_free(&s->data);
	mem_free(s->devices);
	mem_free(s->known);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

static int
smart_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct smart *s = MEM_NEW(struct smart);

	(void)ctx;
	if (s == NULL || pthread_mutex_init(&s->lock, NULL) != 0) {
		mem_free(s);
		(void)snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	s->client.fd = -1;
	s->devices = mem_alloc_array(SMART_HELPER_DEVICES_MAX,
		sizeof(*s->devices));
	s->known = mem_alloc_array(SMART_HELPER_DEVICES_MAX, sizeof(*s->known));
	if (s->devices == NULL || s->known == NULL) {
		smart_close(s);
		(void)snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	*instance = s;
	return 0;
}

TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "smart",
	.help = "health of drives, as they tell it",
	.opts = opts, .metrics = metrics,
	.open = smart_open, .close = smart_close, .run = smart_run,
};
