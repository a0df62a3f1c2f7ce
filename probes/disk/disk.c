/*
 * Work, latency and errors of whole disks.  Counters come from
 * /proc/diskstats; utilisation and latency are those since the run before.
 * A disk is named by its kernel name here: who it is, the smart probe knows.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/probe.h>

#include "base/hash.h"
#include "base/mem.h"
#include "probes/common/samples.h"
#include "probes/common/sysfile.h"

#define SECTOR_BYTES 512.0	/* of diskstats, whatever the disk's own */
#define MAX_DISKS 256

/* Documentation/admin-guide/iostats.rst, after major, minor and name */
enum field {
	F_READS, F_READS_MERGED, F_READ_SECTORS, F_READ_MS,
	F_WRITES, F_WRITES_MERGED, F_WRITTEN_SECTORS, F_WRITE_MS,
	F_INFLIGHT, F_IO_MS, F_WEIGHTED_MS,
	F_COUNT,
};

struct disk_stat {
	char name[64];
	uint64_t v[F_COUNT];
	/* Seconds, of the latest interval that had any; < 0 = none yet. */
	double read_latency;
	double write_latency;
};

struct disk {
	pthread_mutex_t lock;
	uint64_t root;		/* of the tree that `last` is from */
	int64_t at_ns;
	struct disk_stat *last;
	size_t n_last;
};

enum { OPT_ROOT };

static const struct tocsin_opt opts[] = {
	[OPT_ROOT] = { "root", TOCSIN_OPT_STRING, "/", NULL, NULL, NULL, NULL,
		"where /proc and /sys are found" },
	{ .name = NULL }
};

static const struct tocsin_metric metrics[] = {
	{ "disk_reads_completed_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"reads done" },
	{ "disk_writes_completed_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"writes done" },
	{ "disk_read_bytes_total", TOCSIN_COUNTER, TOCSIN_BYTES, "read" },
	{ "disk_written_bytes_total", TOCSIN_COUNTER, TOCSIN_BYTES,
		"written" },
	{ "disk_read_seconds_total", TOCSIN_COUNTER, TOCSIN_SECONDS,
		"time that all reads took together" },
	{ "disk_write_seconds_total", TOCSIN_COUNTER, TOCSIN_SECONDS,
		"time that all writes took together" },
	{ "disk_io_seconds_total", TOCSIN_COUNTER, TOCSIN_SECONDS,
		"time with any I/O under way" },
	{ "disk_inflight", TOCSIN_GAUGE, TOCSIN_COUNT, "I/O under way" },
	{ "disk_size_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "capacity" },
	{ "disk_utilisation_ratio", TOCSIN_GAUGE, TOCSIN_RATIO,
		"share of the time with any I/O under way" },
	{ "disk_read_latency_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"mean time of a read, when there last was one" },
	{ "disk_write_latency_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"mean time of a write, when there last was one" },
	{ "disk_queue_length", TOCSIN_GAUGE, TOCSIN_COUNT,
		"mean I/O under way" },
	{ "disk_errors_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"I/O errors that the SCSI layer saw" },
	{ "disk_timeouts_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"I/O timeouts that the SCSI layer saw" },
	{ "disk_online", TOCSIN_GAUGE, TOCSIN_BOOLEAN,
		"0 when the kernel has taken the disk offline" },
	PSI_METRICS("io"),
	{ .name = NULL }
};

static int
disk_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct disk *disk = MEM_NEW(struct disk);

	(void)ctx;
	if (!disk) {
		strncpy(error, "out of memory", 255);
		return -ENOMEM;
	}
	pthread_mutex_init(&disk->lock, NULL);
	*instance = disk;
	return 0;
}

static void
disk_close(void *instance)
{
	struct disk *disk = instance;

	pthread_mutex_destroy(&disk->lock);
	mem_free(disk->last);
	mem_free(disk);
}

/* ---- which disks ---- */

/*
 * A disk of its own: the kernel gives it a parent `device`, which loop, ram,
 * dm and md have not; not a CD or floppy drive, not a hidden path of a
 * multipath NVMe, not an empty slot.
 */
static bool
is_whole_disk(const char *root, const char *name, uint64_t *sectors)
{
	char path[128];
	uint64_t v;

	if (strncmp(name, "sr", 2) == 0 || strncmp(name, "fd", 2) == 0)
		return false;
	snprintf(path, sizeof(path), "sys/block/%s/hidden", name);
	if (sysfile_u64(root, path, &v) && v != 0)
		return false;
	snprintf(path, sizeof(path), "sys/block/%s/size", name);
	if (!sysfile_u64(root, path, sectors) || *sectors == 0)
		return false;
	snprintf(path, sizeof(path), "sys/block/%s/device", name);
	return sysfile_is_dir(root, path);
}

/* ---- what they did ---- */

static bool
parse_line(struct span line, struct disk_stat *out)
{
	struct span name;
	uint64_t v;

	if (!span_u64(&line, &v) || !span_u64(&line, &v) ||
	    !span_word(&line, &name) || name.n >= sizeof(out->name))
		return false;
	memcpy(out->name, name.p, name.n);
	out->name[name.n] = '\0';
	for (size_t i = 0; i < F_COUNT; i++) {
		if (!span_u64(&line, &out->v[i]))
			return false;
	}
	return true;
}

/* sysfs writes '!' where a name has a '/' ("cciss!c0d0"). */
static bool
same_disk(const char *sysfs, const char *name)
{
	for (; *sysfs || *name; sysfs++, name++) {
		if (*sysfs != *name && !(*sysfs == '!' && *name == '/'))
			return false;
	}
	return true;
}

static bool
find_stat(struct span rest, const char *name, struct disk_stat *out)
{
	struct span line;

	while (span_line(&rest, &line)) {
		if (parse_line(line, out) && same_disk(name, out->name)) {
			memcpy(out->name, name, strlen(name) + 1);
			return true;
		}
	}
	return false;
}

/*
 * Times are kept in 32 bits of ms by kernels of today: a step back over the
 * edge is a step forward.  A step back of a count is a new disk: false.
 */
static bool
step(const struct disk_stat *now, const struct disk_stat *last,
	enum field f, double *out)
{
	uint64_t a = last->v[f], b = now->v[f];
	bool is_time = f == F_READ_MS || f == F_WRITE_MS || f == F_IO_MS ||
		f == F_WEIGHTED_MS;

	if (b < a && is_time && a <= UINT32_MAX && b + UINT32_MAX - a < 1u << 31)
		b += (uint64_t)UINT32_MAX + 1;
	if (b < a)
		return false;
	*out = (double)(b - a);
	return true;
}

/* Mean time of one, or what it was before when nothing was done since. */
static double
latency(const struct disk_stat *now, const struct disk_stat *last,
	enum field count, double before)
{
	enum field time = count == F_READS ? F_READ_MS : F_WRITE_MS;
	double n, ms;

	if (!step(now, last, count, &n) || !step(now, last, time, &ms))
		return -1;
	return n > 0 ? ms / 1e3 / n : before;
}

static void
add_derived(struct samples *s, const char *label, struct disk_stat *now,
	const struct disk_stat *last, double seconds)
{
	double ms;

	if (step(now, last, F_IO_MS, &ms)) {
		double share = ms / 1e3 / seconds;

		/* the two clocks differ by a tick */
		samples_add(s, "disk_utilisation_ratio", label,
			share > 1 ? 1 : share);
	}
	if (step(now, last, F_WEIGHTED_MS, &ms))
		samples_add(s, "disk_queue_length", label,
			ms / 1e3 / seconds);
	now->read_latency = latency(now, last, F_READS, last->read_latency);
	now->write_latency = latency(now, last, F_WRITES, last->write_latency);
	if (now->read_latency >= 0)
		samples_add(s, "disk_read_latency_seconds", label,
			now->read_latency);
	if (now->write_latency >= 0)
		samples_add(s, "disk_write_latency_seconds", label,
			now->write_latency);
}

static void
add_counters(struct samples *s, const char *label, const struct disk_stat *d)
{
	samples_add(s, "disk_reads_completed_total", label,
		(double)d->v[F_READS]);
	samples_add(s, "disk_writes_completed_total", label,
		(double)d->v[F_WRITES]);
	samples_add(s, "disk_read_bytes_total", label,
		(double)d->v[F_READ_SECTORS] * SECTOR_BYTES);
	samples_add(s, "disk_written_bytes_total", label,
		(double)d->v[F_WRITTEN_SECTORS] * SECTOR_BYTES);
	samples_add(s, "disk_read_seconds_total", label,
		(double)d->v[F_READ_MS] / 1e3);
	samples_add(s, "disk_write_seconds_total", label,
		(double)d->v[F_WRITE_MS] / 1e3);
	samples_add(s, "disk_io_seconds_total", label,
		(double)d->v[F_IO_MS] / 1e3);
	samples_add(s, "disk_inflight", label, (double)d->v[F_INFLIGHT]);
}

/* What the SCSI layer knows of a disk; others have none of these files. */
static void
add_scsi(struct samples *s, const char *root, const char *name,
	const char *label)
{
	struct strbuf text = {0};
	struct span word;
	char path[128];

	snprintf(path, sizeof(path), "sys/block/%s/device/ioerr_cnt", name);
	samples_add_file(s, root, path, "disk_errors_total", label);
	snprintf(path, sizeof(path), "sys/block/%s/device/iotmo_cnt", name);
	samples_add_file(s, root, path, "disk_timeouts_total", label);
	snprintf(path, sizeof(path), "sys/block/%s/device/state", name);
	if (sysfile_word(root, path, &text, &word))
		samples_add(s, "disk_online", label,
			!span_is(word, "offline") &&
			!span_is(word, "transport-offline") &&
			!span_is(word, "dead"));
	strbuf_free(&text);
}

static const struct disk_stat *
find_last(const struct disk *disk, const char *name)
{
	for (size_t i = 0; i < disk->n_last; i++) {
		if (strcmp(disk->last[i].name, name) == 0)
			return &disk->last[i];
	}
	return NULL;
}

struct reading {
	const char *root;
	int64_t at_ns;
	struct disk_stat *stats;
	size_t n;
	struct samples s;
};

static void
add_disk(struct reading *r, const struct disk *disk, struct span stats,
	const char *name)
{
	struct disk_stat *now = &r->stats[r->n];
	const struct disk_stat *last;
	char label[96];
	uint64_t sectors;

	if (r->n == MAX_DISKS || !is_whole_disk(r->root, name, &sectors))
		return;
	snprintf(label, sizeof(label), "device=\"%s\"", name);
	samples_add(&r->s, "disk_size_bytes", label,
		(double)sectors * SECTOR_BYTES);
	add_scsi(&r->s, r->root, name, label);
	if (!find_stat(stats, name, now))
		return;
	now->read_latency = now->write_latency = -1;
	add_counters(&r->s, label, now);
	last = find_last(disk, name);
	if (last && r->at_ns > disk->at_ns)
		add_derived(&r->s, label, now, last,
			(double)(r->at_ns - disk->at_ns) / 1e9);
	r->n++;
}

/* The stats go into `disk`, for the next run. */
static void
read_disks(struct reading *r, struct disk *disk, struct span stats,
	const struct names *names)
{
	uint64_t tree = hash_bytes(r->root, strlen(r->root), 0);

	pthread_mutex_lock(&disk->lock);
	if (disk->root != tree)
		disk->n_last = 0;
	for (size_t i = 0; i < names->n; i++)
		add_disk(r, disk, stats, names->items[i]);
	mem_free(disk->last);
	disk->last = r->stats;
	disk->n_last = r->n;
	disk->at_ns = r->at_ns;
	disk->root = tree;
	pthread_mutex_unlock(&disk->lock);
	r->stats = NULL;
}

static int
disk_run(void *instance, const struct tocsin_target *target,
	struct tocsin_ctx *ctx)
{
	struct reading r = { .root = target_option(target, OPT_ROOT, "/") };
	struct names names = {0};
	struct strbuf text = {0};
	const char *what = "/proc/diskstats";
	int rc;

	rc = sysfile_read(r.root, "proc/diskstats", &text);
	if (rc < 0)
		goto out;
	what = "/sys/block";
	rc = names_list(r.root, "sys/block", &names);
	if (rc < 0)
		goto out;
	r.at_ns = ctx->mono_ns(ctx);
	r.stats = mem_alloc_array(MAX_DISKS, sizeof(*r.stats));
	if (!r.stats) {
		rc = -ENOMEM;
		goto out;
	}
	read_disks(&r, instance, span_of(&text), &names);
	psi_add(&r.s, r.root, "io");
	samples_report(&r.s, ctx, target, r.n ? NULL : "no disks here");
out:
	if (rc < 0)
		samples_refuse(ctx, target, rc, what);
	names_free(&names);
	strbuf_free(&text);
	samples_free(&r.s);
	return 0;
}

TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "disk",
	.help = "work, latency, errors and pressure of disks",
	.opts = opts, .metrics = metrics,
	.open = disk_open, .close = disk_close, .run = disk_run,
};
