#include "wire/batch.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/name.h"
#include "model/reason.h"
#include "wire/json_read.h"
#include "wire/labels.h"

#define AT_MAX_MS INT64_C(253402300799999)	/* end of the year 9999 */
#define PROBE_MAX 64
#define KIND_MAX 32

struct reading {
	struct json_read r;
	struct batch *b;
	struct observation *items;
	size_t n_items;
	size_t cap_items;
	struct metric *metrics;	/* of the observation at hand */
	size_t n_metrics;
	size_t cap_metrics;
};

/* The place of the key in `names`, or −1. */
static int
field_of(struct json_str key, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (json_str_is(key, names[i]))
			return i;
	return -1;
}

/* Lower-case words as probes and kinds of devices have them. */
static const char *
get_word(struct json_read *r, size_t max_bytes)
{
	const char *word = json_get_cstr(r, max_bytes);

	if (!json_failed(r) && (word[0] == '\0' ||
	    word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_.:-")] !=
	    '\0'))
		json_fail(r, "not a name of [a-z0-9_.:-]");
	return word;
}

/* ---- metrics ---- */

static struct metric *
add_metric(struct reading *in, const char *name, const char *instance)
{
	void *items = in->metrics;
	struct metric *m;

	if (in->n_metrics == BATCH_METRICS_MAX) {
		json_fail(&in->r, "more than %d metrics in an observation",
			BATCH_METRICS_MAX);
		return NULL;
	}
	if (mem_grow(&items, &in->cap_metrics, in->n_metrics + 1,
		sizeof(*in->metrics)) < 0) {
		json_fail_memory(&in->r);
		return NULL;
	}
	in->metrics = items;
	m = &in->metrics[in->n_metrics++];
	m->name = name;
	m->instance = instance;
	return m;
}

static void
read_value(struct reading *in, const char *name, const char *instance)
{
	struct json_num num = json_get_num(&in->r);
	struct metric *m;

	if (json_failed(&in->r))
		return;
	m = add_metric(in, name, instance);
	if (m == NULL)
		return;
	m->type = num.type;
	memcpy(&m->v, &num.v, sizeof(m->v));
}

static const char *
canonical_instance(struct reading *in, struct json_str key)
{
	const char *out = "";
	struct tc_err e;
	int rc;

	if (key.n > BATCH_STRING_MAX) {
		json_fail(&in->r, "%zu bytes; at most %d", key.n,
			BATCH_STRING_MAX);
		return "";
	}
	rc = labels_canonical(&in->b->arena, key.p, key.n, &out, &e);
	if (rc == TC_ENOMEM)
		json_fail_memory(&in->r);
	else if (rc < 0)
		json_fail(&in->r, "%s", e.text);
	return out;
}

/* Texts that differed may be the same labels in another order. */
static void
refuse_same_instance(struct reading *in, size_t first)
{
	struct hash seen = { .seed = in->r.seed };

	for (size_t i = first; i < in->n_metrics; i++) {
		const struct metric *m = &in->metrics[i];

		if (hash_get_str(&seen, m->instance) != NULL) {
			json_fail(&in->r, "the same labels twice: %.100s",
				m->instance);
			break;
		}
		if (hash_put_str(&seen, m->instance, in) < 0) {
			json_fail_memory(&in->r);
			break;
		}
	}
	hash_free(&seen);
}

static void
read_instances(struct reading *in, const char *name)
{
	size_t first = in->n_metrics;
	bool reordered = false;
	struct json_str key;

	json_enter_object(&in->r);
	while (json_next_key(&in->r, &key)) {
		const char *instance = canonical_instance(in, key);

		reordered |= instance != key.p;
		read_value(in, name, instance);
	}
	if (reordered && !json_failed(&in->r))
		refuse_same_instance(in, first);
}

static void
read_metrics(struct reading *in, struct observation *ob)
{
	struct json_str key;
	struct metric *kept;

	in->n_metrics = 0;
	json_enter_object(&in->r);
	while (json_next_key(&in->r, &key)) {
		if (!name_is_metric(key.p, key.n))
			json_fail(&in->r, "not a name of a metric");
		else if (json_peek(&in->r) == JSON_OBJECT)
			read_instances(in, key.p);
		else
			read_value(in, key.p, "");
	}
	if (json_failed(&in->r) || in->n_metrics == 0)
		return;
	kept = arena_alloc(&in->b->arena, in->n_metrics * sizeof(*kept));
	if (kept == NULL) {
		json_fail_memory(&in->r);
		return;
	}
	memcpy(kept, in->metrics, in->n_metrics * sizeof(*kept));
	ob->metrics = kept;
	ob->n_metrics = in->n_metrics;
}

/* ---- an observation ---- */

static void
read_device(struct reading *in, struct observation *ob)
{
	struct json_read *r = &in->r;
	struct json_str key;

	json_enter_object(r);
	while (json_next_key(r, &key)) {
		if (json_str_is(key, "kind"))
			ob->device.kind = get_word(r, KIND_MAX);
		else if (json_str_is(key, "model"))
			ob->device.model = json_get_cstr(r, BATCH_STRING_MAX);
		else if (json_str_is(key, "serial"))
			ob->device.serial = json_get_cstr(r, BATCH_STRING_MAX);
		else if (json_str_is(key, "wwn"))
			ob->device.wwn = json_get_cstr(r, BATCH_STRING_MAX);
		else
			json_unknown(r);
	}
	if (ob->device.kind[0] == '\0')
		json_fail(r, "kind is missing");
}

static void
read_outcome(struct json_read *r, struct observation *ob)
{
	struct json_str s = json_get_str(r);

	if (!json_failed(r) && !outcome_parse(s.p, s.n, &ob->outcome))
		json_fail(r, "not one of ok, fail, unknown");
}

static void
read_reason(struct json_read *r, struct observation *ob)
{
	struct json_str s = json_get_str(r);

	if (!json_failed(r) && !reason_parse(s.p, s.n, &ob->reason))
		json_fail(r, "not a reason that is known: '%.40s'", s.p);
}

/* A name as hosts have it, folded; NULL when the text was refused. */
static const char *
read_name(struct reading *in)
{
	struct json_str s = json_get_str(&in->r);
	char folded[NAME_MAX_BYTES + 1];
	const char *kept;
	struct tc_err e;

	if (json_failed(&in->r))
		return NULL;
	if (name_fold(s.p, s.n, folded, &e) < 0) {
		json_fail(&in->r, "%s", e.text);
		return NULL;
	}
	kept = arena_strdup(&in->b->arena, folded);
	if (kept == NULL)
		json_fail_memory(&in->r);
	return kept;
}

static void
read_vm_state(struct json_read *r, struct observation *ob)
{
	struct json_str s = json_get_str(r);

	if (!json_failed(r) && !vm_run_parse(s.p, s.n, &ob->run))
		json_fail(r, "not one of running, paused, crashed, shut_off");
}

enum { OB_PROBE, OB_AT, OB_OUTCOME, OB_REASON, OB_METRICS, OB_DEVICE, OB_TEXT,
	OB_VM, OB_ROLE, OB_VM_STATE, OB_FIELDS };
static const char *const ob_fields[OB_FIELDS] = { "probe", "at_ms", "outcome",
	"reason", "metrics", "device", "text", "vm", "role", "vm_state" };

static void
read_ob_field(struct reading *in, struct observation *ob, int field)
{
	struct json_read *r = &in->r;

	switch (field) {
	case OB_PROBE:
		ob->probe = get_word(r, PROBE_MAX);
		break;
	case OB_AT:
		ob->at.ms = json_get_int(r, 0, AT_MAX_MS);
		break;
	case OB_OUTCOME:
		read_outcome(r, ob);
		break;
	case OB_REASON:
		read_reason(r, ob);
		break;
	case OB_METRICS:
		read_metrics(in, ob);
		break;
	case OB_DEVICE:
		read_device(in, ob);
		break;
	case OB_TEXT:
		ob->text = json_get_cstr(r, BATCH_STRING_MAX);
		break;
	case OB_VM:
		ob->vm = read_name(in);
		break;
	case OB_ROLE:
		ob->role = read_name(in);
		break;
	case OB_VM_STATE:
		read_vm_state(r, ob);
		break;
	default:
		json_unknown(r);
		break;
	}
}

static void
read_observation(struct reading *in, struct observation *ob)
{
	unsigned seen = 0;
	struct json_str key;

	*ob = (struct observation){ .probe = "", .text = "",
		.device = { "", "", "", "" } };
	json_enter_object(&in->r);
	while (json_next_key(&in->r, &key)) {
		int field = field_of(key, ob_fields, OB_FIELDS);

		if (field >= 0)
			seen |= 1u << field;
		read_ob_field(in, ob, field);
	}
	for (int i = OB_PROBE; i <= OB_OUTCOME; i++)
		if ((seen >> i & 1) == 0)
			json_fail(&in->r, "%s is missing", ob_fields[i]);
	if ((seen >> OB_VM_STATE & 1) != 0 && ((seen >> OB_VM & 1) == 0 ||
		(seen >> OB_ROLE & 1) != 0))
		json_fail(&in->r, "vm_state is of a vm alone");
	if ((seen >> OB_REASON & 1) == 0 && ob->outcome != TOCSIN_OK)
		json_fail(&in->r, "reason is missing");
}

static void
read_observations(struct reading *in)
{
	json_enter_array(&in->r);
	while (json_next_item(&in->r)) {
		void *items = in->items;

		if (in->n_items == BATCH_OBSERVATIONS_MAX) {
			json_fail(&in->r, "more than %d observations",
				BATCH_OBSERVATIONS_MAX);
			break;
		}
		if (mem_grow(&items, &in->cap_items, in->n_items + 1,
			sizeof(*in->items)) < 0) {
			json_fail_memory(&in->r);
			break;
		}
		in->items = items;
		read_observation(in, &in->items[in->n_items++]);
	}
}

/* ---- the batch ---- */

static void
read_host(struct reading *in)
{
	in->b->host = read_name(in);
}

enum { F_HOST, F_OBSERVATIONS, F_BATCH, F_SENT, F_FIELDS };
static const char *const fields[F_FIELDS] = { "host", "observations", "batch",
	"sent_ms" };

static void
read_field(struct reading *in, int field)
{
	switch (field) {
	case F_HOST:
		read_host(in);
		break;
	case F_OBSERVATIONS:
		read_observations(in);
		break;
	case F_BATCH:
		in->b->id = json_get_cstr(&in->r, BATCH_ID_MAX);
		break;
	case F_SENT:
		in->b->sent.ms = json_get_int(&in->r, 0, AT_MAX_MS);
		break;
	default:
		json_unknown(&in->r);
		break;
	}
}

static void
read_batch(struct reading *in)
{
	unsigned seen = 0;
	struct json_str key;

	json_enter_object(&in->r);
	while (json_next_key(&in->r, &key)) {
		int field = field_of(key, fields, F_FIELDS);

		if (field >= 0)
			seen |= 1u << field;
		read_field(in, field);
	}
	for (int i = F_HOST; i <= F_OBSERVATIONS; i++)
		if ((seen >> i & 1) == 0)
			json_fail(&in->r, "%s is missing", fields[i]);
}

static int
keep_items(struct reading *in, struct tc_err *e)
{
	size_t bytes = in->n_items * sizeof(*in->items);

	in->b->items = arena_alloc(&in->b->arena, bytes);
	if (in->b->items == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if (bytes != 0)
		memcpy(in->b->items, in->items, bytes);
	in->b->n = in->n_items;
	return 0;
}

int
batch_parse(const char *text, size_t n, struct batch *out, struct tc_err *e)
{
	struct batch b = { .host = "", .id = "" };
	struct reading in = { .b = &b };
	char *copy = arena_strndup(&b.arena, n != 0 ? text : "", n);
	int rc;

	if (copy == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	json_open(&in.r, copy, n);
	read_batch(&in);
	if ((rc = json_close(&in.r, e)) == 0)
		rc = keep_items(&in, e);
	mem_free(in.items);
	mem_free(in.metrics);
	if (rc == 0)
		*out = b;
	else
		arena_free(&b.arena);
	return rc;
}

size_t
batch_check_times(const struct batch *b, struct wall now, size_t *bad,
	size_t max_bad)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		int64_t at = b->items[i].at.ms;

		if (at >= now.ms - BATCH_OLDEST_MS &&
		    at <= now.ms + BATCH_AHEAD_MS)
			continue;
		if (n < max_bad)
			bad[n] = i;
		n++;
	}
	return n;
}
