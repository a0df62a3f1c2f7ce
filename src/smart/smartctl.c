/*
 * JSON reports: a table of paths, each with the member it fills.
 */
#include "smart/smartctl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "smart/encoding.h"
#include "smart/json.h"
#include "smart/pages.h"

/* 0 °C; NVMe counts whole kelvins and smartctl subtracts whole ones too */
#define KELVIN 273.0

#define NVME_LOG "nvme_smart_health_information_log."
#define SCSI_LOG "scsi_error_counter_log."

struct reading {
	struct smart_report r;
	struct smart_attribute attr;	/* the table row being read */
	struct smart_u64 attr_id;
	char when_failed[16];
	char protocol[16];
	char message[160];
	char severity[16];
	char model2[SMART_TEXT_MAX];
	char firmware2[SMART_TEXT_MAX];
	char lu_id[SMART_TEXT_MAX];
	struct smart_u64 naa, oui, wwn_id;
	struct smart_u64 eui_oui, eui_ext;
	struct smart_u64 nvme_bytes;
	struct smart_u64 power_mode;
	struct smart_u64 stat_page, stat_offset, stat_value;
	struct smart_bool stat_valid;
	bool nvme_cli;
	bool is_smartctl;
	bool is_list;
	bool asleep;
	bool sleep_exit;	/* it was told to exit with our status */
};

enum kind {
	KIND_IDENTITY,	/* text; too long is an error */
	KIND_TEXT,	/* text; cut */
	KIND_U64,
	KIND_FIRST,	/* u64 of the first array element that has it */
	KIND_BOOL,
	KIND_F64,
	KIND_RATIO,	/* per cent → ratio */
	KIND_KELVIN,
};

struct row {
	const char *path;
	enum kind kind;
	size_t offset;
	size_t size;
};

#define ROW(path, kind, member) \
	{ path, KIND_##kind, offsetof(struct reading, member), \
		sizeof(((struct reading *)0)->member) }

static const struct row rows[] = {
	ROW("smartctl.exit_status", U64, r.exit_status),
	ROW("smartctl.messages[].string", TEXT, message),
	ROW("smartctl.messages[].severity", TEXT, severity),
	ROW("power_mode.ata_value", U64, power_mode),
	ROW("device.protocol", TEXT, protocol),
	ROW("model_name", IDENTITY, r.model),
	ROW("scsi_model_name", IDENTITY, model2),
	ROW("serial_number", IDENTITY, r.serial),
	ROW("firmware_version", IDENTITY, r.firmware),
	ROW("scsi_revision", IDENTITY, firmware2),
	ROW("revision", IDENTITY, firmware2),
	ROW("wwn.naa", U64, naa),
	ROW("wwn.oui", U64, oui),
	ROW("wwn.id", U64, wwn_id),
	ROW("logical_unit_id", IDENTITY, lu_id),
	ROW("nvme_namespaces[].eui64.oui", FIRST, eui_oui),
	ROW("nvme_namespaces[].eui64.ext_id", FIRST, eui_ext),
	ROW("user_capacity.bytes", U64, r.capacity_bytes),
	ROW("nvme_total_capacity", U64, nvme_bytes),
	ROW("smart_status.passed", BOOL, r.smart_passed),
	ROW("smart_support", BOOL, r.available),
	ROW("smart_support.available", BOOL, r.available),
	ROW("power_on_time.hours", U64, r.power_on_hours),
	ROW("temperature.current", F64, r.temperature_celsius),
	ROW("endurance_used.current_percent", RATIO, r.wear_ratio),
	ROW("spare_available.current_percent", RATIO, r.spare_ratio),

	ROW("ata_smart_attributes.table[].id", U64, attr_id),
	ROW("ata_smart_attributes.table[].name", TEXT, attr.name),
	ROW("ata_smart_attributes.table[].value", U64, attr.value),
	ROW("ata_smart_attributes.table[].worst", U64, attr.worst),
	ROW("ata_smart_attributes.table[].thresh", U64, attr.threshold),
	ROW("ata_smart_attributes.table[].when_failed", TEXT, when_failed),
	ROW("ata_smart_attributes.table[].flags.value", U64, attr.flags),
	ROW("ata_smart_attributes.table[].raw.value", U64, attr.raw),
	ROW("ata_smart_attributes.table[].raw.string", TEXT, attr.raw_text),
	ROW("ata_device_statistics.pages[].number", U64, stat_page),
	ROW("ata_device_statistics.pages[].table[].offset", U64, stat_offset),
	ROW("ata_device_statistics.pages[].table[].value", U64, stat_value),
	ROW("ata_device_statistics.pages[].table[].flags.valid", BOOL, stat_valid),

	ROW("scsi_grown_defect_list", U64, r.grown_defects),
	ROW("scsi_pending_defects.count", U64, r.pending_sectors),
	ROW("scsi_percentage_used_endurance_indicator", RATIO, r.wear_ratio),

	ROW(NVME_LOG "critical_warning", U64, r.critical_warning),
	ROW(NVME_LOG "available_spare", RATIO, r.spare_ratio),
	ROW(NVME_LOG "percentage_used", RATIO, r.wear_ratio),
	ROW(NVME_LOG "media_errors", U64, r.media_errors),
	ROW(NVME_LOG "power_on_hours", U64, r.power_on_hours),
	ROW(NVME_LOG "temperature", F64, r.temperature_celsius),

	/* nvme-cli; its object form of critical_warning since 2.11 */
	ROW("critical_warning", U64, r.critical_warning),
	ROW("critical_warning.value", U64, r.critical_warning),
	ROW("avail_spare", RATIO, r.spare_ratio),
	ROW("percent_used", RATIO, r.wear_ratio),
	ROW("percentage_used", RATIO, r.wear_ratio),
	ROW("media_errors", U64, r.media_errors),
	ROW("power_on_hours", U64, r.power_on_hours),
	ROW("temperature", KELVIN, r.temperature_celsius),
};

/* nvme-cli's top-level keys under the names smartctl gives them. */
static const struct { const char *key, *name; } nvme_cli[] = {
	{ "critical_warning", "critical_warning" },
	{ "critical_warning.value", "critical_warning" },
	{ "temperature", "temperature" },
	{ "avail_spare", "available_spare" },
	{ "spare_thresh", "available_spare_threshold" },
	{ "percent_used", "percentage_used" },
	{ "percentage_used", "percentage_used" },
	{ "data_units_read", "data_units_read" },
	{ "data_units_written", "data_units_written" },
	{ "host_read_commands", "host_reads" },
	{ "host_write_commands", "host_writes" },
	{ "controller_busy_time", "controller_busy_time" },
	{ "power_cycles", "power_cycles" },
	{ "power_on_hours", "power_on_hours" },
	{ "unsafe_shutdowns", "unsafe_shutdowns" },
	{ "media_errors", "media_errors" },
	{ "num_err_log_entries", "num_err_log_entries" },
	{ "warning_temp_time", "warning_temp_time" },
	{ "critical_comp_time", "critical_comp_time" },
};

/* What a field of the NVMe and SCSI logs is in, where it is not a count. */
static const struct {
	const char *name;
	enum smart_unit unit;
	enum smart_worse worse;
} log_fields[] = {
	{ "critical_warning", SMART_UNIT_BITS, SMART_WORSE_UP },
	{ "temperature", SMART_UNIT_CELSIUS, SMART_WORSE_UP },
	{ "available_spare", SMART_UNIT_RATIO, SMART_WORSE_DOWN },
	{ "available_spare_threshold", SMART_UNIT_RATIO, SMART_WORSE_NEITHER },
	{ "percentage_used", SMART_UNIT_RATIO, SMART_WORSE_UP },
	{ "controller_busy_time", SMART_UNIT_MINUTES, SMART_WORSE_NEITHER },
	{ "power_on_hours", SMART_UNIT_HOURS, SMART_WORSE_NEITHER },
	{ "media_errors", SMART_UNIT_COUNT, SMART_WORSE_UP },
	{ "warning_temp_time", SMART_UNIT_MINUTES, SMART_WORSE_UP },
	{ "critical_comp_time", SMART_UNIT_MINUTES, SMART_WORSE_UP },
	{ "read.total_uncorrected_errors", SMART_UNIT_COUNT, SMART_WORSE_UP },
	{ "write.total_uncorrected_errors", SMART_UNIT_COUNT, SMART_WORSE_UP },
	{ "verify.total_uncorrected_errors", SMART_UNIT_COUNT, SMART_WORSE_UP },
};

/* A number, or a string that is one: some tools quote what may be 128 bits. */
static void
read_number(const struct smart_json_event *ev, struct smart_u64 *u,
	struct smart_f64 *f)
{
	uint64_t v;
	double d;

	*u = (struct smart_u64){ 0 };
	*f = (struct smart_f64){ 0 };
	if (ev->kind != SMART_JSON_NUMBER && ev->kind != SMART_JSON_STRING)
		return;
	if (u64_parse(ev->text, ev->n, &v) == 0)
		*u = smart_u64(v);
	if (double_parse(ev->text, ev->n, &d) == 0 && isfinite(d))
		*f = smart_f64(d);
}

static int
put_text(const struct row *row, char *to, const struct smart_json_event *ev,
	struct tc_err *e)
{
	size_t n = ev->n;

	if (ev->kind != SMART_JSON_STRING)
		return 0;
	if (n >= row->size) {
		if (row->kind == KIND_IDENTITY)
			return tc_fail(e, TC_ERANGE,
				"%s: longer than %zu bytes", ev->path,
				row->size - 1);
		n = row->size - 1;
	}
	memcpy(to, ev->text, n);
	to[n] = '\0';
	smart_text_clean(to);
	return 0;
}

static int
put_row(struct reading *g, const struct row *row,
	const struct smart_json_event *ev, struct tc_err *e)
{
	void *to = (char *)g + row->offset;
	struct smart_u64 u;
	struct smart_f64 f;

	read_number(ev, &u, &f);
	switch (row->kind) {
	case KIND_IDENTITY:
	case KIND_TEXT:
		return put_text(row, to, ev, e);
	case KIND_FIRST:
		if (((struct smart_u64 *)to)->has)
			return 0;
		*(struct smart_u64 *)to = u;
		return 0;
	case KIND_U64:
		if (u.has)
			*(struct smart_u64 *)to = u;
		return 0;
	case KIND_BOOL:
		if (ev->kind == SMART_JSON_TRUE || ev->kind == SMART_JSON_FALSE)
			*(struct smart_bool *)to =
				smart_bool(ev->kind == SMART_JSON_TRUE);
		return 0;
	case KIND_F64:
		if (f.has)
			*(struct smart_f64 *)to = f;
		return 0;
	case KIND_RATIO:
		if (f.has && f.v >= 0)
			*(struct smart_f64 *)to = smart_f64(f.v / 100.0);
		return 0;
	case KIND_KELVIN:
		/* 0 K: the drive has no sensor */
		if (f.has && f.v > 0)
			*(struct smart_f64 *)to = smart_f64(f.v - KELVIN);
		return 0;
	}
	return 0;
}

static int
add_log_field(struct reading *g, const char *name,
	const struct smart_json_event *ev, struct tc_err *e)
{
	struct smart_attribute *a;
	struct smart_u64 u;
	struct smart_f64 f;

	read_number(ev, &u, &f);
	if (!f.has)
		return 0;
	a = smart_attribute_add(&g->r);
	if (a == NULL)
		return tc_fail(e, TC_ERANGE, "%s: more than %d attributes",
			ev->path, SMART_ATTRIBUTES_MAX);
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	a->raw = u;
	a->decoded = f;
	a->encoding = SMART_ENC_NUMBER;
	a->unit = SMART_UNIT_COUNT;
	for (size_t i = 0; i < ARRAY_LEN(log_fields); i++) {
		if (strcmp(log_fields[i].name, name) == 0) {
			a->unit = log_fields[i].unit;
			a->worse = log_fields[i].worse;
		}
	}
	if (a->unit == SMART_UNIT_RATIO)
		a->decoded.v /= 100.0;
	return 0;
}

static void
add_uncorrected(struct reading *g, const struct smart_json_event *ev)
{
	struct smart_u64 u;
	struct smart_f64 f;
	uint64_t *sum = &g->r.uncorrected_errors.v;

	read_number(ev, &u, &f);
	if (!u.has)
		return;
	g->r.uncorrected_errors.has = true;
	*sum = u.v > UINT64_MAX - *sum ? UINT64_MAX : *sum + u.v;
}

static bool
ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && strcmp(s + n - t, tail) == 0;
}

/* nvme-cli's own: its temperature is in kelvins, 0 where there is no sensor. */
static int
add_nvme_cli(struct reading *g, const char *name,
	const struct smart_json_event *ev, struct tc_err *e)
{
	size_t n = g->r.n_attributes;
	int rc = add_log_field(g, name, ev, e);
	struct smart_attribute *a = &g->r.attributes[n];

	g->nvme_cli = true;
	if (rc == 0 && g->r.n_attributes > n &&
	    a->unit == SMART_UNIT_CELSIUS) {
		a->decoded.has = a->decoded.v > 0;
		a->decoded.v -= KELVIN;
	}
	return rc;
}

/* The fields of a log, kept as attributes without an id. */
static int
visit_log(struct reading *g, const struct smart_json_event *ev, struct tc_err *e)
{
	size_t nvme_n = strlen(NVME_LOG), scsi_n = strlen(SCSI_LOG);

	if (strncmp(ev->path, NVME_LOG, nvme_n) == 0) {
		if (ev->kind != SMART_JSON_NUMBER ||
			strpbrk(ev->path + nvme_n, ".[") != NULL)
			return 0;
		return add_log_field(g, ev->path + nvme_n, ev, e);
	}
	if (strncmp(ev->path, SCSI_LOG, scsi_n) == 0) {
		if (ev->kind != SMART_JSON_NUMBER)
			return 0;
		if (ends_with(ev->path, ".total_uncorrected_errors"))
			add_uncorrected(g, ev);
		return add_log_field(g, ev->path + scsi_n, ev, e);
	}
	for (size_t i = 0; i < ARRAY_LEN(nvme_cli); i++) {
		if (strcmp(nvme_cli[i].key, ev->path) != 0)
			continue;
		if (ev->kind != SMART_JSON_NUMBER && ev->kind != SMART_JSON_STRING)
			return 0;
		return add_nvme_cli(g, nvme_cli[i].name, ev, e);
	}
	return 0;
}

static enum smart_failed
failed_of(const char *when)
{
	if (strcmp(when, "now") == 0)
		return SMART_FAILED_NOW;
	if (strcmp(when, "past") == 0)
		return SMART_FAILED_PAST;
	return when[0] == '\0' ? SMART_FAILED_NEVER : SMART_FAILED_UNKNOWN;
}

static int
end_attribute(struct reading *g, struct tc_err *e)
{
	struct smart_attribute *a;

	if (!g->attr_id.has || g->attr_id.v < 1 || g->attr_id.v > 255)
		return tc_fail(e, TC_EINVAL,
			"ata_smart_attributes.table[]: no id from 1 to 255");
	a = smart_attribute_add(&g->r);
	if (a == NULL)
		return tc_fail(e, TC_ERANGE,
			"ata_smart_attributes.table[]: more than %d rows",
			SMART_ATTRIBUTES_MAX);
	*a = g->attr;
	a->id = (uint8_t)g->attr_id.v;
	a->failed = failed_of(g->when_failed);
	return 0;
}

static void
end_message(struct reading *g)
{
	struct smart_report *r = &g->r;

	/* "Device is in STANDBY mode, exit(3)", "… SLEEP mode …" */
	if (strncmp(g->message, "Device is in ", 13) == 0 &&
		strstr(g->message, " mode, exit(") != NULL)
		g->asleep = true;
	if (strcmp(g->severity, "error") == 0 && r->message[0] == '\0')
		memcpy(r->message, g->message, sizeof(r->message));
}

/* ACS-4 device statistics, page 7, offset 8: percentage used endurance. */
static void
end_statistic(struct reading *g)
{
	if (g->stat_page.v == 7 && g->stat_offset.has && g->stat_offset.v == 8 &&
		g->stat_value.has && g->stat_valid.v && !g->r.wear_ratio.has)
		g->r.wear_ratio = smart_f64((double)g->stat_value.v / 100.0);
}

static void
begin_object(struct reading *g, const char *path)
{
	if (strcmp(path, "ata_smart_attributes.table[]") == 0) {
		memset(&g->attr, 0, sizeof(g->attr));
		g->attr_id.has = false;
		/* no word about failing is no word */
		memcpy(g->when_failed, "?", 2);
	} else if (strcmp(path, "smartctl.messages[]") == 0) {
		g->message[0] = g->severity[0] = '\0';
	} else if (strcmp(path, "ata_device_statistics.pages[].table[]") == 0) {
		g->stat_offset.has = g->stat_value.has = false;
		g->stat_valid = (struct smart_bool){ 0 };
	} else if (strcmp(path, "smartctl") == 0) {
		g->is_smartctl = true;
	}
}

static int
end_object(struct reading *g, const char *path, struct tc_err *e)
{
	if (strcmp(path, "ata_smart_attributes.table[]") == 0)
		return end_attribute(g, e);
	if (strcmp(path, "smartctl.messages[]") == 0)
		end_message(g);
	else if (strcmp(path, "ata_device_statistics.pages[].table[]") == 0)
		end_statistic(g);
	return 0;
}

static int
visit(void *arg, const struct smart_json_event *ev, struct tc_err *e)
{
	struct reading *g = arg;
	int rc;

	switch (ev->kind) {
	case SMART_JSON_OBJECT:
		begin_object(g, ev->path);
		return 0;
	case SMART_JSON_OBJECT_END:
		return end_object(g, ev->path, e);
	case SMART_JSON_ARRAY:
		if (strcmp(ev->path, "devices") == 0 ||
			strcmp(ev->path, "Devices") == 0)
			g->is_list = true;
		return 0;
	case SMART_JSON_ARRAY_END:
	case SMART_JSON_NULL:
		return 0;
	case SMART_JSON_STRING:
	case SMART_JSON_NUMBER:
	case SMART_JSON_TRUE:
	case SMART_JSON_FALSE:
		break;
	}
	if (strcmp(ev->path, "smartctl.argv[]") == 0 &&
		strcmp(ev->text, SMART_STANDBY_ARG) == 0)
		g->sleep_exit = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].path, ev->path) != 0)
			continue;
		if ((rc = put_row(g, &rows[i], ev, e)) < 0)
			return rc;
		break;
	}
	return visit_log(g, ev, e);
}

static void
finish_wwn(struct reading *g)
{
	struct smart_report *r = &g->r;

	if (g->naa.has && g->oui.has && g->wwn_id.has) {
		smart_wwn_put(r, (g->naa.v & 0xf) << 60 |
			(g->oui.v & 0xffffff) << 36 |
			(g->wwn_id.v & 0xfffffffffULL));
	} else if (g->eui_oui.has && g->eui_ext.has) {
		smart_wwn_put(r, (g->eui_oui.v & 0xffffff) << 40 |
			(g->eui_ext.v & 0xffffffffffULL));
	} else if (strncmp(g->lu_id, "0x", 2) == 0 &&
		strspn(g->lu_id + 2, "0123456789abcdefABCDEF") ==
			strlen(g->lu_id + 2) &&
		strspn(g->lu_id + 2, "0") != strlen(g->lu_id + 2)) {
		memcpy(r->wwn, g->lu_id + 2, sizeof(g->lu_id) - 2);
	}
}

static enum smart_protocol
protocol_of(const struct reading *g)
{
	for (int p = SMART_PROTOCOL_ATA; p <= SMART_PROTOCOL_SCSI; p++) {
		if (strcmp(g->protocol, smart_protocol_name((enum smart_protocol)p))
			== 0)
			return (enum smart_protocol)p;
	}
	return g->nvme_cli ? SMART_PROTOCOL_NVME : SMART_PROTOCOL_UNKNOWN;
}

static void
finish(struct reading *g)
{
	struct smart_report *r = &g->r;

	r->protocol = protocol_of(g);
	if (r->model[0] == '\0')
		memcpy(r->model, g->model2, sizeof(r->model));
	if (r->firmware[0] == '\0')
		memcpy(r->firmware, g->firmware2, sizeof(r->firmware));
	if (!r->capacity_bytes.has)
		r->capacity_bytes = g->nvme_bytes;
	finish_wwn(g);
	smart_decode(r);
	r->has_data = r->n_attributes != 0 || r->smart_passed.has ||
		r->grown_defects.has || r->power_on_hours.has;
	if (!r->smart_passed.has && r->has_data && r->exit_status.has &&
		(r->exit_status.v & SMART_EXIT_FAILING))
		r->smart_passed = smart_bool(false);
	/* ATA CHECK POWER MODE: 0 and 1 are the standby states */
	if (g->power_mode.has && g->power_mode.v <= 1 && !r->has_data)
		g->asleep = true;
	if (g->sleep_exit && r->exit_status.v == SMART_STANDBY_EXIT &&
		!r->has_data && r->message[0] == '\0')
		g->asleep = true;
	if (r->has_data || g->asleep)
		r->asleep = smart_bool(g->asleep);
}

int
smart_smartctl_decode(const char *text, size_t n, struct smart_report *out,
	struct tc_err *e)
{
	struct reading g = { 0 };
	int rc = smart_json_walk(text, n, visit, &g, e);

	if (rc < 0)
		return rc;
	if (g.is_list)
		return tc_fail(e, TC_EUNSUP, "a list of devices, not a report");
	if (!g.is_smartctl && !g.nvme_cli && g.protocol[0] == '\0')
		return tc_fail(e, TC_EUNSUP,
			"neither a report of smartctl nor a log of nvme-cli");
	finish(&g);
	*out = g.r;
	return 0;
}

int
smart_dump_decode(const void *p, size_t n, struct smart_report *out,
	struct tc_err *e)
{
	const char *text = p;
	size_t blanks = 0;

	if (smart_blob_is(p, n))
		return smart_blob_decode(p, n, out, e);
	while (blanks < n && memchr(" \t\r\n", text[blanks], 4) != NULL)
		blanks++;
	if (blanks == n || text[blanks] != '{')
		return tc_fail(e, TC_EUNSUP,
			"neither a libatasmart blob nor a JSON object");
	return smart_smartctl_decode(text, n, out, e);
}

const char *
smart_reading_name(enum smart_reading reading)
{
#define X(sym, id) [sym] = (id),
	static const char *const names[] = { SMART_READING_TABLE(X) };
#undef X

	return names[reading];
}

enum smart_reading
smart_reading_judge(const struct smart_report *r, unsigned status)
{
	if (r == NULL)
		return SMART_READING_FAILED;
	if (r->asleep.has && r->asleep.v)
		return SMART_READING_ASLEEP;
	if (r->has_data)
		return SMART_READING_DATA;
	if ((status & (SMART_EXIT_COMMAND_LINE | SMART_EXIT_OPEN)) != 0)
		return SMART_READING_FAILED;
	if (r->available.has && !r->available.v)
		return SMART_READING_NO_SMART;
	return SMART_READING_FAILED;
}
