/*
 * A folder of dumps, played as drives.  Files are read anew each time: who
 * changes a file changes the drive.
 */
#include "smartd/replay.h"

#include <fts.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "smart/pages.h"
#include "smart/smartctl.h"

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* What is no dump (a README, a device list) is passed over. */
static bool
is_dump(const char *path)
{
	struct smart_report *r = MEM_NEW(struct smart_report);
	struct strbuf text = { 0 };
	bool is = r != NULL &&
		file_slurp(path, SMART_HELPER_DATA_MAX, &text, NULL) == 0 &&
		smart_dump_decode(strbuf_str(&text), text.n, r, NULL) !=
			TC_EUNSUP;

	strbuf_free(&text);
	mem_free(r);
	return is;
}

int
replay_refresh(struct disks *all, struct tc_err *e)
{
	char *roots[] = { (char *)all->conf->replay, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *at;
	int rc = 0;

	if (tree == NULL)
		return tc_fail(e, TC_EIO, "%s: cannot be walked",
			all->conf->replay);
	for (size_t i = 0; i < all->n; i++)
		all->items[i].present = false;
	while (rc == 0 && (at = fts_read(tree)) != NULL) {
		if (at->fts_info == FTS_ERR || at->fts_info == FTS_DNR ||
		    at->fts_info == FTS_NS)
			rc = tc_fail_errno(e, at->fts_errno, "%s", at->fts_path);
		else if (at->fts_info == FTS_F && is_dump(at->fts_path) &&
			 disks_put(all, at->fts_path, "replay") == NULL)
			rc = tc_fail(e, TC_EFULL, "%s: too many dumps, or a "
				"path too long", at->fts_path);
	}
	(void)fts_close(tree);
	return rc;
}

void
replay_read(struct disk *k, struct smart_helper_reading *r, struct strbuf *data)
{
	*r = (struct smart_helper_reading){ .id = k->d.id };
	strbuf_reset(data);
	if (!k->present || file_slurp(k->d.path, SMART_HELPER_DATA_MAX, data,
		NULL) < 0) {
		strbuf_reset(data);
		r->why = SMART_HELPER_GONE;
		return;
	}
	r->kind = smart_blob_is(strbuf_str(data), data->n) ? SMART_KIND_BLOB :
		SMART_KIND_SMARTCTL;
	r->bytes = data->n;
}
