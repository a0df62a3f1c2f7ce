/*
 * /v1/devices/{device}: one device, by the name that is printed on it.
 */
#include <string.h>

#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "http/view.h"

struct found {
	const struct snap_host *host;
	const struct snap_chunk *in;
	const struct snap_device *device;
	size_t n;
};

static bool
is_called(const struct snap_device *d, const char *name, uint64_t id)
{
	return strcmp(d->ident.serial, name) == 0 ||
		strcmp(d->ident.wwn, name) == 0 || (id != 0 && d->id == id);
}

static void
look_in(const struct snap_chunk *in, size_t at, const char *name, uint64_t id,
	struct found *out)
{
	const struct snap_host *h = in->hosts[at];

	for (size_t i = 0; i < h->rare->n_devices; i++) {
		if (!is_called(&h->rare->devices[i], name, id))
			continue;
		out->host = h;
		out->in = in;
		out->device = &h->rare->devices[i];
		out->n++;
	}
}

static void
look(const struct snapshot *s, const char *name, uint64_t id,
	struct found *out)
{
	*out = (struct found){ .n = 0 };
	for (size_t c = 0; c < s->n_chunks; c++)
		for (size_t i = 0; i < s->chunks[c]->n; i++)
			look_in(s->chunks[c], i, name, id, out);
}

void
view_device(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const char *name = r->target.segs[2];
	struct json_write w;
	struct found f;
	uint64_t id;

	look(s, name, 0, &f);
	if (f.n == 0 && u64_parse(name, strlen(name), &id) == 0)
		look(s, name, id, &f);
	if (f.n == 0) {
		problem_set(r, 404, "not_found", "there is no device '%s'",
			name);
		return;
	}
	if (f.n > 1) {
		problem_set(r, 409, "exists", "more than one device is called "
			"'%s': name it by its id", name);
		return;
	}
	if (reply_unchanged(r, s, true))
		return;
	reply_open(r, &w, s);
	json_add_str(&w, "host", f.host->name);
	json_put_key(&w, "device");
	put_device(&w, f.in, f.device);
	json_put_key(&w, "verdict");
	put_evidence(&w, f.device);
	json_put_end(&w);
}
