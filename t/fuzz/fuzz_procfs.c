/*
 * One of the probes that read /proc and /sys, linked in, over a tree in which
 * every file that it reads holds the input.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin/probe.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct tocsin_probe tocsin_probe_v1;

static const char *const files[] = {
	"proc/stat", "proc/loadavg", "proc/pressure/cpu",
	"proc/pressure/memory", "proc/pressure/io", "proc/meminfo",
	"proc/vmstat", "proc/diskstats", "proc/uptime",
	"sys/block/sda/device/ioerr_cnt", "sys/block/sda/device/state",
	"sys/devices/system/edac/mc/mc0/dimm0/dimm_ce_count",
	"sys/devices/system/edac/mc/mc0/ue_noinfo_count", "var/log/wtmp",
	"marker", "dev/kmsg", "proc/sys/kernel/tainted",
};

static char root[64];
static char marker[96];
static char made[2048][160];	/* in the order of making */
static size_t n_made;

static void
remember(const char *path)
{
	if (n_made < sizeof(made) / sizeof(made[0]))
		snprintf(made[n_made++], sizeof(made[0]), "%s", path);
}

static void
tidy(void)
{
	while (n_made > 0)
		remove(made[--n_made]);
}

static void
write_file(const char *name, const void *p, size_t n)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *slash = path + strlen(root) + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		if (mkdir(path, 0700) == 0)
			remember(path);
		*slash = '/';
	}
	if (access(path, F_OK) < 0)
		remember(path);
	f = fopen(path, "w");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		abort();
}

static int64_t
mono(struct tocsin_ctx *ctx)
{
	int64_t *now = ctx->host;

	return *now += 15000000000;
}

static void
report(struct tocsin_ctx *ctx, uint32_t slot, const struct tocsin_report *r)
{
	(void)ctx;
	if (slot != 3 || r->n_samples > 4096)
		abort();
	for (uint32_t i = 0; i < r->n_samples; i++) {
		if (!isfinite(r->samples[i].v.f64) || !r->samples[i].name)
			abort();
	}
}

static void
set_up(void)
{
	static const char id[] = "11111111-2222-3333-4444-555555555555\n";

	/* in memory: the probe syncs its marker */
	snprintf(root, sizeof(root), "%s/tocsin-fuzz-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(root))
		abort();
	remember(root);
	atexit(tidy);
	snprintf(marker, sizeof(marker), "%s/marker", root);
	write_file("proc/sys/kernel/random/boot_id", id, sizeof(id) - 1);
	write_file("sys/block/sda/size", "2048\n", 5);
	write_file("sys/block/sda/device/model", "x", 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tocsin_value opts[2] = { { .s = root }, { .s = marker } };
	int64_t now = 1;
	struct tocsin_ctx ctx = { .size = sizeof(ctx), .host = &now,
		.mono_ns = mono, .wall_ms = mono, .report = report };
	struct tocsin_target target = { .size = sizeof(target), .slot = 3,
		.host = "h1", .address = "", .n_opts = 2, .opts = opts };
	void *instance = NULL;
	char error[256];

	if (!root[0])
		set_up();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		write_file(files[i], data, size);
	if (tocsin_probe_v1.open &&
	    tocsin_probe_v1.open(&ctx, &instance, error) < 0)
		return 0;
	/* once as it is, once against what it was */
	if (tocsin_probe_v1.run(instance, &target, &ctx) != 0 ||
	    tocsin_probe_v1.run(instance, &target, &ctx) != 0)
		abort();
	if (tocsin_probe_v1.close)
		tocsin_probe_v1.close(instance);
	return 0;
}
