/*
 * The engine's one object: all that it knows, and what it is about to say.
 */
#ifndef TOCSIN_ENGINE_CORE_H
#define TOCSIN_ENGINE_CORE_H

#include "engine/entities.h"
#include "engine/roster.h"

/* How much of a chunk is to be made anew, and how soon: see mark(), stir(). */
enum dirt { CLEAN, DIRTY_VALUES, DIRTY_COSMETIC, DIRTY_URGENT };

/* Where what moves of a chunk is gathered, kept from one to the next. */
struct live_room {
	unsigned char *p;
	size_t n, cap;
};

/* A ring of the last minutes (mono), with the number of broken hosts. */
#define TREND_MINUTES 16
#define TREND_BACK 5
struct trend {
	uint64_t n;		/* notes so far */
	int64_t first, minute;
	size_t broken[TREND_MINUTES];
	enum snap_trend said;
};

struct engine {
	struct engine_io *io;
	const struct pack *pack;
	struct outlook_pack outlook;	/* rules for hosts */
	struct drive_rules states;	/* what drives say of themselves */
	const char *version;
	struct intern names;	/* keys, probes, metrics, instances */
	struct hash parts;
	struct roster hosts;
	struct hash devices;	/* by key */
	struct peers *peers;	/* of this day; NULL = no rule asks */
	struct hash vms;	/* struct unit by name */
	struct heap unit_due;	/* struct unit: time alone may move it */
	struct heap watch_due;	/* struct watch */
	struct hash climbs;	/* struct climb by the id of its host */
	struct heap climb_due;
	struct hash strains;	/* struct strain by the id of its host */
	struct heap strain_due;
	struct hash loads;	/* struct load by the id of its check */
	struct ladder_rule ladder;
	struct unit_rule unit_rule;	/* of those that nobody declared */
	struct shared shared;	/* kinds of checks, shapes of metrics */
	struct slab checks;
	struct slab outlooks;
	/* What a subject id is, and its kind. */
	void **subjects;
	unsigned char *subject_kinds;	/* enum subject_kind */
	size_t cap_subjects;
	uint32_t next_subject;
	uint64_t event_seq;
	uint64_t prediction_id;

	struct host **sorted;	/* present hosts by name */
	size_t n_sorted;
	size_t cap_sorted;
	bool resort;

	struct wheel due;
	struct engine_run *runs;	/* of this tick */
	size_t n_runs;
	size_t cap_runs;
	struct check_rule passive;
	struct dur smart_interval;
	struct evacuation_pace leaving;
	struct dur backup_max_age;	/* of protected hosts; 0 = any */

	bool restored;		/* restore_finish() was done */
	struct now now;		/* of the call we are in */
	struct mono last_tick;
	int64_t wall_offset_ms;	/* wall − mono, as it last was */
	bool wall_known;
	struct mono wall_said;	/* a step of it; ns 0 = never */
	int64_t gap_ns;		/* all the time we slept */
	struct artifact_note {
		uint64_t id;
		uint64_t bytes;
		uint32_t host;
	} *artifacts;		/* by rising id: the oldest go first */
	size_t n_artifacts, cap_artifacts;
	uint64_t artifact_id;
	struct wall accepts_at;	/* acceptances were looked at */
	int32_t judged_day;	/* all devices were aged on this day */
	struct wall started;

	struct host **touched;	/* moved since the last step */
	size_t n_touched, cap_touched;
	uint64_t step;
	struct hash alerts;	/* struct live_alert by key */
	uint64_t alert_id;
	uint64_t plan_id;
	size_t n_plans;		/* that stand, of hosts and units */
	struct pace_limits pace, pace_fleet;
	bool pace_holds;	/* some plan waits for its turn */
	struct mono pace_at;	/* when to look again */
	struct note **notes;	/* that stand */
	size_t n_notes, cap_notes;
	uint64_t note_id;
	struct wall notes_edge;	/* when the next one ends; ms 0 = never */
	struct window **windows;	/* not over yet */
	size_t n_windows, cap_windows;
	uint64_t window_id;
	struct wall windows_at;	/* when they were last laid on the hosts */
	struct wall windows_edge;	/* the next begin, end or notice */
	struct snap_windows *windows_shown;	/* shared by snapshots */
	bool windows_stale;	/* windows_shown is to be made again */
	struct trend trend;
	char person[64];	/* behind the order at hand, "" = not said */

	struct change_set *facts;	/* being gathered; NULL = none yet */
	struct change_set *lent;	/* engine_batch()'s, in place of facts */

	unsigned char *dirt;	/* enum dirt, by chunk */
	uint64_t *stirred;	/* by chunk: hosts of which values alone moved */
	struct live_room live;
	struct snap_chunk **chunks;
	size_t n_chunks;
	size_t cap_chunks;
	size_t chunk_turn;	/* whose values are shown anew next */
	uint64_t generation;
	bool changed;		/* since the last generation */
	struct mono cosmetic_at;
	struct observer observer;
	struct observer_control *controls;	/* observer.controls */
	struct control *control_runs;		/* of the same places */
	struct wall doubt_since;
	unsigned need;		/* silences that convict, at least */
	bool held;		/* until a parent has answered none convicts */
	struct mono tick_due;	/* when the next tick was wished for */
	struct mono stalled;	/* the end of our last delay */
	int64_t stall_ns;
	bool degraded;
	char degraded_why[128];
	struct engine_counts counts;
};

#endif
