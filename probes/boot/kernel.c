/*
 * The kernel's log.  /dev/kmsg gives a record a read; user space may write
 * there too, but never as the kernel's facility (0), so nobody else is heard.
 */
#include "probes/boot/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORDS_MAX 4096	/* a call */
#define RECORD_BYTES 8192	/* the kernel gives no longer ones */
#define PRIORITY_WARNING 4

static const struct {
	const char *metric;
	int taint_bit;
} troubles[KERNEL_TROUBLES] = {
#define X(sym, metric, bit) [sym] = { metric, bit },
	KERNEL_TABLE(X)
#undef X
};

/* One line of each event, not its whole report. */
static const struct {
	const char *text;
	enum kernel_trouble trouble;
} words[] = {
	{ "Oops:", KERNEL_OOPS },
	{ "kernel BUG at", KERNEL_OOPS },
	{ "Kernel panic - not syncing", KERNEL_OOPS },
	{ "soft lockup - CPU", KERNEL_LOCKUP },
	{ "hard LOCKUP", KERNEL_LOCKUP },
	{ "blocked for more than", KERNEL_LOCKUP },
	{ "self-detected stall on CPU", KERNEL_LOCKUP },
	{ "detected stalls on CPUs", KERNEL_LOCKUP },
	{ "Machine check events logged", KERNEL_MACHINE_CHECK },
	{ "[Hardware Error]: event severity:", KERNEL_MACHINE_CHECK },
	{ "[Hardware Error]: CPU ", KERNEL_MACHINE_CHECK },
	{ "I/O error, dev ", KERNEL_IO_ERROR },
	{ "critical medium error, dev ", KERNEL_IO_ERROR },
	{ "EXT4-fs error ", KERNEL_IO_ERROR },
	{ "metadata I/O error", KERNEL_IO_ERROR },
	{ "BTRFS error ", KERNEL_IO_ERROR },
};

void
kernel_log_close(struct kernel_log *k)
{
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
}

static bool
contains(struct span s, const char *text)
{
	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

/* "4" of "4,123,456,-": priority and facility in one. */
static bool
is_kernels(struct span head)
{
	unsigned prefix = 0;
	size_t i = 0;

	for (; i < head.n && i < 6 && head.p[i] >= '0' && head.p[i] <= '9'; i++)
		prefix = prefix * 10 + (unsigned)(head.p[i] - '0');
	return i > 0 && i < head.n && head.p[i] == ',' &&
		prefix <= PRIORITY_WARNING;
}

void
kernel_note(struct kernel_log *k, struct span record)
{
	const char *semicolon = memchr(record.p, ';', record.n);
	struct span head, text;

	if (semicolon == NULL)
		return;
	head = (struct span){ record.p, (size_t)(semicolon - record.p) };
	text = (struct span){ semicolon + 1, record.n - head.n - 1 };
	if (!is_kernels(head))
		return;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (contains(text, words[i].text)) {
			k->seen[words[i].trouble]++;
			return;
		}
}

/* Lines behind the first are the record's properties; they begin with a
 * blank and are no records. */
static void
note_lines(struct kernel_log *k, struct span rest)
{
	struct span line;

	while (span_line(&rest, &line))
		kernel_note(k, line);
}

static void
open_log(struct kernel_log *k, const char *root)
{
	char path[512];

	if (k->fd >= 0 || k->refused)
		return;
	(void)snprintf(path, sizeof(path), "%s/dev/kmsg", root);
	k->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	k->refused = k->fd < 0;
}

/* False: it may not be read. */
static bool
read_log(struct kernel_log *k)
{
	char record[RECORD_BYTES];

	for (int i = 0; i < RECORDS_MAX; i++) {
		ssize_t n = read(k->fd, record, sizeof(record));

		if (n > 0)
			note_lines(k, (struct span){ record, (size_t)n });
		else if (n == 0 || errno == EAGAIN)
			return true;
		else if (errno != EPIPE && errno != EINTR)
			return false;	/* EPIPE: some were overwritten */
	}
	return true;
}

static void
add_taint(struct samples *s, const char *root)
{
	uint64_t flags;

	if (!sysfile_u64(root, "proc/sys/kernel/tainted", &flags))
		return;
	for (int i = 0; i < KERNEL_TROUBLES; i++)
		if (troubles[i].taint_bit >= 0)
			samples_add(s, troubles[i].metric, "",
				(double)(flags >> troubles[i].taint_bit & 1));
}

void
kernel_add(struct samples *s, struct kernel_log *k, const char *root)
{
	open_log(k, root);
	if (k->fd >= 0 && !read_log(k)) {
		kernel_log_close(k);
		k->refused = true;
	}
	if (k->fd < 0) {
		add_taint(s, root);
		return;
	}
	for (int i = 0; i < KERNEL_TROUBLES; i++)
		samples_add(s, troubles[i].metric, "", (double)k->seen[i]);
}
