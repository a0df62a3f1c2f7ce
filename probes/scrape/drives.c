#include "probes/scrape/drives.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "smart/encoding.h"
#include "smart/metrics.h"

#define SAMPLES_MAX 128
/* Below it six decimals of an exponent (%e) hold every whole number. */
#define ROUNDED_EXACT 1e7

struct drive {
	char device[64];
	struct smart_report report;
};

void
drives_free(struct drives *d)
{
	mem_free(d->items);
	*d = (struct drives){ 0 };
}

static struct drive *
drive_of(struct drives *d, const char *device)
{
	void *items = d->items;

	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->items[i].device, device) == 0)
			return &d->items[i];
	if (d->n == DRIVES_MAX || strlen(device) >= sizeof(d->items->device) ||
	    mem_grow(&items, &d->cap, d->n + 1, sizeof(*d->items)) < 0)
		return NULL;
	d->items = items;
	memset(&d->items[d->n], 0, sizeof(*d->items));
	memcpy(d->items[d->n].device, device, strlen(device) + 1);
	return &d->items[d->n++];
}

static void
put_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
	smart_text_clean(out);
}

static void
take_ident(struct smart_report *r, const struct series *s)
{
	put_text(r->model, sizeof(r->model), s->model);
	put_text(r->serial, sizeof(r->serial), s->serial);
	put_text(r->firmware, sizeof(r->firmware), s->firmware);
	for (int p = SMART_PROTOCOL_ATA; p <= SMART_PROTOCOL_SCSI; p++)
		if (strcasecmp(smart_protocol_name((enum smart_protocol)p),
		    s->protocol) == 0)
			r->protocol = (enum smart_protocol)p;
}

static struct smart_attribute *
attribute_of(struct smart_report *r, const struct series *s)
{
	struct smart_attribute *a;

	for (size_t i = 0; i < r->n_attributes; i++)
		if (r->attributes[i].id == s->attribute)
			return &r->attributes[i];
	a = smart_attribute_add(r);
	if (a == NULL)
		return NULL;
	a->id = s->attribute;
	put_text(a->name, sizeof(a->name), s->attribute_name);
	return a;
}

static void
take_attribute(struct smart_report *r, const struct series *s,
	struct smart_u64 v)
{
	struct smart_attribute *a = attribute_of(r, s);

	if (a == NULL)
		return;
	if (s->field == DRIVE_RAW)
		a->raw = v;
	else if (s->field == DRIVE_VALUE)
		a->value = v;
	else if (s->field == DRIVE_WORST)
		a->worst = v;
	else
		a->threshold = v;
}

void
drives_take(struct drives *d, const struct series *s, double value)
{
	struct drive *drive = drive_of(d, s->device);
	struct smart_report *r;
	struct smart_u64 v;

	if (s->is_rounded && value >= ROUNDED_EXACT)
		return;
	/* 2^63: what a double holds as an integer; NaN is no value */
	if (drive == NULL || !(value >= 0) || value >= 0x1p63)
		return;
	r = &drive->report;
	v = smart_u64((uint64_t)value);
	switch (s->field) {
	case DRIVE_IDENT:
		take_ident(r, s);
		return;
	case DRIVE_RAW:
	case DRIVE_VALUE:
	case DRIVE_WORST:
	case DRIVE_THRESHOLD:
		take_attribute(r, s, v);
		return;
	case DRIVE_TEMPERATURE:
		/* 0 is what the exporter says when it has none */
		if (value > 0)
			r->temperature_celsius = smart_f64(value);
		return;
	case DRIVE_POWER_ON_SECONDS:
		r->power_on_hours = smart_u64((uint64_t)(value / 3600));
		return;
	case DRIVE_STATUS:
		r->smart_passed = smart_bool(value != 0);
		return;
	case DRIVE_CAPACITY:
		r->capacity_bytes = v;
		return;
	case DRIVE_USED_PERCENT:
		r->wear_ratio = smart_f64(value / 100);
		return;
	case DRIVE_SPARE_PERCENT:
		r->spare_ratio = smart_f64(value / 100);
		return;
	case DRIVE_CRITICAL_WARNING:
		r->critical_warning = v;
		return;
	case DRIVE_MEDIA_ERRORS:
		r->media_errors = v;
		return;
	case DRIVE_GROWN_DEFECTS:
		r->grown_defects = v;
		return;
	case DRIVE_UNCORRECTED:
		r->uncorrected_errors = smart_u64(r->uncorrected_errors.v + v.v);
		return;
	}
}

/* The exporter writes zeros for what a protocol does not have. */
static void
forget_foreign(struct smart_report *r)
{
	if (r->protocol != SMART_PROTOCOL_NVME) {
		r->media_errors.has = false;
		r->critical_warning.has = false;
		r->wear_ratio.has = false;
		r->spare_ratio.has = false;
	}
	if (r->protocol != SMART_PROTOCOL_SCSI) {
		r->grown_defects.has = false;
		r->uncorrected_errors.has = false;
	}
}

struct gather {
	struct tocsin_sample items[SAMPLES_MAX];
	char names[SAMPLES_MAX][48];
	char firmware[SMART_FIRMWARE_LABEL];
	uint32_t n;
};

static int
add_sample(void *arg, const struct smart_metric *m)
{
	struct gather *g = arg;
	struct tocsin_sample *s = &g->items[g->n];

	if (g->n == SAMPLES_MAX)
		return 0;
	snprintf(g->names[g->n], sizeof(g->names[0]), "%s", m->name);
	*s = (struct tocsin_sample){ .size = sizeof(*s),
		.type = m->is_u64 ? TOCSIN_U64 : TOCSIN_F64,
		.name = g->names[g->n] };
	if (m->is_u64)
		s->v.u64 = m->u64;
	else
		s->v.f64 = m->f64;
	g->n++;
	return 0;
}

/* As the smart probe tells it. */
static void
add_firmware(struct gather *g, const char *version)
{
	struct smart_metric m = { .name = "firmware_info", .is_u64 = true,
		.u64 = 1 };
	uint32_t at = g->n;

	if (!smart_firmware_label(version, g->firmware))
		return;
	(void)add_sample(g, &m);
	if (g->n > at)
		g->items[at].instance = g->firmware;
}

void
drives_report(struct drives *d, struct tocsin_ctx *ctx, uint32_t slot)
{
	struct gather *g = d->n > 0 ? MEM_NEW(struct gather) : NULL;

	for (size_t i = 0; g != NULL && i < d->n; i++) {
		struct smart_report *r = &d->items[i].report;
		struct tocsin_device who = { .size = sizeof(who),
			.kind = "disk", .model = r->model, .serial = r->serial,
			.path = d->items[i].device };
		struct tocsin_report rep = { .size = sizeof(rep),
			.device = &who, .samples = g->items,
			.stride = sizeof(g->items[0]) };

		if (r->serial[0] == '\0')
			continue;
		forget_foreign(r);
		smart_decode(r);
		g->n = 0;
		add_firmware(g, r->firmware);
		(void)smart_metrics_each(r, add_sample, g);
		rep.n_samples = g->n;
		if (r->smart_passed.has && !r->smart_passed.v) {
			rep.outcome = TOCSIN_FAIL;
			rep.reason = TOCSIN_WHY_DEVICE_FAILED;
		}
		ctx->part(ctx, slot, &rep);
	}
	mem_free(g);
}
