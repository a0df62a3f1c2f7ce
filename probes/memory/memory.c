/*
 * Memory and swap, the pressure on them, and memory errors (EDAC).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/probe.h>

#include "probes/common/samples.h"
#include "probes/common/sysfile.h"

#define EDAC_DIR "sys/devices/system/edac/mc"

enum { OPT_ROOT };

static const struct tocsin_opt opts[] = {
	[OPT_ROOT] = { "root", TOCSIN_OPT_STRING, "/", NULL, NULL, NULL, NULL,
		"where /proc and /sys are found" },
	{ .name = NULL }
};

static const struct tocsin_metric metrics[] = {
	{ "memory_total_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "memory" },
	{ "memory_free_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "memory unused" },
	{ "memory_available_bytes", TOCSIN_GAUGE, TOCSIN_BYTES,
		"memory that can be had without swapping" },
	{ "memory_buffers_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "buffers" },
	{ "memory_cached_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "page cache" },
	{ "memory_dirty_bytes", TOCSIN_GAUGE, TOCSIN_BYTES,
		"waiting to be written" },
	{ "memory_unreclaimable_bytes", TOCSIN_GAUGE, TOCSIN_BYTES,
		"kernel slabs that cannot be given back" },
	{ "memory_corrupted_bytes", TOCSIN_GAUGE, TOCSIN_BYTES,
		"pages taken out of use after memory errors" },
	{ "memory_used_ratio", TOCSIN_GAUGE, TOCSIN_RATIO,
		"1 - available / total" },
	{ "swap_total_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "swap" },
	{ "swap_free_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "swap unused" },
	{ "swap_in_bytes_total", TOCSIN_COUNTER, TOCSIN_BYTES,
		"read back from swap" },
	{ "swap_out_bytes_total", TOCSIN_COUNTER, TOCSIN_BYTES,
		"written to swap" },
	{ "memory_major_faults_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"page faults that had to read" },
	{ "memory_oom_kills_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"processes killed for want of memory" },
	{ "memory_corrected_errors_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"memory errors corrected (EDAC), by controller and DIMM" },
	{ "memory_uncorrected_errors_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"memory errors not corrected (EDAC), by controller and DIMM" },
	PSI_METRICS("memory"),
	{ .name = NULL }
};

struct row {
	const char *key;
	const char *metric;
};

static const struct row meminfo_rows[] = {
	{ "MemTotal:", "memory_total_bytes" },
	{ "MemFree:", "memory_free_bytes" },
	{ "MemAvailable:", "memory_available_bytes" },
	{ "Buffers:", "memory_buffers_bytes" },
	{ "Cached:", "memory_cached_bytes" },
	{ "Dirty:", "memory_dirty_bytes" },
	{ "SUnreclaim:", "memory_unreclaimable_bytes" },
	{ "HardwareCorrupted:", "memory_corrupted_bytes" },
	{ "SwapTotal:", "swap_total_bytes" },
	{ "SwapFree:", "swap_free_bytes" },
};

static const char *
row_find(const struct row *rows, size_t n, struct span key)
{
	for (size_t i = 0; i < n; i++) {
		if (span_is(key, rows[i].key))
			return rows[i].metric;
	}
	return NULL;
}

/* "MemTotal:       24586224 kB"; true when there was a total. */
static bool
add_meminfo(struct samples *s, struct span rest)
{
	struct span line, word;
	double total = 0, available = -1;
	uint64_t v;

	while (span_line(&rest, &line)) {
		const char *name;
		double bytes;

		if (!span_word(&line, &word) || !span_u64(&line, &v))
			continue;
		name = row_find(meminfo_rows, ARRAY_LEN(meminfo_rows), word);
		if (!name)
			continue;
		bytes = (double)v * 1024;
		samples_add(s, name, "", bytes);
		if (span_is(word, "MemTotal:"))
			total = bytes;
		else if (span_is(word, "MemAvailable:"))
			available = bytes;
	}
	if (total > 0 && available >= 0 && available <= total)
		samples_add(s, "memory_used_ratio", "", 1 - available / total);
	return total > 0;
}

static void
add_vmstat(struct samples *s, const char *root, struct strbuf *text)
{
	static const struct row rows[] = {
		{ "pswpin", "swap_in_bytes_total" },
		{ "pswpout", "swap_out_bytes_total" },
		{ "pgmajfault", "memory_major_faults_total" },
		{ "oom_kill", "memory_oom_kills_total" },
	};
	double page = (double)sysconf(_SC_PAGESIZE);
	struct span rest, line, word;
	uint64_t v;

	if (sysfile_read(root, "proc/vmstat", text) < 0)
		return;
	rest = span_of(text);
	while (span_line(&rest, &line)) {
		const char *name;

		if (!span_word(&line, &word) || !span_u64(&line, &v))
			continue;
		name = row_find(rows, ARRAY_LEN(rows), word);
		if (name)
			samples_add(s, name, "", (double)v *
				(span_starts(word, "pswp") ? page : 1));
	}
}

/* ---- EDAC ---- */

/* "dimm12", "rank3": `prefix` and digits. */
static bool
is_numbered(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 && name[n] &&
		name[n + strspn(name + n, "0123456789")] == '\0' &&
		strlen(name) < n + 6;
}

struct error_files {
	const char *corrected;
	const char *uncorrected;
};

/* The two counters below `dir`. */
static void
add_errors(struct samples *s, const char *root, const char *dir,
	const char *label, const struct error_files *files)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, files->corrected);
	samples_add_file(s, root, path, "memory_corrected_errors_total",
		label);
	snprintf(path, sizeof(path), "%s/%s", dir, files->uncorrected);
	samples_add_file(s, root, path, "memory_uncorrected_errors_total",
		label);
}

static void
add_dimm(struct samples *s, const char *root, const char *mc, const char *dimm)
{
	static const struct error_files files = {
		"dimm_ce_count", "dimm_ue_count"
	};
	char dir[128], label[96];

	snprintf(dir, sizeof(dir), EDAC_DIR "/%s/%s", mc, dimm);
	snprintf(label, sizeof(label), "controller=\"%s\",dimm=\"%s\"", mc,
		dimm);
	add_errors(s, root, dir, label, &files);
}

/*
 * The instances of a controller add up to its counts: its DIMMs and what
 * could be laid to none of them; or the controller as a whole.
 */
static void
add_controller(struct samples *s, const char *root, const char *mc)
{
	static const struct error_files whole = { "ce_count", "ue_count" };
	static const struct error_files rest = {
		"ce_noinfo_count", "ue_noinfo_count"
	};
	char dir[96], label[96];
	struct names names;
	size_t n_dimms = 0;

	snprintf(dir, sizeof(dir), EDAC_DIR "/%s", mc);
	names_list(root, dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (!is_numbered(names.items[i], "dimm") &&
		    !is_numbered(names.items[i], "rank"))
			continue;
		add_dimm(s, root, mc, names.items[i]);
		n_dimms++;
	}
	names_free(&names);
	snprintf(label, sizeof(label), n_dimms == 0 ? "controller=\"%s\"" :
		"controller=\"%s\",dimm=\"unknown\"", mc);
	add_errors(s, root, dir, label, n_dimms == 0 ? &whole : &rest);
}

static void
add_edac(struct samples *s, const char *root)
{
	struct names names;

	names_list(root, EDAC_DIR, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (is_numbered(names.items[i], "mc"))
			add_controller(s, root, names.items[i]);
	}
	names_free(&names);
}

static int
memory_run(void *instance, const struct tocsin_target *target,
	struct tocsin_ctx *ctx)
{
	const char *root = target_option(target, OPT_ROOT, "/");
	struct samples s = {0};
	struct strbuf text = {0};
	int rc;

	(void)instance;
	rc = sysfile_read(root, "proc/meminfo", &text);
	if (rc == 0 && !add_meminfo(&s, span_of(&text)))
		rc = -EPROTO;
	if (rc < 0) {
		samples_refuse(ctx, target, rc, "/proc/meminfo");
		goto out;
	}
	add_vmstat(&s, root, &text);
	add_edac(&s, root);
	psi_add(&s, root, "memory");
	samples_report(&s, ctx, target, NULL);
out:
	strbuf_free(&text);
	samples_free(&s);
	return 0;
}

TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "memory",
	.help = "memory, swap, pressure and memory errors",
	.opts = opts, .metrics = metrics, .run = memory_run,
};
