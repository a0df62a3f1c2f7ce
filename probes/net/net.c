/*
 * Work and errors of network interfaces: /proc/net/dev, and what sysfs knows
 * of the link.  Interfaces are named as the kernel names them.
 */
#include <stdio.h>
#include <string.h>

#include <tocsin/probe.h>

#include "base/macros.h"
#include "probes/common/samples.h"
#include "probes/common/sysfile.h"

#define MAX_INTERFACES 256
#define MBIT_BYTES 125000.0

enum { OPT_ROOT };

static const struct tocsin_opt opts[] = {
	[OPT_ROOT] = { "root", TOCSIN_OPT_STRING, "/", NULL, NULL, NULL, NULL,
		"where /proc and /sys are found" },
	{ .name = NULL }
};

static const struct tocsin_metric metrics[] = {
	{ "net_receive_bytes_total", TOCSIN_COUNTER, TOCSIN_BYTES, "received" },
	{ "net_receive_packets_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"packets received" },
	{ "net_receive_errors_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"packets received that were bad" },
	{ "net_receive_drops_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"packets received and thrown away" },
	{ "net_receive_fifo_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"overruns of the receive buffer" },
	{ "net_receive_frame_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"framing errors, CRC among them" },
	{ "net_transmit_bytes_total", TOCSIN_COUNTER, TOCSIN_BYTES, "sent" },
	{ "net_transmit_packets_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"packets sent" },
	{ "net_transmit_errors_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"packets that could not be sent" },
	{ "net_transmit_drops_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"packets thrown away before they were sent" },
	{ "net_transmit_fifo_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"underruns of the send buffer" },
	{ "net_transmit_collisions_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"collisions" },
	{ "net_transmit_carrier_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"carrier lost while sending" },
	{ "net_carrier_changes_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"how often the link came or went" },
	{ "net_carrier", TOCSIN_GAUGE, TOCSIN_BOOLEAN, "is there a link" },
	{ "net_up", TOCSIN_GAUGE, TOCSIN_BOOLEAN,
		"does the kernel hold it for usable" },
	{ "net_speed_bytes", TOCSIN_GAUGE, TOCSIN_BYTES,
		"bytes a second that the link can carry" },
	{ .name = NULL }
};

/* Columns of /proc/net/dev; NULL = of no use to us. */
static const char *const columns[] = {
	"net_receive_bytes_total", "net_receive_packets_total",
	"net_receive_errors_total", "net_receive_drops_total",
	"net_receive_fifo_total", "net_receive_frame_total", NULL, NULL,
	"net_transmit_bytes_total", "net_transmit_packets_total",
	"net_transmit_errors_total", "net_transmit_drops_total",
	"net_transmit_fifo_total", "net_transmit_collisions_total",
	"net_transmit_carrier_total", NULL,
};

/* A card or a bond of cards; not the thousand of veths of containers. */
static bool
is_hardware(const char *root, const char *name)
{
	char device[160], bonding[160];

	snprintf(device, sizeof(device), "sys/class/net/%s/device", name);
	snprintf(bonding, sizeof(bonding), "sys/class/net/%s/bonding", name);
	return sysfile_is_dir(root, device) || sysfile_is_dir(root, bonding);
}

/* Many of these files cannot be read while the link is down. */
static void
add_link(struct samples *s, const char *root, const char *name)
{
	struct strbuf text = {0};
	struct span word;
	char path[160], label[96];
	uint64_t mbit;

	snprintf(label, sizeof(label), "interface=\"%s\"", name);
	snprintf(path, sizeof(path), "sys/class/net/%s/carrier_changes", name);
	samples_add_file(s, root, path, "net_carrier_changes_total", label);
	snprintf(path, sizeof(path), "sys/class/net/%s/carrier", name);
	samples_add_file(s, root, path, "net_carrier", label);
	snprintf(path, sizeof(path), "sys/class/net/%s/operstate", name);
	if (sysfile_word(root, path, &text, &word))
		samples_add(s, "net_up", label, span_is(word, "up"));
	strbuf_free(&text);
	/* −1 = not known, which does not read as a number */
	snprintf(path, sizeof(path), "sys/class/net/%s/speed", name);
	if (sysfile_u64(root, path, &mbit) && mbit > 0 && mbit < UINT32_MAX)
		samples_add(s, "net_speed_bytes", label,
			(double)mbit * MBIT_BYTES);
}

static void
add_line(struct samples *s, const char *name, struct span rest)
{
	char label[96];
	uint64_t v;

	snprintf(label, sizeof(label), "interface=\"%s\"", name);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (!span_u64(&rest, &v))
			return;
		if (columns[i])
			samples_add(s, columns[i], label, (double)v);
	}
}

/* "  eth0: 1 2 3", "eth0:123 4": false for the two lines of headings. */
static bool
split_line(struct span *line, char name[64])
{
	const char *colon = memchr(line->p, ':', line->n);
	size_t n;

	while (line->n > 0 && *line->p == ' ') {
		line->p++;
		line->n--;
	}
	n = colon ? (size_t)(colon - line->p) : 0;
	/* an alias "eth0:1" has its colon inside; it has no counters here */
	if (n == 0 || n > 63)
		return false;
	memcpy(name, line->p, n);
	name[n] = '\0';
	line->p += n + 1;
	line->n -= n + 1;
	return sysfile_name_ok(name);
}

static size_t
add_all(struct samples *s, const char *root, struct span rest, bool hardware)
{
	struct span line;
	char name[64];
	size_t n = 0;

	while (n < MAX_INTERFACES && span_line(&rest, &line)) {
		if (!split_line(&line, name) || strcmp(name, "lo") == 0 ||
		    (hardware && !is_hardware(root, name)))
			continue;
		add_line(s, name, line);
		add_link(s, root, name);
		n++;
	}
	return n;
}

static int
net_run(void *instance, const struct tocsin_target *target,
	struct tocsin_ctx *ctx)
{
	const char *root = target_option(target, OPT_ROOT, "/");
	struct samples s = {0};
	struct strbuf text = {0};
	int rc;

	(void)instance;
	rc = sysfile_read(root, "proc/net/dev", &text);
	if (rc < 0) {
		samples_refuse(ctx, target, rc, "/proc/net/dev");
		goto out;
	}
	/* In a container there are no cards, only one end of a pair. */
	if (add_all(&s, root, span_of(&text), true) == 0 &&
	    add_all(&s, root, span_of(&text), false) == 0)
		samples_report(&s, ctx, target, "no interfaces here");
	else
		samples_report(&s, ctx, target, NULL);
out:
	strbuf_free(&text);
	samples_free(&s);
	return 0;
}

TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "net",
	.help = "work, errors and links of network interfaces",
	.opts = opts, .metrics = metrics, .run = net_run,
};
