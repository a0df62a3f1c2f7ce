/*
 * The book of our own predictions: one scorecard over all, and one for each
 * pack that ever spoke, over the time in which it did.  Pure.
 */
#ifndef TOCSIN_PREDICT_BOOK_H
#define TOCSIN_PREDICT_BOOK_H

#include "predict/scorecard.h"

struct book_prediction {
	struct scored_prediction p;
	struct wall until;	/* ms 0 = it still holds */
	uint32_t pack;		/* index into packs */
};

struct book_input {
	const struct book_prediction *predictions;
	size_t n_predictions;
	const struct scored_outcome *outcomes;
	size_t n_outcomes;
	const struct scored_span *spans;	/* of distinct subjects */
	size_t n_spans;
	const struct scored_span *host_spans;	/* hosts, judged as such */
	size_t n_host_spans;
	const char *const *packs;	/* ids */
	size_t n_packs;
	const char *const *rules;	/* ids; scored_prediction.rule - 1 */
	size_t n_rules;
	struct wall now;
	struct dur settle;
};

#define BOOK_PACKS_MAX 8	/* the latest ones */

struct book_pack {
	char id[VERDICT_PACK_ID];
	struct wall from;	/* its first prediction */
	struct wall to;		/* its last one's end, or now */
	struct scorecard card;
};

#define BOOK_RULES_MAX 64	/* those with the most wrong alarms */

struct book_rule {
	char id[VERDICT_NAME];
	bool of_hosts;		/* of their own signals */
	struct scorecard_rule levels[LEVEL_N];
};

struct book {
	struct dur settle;
	struct scorecard all;	/* of devices */
	struct scorecard hosts;	/* by their own signals */
	size_t n_packs;
	struct book_pack packs[BOOK_PACKS_MAX];	/* the latest first */
	size_t n_rules;
	struct book_rule rules[BOOK_RULES_MAX];	/* that led any alarm */
};

/*
 * A pack answers for the failures from its first prediction to the end of its
 * last, and its alarms have `settle` more to come true.  0 or TC_ENOMEM.
 */
int book_reckon(const struct book_input *in, struct book *out,
	struct tc_err *e);

#endif
