#include "plan/repair.h"

#include <string.h>

#include "base/macros.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

static const char *const part_ids[] = {
#define X(sym, id) [REPAIR_##sym] = (id),
	REPAIR_PART_TABLE(X)
#undef X
};
static const char *const finding_ids[] = { "untested", "good", "bad" };
static const char *const result_ids[] = { "open", "repaired",
	"no_fault_found", "returned_to_vendor", "scrapped" };

/* ---- steps ---- */

#define TO(d) (1U << DISPOSITION_##d)
/* Once out of trust, the way back is quarantine, diagnosis, probation. */
static const unsigned next_of[] = {
	[DISPOSITION_IN_SERVICE] = TO(MAINTENANCE) | TO(REBOOTING) |
		TO(EVACUATING) | TO(QUARANTINED) | TO(RETIRED),
	[DISPOSITION_MAINTENANCE] = TO(IN_SERVICE) | TO(EVACUATING) |
		TO(QUARANTINED) | TO(RETIRED),
	[DISPOSITION_REBOOTING] = TO(IN_SERVICE) | TO(EVACUATING) |
		TO(QUARANTINED),
	[DISPOSITION_EVACUATING] = TO(IN_SERVICE) | TO(QUARANTINED),
	[DISPOSITION_QUARANTINED] = TO(DIAGNOSING) | TO(RETIRED),
	[DISPOSITION_DIAGNOSING] = TO(PROBATION) | TO(QUARANTINED) |
		TO(RETIRED),
	[DISPOSITION_PROBATION] = TO(IN_SERVICE) | TO(EVACUATING) |
		TO(QUARANTINED) | TO(RETIRED),
	[DISPOSITION_RETIRED] = TO(PROBATION),
};

static void
name_steps(enum disposition from, struct strbuf *out)
{
	const char *sep = "";

	for (int d = 0; d <= DISPOSITION_RETIRED; d++) {
		if ((next_of[from] >> d & 1) == 0)
			continue;
		strbuf_printf(out, "%s%s", sep,
			disposition_id((enum disposition)d));
		sep = ", ";
	}
}

static bool
is_sound(const struct diagnosis *d)
{
	return d->result == RESULT_REPAIRED ||
		d->result == RESULT_NO_FAULT_FOUND;
}

int
repair_step(enum disposition from, enum disposition to,
	const struct diagnosis *d, struct tc_err *e)
{
	struct strbuf steps = { 0 };
	bool confined = from == DISPOSITION_QUARANTINED ||
		from == DISPOSITION_DIAGNOSING;

	if (from == to)
		return 0;
	if ((next_of[from] >> to & 1) == 0) {
		name_steps(from, &steps);
		(void)tc_fail(e, TC_EEXIST, "no step from %s to %s; there are: "
			"%s", disposition_id(from), disposition_id(to),
			strbuf_str(&steps));
		strbuf_free(&steps);
		return TC_EEXIST;
	}
	if (confined && to == DISPOSITION_PROBATION &&
	    (d == NULL || !is_sound(d)))
		return tc_fail(e, TC_EEXIST, "probation needs a diagnosis with "
			"the result repaired or no_fault_found");
	if (confined && to == DISPOSITION_RETIRED &&
	    (d == NULL || d->result == RESULT_OPEN))
		return tc_fail(e, TC_EEXIST, "a host leaves quarantine with "
			"the result of its diagnosis only");
	return 0;
}

/* ---- JSON ---- */

static int
one_of(struct json_read *r, const char *const *ids, size_t n)
{
	struct json_str text = json_get_str(r);

	for (size_t i = 0; i < n; i++)
		if (json_str_is(text, ids[i]))
			return (int)i;
	json_fail(r, "not one of those in the description");
	return 0;
}

static void
get_text(struct json_read *r, char *out, size_t size)
{
	const char *text = json_get_cstr(r, size - 1);

	memcpy(out, text, strlen(text) + 1);
}

static bool
get_part(struct json_read *r, struct json_str key, struct diagnosis *d)
{
	for (size_t i = 0; i < REPAIR_PARTS; i++) {
		if (!json_str_is(key, part_ids[i]))
			continue;
		d->parts[i] = (enum finding)one_of(r, finding_ids,
			ARRAY_LEN(finding_ids));
		return true;
	}
	return false;
}

static void
get_at(struct json_read *r, struct diagnosis *d)
{
	struct json_str text = json_get_str(r);

	if (!json_failed(r) && wall_parse(text.p, text.n, &d->at) < 0)
		json_fail(r, "not a time");
}

static int
read_members(struct diagnosis *d, char *json, size_t n, bool stored,
	struct tc_err *e)
{
	struct diagnosis got = *d;
	struct json_str key;
	struct json_read r;
	int rc;

	json_open(&r, json, n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (get_part(&r, key, &got))
				continue;
			if (json_str_is(key, "result"))
				got.result = (enum repair_result)one_of(&r,
					result_ids, ARRAY_LEN(result_ids));
			else if (json_str_is(key, "ticket"))
				get_text(&r, got.ticket, sizeof(got.ticket));
			else if (json_str_is(key, "note"))
				get_text(&r, got.note, sizeof(got.note));
			else if (stored && json_str_is(key, "by"))
				get_text(&r, got.by, sizeof(got.by));
			else if (stored && json_str_is(key, "at"))
				get_at(&r, &got);
			else
				json_unknown(&r);
		}
	rc = json_close(&r, e);
	if (rc == 0)
		*d = got;
	return rc;
}

int
diagnosis_merge(struct diagnosis *d, char *json, size_t n, struct tc_err *e)
{
	return read_members(d, json, n, false, e);
}

int
diagnosis_parse(char *json, size_t n, struct diagnosis *out, struct tc_err *e)
{
	memset(out, 0, sizeof(*out));
	return read_members(out, json, n, true, e);
}

void
diagnosis_write(const struct diagnosis *d, struct strbuf *out)
{
	struct json_write w;

	json_begin(&w, out);
	json_put_object(&w);
	for (size_t i = 0; i < REPAIR_PARTS; i++)
		json_add_str(&w, part_ids[i], finding_ids[d->parts[i]]);
	json_add_str(&w, "result", result_ids[d->result]);
	json_add_str(&w, "ticket", d->ticket);
	json_add_str(&w, "note", d->note);
	json_add_str(&w, "by", d->by);
	json_add_wall(&w, "at", d->at);
	json_put_end(&w);
}
