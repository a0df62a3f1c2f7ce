/*
 * Artifacts: crash reports and logs that speak for a host.  Their bytes are
 * the store's; here is known how much there is, and what goes first.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/devices.h"
#include "model/name.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

#define HOST_BYTES (UINT64_C(16) << 20)
#define ALL_BYTES (UINT64_C(512) << 20)
#define HOST_N 64

static int
keep(struct engine *en, uint64_t id, uint32_t host, uint64_t bytes)
{
	void *list = en->artifacts;

	if (mem_grow(&list, &en->cap_artifacts, en->n_artifacts + 1,
		    sizeof(*en->artifacts)) < 0)
		return TC_ENOMEM;
	en->artifacts = list;
	en->artifacts[en->n_artifacts++] = (struct artifact_note){ id, bytes,
		host };
	if (id > en->artifact_id)
		en->artifact_id = id;
	return 0;
}

int
engine_restore_artifact(struct engine *en, const struct change_artifact *a)
{
	return keep(en, a->id, a->host, a->bytes);
}

/* ---- what goes ---- */

static void
remove_at(struct engine *en, size_t i, struct json_write *removed)
{
	struct artifact_note a = en->artifacts[i];
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_ARTIFACT) : NULL;
	struct strbuf body = { 0 };
	struct json_write w;

	memmove(&en->artifacts[i], &en->artifacts[i + 1],
		(en->n_artifacts - i - 1) * sizeof(*en->artifacts));
	en->n_artifacts--;
	if (c != NULL)
		c->u.artifact = (struct change_artifact){ .id = a.id,
			.removed = true };
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_u64(&w, "id", a.id);
	json_add_u64(&w, "bytes", a.bytes);
	json_add_str(&w, "why", "room for newer ones");
	json_put_end(&w);
	say_event(en, "artifact.removed", a.host, en->now.wall,
		strbuf_str(&body));
	strbuf_free(&body);
	json_put_u64(removed, a.id);
}

/* The oldest lie first.  host 0 = any. */
static bool
remove_oldest(struct engine *en, uint32_t host, struct json_write *removed)
{
	for (size_t i = 0; i < en->n_artifacts; i++)
		if (host == 0 || en->artifacts[i].host == host) {
			remove_at(en, i, removed);
			return true;
		}
	return false;
}

static uint64_t
sum(const struct engine *en, uint32_t host, size_t *n)
{
	uint64_t bytes = 0;

	*n = 0;
	for (size_t i = 0; i < en->n_artifacts; i++)
		if (host == 0 || en->artifacts[i].host == host) {
			bytes += en->artifacts[i].bytes;
			(*n)++;
		}
	return bytes;
}

static void
make_room(struct engine *en, uint32_t host, uint64_t bytes,
	struct json_write *removed)
{
	size_t n;

	while ((sum(en, host, &n) + bytes > HOST_BYTES || n >= HOST_N) &&
		remove_oldest(en, host, removed))
		;
	while (sum(en, 0, &n) + bytes > ALL_BYTES &&
		remove_oldest(en, 0, removed))
		;
}

/* ---- the order ---- */

struct artifact_wish {
	const char *name;
	const char *sha256;	/* hex */
	uint64_t bytes;
};

static int
read_wish(const struct engine_wish *w, struct artifact_wish *a,
	struct tc_err *e)
{
	struct json_read r;
	struct json_str key;

	*a = (struct artifact_wish){ "", "", 0 };
	json_open(&r, w->body, w->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "name"))
				a->name = json_get_cstr(&r, 127);
			else if (json_str_is(key, "sha256"))
				a->sha256 = json_get_cstr(&r, 64);
			else if (json_str_is(key, "bytes"))
				a->bytes = json_get_u64(&r);
			else
				json_unknown(&r);
		}
	return json_close(&r, e);
}

static void
say_artifact(struct engine *en, const struct engine_wish *w,
	const struct artifact_wish *a, const struct host *h)
{
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_ARTIFACT) : NULL;
	struct strbuf body = { 0 };
	struct json_write j;

	/* hash and bytes are put in by who has them */
	if (c != NULL)
		c->u.artifact = (struct change_artifact){
			.id = en->artifact_id, .host = h->id,
			.at = en->now.wall, .name = fact_text(cs, a->name),
			.bytes = (size_t)a->bytes,
			.by = fact_text(cs, w->actor) };
	json_begin(&j, &body);
	json_put_object(&j);
	json_add_u64(&j, "id", en->artifact_id);
	json_add_str(&j, "host", h->name);
	json_add_str(&j, "name", a->name);
	json_add_u64(&j, "bytes", a->bytes);
	json_add_str(&j, "sha256", a->sha256);
	json_put_end(&j);
	say_audit(en, w->actor, "artifact.put", h->id, strbuf_str(&body));
	strbuf_free(&body);
}

int
order_put_artifact(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct host *h = host_find(en, w->target);
	struct strbuf text = { 0 };
	struct json_write j;
	struct artifact_wish a;
	int rc;

	if (h == NULL || !h->present)
		return tc_fail(e, TC_ENOENT, "no host '%s'", w->target);
	if ((rc = read_wish(w, &a, e)) < 0)
		return rc;
	if (a.name[0] == '\0' || a.bytes == 0)
		return tc_fail(e, TC_EINVAL, "an artifact has a name and "
			"bytes");
	if (a.bytes > HOST_BYTES)
		return tc_fail(e, TC_ERANGE, "more than a host may have");
	json_begin(&j, &text);
	json_put_object(&j);
	json_add_array(&j, "removed");
	make_room(en, h->id, a.bytes, &j);
	json_put_end(&j);
	if (keep(en, en->artifact_id + 1, h->id, a.bytes) < 0) {
		strbuf_free(&text);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	say_artifact(en, w, &a, h);
	json_add_u64(&j, "id", en->artifact_id);
	json_add_str(&j, "host", h->name);
	json_add_str(&j, "name", a.name);
	json_add_u64(&j, "bytes", a.bytes);
	json_add_str(&j, "sha256", a.sha256);
	json_put_end(&j);
	if (!text.failed)
		strbuf_add(reply, text.p + 1, text.n - 2);
	strbuf_free(&text);
	return 0;
}
