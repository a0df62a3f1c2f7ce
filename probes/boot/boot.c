/*
 * Since when the machine is up, and whether it went down properly before.
 *
 * Two witnesses say how the run before ended.  wtmp: between its last two
 * boot records there is a shutdown record, or there is none.  Where wtmp does
 * not speak (not kept, rotated), the marker: a file of our own that says
 * "running" from the first run after a boot until close(), which a proper
 * shutdown reaches.  A new boot id beside "running" means that nobody was
 * given time to say goodbye.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmp.h>

#include <tocsin/probe.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/units.h"
#include "probes/boot/kernel.h"
#include "probes/common/samples.h"
#include "probes/common/sysfile.h"

/* The tail of wtmp that is read: about 2,700 records. */
#define WTMP_TAIL_BYTES ((off_t)1 << 20)
/*
 * A boot record is written before the clock is set right, perhaps by a clock
 * that runs on local time: so far it may be from the boot that /proc tells.
 */
#define WTMP_SLACK_S (16 * 3600)

enum ending { ENDING_NOT_KNOWN, ENDING_CLEAN, ENDING_UNCLEAN };

struct marker {
	char boot_id[40];
	bool running;
	uint64_t boots;		/* seen by this marker */
	uint64_t unclean;	/* of those */
	enum ending ending;	/* of the run before this boot */
};

struct boot {
	pthread_mutex_t lock;
	bool loaded;
	char path[512];		/* of the marker; "" = none */
	struct marker marker;
	struct kernel_log log;
};

enum { OPT_ROOT, OPT_STATE };

static const struct tocsin_opt opts[] = {
	[OPT_ROOT] = { "root", TOCSIN_OPT_STRING, "/", NULL, NULL, NULL, NULL,
		"where /proc, /sys and /var/log are found" },
	[OPT_STATE] = { "state", TOCSIN_OPT_STRING, "", NULL, NULL, NULL, NULL,
		"file that remembers boots; empty: wtmp alone is asked" },
	{ .name = NULL }
};

static const struct tocsin_metric metrics[] = {
	{ "uptime_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS, "since the boot" },
	{ "boot_time_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"when it was booted, seconds since 1970" },
	{ "boot_id_hash", TOCSIN_GAUGE, TOCSIN_COUNT,
		"52 bits of a hash of the boot id: changes with every boot" },
	{ "boot_unclean", TOCSIN_GAUGE, TOCSIN_BOOLEAN,
		"1 when the run before this boot was not shut down" },
	{ "boots_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"boots seen by the marker" },
	{ "unclean_reboots_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"boots without a shutdown before them" },
	{ "kernel_info", TOCSIN_GAUGE, TOCSIN_COUNT,
		"1; its label is the release of the kernel that runs" },
	{ "kernel_crash_records", TOCSIN_GAUGE, TOCSIN_COUNT,
		"crash dumps that the firmware keeps (pstore)" },
	{ "kernel_oopses_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"oopses, BUGs and panics of the kernel" },
	{ "kernel_lockups_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"lockups, stalls and hung tasks" },
	{ "kernel_machine_checks_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"hardware errors that the processor reported" },
	{ "kernel_io_errors_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"I/O errors of disks and file systems in the kernel's log" },
	{ .name = NULL }
};

/* ---- the marker: "v1 BOOT-ID running|stopped BOOTS UNCLEAN ENDING\n" ---- */

static bool
marker_parse(struct span rest, struct marker *out)
{
	struct span word, id, state;
	uint64_t ending;

	if (!span_word(&rest, &word) || !span_is(word, "v1") ||
	    !span_word(&rest, &id) || id.n >= sizeof(out->boot_id) ||
	    !span_word(&rest, &state) || !span_u64(&rest, &out->boots) ||
	    !span_u64(&rest, &out->unclean) || !span_u64(&rest, &ending) ||
	    ending > ENDING_UNCLEAN)
		return false;
	memcpy(out->boot_id, id.p, id.n);
	out->boot_id[id.n] = '\0';
	out->running = span_is(state, "running");
	out->ending = (enum ending)ending;
	return true;
}

static void
marker_save(const struct boot *boot)
{
	const struct marker *m = &boot->marker;
	char text[160];
	int n;

	if (!boot->path[0])
		return;
	n = snprintf(text, sizeof(text), "v1 %s %s %llu %llu %d\n", m->boot_id,
		m->running ? "running" : "stopped",
		(unsigned long long)m->boots, (unsigned long long)m->unclean,
		(int)m->ending);
	/* not written: told again at the next change; nothing depends on it */
	(void)file_write_atomic(boot->path, text, (size_t)n, 0600, NULL);
}

static bool
marker_load(const char *path, struct marker *out)
{
	struct strbuf text = {0};
	bool ok;

	ok = *path && file_slurp(path, 4096, &text, NULL) == 0 &&
		marker_parse(span_of(&text), out);
	strbuf_free(&text);
	return ok;
}

/* ---- wtmp ---- */

static int
wtmp_read(const char *root, struct strbuf *out)
{
	struct strbuf name = {0};
	struct stat st;
	char *to;
	ssize_t n;
	int fd = -1, rc = -ENOENT;

	strbuf_printf(&name, "%s/var/log/wtmp", root);
	if (name.failed)
		goto out;
	fd = open(name.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		goto out;
	st.st_size -= st.st_size % (off_t)sizeof(struct utmp);
	n = st.st_size < WTMP_TAIL_BYTES ? st.st_size : WTMP_TAIL_BYTES -
		WTMP_TAIL_BYTES % (off_t)sizeof(struct utmp);
	to = strbuf_reserve(out, (size_t)n);
	if (!to)
		goto out;
	n = pread(fd, to, (size_t)n, st.st_size - n);
	if (n > 0) {
		out->n = (size_t)n;
		rc = 0;
	}
out:
	if (fd >= 0)
		close(fd);
	strbuf_free(&name);
	return rc;
}

static bool
is_shutdown(const struct utmp *u)
{
	return u->ut_type == RUN_LVL &&
		strncmp(u->ut_user, "shutdown", sizeof(u->ut_user)) == 0;
}

/*
 * Records are in the order of writing, which counts, not their times.  The
 * last boot record must be that of this boot, or wtmp is not kept.
 */
static enum ending
wtmp_ending(const char *root, uint64_t btime)
{
	struct strbuf text = {0};
	enum ending before = ENDING_NOT_KNOWN, now = ENDING_NOT_KNOWN;
	bool is_this_boot = false;

	if (wtmp_read(root, &text) < 0)
		goto out;
	for (size_t at = 0; at + sizeof(struct utmp) <= text.n;
	     at += sizeof(struct utmp)) {
		struct utmp u;

		memcpy(&u, text.p + at, sizeof(u));
		if (is_shutdown(&u)) {
			now = ENDING_CLEAN;
		} else if (u.ut_type == BOOT_TIME) {
			int64_t off = (int64_t)u.ut_tv.tv_sec - (int64_t)btime;

			is_this_boot = off > -WTMP_SLACK_S &&
				off < WTMP_SLACK_S;
			before = now;
			now = ENDING_UNCLEAN;
		}
	}
out:
	strbuf_free(&text);
	return is_this_boot ? before : ENDING_NOT_KNOWN;
}

/* ---- /proc ---- */

static bool
read_boot_id(const char *root, struct strbuf *text, char *out, size_t size)
{
	struct span word;

	if (!sysfile_word(root, "proc/sys/kernel/random/boot_id", text,
	    &word) || word.n >= size)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		if (!memchr("0123456789abcdef-", word.p[i], 17))
			return false;
	}
	memcpy(out, word.p, word.n);
	out[word.n] = '\0';
	return true;
}

static bool
read_btime(const char *root, struct strbuf *text, uint64_t *out)
{
	struct span rest, line, word;

	if (sysfile_read(root, "proc/stat", text) < 0)
		return false;
	rest = span_of(text);
	while (span_line(&rest, &line)) {
		if (span_word(&line, &word) && span_is(word, "btime"))
			return span_u64(&line, out);
	}
	return false;
}

static void
add_uptime(struct samples *s, const char *root, struct strbuf *text)
{
	struct span rest;
	double v;

	if (sysfile_read(root, "proc/uptime", text) < 0)
		return;
	rest = span_of(text);
	if (span_double(&rest, &v) && v >= 0)
		samples_add(s, "uptime_seconds", "", v);
}

/* What a label cannot hold is left out of it. */
static bool
is_release(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] > '~' || word.p[i] == '"' ||
		    word.p[i] == '\\')
			return false;
	return word.n > 0 && word.n <= 64;
}

static void
add_kernel(struct samples *s, const char *root, struct strbuf *text)
{
	struct span word;
	char label[80];

	if (!sysfile_word(root, "proc/sys/kernel/osrelease", text, &word) ||
	    !is_release(word))
		return;
	snprintf(label, sizeof(label), "release=\"%.*s\"", (int)word.n,
		word.p);
	samples_add(s, "kernel_info", label, 1);
}

static void
add_crashes(struct samples *s, const char *root)
{
	struct names names;
	size_t n = 0;

	if (names_list(root, "sys/fs/pstore", &names) == 0) {
		for (size_t i = 0; i < names.n; i++)
			n += strncmp(names.items[i], "dmesg-", 6) == 0;
		samples_add(s, "kernel_crash_records", "", (double)n);
	}
	names_free(&names);
}

/* ---- the run ---- */

/* The first sight of this boot by this marker. */
static void
note_boot(struct boot *boot, const char *root, const char *id, uint64_t btime)
{
	struct marker *m = &boot->marker;
	bool known = m->boot_id[0] != '\0';
	enum ending ending = wtmp_ending(root, btime);

	if (ending == ENDING_NOT_KNOWN && known && m->running)
		ending = ENDING_UNCLEAN;
	m->ending = ending;
	m->boots++;
	m->unclean += ending == ENDING_UNCLEAN;
	memcpy(m->boot_id, id, strlen(id) + 1);
}

static void
look(struct boot *boot, const struct tocsin_target *target, const char *id,
	uint64_t btime)
{
	const char *root = target_option(target, OPT_ROOT, "/");
	const char *path = target_option(target, OPT_STATE, "");
	bool changed = false;

	if (!boot->loaded || strncmp(path, boot->path,
				     sizeof(boot->path) - 1) != 0) {
		boot->marker = (struct marker){0};
		snprintf(boot->path, sizeof(boot->path), "%s", path);
		if (!marker_load(boot->path, &boot->marker))
			boot->marker = (struct marker){0};
		boot->loaded = true;
	}
	if (strcmp(boot->marker.boot_id, id) != 0) {
		note_boot(boot, root, id, btime);
		changed = true;
	}
	if (!boot->marker.running || changed) {
		boot->marker.running = true;
		marker_save(boot);
	}
}

static void
add_boot(struct samples *s, struct boot *boot,
	const struct tocsin_target *target, const char *id, uint64_t btime)
{
	struct marker m;

	pthread_mutex_lock(&boot->lock);
	look(boot, target, id, btime);
	m = boot->marker;
	pthread_mutex_unlock(&boot->lock);
	samples_add(s, "boot_id_hash", "",
		(double)(hash_bytes(id, strlen(id), 0) >> 12));
	if (m.ending != ENDING_NOT_KNOWN)
		samples_add(s, "boot_unclean", "",
			m.ending == ENDING_UNCLEAN);
	samples_add(s, "boots_total", "", (double)m.boots);
	samples_add(s, "unclean_reboots_total", "", (double)m.unclean);
}

static int
boot_run(void *instance, const struct tocsin_target *target,
	struct tocsin_ctx *ctx)
{
	const char *root = target_option(target, OPT_ROOT, "/");
	struct samples s = {0};
	struct strbuf text = {0};
	char id[40];
	uint64_t btime = 0;

	if (!read_boot_id(root, &text, id, sizeof(id))) {
		samples_refuse(ctx, target, -ENOENT,
			"/proc/sys/kernel/random/boot_id");
		goto out;
	}
	add_uptime(&s, root, &text);
	add_kernel(&s, root, &text);
	if (read_btime(root, &text, &btime))
		samples_add(&s, "boot_time_seconds", "", (double)btime);
	add_boot(&s, instance, target, id, btime);
	add_crashes(&s, root);
	pthread_mutex_lock(&((struct boot *)instance)->lock);
	kernel_add(&s, &((struct boot *)instance)->log, root);
	pthread_mutex_unlock(&((struct boot *)instance)->lock);
	samples_report(&s, ctx, target, NULL);
out:
	strbuf_free(&text);
	samples_free(&s);
	return 0;
}

static int
boot_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct boot *boot = MEM_NEW(struct boot);

	(void)ctx;
	if (!boot) {
		strncpy(error, "out of memory", 255);
		return -ENOMEM;
	}
	boot->log.fd = -1;
	pthread_mutex_init(&boot->lock, NULL);
	*instance = boot;
	return 0;
}

static void
boot_close(void *instance)
{
	struct boot *boot = instance;

	if (boot->loaded && boot->marker.running) {
		boot->marker.running = false;
		marker_save(boot);
	}
	kernel_log_close(&boot->log);
	pthread_mutex_destroy(&boot->lock);
	mem_free(boot);
}

TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "boot",
	.help = "uptime, and whether the machine went down properly",
	.opts = opts, .metrics = metrics,
	.open = boot_open, .close = boot_close, .run = boot_run,
};
