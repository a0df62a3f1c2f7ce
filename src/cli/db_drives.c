/*
 * db export --format backblaze: drives day by day, as Backblaze publishes its
 * own, so that others' tools and tocsin import can read ours.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "store/tend.h"
#include "wire/sample_text.h"

#define SPILL_BYTES 65536

struct drives {
	struct cli *c;
	size_t n_metrics;
	bool broken;		/* nobody reads any more */
};

/* "2026-05-01" */
static void
put_day(struct strbuf *out, struct wall day)
{
	char text[WALL_TEXT];

	strbuf_add(out, wall_format(day, text, sizeof(text)), 10);
}

static int
begin(void *arg, const char *const *metrics, size_t n)
{
	struct drives *d = arg;
	struct strbuf *out = &d->c->out.text;

	d->n_metrics = n;
	strbuf_puts(out, "date,serial_number,model,failure");
	for (size_t i = 0; i < n; i++)
		strbuf_printf(out, ",%s", metrics[i]);
	strbuf_puts(out, "\n");
	return out->failed;
}

static int
put_row(void *arg, const struct tend_drive_day *row)
{
	struct drives *d = arg;
	struct strbuf *out = &d->c->out.text;

	put_day(out, row->day);
	strbuf_puts(out, ",");
	csv_cell_put(out, row->serial);
	strbuf_puts(out, ",");
	csv_cell_put(out, row->model);
	strbuf_puts(out, row->failure ? ",1" : ",0");
	for (size_t i = 0; i < d->n_metrics; i++) {
		if (isnan(row->values[i]))
			strbuf_puts(out, ",");
		else
			strbuf_printf(out, ",%.17g", row->values[i]);
	}
	strbuf_puts(out, "\n");
	if (out->failed)
		return 1;
	if (out->n < SPILL_BYTES)
		return 0;
	d->broken = fwrite(out->p, 1, out->n, stdout) != out->n;
	strbuf_reset(out);
	return d->broken;
}

int
db_export_drives(struct cli *c, const char *path, struct wall from,
	struct wall to, struct tc_err *e)
{
	struct drives d = { .c = c };
	struct tend_drives q = { .host = c->opt.host, .from = from, .to = to,
		.begin = begin, .sink = put_row, .arg = &d };
	int rc = tend_export_drives(path, &q, e);

	if (rc < 0)
		return rc;
	if (d.broken)
		return tc_fail(e, TC_EIO, "standard output is closed");
	return CLI_OK;
}
