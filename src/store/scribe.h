/*
 * What the writer's thread needs to turn changes into rows: its connection
 * and what it remembers of the file so as not to ask again.
 */
#ifndef TOCSIN_STORE_SCRIBE_H
#define TOCSIN_STORE_SCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/strbuf.h"
#include "model/change.h"
#include "store/block.h"
#include "store/db.h"
#include "store/idmap.h"
#include "store/store.h"

struct layout;

#define LAYOUT_SUM_BYTES 16

struct scribe {
	struct db db;
	int64_t epoch;
	/* Memory of the file; forgotten whenever a transaction is undone. */
	struct hash layouts;	/* sum of the canonical bytes → struct layout */
	unsigned char layouts_key[16];	/* of the sums; of this process alone */
	struct idmap sources;	/* subject << 32 | layout */
	struct idmap batches;	/* host → batches kept */
	struct strbuf key;
	struct strbuf row;	/* packed */
	struct block_get block;	/* where a late row may be already */
	int64_t *times;
	size_t cap_times;
	/* Minutes: rows before `packing` are late, before `packed` in blocks. */
	bool knows_marks;
	int64_t packing;
	int64_t packed;
	uint64_t rows;		/* history rows put since it was last zeroed */
	uint64_t samples;
};

void scribe_fini(struct scribe *s);
void scribe_forget(struct scribe *s);

/* All run inside the caller's transaction. */
int scribe_put_set(struct scribe *s, struct change_set *cs, struct tc_err *e);
int scribe_put_subject(struct scribe *s, const struct change_subject *c,
	struct tc_err *e);
int scribe_put_state(struct scribe *s, const struct change_state *c,
	struct tc_err *e);
int scribe_put_event(struct scribe *s, const struct change_event *c,
	struct tc_err *e);
int scribe_put_prediction(struct scribe *s, const struct change_prediction *c,
	struct tc_err *e);
int scribe_put_alert(struct scribe *s, const struct alert *c,
	struct tc_err *e);
int scribe_put_plan(struct scribe *s, const struct change_plan *c,
	struct tc_err *e);
int scribe_put_outbox(struct scribe *s, const struct change_outbox *c,
	struct tc_err *e);
int scribe_put_delivery(struct scribe *s, const struct change_delivery *c,
	struct tc_err *e);
int scribe_put_window(struct scribe *s, const struct change_window *c,
	struct tc_err *e);
int scribe_put_note(struct scribe *s, const struct change_note *c,
	struct tc_err *e);
int scribe_put_artifact(struct scribe *s, const struct change_artifact *c,
	struct tc_err *e);
int scribe_put_outcome(struct scribe *s, const struct change_outcome *c,
	struct tc_err *e);
int scribe_put_audit(struct scribe *s, const struct change_audit *c,
	struct tc_err *e);
/* 1 = new, 0 = a repeat of (at, subject, probe). */
int scribe_put_history(struct scribe *s, const struct change_history *c,
	struct tc_err *e);
/* 1 = a row of a time before `packing` is stored elsewhere than in `late`. */
int scribe_has_packed(struct scribe *s, const struct change_history *c,
	const struct layout *l, struct tc_err *e);
/* Fills in `packing` and `packed`. */
int scribe_marks(struct scribe *s, struct tc_err *e);
/* 1 = new, 0 = known. */
int scribe_put_batch(struct scribe *s, uint32_t host, const char *id,
	struct tc_err *e);
int scribe_put_token(struct scribe *s, const struct store_token *t,
	struct tc_err *e);
int scribe_revoke_token(struct scribe *s, uint32_t id, struct wall at,
	struct tc_err *e);
int scribe_put_meta(struct scribe *s, const char *key, int64_t value,
	struct tc_err *e);
/*
 * The mark of a clean stop goes before anything else is written, and the epoch
 * rises; `offline`: they are only read.
 */
int scribe_begin_epoch(struct scribe *s, bool offline, bool *clean,
	struct tc_err *e);
/* 0 when there is none. */
int scribe_get_meta(struct scribe *s, const char *key, int64_t *value,
	struct tc_err *e);

/* The number of a name, new or old; 0 on error. */
int64_t scribe_name(struct scribe *s, const char *text, struct tc_err *e);

struct layout {
	uint32_t id;
	int64_t probe;		/* name id */
	unsigned char sum[LAYOUT_SUM_BYTES];
};

/* The layout of a row, stored if new; NULL on error (e->code says which). */
const struct layout *scribe_layout(struct scribe *s,
	const struct change_history *c, struct tc_err *e);

#endif
