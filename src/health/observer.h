/*
 * Doubt about the observer: when most of what it hears falls silent at once,
 * it is more likely cut off than the fleet dead.  Pure, O(1) per
 * result, no memory per host but what the caller keeps.
 *
 *	heard	any answer, a refusal included: the way there is open
 *	silent	no answer came: may be our fault
 *	local	we could not even ask: is our fault
 *	late	we ourselves came too late to tell
 *	behind	silent, and so is what it depends on: says nothing of its own
 *	parent	what others hang on is silent, while somebody else answers: its
 *		own trouble, and theirs; of three and more at once it is ours
 *
 * Counted are hosts, each by its latest result, over the last moments: long
 * enough that the slots of many hosts fall into it, short enough that nobody
 * is convicted before the doubt begins.  The caller sees to it that a few
 * others are asked when one falls silent.
 */
#ifndef TOCSIN_HEALTH_OBSERVER_H
#define TOCSIN_HEALTH_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/reason.h"

/* Counting by quarters of a second; the window ends before a conviction. */
#define OBSERVER_SLOT_NS INT64_C(250000000)
#define OBSERVER_WINDOW 10	/* slots: 2.5 s */
#define OBSERVER_RING 16	/* a power of two above the window */
/* Fewer silent hosts are their own trouble. */
#define OBSERVER_LEAST_HOSTS 3
/* The doubt ends when it had no ground for so long; longer if it comes again. */
#define OBSERVER_CALM_S 5
#define OBSERVER_CALM_MOST_S 60
/* Loss is reckoned over the last seconds, the short and the long run of them. */
#define OBSERVER_LOSS_RING 64	/* a power of two */
#define OBSERVER_LOSS_SHORT_S 3
#define OBSERVER_LOSS_LONG_S 30
/* Beyond this we doubt ourselves; below, more failures in a row are asked for. */
#define OBSERVER_LOSS_DOUBT 0.4
#define OBSERVER_LOSS_DOUBT_SHORT 0.5
#define OBSERVER_LOSS_CALM 0.25
#define OBSERVER_NEED_MOST 30
/*
 * A partition that lost none of so many answers, which it would have lost had
 * it fared as the whole did, is not concerned; by chance once in 3,000 times.
 * For each that it lost all the same, so many more.
 */
#define OBSERVER_CLEAR_LEAST 8
#define OBSERVER_CLEAR_EACH 2.5

enum observer_kind { OBSERVER_HEARD, OBSERVER_SILENT, OBSERVER_LOCAL,
	OBSERVER_LATE, OBSERVER_BEHIND, OBSERVER_PARENT, OBSERVER_KINDS };

/* Ground of the doubt: symbol, id, words. */
#define OBSERVER_WHY_TABLE(X)                                             \
	X(NONE, "none", "nothing speaks against the observer")            \
	X(ALL_AT_ONCE, "all_at_once", "most hosts fell silent at once")   \
	X(LOCAL_ERRORS, "local_errors", "nothing can be sent from here")  \
	X(MISSED_SLOTS, "missed_slots", "the server is too late itself")  \
	X(CONTROLS, "controls_silent",                                    \
		"the gateway and the witnesses are silent as well")       \
	X(LOSS, "packet_loss", "many answers are lost and come again")

enum observer_why {
#define X(sym, id, words) OBSERVER_WHY_##sym,
	OBSERVER_WHY_TABLE(X)
#undef X
};

const char *observer_why_id(enum observer_why w);
const char *observer_why_words(enum observer_why w);

/* Of a host, the caller's; {0} at first. */
struct observer_mark {
	uint32_t slot;
	uint32_t lost_second;	/* counted in the ring of loss; 0 = not */
	bool counted;
	uint8_t kind;
};

/* Hosts by their latest result, by the slot of it. */
struct observer_ring {
	int64_t slot;		/* the newest */
	int64_t uneasy;		/* the newest with one not heard of */
	uint32_t n[OBSERVER_KINDS][OBSERVER_RING];
	struct {
		int64_t second;
		int64_t latest;		/* second of the latest loss */
		uint32_t asked[OBSERVER_LOSS_RING];
		uint32_t lost[OBSERVER_LOSS_RING];
		uint32_t hosts[OBSERVER_LOSS_RING];	/* that lost some */
	} loss;
};

struct observer_count {
	uint32_t n[OBSERVER_KINDS];
};

/* The gateway, or a witness far away.  Unknown until it answered once. */
struct observer_control {
	bool witness;	/* its answer shows that the way out is open */
	bool known;
	uint8_t misses;	/* consecutive */
	struct mono heard;
};

struct observer {
	struct observer_ring all;
	struct observer_control *controls;	/* the caller's */
	size_t n_controls;
	int64_t answered;	/* ns; while some are silent, the latest */
	bool suspect;
	enum observer_why why;	/* while suspect: what it began with */
	int64_t calm_since;	/* ns; 0 = there is ground */
	int64_t ended;		/* ns, of the last doubt */
	int64_t calm_s;		/* 0 = OBSERVER_CALM_S */
};

enum observer_kind observer_kind_of(enum tocsin_reason reason);
/* Whether a result tells of silence rather than of an answer. */
bool observer_is_silence(enum tocsin_reason reason);

/* `part`: counted beside the whole, may be NULL. */
void observer_note(struct observer *o, struct observer_ring *part,
	struct observer_mark *host, enum observer_kind kind, struct mono now);
/* All are heard of, and were just before. */
bool observer_is_calm(const struct observer *o, struct mono now);
/* Somebody beyond this machine answered; told while it is not calm. */
void observer_note_answer(struct observer *o, struct mono now);
bool observer_was_answered(const struct observer *o, struct mono since);
/* Heard of again after so many silent runs of the same check: not dead. */
void observer_note_loss(struct observer *o, struct observer_ring *part,
	struct observer_mark *host, unsigned lost, struct mono now);
void observer_note_control(struct observer_control *c,
	enum tocsin_reason reason, struct mono now);

/* How many hosts of late, by kind. */
struct observer_count observer_count(struct observer_ring *r, struct mono now);
/* Answers that were lost of those that are to come: 0…1. */
double observer_loss(struct observer *o, struct mono now);
/*
 * So many silences in a row are beyond chance, once in a thousand million;
 * 0 = no loss is known of, or it is known not to concern this part.
 */
unsigned observer_need(struct observer *o, struct observer_ring *part,
	struct mono now);

enum observer_why observer_ground(struct observer *o, struct mono now);
/* This part of the fleet is as silent as the whole. */
bool observer_doubts_part(struct observer *o, struct observer_ring *part,
	struct mono now);

/* True when the doubt began or ended now. */
bool observer_update(struct observer *o, struct mono now);

#endif
