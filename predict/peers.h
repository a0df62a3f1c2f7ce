/*
 * Where a counter stands among the drives of the same model: a histogram per
 * model and counter, by powers of two, so that a drive is counted and ranked in
 * constant time and memory is bounded by models.
 *
 *	The peers are looked at once a day, as they stood when it began: the
 *	order of the day's arrivals changes nothing, and nothing of later is
 *	in it.  A drive that fails is gone from the next day on.  Fewer than
 *	PEERS_MIN drives are nobody to compare with: unknown, not zero.
 */
#ifndef TOCSIN_PREDICT_PEERS_H
#define TOCSIN_PREDICT_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "predict/features.h"
#include "predict/source.h"

#define PEERS_MIN 20
#define PEER_BUCKETS 18		/* 0, 1, 2…3, 4…7, … 65,536 and above */

/* Drives by counter and bucket.  {0} is empty. */
struct peer_counts {
	uint32_t n[COUNTER_N][PEER_BUCKETS];
};

unsigned peer_bucket(uint32_t value);
/* Permille of all that stand in a lower bucket; −1 = too few to say. */
int peers_below(const struct peer_counts *counts, enum counter counter,
	uint32_t value);
/*
 * Ranks the counters (a bit each) on this day.  NULL counts: nobody is there.
 * Returns true when a rank is another than before.
 */
bool peers_rank(const struct peer_counts *counts, uint32_t counters,
	int32_t day, struct features *f);

/* ---- a fleet as it stands ---- */

struct peers;

struct peers *peers_new(void);	/* NULL: out of memory */
void peers_free(struct peers *p);
/* Counts a drive in; a model without a name has no peers.  0 or TC_ENOMEM. */
int peers_add(struct peers *p, const char *model, const struct features *f);
/* NULL when nobody of the model was counted. */
const struct peer_counts *peers_of(const struct peers *p, const char *model);

/* ---- the same on each day of a history ---- */

#define PEERS_DAYS_MAX 20000	/* of one model: keeps hostile dates cheap */

struct peer_past;
struct peer_line;	/* of one model */

/*
 * Reads the source to its end and goes back to its begin.  TC_EUNSUP: it can be
 * read only once.
 */
int peer_past_read(struct row_source *source, struct peer_past **out,
	struct tc_err *e);
void peer_past_free(struct peer_past *p);
/* NULL for a model that is not there, and for no name. */
const struct peer_line *peer_past_line(const struct peer_past *p,
	const char *model, size_t n);
/* When the day began; NULL = nobody was there.  `line` may be NULL. */
const struct peer_counts *peer_line_on(const struct peer_line *line,
	int32_t day);

#endif
