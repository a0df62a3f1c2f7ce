#include <math.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/reason.h"
#include "wire/batch.h"
#include "wire/json_write.h"

/* The metrics of one name, in the order of the first of each. */
struct chain {
	size_t next;	/* index + 1 of the next of this name, 0 = none */
	size_t last;	/* of the first: index + 1 of the last one */
	bool first;
};

static bool
is_writable(const struct metric *m)
{
	return m->type != TOCSIN_F64 || isfinite(m->v.f64);
}

static void
put_number(struct json_write *w, const struct metric *m)
{
	switch (m->type) {
	case TOCSIN_F64:
		json_put_double(w, m->v.f64);
		break;
	case TOCSIN_U64:
		json_put_u64(w, m->v.u64);
		break;
	case TOCSIN_I64:
		json_put_i64(w, m->v.i64);
		break;
	}
}

static int
link_names(const struct observation *ob, struct chain *chains)
{
	struct hash by_name = { 0 };
	int rc = 0;

	for (size_t i = 0; i < ob->n_metrics && rc == 0; i++) {
		const struct metric *m = &ob->metrics[i];
		struct chain *head;

		if (!is_writable(m))
			continue;
		head = hash_get_str(&by_name, m->name);
		if (head != NULL) {
			chains[head->last - 1].next = i + 1;
			head->last = i + 1;
			continue;
		}
		chains[i].first = true;
		chains[i].last = i + 1;
		rc = hash_put_str(&by_name, m->name, &chains[i]);
	}
	hash_free(&by_name);
	return rc;
}

static void
put_one_name(struct json_write *w, const struct observation *ob,
	const struct chain *chains, size_t i)
{
	const struct metric *m = &ob->metrics[i];

	json_put_key(w, m->name);
	if (chains[i].next == 0 && m->instance[0] == '\0') {
		put_number(w, m);
		return;
	}
	json_put_object(w);
	for (size_t at = i + 1; at != 0; at = chains[at - 1].next) {
		json_put_key(w, ob->metrics[at - 1].instance);
		put_number(w, &ob->metrics[at - 1]);
	}
	json_put_end(w);
}

static int
put_metrics(struct json_write *w, const struct observation *ob)
{
	struct chain *chains = mem_alloc_array(ob->n_metrics, sizeof(*chains));
	int rc = TC_ENOMEM;

	if (chains == NULL || (rc = link_names(ob, chains)) < 0)
		goto out;
	json_add_object(w, "metrics");
	for (size_t i = 0; i < ob->n_metrics; i++)
		if (chains[i].first)
			put_one_name(w, ob, chains, i);
	json_put_end(w);
out:
	mem_free(chains);
	return rc;
}

static void
add_if_set(struct json_write *w, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_add_str(w, key, text);
}

static void
put_device(struct json_write *w, const struct device_id *d)
{
	json_add_object(w, "device");
	json_add_str(w, "kind", d->kind);
	add_if_set(w, "model", d->model);
	add_if_set(w, "serial", d->serial);
	add_if_set(w, "wwn", d->wwn);
	json_put_end(w);
}

static int
put_observation(struct json_write *w, const struct observation *ob)
{
	int rc = 0;

	json_put_object(w);
	json_add_str(w, "probe", ob->probe);
	json_add_i64(w, "at_ms", ob->at.ms);
	json_add_str(w, "outcome", outcome_id(ob->outcome));
	json_add_str(w, "reason", reason_id(ob->reason));
	add_if_set(w, "text", ob->text);
	add_if_set(w, "vm", ob->vm);
	add_if_set(w, "role", ob->role);
	if (ob->run != VM_RUN_UNKNOWN)
		json_add_str(w, "vm_state", vm_run_id(ob->run));
	if (ob->device.kind != NULL && ob->device.kind[0] != '\0')
		put_device(w, &ob->device);
	if (ob->n_metrics != 0)
		rc = put_metrics(w, ob);
	if (rc == 0)
		json_put_end(w);
	return rc;
}

int
batch_write(const struct batch *b, struct strbuf *out)
{
	struct json_write w;
	int rc;

	json_begin(&w, out);
	json_put_object(&w);
	json_add_str(&w, "host", b->host);
	add_if_set(&w, "batch", b->id);
	if (b->sent.ms != 0)
		json_add_i64(&w, "sent_ms", b->sent.ms);
	json_add_array(&w, "observations");
	for (size_t i = 0; i < b->n; i++)
		if ((rc = put_observation(&w, &b->items[i])) < 0)
			return rc;
	json_put_end(&w);
	json_put_end(&w);
	return out->failed ? TC_ENOMEM : 0;
}
