/*
 * What is kept of a host's own signals; made when the first comes.  For
 * src/engine alone.
 */
#ifndef TOCSIN_ENGINE_OUTLOOK_H
#define TOCSIN_ENGINE_OUTLOOK_H

#include "engine/inside.h"
#include "predict/outlook.h"

/* What they told, where they told anything. */
struct outlook_told {
	struct verdict *verdict;	/* verdict_bytes() long; may be NULL */
	uint64_t prediction_id;
	struct wall level_since;
};

struct host_outlook {
	struct slab_node slab;	/* first */
	uint32_t cpus;		/* 0 = not told yet */
	uint32_t judged_s;	/* UTC, as the signals' own times */
	uint32_t saved_s;	/* 0 = never */
	enum level level : 8;
	bool open;		/* something points to a failure */
	bool unsaved;		/* a count rose since */
	struct signals signals;
	struct outlook_told *told;	/* NULL = nothing yet */
};

/* Of the host's own signals; NULL = there is none. */
static inline const struct verdict *
host_verdict(const struct host *h)
{
	return h->outlook != NULL && h->outlook->told != NULL ?
		h->outlook->told->verdict : NULL;
}

/* An observation of the host itself; cheap when it has no signal. */
void outlook_hear(struct engine *en, struct check *c,
	const struct observation *ob, struct now now);
/* A check was convicted; `layer`: and with it the host. */
void outlook_convicted(struct engine *en, struct host *h, bool layer,
	struct wall at);
/* The host's own part of its risk. */
struct host_own outlook_own(const struct host *h);
void outlook_age(struct engine *en, struct host *h, struct now now);
int outlook_restore(struct engine *en, struct host *h, const void *bytes,
	size_t n);
int outlook_restore_prediction(struct engine *en, struct host *h,
	const struct change_prediction *p);
/* showdeeds.c: of the disk that is to be replaced. */
const char *replace_words(struct arena *a, const struct host *h);
void outlook_free(struct engine *en, struct host_outlook *o);

#endif
