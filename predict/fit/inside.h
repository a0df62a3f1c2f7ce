/*
 * What a fit keeps in memory.  Private to predict/fit.
 *
 * History is kept as states: a drive stands in one from its day until the next
 * state's day.  A state is what every feature is, as the number of the bin.
 */
#ifndef TOCSIN_PREDICT_FIT_INSIDE_H
#define TOCSIN_PREDICT_FIT_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "predict/features.h"
#include "predict/fit/fit.h"
#include "predict/peers.h"
#include "predict/rules.h"

#define FIT_COLUMNS 42
#define FIT_CLOSED INT32_MIN
#define FIT_BOUNDS_MAX 14
#define FIT_NEVER INT32_MIN
#define FIT_CONDS_MAX 3

/* A feature and where its bins begin; code 0 = unknown, k = bounds[k−1] and
 * above.  The first bound is 0: known. */
struct fit_column {
	struct feature_ref ref;
	uint32_t n_bounds;
	const int64_t *bounds;
};

struct fit_device {
	const char *serial;
	uint64_t hash;		/* of it */
	uint32_t model;		/* interned; 0 = unknown */
	uint32_t family;	/* interned */
	int32_t first_day;
	int32_t last_day;
	int32_t fail_day;	/* FIT_NEVER = never failed */
	uint32_t state;		/* its first */
	uint32_t n_states;
};

struct fit_data {
	struct fit_column columns[FIT_COLUMNS];
	uint32_t stats;		/* bit per enum stat_kind: used */
	struct peer_past *peers;	/* while it is read; NULL = none */
	struct fit_device *devices;
	size_t n_devices;
	size_t cap_devices;
	struct intern models;
	struct intern families;
	struct arena memory;	/* serials */
	/* by state; of one device one after the other, by day */
	int32_t *day;
	bool *open;		/* the gate */
	int32_t *reference;	/* the other pack's score */
	uint32_t *device;
	uint8_t *code[FIT_COLUMNS];
	size_t n_states;
	int32_t first_day;
	int32_t last_day;
	uint64_t rows;
};

/* Reads the source to its end.  Rows of a device may be mixed with others'. */
int fit_data_read(struct row_source *source, const struct pack *reference,
	uint32_t stats, struct fit_data *out, struct tc_err *e);
void fit_data_free(struct fit_data *d);

/* Which drives, and until when: what is behind `until` is not known yet. */
struct fit_view {
	const struct fit_data *data;
	int32_t until;
	const bool *leave_out;	/* by device; NULL = nobody */
};
bool fit_failed(const struct fit_view *v, const struct fit_device *d);
bool fit_survives(const struct fit_view *v, const struct fit_device *d);

/* ---- learning ------------------------------------------------------------ */

struct fit_cond {
	uint8_t column;
	bool below;		/* < the bound (and known) instead of ≥ */
	uint8_t code;		/* the bound is bounds[code − 1] */
};

struct fit_term {
	uint32_t n;
	struct fit_cond cond[FIT_CONDS_MAX];	/* [0] is never `below` */
	double weight;
	int32_t hundredths;
};

struct fit_model {
	double base;
	int32_t base_hundredths;
	uint32_t n_terms;
	struct fit_term terms[FIT_TERMS_MAX];
	/* by interned model; 0 where nothing was seen */
	double *offset;
	int32_t *offset_hundredths;
	uint32_t n_models;
};

int fit_learn(const struct fit_view *view, const struct fit_opts *opts,
	struct fit_model *out, struct tc_err *e);
void fit_model_free(struct fit_model *m);
/* As a pack would: in hundredths. */
int32_t fit_score(const struct fit_data *d, const struct fit_model *m,
	size_t state);

/* ---- judging ------------------------------------------------------------- */

/* Scores by state and the days from `from` on; drives gone before are not
 * there. */
struct fit_trial {
	const struct fit_data *data;
	const int32_t *score;	/* FIT_CLOSED where the gate is closed */
	const bool *only;	/* by device; NULL = all */
	int32_t from;
};

/* The lowest threshold within both budgets; INT32_MAX when there is none. */
int fit_threshold(const struct fit_trial *t, const struct fit_budget *budget,
	int32_t *out, struct tc_err *e);
/* The first day in time at the threshold or above; FIT_NEVER. */
int32_t fit_alarm_day(const struct fit_trial *t, const struct fit_device *d,
	int32_t threshold);
/* The largest score in time; FIT_CLOSED when it was never judged. */
int32_t fit_worst_score(const struct fit_trial *t,
	const struct fit_device *d);
int fit_judge(const struct fit_trial *t, int32_t threshold,
	struct fit_tier *out, struct tc_err *e);

/* ---- how sure that is ---------------------------------------------------- */

/* Of one drive: its worst score in time, and what became of it. */
struct fit_worst {
	int32_t score;
	bool failed;
	bool survives;
};
/* By device; the caller frees it. */
int fit_worsts(const struct fit_trial *t, struct fit_worst **out,
	struct tc_err *e);
/* How much more `b` finds than `a`, each at the budgets: the median and the
 * middle 95 % over drives drawn anew.  By level; 0 or TC_ENOMEM. */
int fit_gains(const struct fit_worst *a, const struct fit_worst *b, size_t n,
	const struct fit_budget *budgets, struct fit_gain *out);
/* Of other drives, at another threshold; it has no lead and no threshold. */
void fit_tier_add(struct fit_tier *sum, const struct fit_tier *t);

/* What became of days at such scores; monotone.  At most `max` rows. */
int fit_calibrate(const struct fit_trial *t, struct fit_calibration *out,
	struct tc_err *e);

/* The pack as JSON text into r->pack. */
int fit_write(const struct fit_data *d, const struct fit_model *m,
	const struct fit_opts *opts, struct fit_report *r, struct tc_err *e);

#endif
