#include "probes/scrape/names.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "wire/labels.h"

#define NAME_BYTES 128
#define INSTANCE_BYTES 256	/* what the runner takes, with the NUL */
#define PAGE_BYTES 4096.0	/* of vmstat's pages; the exporter does not say */

/* ---- node_exporter ---- */

/*
 * Whole names.  `drop`: a label that is left out, its series add up.
 * Everything else only loses its "node_".
 */
static const struct rule {
	const char *from;
	const char *to;
	const char *drop;
	double factor;	/* 0 = 1 */
} rules[] = {
	{ "node_cpu_seconds_total", "cpu_seconds_total", .drop = "cpu" },
	{ "node_intr_total", "interrupts_total" },
	{ "node_memory_MemTotal_bytes", "memory_total_bytes" },
	{ "node_memory_MemFree_bytes", "memory_free_bytes" },
	{ "node_memory_MemAvailable_bytes", "memory_available_bytes" },
	{ "node_memory_SUnreclaim_bytes", "memory_unreclaimable_bytes" },
	{ "node_memory_HardwareCorrupted_bytes", "memory_corrupted_bytes" },
	{ "node_memory_SwapTotal_bytes", "swap_total_bytes" },
	{ "node_memory_SwapFree_bytes", "swap_free_bytes" },
	{ "node_vmstat_pgmajfault", "memory_major_faults_total" },
	{ "node_vmstat_oom_kill", "memory_oom_kills_total" },
	{ "node_vmstat_pswpin", "swap_in_bytes_total", .factor = PAGE_BYTES },
	{ "node_vmstat_pswpout", "swap_out_bytes_total", .factor = PAGE_BYTES },
	{ "node_edac_correctable_errors_total",
		"memory_corrected_errors_total" },
	{ "node_edac_uncorrectable_errors_total",
		"memory_uncorrected_errors_total" },
	{ "node_disk_read_time_seconds_total", "disk_read_seconds_total" },
	{ "node_disk_write_time_seconds_total", "disk_write_seconds_total" },
	{ "node_disk_io_time_seconds_total", "disk_io_seconds_total" },
	{ "node_disk_io_now", "disk_inflight" },
	{ "node_network_receive_errs_total", "net_receive_errors_total" },
	{ "node_network_receive_drop_total", "net_receive_drops_total" },
	{ "node_network_transmit_errs_total", "net_transmit_errors_total" },
	{ "node_network_transmit_drop_total", "net_transmit_drops_total" },
	{ "node_network_transmit_colls_total",
		"net_transmit_collisions_total" },
	{ "node_pressure_cpu_waiting_seconds_total",
		"psi_cpu_some_seconds_total" },
	{ "node_pressure_memory_waiting_seconds_total",
		"psi_memory_some_seconds_total" },
	{ "node_pressure_memory_stalled_seconds_total",
		"psi_memory_full_seconds_total" },
	{ "node_pressure_io_waiting_seconds_total",
		"psi_io_some_seconds_total" },
	{ "node_pressure_io_stalled_seconds_total",
		"psi_io_full_seconds_total" },
};

/* About the exporter, not about the host. */
static const char *const own_affairs[] = { "go_", "promhttp_", "process_",
	"node_scrape_collector_", "node_exporter_", "smartctl_version",
	"node_textfile_", "node_time_clocksource_" };

struct span {
	const char *p;
	size_t n;
};

static bool
is(struct span s, const char *text)
{
	return strlen(text) == s.n && memcmp(s.p, text, s.n) == 0;
}

static bool
starts(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && memcmp(s.p, text, n) == 0;
}

static bool
ends(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && memcmp(s.p + s.n - n, text, n) == 0;
}

static bool
is_dropped(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(own_affairs); i++)
		if (starts(name, own_affairs[i]))
			return true;
	/* Text in labels, and 1: who it is, not how it is. */
	return ends(name, "_info");
}

/* "MemAvailable" → "mem_available", "node_x" → "x"; false: too long. */
static bool
fold(struct span from, char out[NAME_BYTES])
{
	size_t n = 0;
	char before = '_';

	for (size_t i = 0; i < from.n; i++) {
		char c = from.p[i];
		bool upper = c >= 'A' && c <= 'Z';

		if (n + 2 >= NAME_BYTES)
			return false;
		if (upper && ((before >= 'a' && before <= 'z') ||
		    (before >= '0' && before <= '9')))
			out[n++] = '_';
		before = c;
		if (upper)
			c = (char)(c - 'A' + 'a');
		if (c == ':')
			c = '_';
		/* a name of ours begins with a letter */
		if (n > 0 || (c >= 'a' && c <= 'z'))
			out[n++] = c;
	}
	out[n] = '\0';
	return n > 0;
}

static bool
rename_generic(struct span name, char out[NAME_BYTES])
{
	char rest[NAME_BYTES];

	if (starts(name, "node_network_")) {
		name.p += strlen("node_network_");
		name.n -= strlen("node_network_");
		if (!fold(name, rest))
			return false;
		return snprintf(out, NAME_BYTES, "net_%s", rest) < NAME_BYTES;
	}
	if (starts(name, "node_")) {
		name.p += strlen("node_");
		name.n -= strlen("node_");
	}
	return fold(name, out);
}

/* ---- labels ---- */

struct naming {
	const struct prom_point *point;
	struct span name;
	const char *drop;
	bool is_net;
	bool is_edac;
};

static bool
put_label(struct strbuf *out, const struct naming *n, const struct label *l)
{
	struct span key = { l->key, l->key_n };

	if (l->value_n == 0 || (n->drop != NULL && is(key, n->drop)))
		return true;
	if (out->n > 0)
		strbuf_putc(out, ',');
	if (n->is_net && is(key, "device"))
		strbuf_puts(out, "interface");
	else
		strbuf_add(out, l->key, l->key_n);
	strbuf_puts(out, n->is_edac && is(key, "controller") ? "=\"mc" : "=\"");
	strbuf_add(out, l->value, l->value_n);
	strbuf_putc(out, '"');
	return out->n < INSTANCE_BYTES && !out->failed;
}

/* NULL: it cannot be written here, or there is no memory. */
static const char *
instance_of(struct arena *mem, const struct naming *n)
{
	struct strbuf text = { 0 };
	const char *canonical = NULL;
	bool fits = true;

	for (size_t i = 0; fits && i < n->point->n_labels; i++)
		fits = put_label(&text, n, &n->point->labels[i]);
	if (fits && (text.n == 0 || labels_canonical(mem, strbuf_str(&text),
	    text.n, &canonical, NULL) == 0))
		canonical = arena_strdup(mem, text.n == 0 ? "" : canonical);
	else
		canonical = NULL;
	strbuf_free(&text);
	return canonical;
}

static struct measure *
measure_of(struct names *names, struct arena *mem, const char *name,
	const char *instance)
{
	struct strbuf key = { 0 };
	struct measure *m = NULL;
	const char *kept;

	strbuf_printf(&key, "%s{%s}", name, instance);
	if (key.failed)
		goto out;
	m = hash_get(&names->measures, key.p, key.n);
	if (m != NULL)
		goto out;
	kept = arena_strndup(mem, key.p, key.n);
	m = arena_alloc(mem, sizeof(*m));
	if (m == NULL || kept == NULL)
		goto out;
	*m = (struct measure){ .name = arena_strdup(mem, name),
		.instance = instance };
	if (m->name == NULL ||
	    hash_put(&names->measures, kept, key.n, m) < 0)
		m = NULL;
out:
	strbuf_free(&key);
	return m;
}

static void
know_metric(struct names *names, struct arena *mem,
	const struct prom_point *point, struct series *out)
{
	struct naming n = { .point = point,
		.name = { point->name, point->name_n } };
	const char *instance;
	char name[NAME_BYTES] = "";

	out->factor = 1;
	if (is_dropped(n.name))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (!is(n.name, rules[i].from))
			continue;
		snprintf(name, sizeof(name), "%s", rules[i].to);
		n.drop = rules[i].drop;
		if (rules[i].factor != 0)
			out->factor = rules[i].factor;
	}
	n.is_net = starts(n.name, "node_network_");
	n.is_edac = starts(n.name, "node_edac_");
	if (name[0] == '\0' && !rename_generic(n.name, name))
		return;
	instance = instance_of(mem, &n);
	if (instance == NULL)
		return;
	out->measure = measure_of(names, mem, name, instance);
	if (out->measure != NULL)
		out->kind = SERIES_METRIC;
}

/* ---- smartctl_exporter ---- */

static const struct {
	const char *name;
	enum drive_field field;
} drive_names[] = {
	{ "smartctl_device", DRIVE_IDENT },
	{ "smartctl_device_attribute", DRIVE_RAW },
	{ "smartctl_device_temperature", DRIVE_TEMPERATURE },
	{ "smartctl_device_power_on_seconds", DRIVE_POWER_ON_SECONDS },
	{ "smartctl_device_smart_status", DRIVE_STATUS },
	{ "smartctl_device_capacity_bytes", DRIVE_CAPACITY },
	{ "smartctl_device_percentage_used", DRIVE_USED_PERCENT },
	{ "smartctl_device_available_spare", DRIVE_SPARE_PERCENT },
	{ "smartctl_device_critical_warning", DRIVE_CRITICAL_WARNING },
	{ "smartctl_device_media_errors", DRIVE_MEDIA_ERRORS },
	{ "smartctl_scsi_grown_defect_list", DRIVE_GROWN_DEFECTS },
	{ "smartctl_read_total_uncorrected_errors", DRIVE_UNCORRECTED },
	{ "smartctl_write_total_uncorrected_errors", DRIVE_UNCORRECTED },
	{ "smartctl_verify_total_uncorrected_errors", DRIVE_UNCORRECTED },
};

static const char *
label_of(struct arena *mem, const struct prom_point *point, const char *key)
{
	for (size_t i = 0; i < point->n_labels; i++) {
		const struct label *l = &point->labels[i];

		if (is((struct span){ l->key, l->key_n }, key))
			return arena_strndup(mem, l->value, l->value_n);
	}
	return "";
}

/* raw, value, worst, thresh; false for an unknown one. */
static bool
know_attribute(struct arena *mem, const struct prom_point *point,
	struct series *out)
{
	const char *type = label_of(mem, point, "attribute_value_type");
	const char *id = label_of(mem, point, "attribute_id");
	uint64_t v;

	out->attribute_name = label_of(mem, point, "attribute_name");
	if (type == NULL || id == NULL || out->attribute_name == NULL ||
	    u64_parse(id, strlen(id), &v) < 0 || v < 1 || v > 254)
		return false;
	out->attribute = (uint8_t)v;
	if (strcmp(type, "raw") == 0)
		return true;
	out->field = strcmp(type, "value") == 0 ? DRIVE_VALUE :
		strcmp(type, "worst") == 0 ? DRIVE_WORST : DRIVE_THRESHOLD;
	return true;
}

static bool
know_ident(struct arena *mem, const struct prom_point *point,
	struct series *out)
{
	out->model = label_of(mem, point, "model_name");
	if (out->model != NULL && out->model[0] == '\0')
		out->model = label_of(mem, point, "scsi_model_name");
	out->serial = label_of(mem, point, "serial_number");
	out->firmware = label_of(mem, point, "firmware_version");
	out->protocol = label_of(mem, point, "protocol");
	return out->model != NULL && out->serial != NULL &&
		out->firmware != NULL && out->protocol != NULL;
}

static void
know_drive(struct arena *mem, const struct prom_point *point,
	struct series *out)
{
	struct span name = { point->name, point->name_n };
	const char *type;
	size_t i = 0;

	while (i < ARRAY_LEN(drive_names) && !is(name, drive_names[i].name))
		i++;
	out->device = label_of(mem, point, "device");
	if (i == ARRAY_LEN(drive_names) || out->device == NULL ||
	    out->device[0] == '\0')
		return;
	out->field = drive_names[i].field;
	if (out->field == DRIVE_RAW && !know_attribute(mem, point, out))
		return;
	if (out->field == DRIVE_IDENT && !know_ident(mem, point, out))
		return;
	if (out->field == DRIVE_TEMPERATURE) {
		type = label_of(mem, point, "temperature_type");
		if (type == NULL || strcmp(type, "current") != 0)
			return;
	}
	out->kind = SERIES_DRIVE;
}

/* ---- the smartmon text file of node_exporter ---- */

static const struct {
	const char *end;
	enum drive_field field;
} smartmon_ends[] = {
	{ "_raw_value", DRIVE_RAW },
	{ "_value", DRIVE_VALUE },
	{ "_worst", DRIVE_WORST },
	{ "_threshold", DRIVE_THRESHOLD },
};

/* An attribute's metric is called by its name; its number is a label. */
static bool
know_smartmon_attribute(struct arena *mem, const struct prom_point *point,
	struct series *out)
{
	struct span name = { point->name, point->name_n };
	const char *id = label_of(mem, point, "smart_id");
	uint64_t v;
	size_t i = 0;

	while (i < ARRAY_LEN(smartmon_ends) && !ends(name, smartmon_ends[i].end))
		i++;
	if (i == ARRAY_LEN(smartmon_ends) || id == NULL ||
	    u64_parse(id, strlen(id), &v) < 0 || v < 1 || v > 254)
		return false;
	out->field = smartmon_ends[i].field;
	out->attribute = (uint8_t)v;
	out->attribute_name = "";
	out->is_rounded = out->field == DRIVE_RAW;
	/* the number is an ATA one's, the drive is none */
	if (is(name, "smartmon_grown_defects_count_raw_value"))
		out->field = DRIVE_GROWN_DEFECTS;
	return true;
}

/* "sat", "sat+megaraid,3", "scsi", "nvme" */
static const char *
protocol_of(const char *type)
{
	if (strncmp(type, "sat", 3) == 0 || strncmp(type, "ata", 3) == 0)
		return "ATA";
	if (strncmp(type, "scsi", 4) == 0)
		return "SCSI";
	return strncmp(type, "nvme", 4) == 0 ? "NVMe" : "";
}

static bool
know_smartmon_ident(struct arena *mem, const struct prom_point *point,
	const char *type, struct series *out)
{
	out->field = DRIVE_IDENT;
	out->protocol = protocol_of(type);
	out->model = label_of(mem, point, "device_model");
	/* only SCSI drives have a product, whatever the controller is */
	if (out->model != NULL && out->model[0] == '\0') {
		out->model = label_of(mem, point, "product");
		out->protocol = "SCSI";
	}
	out->serial = label_of(mem, point, "serial_number");
	out->firmware = label_of(mem, point, "firmware_version");
	if (out->firmware != NULL && out->firmware[0] == '\0')
		out->firmware = label_of(mem, point, "revision");
	return out->model != NULL && out->serial != NULL &&
		out->firmware != NULL;
}

/* Behind a controller drives share its device and differ by their type. */
static const char *
smartmon_device(struct arena *mem, const char *disk, const char *type)
{
	struct strbuf text = { 0 };
	const char *kept = disk;

	if (strchr(type, ',') != NULL) {
		strbuf_printf(&text, "%s %s", disk, type);
		kept = text.failed ? NULL : arena_strdup(mem,
			strbuf_str(&text));
	}
	strbuf_free(&text);
	return kept;
}

/* False: about the machine, not about a drive. */
static bool
know_smartmon(struct arena *mem, const struct prom_point *point,
	struct series *out)
{
	struct span name = { point->name, point->name_n };
	const char *disk = label_of(mem, point, "disk");
	const char *type = label_of(mem, point, "type");

	if (disk == NULL || type == NULL || disk[0] == '\0')
		return false;
	out->device = smartmon_device(mem, disk, type);
	if (is(name, "smartmon_device_smart_healthy"))
		out->field = DRIVE_STATUS;
	else if (is(name, "smartmon_device_info") ?
	    !know_smartmon_ident(mem, point, type, out) :
	    !know_smartmon_attribute(mem, point, out))
		return false;
	out->kind = out->device != NULL ? SERIES_DRIVE : SERIES_DROP;
	return true;
}

/* ---- all ---- */

const void *
names_know(void *arg, struct arena *mem, const struct prom_point *point)
{
	struct series *out = arena_alloc(mem, sizeof(*out));

	if (out == NULL)
		return NULL;
	*out = (struct series){ .kind = SERIES_DROP };
	if (starts((struct span){ point->name, point->name_n }, "smartctl_"))
		know_drive(mem, point, out);
	else if (!starts((struct span){ point->name, point->name_n },
			"smartmon_") || !know_smartmon(mem, point, out))
		know_metric(arg, mem, point, out);
	return out;
}

void
names_forgotten(void *arg)
{
	struct names *names = arg;

	hash_free(&names->measures);
}
