/*
 * Report → metrics.
 */
#include "smart/metrics.h"

#include <stdio.h>

#include "base/macros.h"

#define ATA_COMMAND_TIMEOUT 188

enum kind { KIND_U64, KIND_F64 };

static const struct {
	const char *name;
	const char *unit;
	enum kind kind;
	size_t offset;
} fields[] = {
#define FIELD(member, kind, unit) \
	{ #member, unit, KIND_##kind, offsetof(struct smart_report, member) }
	FIELD(reallocated_sectors, U64, "sectors"),
	FIELD(pending_sectors, U64, "sectors"),
	FIELD(offline_uncorrectable, U64, "sectors"),
	FIELD(reported_uncorrectable, U64, "sectors"),
	FIELD(crc_errors, U64, "count"),
	FIELD(power_on_hours, U64, "hours"),
	FIELD(temperature_celsius, F64, "celsius"),
	FIELD(wear_ratio, F64, "ratio"),
	FIELD(spare_ratio, F64, "ratio"),
	FIELD(media_errors, U64, "count"),
	FIELD(critical_warning, U64, "bits"),
	FIELD(grown_defects, U64, "count"),
	FIELD(uncorrected_errors, U64, "count"),
	FIELD(capacity_bytes, U64, "bytes"),
#undef FIELD
};

static int
put_u64(smart_metric_put *put, void *arg, const char *name, const char *unit,
	uint64_t v)
{
	struct smart_metric m = { .name = name, .unit = unit, .is_u64 = true,
		.u64 = v, .f64 = (double)v };

	return put(arg, &m);
}

static int
put_raws(const struct smart_report *r, smart_metric_put *put, void *arg)
{
	char name[24];
	int rc;

	for (size_t i = 0; i < r->n_attributes; i++) {
		const struct smart_attribute *a = &r->attributes[i];

		/* an id that comes twice counts once, the first time */
		if (a->id == 0 || !a->raw.has ||
			smart_attribute_find(r, a->id) != a)
			continue;
		(void)snprintf(name, sizeof(name), "smart_%u_raw", a->id);
		if ((rc = put_u64(put, arg, name, NULL, a->raw.v)) < 0)
			return rc;
	}
	return 0;
}

static int
put_field(const struct smart_report *r, size_t i, smart_metric_put *put,
	void *arg)
{
	const void *at = (const char *)r + fields[i].offset;
	const struct smart_u64 *u = at;
	const struct smart_f64 *f = at;
	struct smart_metric m = { .name = fields[i].name,
		.unit = fields[i].unit };

	switch (fields[i].kind) {
	case KIND_U64:
		return u->has ? put_u64(put, arg, m.name, m.unit, u->v) : 0;
	case KIND_F64:
		m.f64 = f->v;
		return f->has ? put(arg, &m) : 0;
	}
	return 0;
}

static int
put_timeouts(const struct smart_report *r, smart_metric_put *put, void *arg)
{
	const struct smart_attribute *a =
		smart_attribute_find(r, ATA_COMMAND_TIMEOUT);

	if (a == NULL || !a->decoded.has || a->decoded.v < 0)
		return 0;
	return put_u64(put, arg, "command_timeouts", "count",
		(uint64_t)a->decoded.v);
}

int
smart_metrics_each(const struct smart_report *r, smart_metric_put *put,
	void *arg)
{
	int rc;

	if (!r->suspect) {
		if ((rc = put_raws(r, put, arg)) < 0)
			return rc;
		for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
			if ((rc = put_field(r, i, put, arg)) < 0)
				return rc;
		}
		if ((rc = put_timeouts(r, put, arg)) < 0)
			return rc;
	}
	if (r->smart_passed.has && (rc = put_u64(put, arg, "smart_passed",
		"bool", r->smart_passed.v)) < 0)
		return rc;
	return put_u64(put, arg, "smart_undecoded_count", "count",
		r->n_undecoded);
}

bool
smart_firmware_label(const char *version, char out[SMART_FIRMWARE_LABEL])
{
	int n = snprintf(out, SMART_FIRMWARE_LABEL, "version=\"%.*s\"",
		SMART_TEXT_MAX, version);

	if (version[0] == '\0') {
		out[0] = '\0';
		return false;
	}
	for (int i = 9; i < n - 1; i++)
		if (out[i] == '"' || out[i] == '\\')
			out[i] = '?';
	return true;
}
