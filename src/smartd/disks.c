/*
 * Drives from smartctl's scan (RAID members and their -d type), /sys/block
 * (what the scan did not show) and /dev/disk/by-id (their stable names).
 */
#include "smartd/disks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/mem.h"
#include "smart/json.h"
#include "smartd/child.h"

#define SCAN_DEADLINE_S 60

void
disks_free(struct disks *all)
{
	mem_free(all->items);
	*all = (struct disks){ .conf = all->conf };
}

struct disk *
disks_find(struct disks *all, uint32_t id)
{
	return id >= 1 && id <= all->n ? &all->items[id - 1] : NULL;
}

static bool
copy_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (n >= size)
		return false;
	memcpy(to, from, n + 1);
	return true;
}

struct disk *
disks_put(struct disks *all, const char *path, const char *type)
{
	void *items = all->items;
	struct disk *k;

	for (size_t i = 0; i < all->n; i++) {
		k = &all->items[i];
		if (strcmp(k->d.path, path) == 0 &&
		    strcmp(k->d.type, type) == 0) {
			k->present = true;
			return k;
		}
	}
	if (all->n == SMART_HELPER_DEVICES_MAX ||
	    mem_grow(&items, &all->cap, all->n + 1, sizeof(*k)) < 0)
		return NULL;
	all->items = items;
	k = &all->items[all->n];
	memset(k, 0, sizeof(*k));
	if (!copy_text(k->d.path, sizeof(k->d.path), path) ||
	    !copy_text(k->d.type, sizeof(k->d.type), type))
		return NULL;
	k->d.id = (uint32_t)++all->n;
	k->present = true;
	return k;
}

const char *
disks_smartctl(const struct smartd_conf *conf)
{
	static const char *const usual[] = { "/usr/sbin/smartctl",
		"/usr/local/sbin/smartctl", "/usr/bin/smartctl",
		"/sbin/smartctl" };

	if (conf->smartctl != NULL)
		return conf->smartctl;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (access(usual[i], X_OK) == 0)
			return usual[i];
	}
	return NULL;
}

/* ---- smartctl --scan-open ---- */

struct scan {
	struct disks *all;
	char name[256];
	char type[64];
	char protocol[16];
	bool failed;	/* to open */
};

/* What smartctl says becomes its own argument later: nothing odd in it. */
static bool
is_plain(const char *s, const char *more)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/,+.-";

	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) == NULL && strchr(more, *s) == NULL)
			return false;
	}
	return true;
}

static int
end_scanned(struct scan *s, struct tc_err *e)
{
	struct disk *k;

	if (strncmp(s->name, "/dev/", 5) != 0 || !is_plain(s->name, ":@") ||
	    s->type[0] == '\0' || s->type[0] == '-' || !is_plain(s->type, ""))
		return 0;
	k = disks_put(s->all, s->name, s->type);
	if (k == NULL)
		return tc_fail(e, TC_EFULL, "too many drives");
	k->d.why = s->failed ? SMART_HELPER_OPEN : SMART_HELPER_OK;
	/* "sat+megaraid,3" and the USB bridges are smartctl's alone */
	k->is_ata = strcmp(s->protocol, "ATA") == 0 &&
		(strcmp(s->type, "sat") == 0 || strcmp(s->type, "ata") == 0);
	return 0;
}

static int
visit_scan(void *arg, const struct smart_json_event *ev, struct tc_err *e)
{
	struct scan *s = arg;

	if (strcmp(ev->path, "devices[]") == 0) {
		if (ev->kind == SMART_JSON_OBJECT_END)
			return end_scanned(s, e);
		s->name[0] = s->type[0] = s->protocol[0] = '\0';
		s->failed = false;
	}
	if (ev->kind != SMART_JSON_STRING || ev->cut)
		return 0;
	if (strcmp(ev->path, "devices[].name") == 0)
		(void)copy_text(s->name, sizeof(s->name), ev->text);
	else if (strcmp(ev->path, "devices[].type") == 0)
		(void)copy_text(s->type, sizeof(s->type), ev->text);
	else if (strcmp(ev->path, "devices[].protocol") == 0)
		(void)copy_text(s->protocol, sizeof(s->protocol), ev->text);
	else if (strcmp(ev->path, "devices[].open_error") == 0)
		s->failed = true;
	return 0;
}

static int
scan_by_smartctl(struct disks *all, struct tc_err *e)
{
	const char *tool = disks_smartctl(all->conf);
	struct scan s = { .all = all };
	struct strbuf out = { 0 };
	struct child_result end;
	int rc;

	all->no_tool = tool == NULL;
	if (tool == NULL)
		return 0;
	const char *const argv[] = { tool, "--json=c", "--scan-open", NULL };
	struct child_conf child = { .argv = argv,
		.deadline = dur_s(SCAN_DEADLINE_S),
		.max_bytes = SMART_HELPER_DATA_MAX };

	if ((rc = child_run(&child, &out, &end, e)) < 0)
		goto out;
	all->no_tool = end.end == CHILD_EXITED && end.code == CHILD_NO_EXEC;
	/* a scan that failed leaves what /sys/block shows */
	if (end.end == CHILD_EXITED && out.n != 0 &&
	    smart_json_walk(out.p, out.n, visit_scan, &s, e) == TC_EFULL)
		rc = TC_EFULL;
out:
	strbuf_free(&out);
	return rc;
}

/* ---- /sys/block ---- */

static bool
starts_with_one_of(const char *name, const char *const *heads, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(name, heads[i], strlen(heads[i])) == 0)
			return true;
	}
	return false;
}

/* Block devices that are no drive of this machine. */
static bool
is_made_up(const char *name)
{
	static const char *const heads[] = { "loop", "ram", "zram", "dm-", "md",
		"sr", "fd", "nbd", "rbd", "drbd", "nullb", "bcache", "zd" };

	return starts_with_one_of(name, heads, ARRAY_LEN(heads));
}

/* Drives that cannot have SMART: virtual disks, persistent memory, cards. */
static bool
has_no_smart(const char *name)
{
	static const char *const heads[] = { "vd", "xvd", "pmem", "mmcblk" };

	return starts_with_one_of(name, heads, ARRAY_LEN(heads));
}

static void
read_sys(const struct disks *all, const char *name, const char *file,
	struct strbuf *out)
{
	char path[512];

	strbuf_reset(out);
	(void)snprintf(path, sizeof(path), "%s/sys/block/%s/%s",
		all->conf->root, name, file);
	if (file_slurp(path, 4096, out, NULL) < 0)
		strbuf_reset(out);
	while (out->n > 0 && (out->p[out->n - 1] == '\n' ||
		out->p[out->n - 1] == '\0'))
		out->n--;
	if (out->p != NULL)
		out->p[out->n] = '\0';
}

static void
take_sys(const struct disks *all, const char *name, const char *file,
	size_t skip, char *to)
{
	struct strbuf text = { 0 };

	read_sys(all, name, file, &text);
	if (to[0] == '\0' && text.n > skip) {
		(void)snprintf(to, SMART_TEXT_MAX, "%s", text.p + skip);
		smart_text_clean(to);
	}
	strbuf_free(&text);
}

static void
take_kernels_words(const struct disks *all, const char *name, struct disk *k)
{
	take_sys(all, name, "device/model", 0, k->d.model);
	take_sys(all, name, "device/serial", 0, k->d.serial);
	take_sys(all, name, "serial", 0, k->d.serial);
	/* SPC-4: unit serial number page, four bytes of header */
	take_sys(all, name, "device/vpd_pg80", 4, k->d.serial);
	take_sys(all, name, "device/wwid", 0, k->d.wwn);
	take_sys(all, name, "wwid", 0, k->d.wwn);
	if (strncmp(k->d.wwn, "naa.", 4) == 0 || strncmp(k->d.wwn, "eui.", 4) == 0)
		memmove(k->d.wwn, k->d.wwn + 4, strlen(k->d.wwn + 4) + 1);
	else
		k->d.wwn[0] = '\0';
}

/* smartctl names the controller of an NVMe drive: nvme0n1 → nvme0. */
static void
path_of(const char *name, char *path, size_t size)
{
	size_t n = strlen(name);
	const char *space = strncmp(name, "nvme", 4) == 0 ?
		strchr(name + 4, 'n') : NULL;

	if (space != NULL)
		n = (size_t)(space - name);
	(void)snprintf(path, size, "/dev/%.*s", (int)n, name);
}

static bool
is_listed(struct disks *all, const char *path)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->items[i].present &&
		    strcmp(all->items[i].d.path, path) == 0)
			return true;
	}
	return false;
}

static int
add_block(struct disks *all, const char *name, struct tc_err *e)
{
	struct strbuf text = { 0 };
	char path[256];
	struct disk *k;
	bool empty;

	read_sys(all, name, "size", &text);
	empty = text.n == 0 || strcmp(text.p, "0") == 0;
	strbuf_free(&text);
	if (empty)
		return 0;
	path_of(name, path, sizeof(path));
	if (!is_listed(all, path)) {
		k = disks_put(all, path, "auto");
		if (k == NULL)
			return tc_fail(e, TC_EFULL, "too many drives");
		k->is_ata = strncmp(name, "sd", 2) == 0;
		k->d.why = has_no_smart(name) ? SMART_HELPER_NO_SMART :
			SMART_HELPER_OK;
	}
	for (size_t i = 0; i < all->n; i++) {
		k = &all->items[i];
		/* behind a RAID path there are many drives, not this one */
		if (k->present && strcmp(k->d.path, path) == 0 &&
		    strchr(k->d.type, ',') == NULL)
			take_kernels_words(all, name, k);
	}
	return 0;
}

struct names {
	char (*items)[64];
	size_t n;
	size_t cap;
};

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
list_blocks(const struct smartd_conf *conf, struct names *out, struct tc_err *e)
{
	char path[512];
	struct dirent *entry;
	int rc = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/sys/block", conf->root);
	d = opendir(path);
	if (d == NULL)
		return 0;
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		void *items = out->items;
		size_t n = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || n >= sizeof(out->items[0]) ||
		    is_made_up(entry->d_name) || !is_plain(entry->d_name, ""))
			continue;
		rc = mem_grow(&items, &out->cap, out->n + 1,
			sizeof(out->items[0]));
		if (rc < 0)
			(void)tc_fail(e, rc, "out of memory");
		out->items = items;
		if (rc == 0)
			memcpy(out->items[out->n++], entry->d_name, n + 1);
	}
	(void)closedir(d);
	if (out->n != 0)
		qsort(out->items, out->n, sizeof(out->items[0]), compare_names);
	return rc;
}

/* ---- /dev/disk/by-id ---- */

/* The bus's own name says most; a WWN alone says least. */
static int
rank_of(const char *name)
{
	static const char *const heads[] = { "wwn-", "nvme-eui.", "scsi-3",
		"virtio-", "scsi-", "usb-", "nvme-", "ata-" };
	int rank = 1;

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		if (strncmp(name, heads[i], strlen(heads[i])) == 0)
			rank = (int)i + 2;
	}
	return rank;
}

static void
name_disk(struct disks *all, const char *dir, const char *name)
{
	char link[768], to[256], path[256];
	const char *base;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "%s/%s", dir, name);
	n = readlink(link, to, sizeof(to) - 1);
	if (n <= 0)
		return;
	to[n] = '\0';
	base = strrchr(to, '/');
	path_of(base != NULL ? base + 1 : to, path, sizeof(path));
	for (size_t i = 0; i < all->n; i++) {
		struct smart_helper_device *d = &all->items[i].d;

		if (strcmp(d->path, path) == 0 && strchr(d->type, ',') == NULL &&
		    (d->name[0] == '\0' || rank_of(name) > rank_of(d->name)))
			(void)copy_text(d->name, sizeof(d->name), name);
	}
}

static void
name_disks(struct disks *all)
{
	char dir[512];
	struct dirent *entry;
	DIR *d;

	(void)snprintf(dir, sizeof(dir), "%s/dev/disk/by-id", all->conf->root);
	d = opendir(dir);
	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] != '.' &&
		    strstr(entry->d_name, "-part") == NULL)
			name_disk(all, dir, entry->d_name);
	}
	(void)closedir(d);
}

int
disks_refresh(struct disks *all, struct tc_err *e)
{
	struct names names = { 0 };
	uint64_t seen = 0;
	int rc;

	if ((rc = list_blocks(all->conf, &names, e)) < 0)
		goto out;
	for (size_t i = 0; i < names.n; i++)
		seen = hash_bytes(names.items[i], strlen(names.items[i]), seen);
	if (all->scanned && seen == all->seen)
		goto out;
	for (size_t i = 0; i < all->n; i++) {
		all->items[i].present = false;
		/* another drive may have come under the old path */
		all->items[i].d.name[0] = '\0';
		all->items[i].d.model[0] = '\0';
		all->items[i].d.serial[0] = '\0';
		all->items[i].d.wwn[0] = '\0';
	}
	if ((rc = scan_by_smartctl(all, e)) < 0)
		goto out;
	for (size_t i = 0; i < names.n && rc == 0; i++)
		rc = add_block(all, names.items[i], e);
	if (rc < 0)
		goto out;
	name_disks(all);
	all->scanned = true;
	all->seen = seen;
out:
	mem_free(names.items);
	return rc;
}
