/*
 * A reading, each attempt in a child of its own.
 */
#include "smartd/read.h"

#include <string.h>

#include "smart/smartctl.h"
#include "smartd/ata.h"
#include "smartd/child.h"

static int
run_ata(void *arg, int fd)
{
	const struct disk *k = arg;

	return ata_read(k->d.path, fd);
}

/* What the way the child ended says; SMART_HELPER_OK: it ended by itself. */
static enum smart_helper_why
why_of(struct disk *k, const struct child_result *end)
{
	k->hangs = end->hangs;
	switch (end->end) {
	case CHILD_EXITED:
		return SMART_HELPER_OK;
	case CHILD_SIGNALED:
		return SMART_HELPER_CRASHED;
	case CHILD_TIMEOUT:
		return SMART_HELPER_TIMEOUT;
	case CHILD_TOO_BIG:
		return SMART_HELPER_TOO_BIG;
	}
	return SMART_HELPER_FAILED;
}

/* True when the reading is finished, one way or the other. */
static bool
try_ata(const struct smartd_conf *conf, struct disk *k,
	struct smart_helper_reading *r, struct strbuf *data)
{
	struct child_conf child = { .fn = run_ata, .arg = k,
		.deadline = conf->deadline,
		.max_bytes = SMART_HELPER_DATA_MAX };
	struct child_result end;

	if (child_run(&child, data, &end, NULL) < 0)
		return false;
	r->why = why_of(k, &end);
	/* a drive that hung once would hang smartctl as well */
	if (r->why == SMART_HELPER_TIMEOUT)
		return true;
	if (r->why == SMART_HELPER_OK && end.code == ATA_ASLEEP) {
		r->why = SMART_HELPER_ASLEEP;
		return true;
	}
	if (r->why == SMART_HELPER_OK && end.code == ATA_DONE && data->n != 0) {
		r->kind = SMART_KIND_BLOB;
		return true;
	}
	strbuf_reset(data);
	return false;
}

static void
try_smartctl(const struct smartd_conf *conf, struct disk *k,
	struct smart_helper_reading *r, struct strbuf *data)
{
	const char *tool = disks_smartctl(conf);
	const char *const argv[] = { tool, "--json=c", "-x", "-n",
		SMART_STANDBY_ARG, "-d", k->d.type, k->d.path, NULL };
	struct child_conf child = { .argv = argv, .deadline = conf->deadline,
		.max_bytes = SMART_HELPER_DATA_MAX };
	struct child_result end;

	if (tool == NULL) {
		r->why = SMART_HELPER_NO_TOOL;
		return;
	}
	if (child_run(&child, data, &end, NULL) < 0) {
		r->why = SMART_HELPER_FAILED;
		return;
	}
	r->why = why_of(k, &end);
	if (r->why != SMART_HELPER_OK)
		return;
	if (data->n == 0) {
		r->why = end.code == CHILD_NO_EXEC ? SMART_HELPER_NO_TOOL :
			SMART_HELPER_FAILED;
		return;
	}
	r->kind = SMART_KIND_SMARTCTL;
	r->exit = smart_u64((uint64_t)end.code);
}

void
read_disk(const struct smartd_conf *conf, struct disk *k,
	struct smart_helper_reading *r, struct strbuf *data)
{
	*r = (struct smart_helper_reading){ .id = k->d.id };
	strbuf_reset(data);
	if (!k->present) {
		r->why = SMART_HELPER_GONE;
	} else if (k->d.why == SMART_HELPER_NO_SMART) {
		r->why = SMART_HELPER_NO_SMART;
	} else if (k->hangs != 0 && !child_is_gone(k->hangs)) {
		r->why = SMART_HELPER_STUCK;
	} else {
		k->hangs = 0;
		if (!k->is_ata || !ata_is_there() ||
		    !try_ata(conf, k, r, data))
			try_smartctl(conf, k, r, data);
	}
	if (r->kind == SMART_KIND_NONE || data->failed)
		strbuf_reset(data);
	r->bytes = data->n;
}
