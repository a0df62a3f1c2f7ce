/*
 * Acknowledgements and comments: who said what, until when.  They stand for
 * the key of an alert, so that a trouble that comes back within the time is
 * not paged again; without a time they end with the alert.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/inside.h"
#include "engine/notes.h"
#include "model/name.h"
#include "wire/json_read.h"
#include "wire/note.h"

#define NOTES_MAX 10000
#define LASTING_MAX_S (366 * 86400)
#define TEXT_BYTES 512

static void
note_free(struct note *n)
{
	if (n == NULL)
		return;
	mem_free(n->of);
	mem_free(n->text);
	mem_free(n);
}

void
notes_free(struct engine *en)
{
	for (size_t i = 0; i < en->n_notes; i++)
		note_free(en->notes[i]);
	mem_free(en->notes);
}

/* ---- as JSON ---- */

static void
write_note(struct strbuf *out, const struct note *n)
{
	struct json_write j;

	json_begin(&j, out);
	json_put_object(&j);
	note_add_members(&j, n);
	json_put_end(&j);
}

static void
get_text(struct json_read *r, char *out, size_t size)
{
	snprintf(out, size, "%s", json_get_cstr(r, size - 1));
}

static struct wall
get_wall(struct json_read *r)
{
	const char *text = json_get_cstr(r, 64);
	struct wall w = { 0 };

	if (!json_failed(r) && wall_parse(text, strlen(text), &w) < 0)
		json_fail(r, "'%s' is no time", text);
	return w;
}

static char *
get_copy(struct json_read *r, char *old, size_t max)
{
	char *copy = mem_strdup(json_get_cstr(r, max));

	if (copy == NULL)
		json_fail_memory(r);
	mem_free(old);
	return copy;
}

static int
read_stored(char *text, struct note *n)
{
	struct json_read r;
	struct json_str key;

	json_open(&r, text, strlen(text));
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "kind")) {
				n->ack = strcmp(json_get_cstr(&r, 16), "ack") ==
					0;
			} else if (json_str_is(key, "host") ||
				json_str_is(key, "alert_key")) {
				n->of_host = json_str_is(key, "host");
				n->of = get_copy(&r, n->of, 600);
			} else if (json_str_is(key, "at")) {
				n->at = get_wall(&r);
			} else if (json_str_is(key, "until")) {
				n->until = get_wall(&r);
			} else if (json_str_is(key, "by")) {
				get_text(&r, n->by, sizeof(n->by));
			} else if (json_str_is(key, "person")) {
				get_text(&r, n->person, sizeof(n->person));
			} else if (json_str_is(key, "text")) {
				n->text = get_copy(&r, n->text, TEXT_BYTES);
			} else {
				json_skip(&r);
			}
		}
	return json_close(&r, NULL);
}

static void
say_note(struct engine *en, const struct note *n, bool ended)
{
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_NOTE) : NULL;
	struct strbuf body = { 0 };

	if (c == NULL)
		return;
	write_note(&body, n);
	c->u.note = (struct change_note){ .id = n->id, .ended = ended,
		.body = fact_text(cs, strbuf_str(&body)) };
	strbuf_free(&body);
}

/* ---- which stand ---- */

static int
put_note(struct engine *en, struct note *n)
{
	void *list = en->notes;

	if (mem_grow(&list, &en->cap_notes, en->n_notes + 1,
		    sizeof(struct note *)) < 0)
		return TC_ENOMEM;
	en->notes = list;
	en->notes[en->n_notes++] = n;
	if (n->until.ms != 0 && (en->notes_edge.ms == 0 ||
		n->until.ms < en->notes_edge.ms))
		en->notes_edge = n->until;
	en->changed = true;
	return 0;
}

static void
drop_note(struct engine *en, size_t i)
{
	struct note *n = en->notes[i];

	en->notes[i] = en->notes[--en->n_notes];
	say_note(en, n, true);
	note_free(n);
	en->changed = true;
}

const struct note *
notes_ack_of(const struct engine *en, const char *key)
{
	for (size_t i = 0; i < en->n_notes; i++)
		if (en->notes[i]->ack && strcmp(en->notes[i]->of, key) == 0)
			return en->notes[i];
	return NULL;
}

void
notes_end_with(struct engine *en, const char *key)
{
	for (size_t i = en->n_notes; i-- > 0;) {
		const struct note *n = en->notes[i];

		if (!n->of_host && n->until.ms == 0 && strcmp(n->of, key) == 0)
			drop_note(en, i);
	}
}

static void
drop_ack_of(struct engine *en, const char *key)
{
	for (size_t i = en->n_notes; i-- > 0;)
		if (en->notes[i]->ack && strcmp(en->notes[i]->of, key) == 0)
			drop_note(en, i);
}

void
alert_show_ack(struct live_alert *a, const struct note *n)
{
	char *by = mem_strdup(n == NULL ? "" : n->person[0] != '\0' ?
		n->person : n->by);

	if (by == NULL)
		return;
	mem_free((void *)(uintptr_t)a->shown.acked_by);
	a->shown.acked_by = by;
	a->shown.acked_until = n != NULL ? n->until : (struct wall){ 0 };
}

void
notes_drop_ack(struct engine *en, struct live_alert *a)
{
	if (a->shown.acked_by[0] == '\0')
		return;
	drop_ack_of(en, a->shown.key);
	alert_show_ack(a, NULL);
}

/* Nobody looks after it any more: people are told as of a new one. */
static void
tell_again(struct engine *en, struct live_alert *a, struct wall now)
{
	alert_show_ack(a, NULL);
	a->shown.again = true;
	a->shown.grouped = false;
	say_alert(en, a);
	a->shown.again = false;
	say_event(en, "alert.ack_expired", a->shown.subject, now, "{}");
}

void
notes_step(struct engine *en, struct wall now)
{
	struct wall edge = { 0 };
	size_t i = 0;

	if (en->notes_edge.ms == 0 || now.ms < en->notes_edge.ms)
		return;
	while (i < en->n_notes) {
		struct note *n = en->notes[i];
		struct live_alert *a = !n->ack ? NULL :
			hash_get_str(&en->alerts, n->of);

		if (n->until.ms == 0 || n->until.ms > now.ms) {
			if (n->until.ms != 0 &&
			    (edge.ms == 0 || n->until.ms < edge.ms))
				edge = n->until;
			i++;
			continue;
		}
		drop_note(en, i);
		if (a != NULL)
			tell_again(en, a, now);
	}
	en->notes_edge = edge;
}

int
engine_restore_note(struct engine *en, const struct change_note *from)
{
	struct note *n = MEM_NEW(struct note);
	char *text = mem_strdup(from->body);
	struct live_alert *a;
	int rc = TC_ENOMEM;

	if (from->id > en->note_id)
		en->note_id = from->id;
	if (n != NULL && text != NULL)
		rc = read_stored(text, n);
	mem_free(text);
	if (rc == 0 && (n->of == NULL || n->text == NULL))
		rc = TC_ECORRUPT;
	if (rc == 0)
		rc = put_note(en, n);
	if (rc < 0) {
		note_free(n);
		return rc;
	}
	n->id = from->id;
	a = n->ack ? hash_get_str(&en->alerts, n->of) : NULL;
	if (a != NULL)
		alert_show_ack(a, n);
	return 0;
}

/* ---- orders ---- */

struct note_wish {
	char text[TEXT_BYTES];
	char person[64];
	struct dur lasting;	/* 0 = not said */
};

static void
get_lasting(struct json_read *r, struct note_wish *n)
{
	struct tc_err e = { 0 };
	const char *text = json_get_cstr(r, 32);

	if (json_failed(r))
		return;
	if (dur_parse(text, &n->lasting, &e) < 0)
		json_fail(r, "%s", e.text);
	else if (n->lasting.ns < dur_s(1).ns ||
		n->lasting.ns > dur_s(LASTING_MAX_S).ns)
		json_fail(r, "must be from 1s to 366d");
}

static int
read_note(struct engine *en, const struct engine_wish *w, const char *member,
	struct note_wish *n, struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	int rc;

	memset(n, 0, sizeof(*n));
	if (w->n == 0)
		return 0;
	json_open(&r, w->body, w->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, member))
				get_text(&r, n->text, sizeof(n->text));
			else if (json_str_is(key, "person"))
				get_text(&r, n->person, sizeof(n->person));
			else if (json_str_is(key, "for"))
				get_lasting(&r, n);
			else
				json_unknown(&r);
		}
	if ((rc = json_close(&r, e)) == 0)
		snprintf(en->person, sizeof(en->person), "%s", n->person);
	return rc;
}

static struct note *
make_note(struct engine *en, const struct engine_wish *w,
	const struct note_wish *wish, const char *of, struct tc_err *e)
{
	struct note *n = MEM_NEW(struct note);

	if (en->n_notes >= NOTES_MAX) {
		note_free(n);
		(void)tc_fail(e, TC_EFULL, "more than %d comments stand",
			NOTES_MAX);
		return NULL;
	}
	if (n == NULL || (n->of = mem_strdup(of)) == NULL ||
	    (n->text = mem_strdup(wish->text)) == NULL) {
		note_free(n);
		(void)tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	n->id = ++en->note_id;
	n->at = en->now.wall;
	if (wish->lasting.ns > 0)
		n->until = wall_add(n->at, wish->lasting);
	snprintf(n->by, sizeof(n->by), "%s", w->actor);
	snprintf(n->person, sizeof(n->person), "%s", person_of(en, w));
	return n;
}

static struct live_alert *
alert_called(struct engine *en, const struct engine_wish *w, struct tc_err *e)
{
	struct live_alert *a = NULL;
	uint64_t id;

	if (u64_parse(w->target, strlen(w->target), &id) == 0)
		a = alert_find_id(en, id);
	if (a == NULL)
		(void)tc_fail(e, TC_ENOENT, "no alert '%s' fires", w->target);
	return a;
}

static int
keep_note(struct engine *en, struct note *n, struct tc_err *e)
{
	if (put_note(en, n) < 0) {
		note_free(n);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	say_note(en, n, false);
	return 0;
}

int
order_ack_alert(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct live_alert *a = alert_called(en, w, e);
	struct note_wish wish;
	struct note *n;

	if (a == NULL)
		return e != NULL ? e->code : TC_ENOENT;
	if (read_note(en, w, "comment", &wish, e) < 0)
		return e != NULL ? e->code : TC_EINVAL;
	n = make_note(en, w, &wish, a->shown.key, e);
	if (n == NULL)
		return e != NULL ? e->code : TC_ENOMEM;
	n->ack = true;
	drop_ack_of(en, a->shown.key);	/* the new one stands in its place */
	if (keep_note(en, n, e) < 0)
		return TC_ENOMEM;
	alert_show_ack(a, n);
	say_alert(en, a);
	audit_change(en, w, "alert.ack", a->shown.subject,
		(const char *const[]){ wish.text, a->shown.key,
			a->shown.acked_by });
	strbuf_printf(reply, "\"id\":%" PRIu64 ",\"comment\":%" PRIu64,
		a->shown.id, n->id);
	return 0;
}

static int
comment(struct engine *en, const struct engine_wish *w, const char *of,
	struct note **out, struct tc_err *e)
{
	struct note_wish wish;
	struct note *n;
	int rc = read_note(en, w, "text", &wish, e);

	if (rc < 0)
		return rc;
	if (wish.text[0] == '\0')
		return tc_fail(e, TC_EINVAL, "/text: is needed");
	n = make_note(en, w, &wish, of, e);
	if (n == NULL)
		return e != NULL ? e->code : TC_ENOMEM;
	if ((rc = keep_note(en, n, e)) == 0)
		*out = n;
	return rc;
}

int
order_comment_alert(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct live_alert *a = alert_called(en, w, e);
	struct note *n = NULL;
	int rc = a == NULL ? TC_ENOENT :
		comment(en, w, a->shown.key, &n, e);

	if (rc < 0)
		return rc;
	audit_change(en, w, "alert.comment", a->shown.subject,
		(const char *const[]){ n->text, a->shown.key, "" });
	strbuf_printf(reply, "\"id\":%" PRIu64, n->id);
	return 0;
}

int
order_comment_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct host *h = host_find(en, w->target);
	struct note *n = NULL;
	int rc;

	if (h == NULL || !h->present)
		return tc_fail(e, TC_ENOENT, "no host '%s'", w->target);
	if ((rc = comment(en, w, h->name, &n, e)) < 0)
		return rc;
	n->of_host = true;
	say_note(en, n, false);	/* now that it is known whose */
	audit_change(en, w, "host.comment", h->id, (const char *const[]){
		n->text, "", "" });
	strbuf_printf(reply, "\"id\":%" PRIu64, n->id);
	return 0;
}

int
order_drop_comment(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct live_alert *a = NULL;
	size_t i = 0;
	uint64_t id;

	if (u64_parse(w->target, strlen(w->target), &id) < 0)
		return tc_fail(e, TC_ENOENT, "no comment '%s'", w->target);
	while (i < en->n_notes && en->notes[i]->id != id)
		i++;
	if (i == en->n_notes)
		return tc_fail(e, TC_ENOENT, "no comment '%s'", w->target);
	if (en->notes[i]->ack)
		a = hash_get_str(&en->alerts, en->notes[i]->of);
	audit_change(en, w, "comment.delete", 0, (const char *const[]){ "",
		en->notes[i]->text, "" });
	drop_note(en, i);
	if (a != NULL) {
		alert_show_ack(a, NULL);
		say_alert(en, a);
	}
	strbuf_printf(reply, "\"id\":%" PRIu64, id);
	return 0;
}

/* ---- shown ---- */

int
show_notes(struct engine *en, struct snapshot *s)
{
	struct note *list = arena_alloc(&s->arena,
		(en->n_notes + 1) * sizeof(*list));

	if (list == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < en->n_notes; i++) {
		struct note *n = &list[i];

		*n = *en->notes[i];
		n->of = arena_strdup(&s->arena, n->of);
		n->text = arena_strdup(&s->arena, n->text);
		if (n->of == NULL || n->text == NULL)
			return TC_ENOMEM;
	}
	s->notes = list;
	s->n_notes = en->n_notes;
	return 0;
}
