/*
 * Maintenance windows: when, whom, what for.  Calendar times, for people
 * planned them so; judged at each tick, never a timer.  Pure.
 */
#ifndef TOCSIN_PLAN_WINDOW_H
#define TOCSIN_PLAN_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "plan/repeat.h"
#include "plan/zone.h"
#include "wire/json_write.h"

/* Symbol, id, what hosts go through unless the window says otherwise. */
#define WINDOW_TYPE_TABLE(X)                                                \
	X(INSTANCE_REBOOT, "instance_reboot",                               \
		"the instance restarts; its host runs on")                  \
	X(HOST_REBOOT, "host_reboot",                                       \
		"the host restarts, and every VM on it with it")            \
	X(POWER, "power", "the host loses power for a time")                \
	X(NETWORK, "network",                                               \
		"the host runs on but may not be reached for a time")

enum window_type {
#define X(sym, id, effect) WINDOW_##sym,
	WINDOW_TYPE_TABLE(X)
#undef X
};

/*
 * A window without hosts, VMs and partition is refused.  A host is
 * covered with all that runs on it, a VM alone.
 */
struct window {
	uint64_t id;
	enum window_type type;
	struct wall from;	/* of one that repeats: this time's */
	struct wall to;
	struct dur grace;	/* after the end, before an overrun is told */
	struct dur notice;	/* people are told so long before; 0 = not */
	char partition[254];	/* "" = the hosts named */
	char **hosts;		/* names, folded, sorted */
	size_t n_hosts;
	size_t cap_hosts;
	char **vms;		/* the same of VMs, each with its roles */
	size_t n_vms;
	size_t cap_vms;
	struct repeat repeat;	/* every REPEAT_NEVER: once */
	struct zone zone;	/* people's; UTC unless given */
	char zone_id[ZONE_ID_BYTES];	/* "" = UTC */
	char zone_rule[ZONE_RULE_BYTES];
	char by[64];		/* the token's name */
	char person[64];	/* who says to be behind it, or "" */
	char reason[256];	/* what is done */
	char effect[256];	/* "" = that of the type */
	char todo[256];		/* what owners must do; "" = nothing */
	char provider[32];	/* whose event it is, or "" */
	char provider_id[128];
	bool accept_conflict;	/* although nothing is left of a service */
};

const char *window_type_id(enum window_type t);
/* "host-reboot" is "host_reboot". */
bool window_type_parse(const char *id, size_t n, enum window_type *out);
const char *window_effect(const struct window *w);

/* What holds unless it is said otherwise. */
void window_init(struct window *w);
/* Its hosts in the order of their names, each once. */
void window_sort(struct window *w);
bool window_covers(const struct window *w, const char *host,
	const char *partition);
bool window_covers_vm(const struct window *w, const char *vm);
bool window_runs(const struct window *w, struct wall now);
/* Its end and the grace have passed. */
bool window_is_over(const struct window *w, struct wall now);
/* One that repeats goes on to its next time; false when there is none. */
bool window_go_on(struct window *w);
/* The first time of one that repeats, not before w->from or `now`. */
bool window_begin(struct window *w, struct wall now);
/*
 * Do any times of the two overlap?  Of those that repeat the coming year is
 * looked at.
 */
bool window_meets(const struct window *a, const struct window *b);

/* What it holds, but not itself. */
void window_fini(struct window *w);
void window_free(struct window *w);
/* A copy in the arena, not to be freed; NULL when out of memory. */
struct window *window_clone(struct arena *a, const struct window *w);

/* ---- window_json.c ---- */
/*
 * A JSON object as people give it, or as it was stored.  `body` is changed.
 * On failure what was taken is in *out: window_fini().
 */
int window_read(char *body, size_t n, struct window *out, struct tc_err *e);
/* Whether it is whole: times, scope, what repeats. */
int window_check(const struct window *w, struct tc_err *e);
void window_write(struct strbuf *out, const struct window *w);
void window_add_members(struct json_write *j, const struct window *w);

/* ---- notice.c ---- */
/*
 * What people are told of it, in seven fields: what, which hosts, when, until
 * when, how long, what happens to them, what they must do.  `hosts` are the
 * names that it covers.
 */
struct notice_hosts {
	const char *const *names;
	size_t n;		/* in `names` */
	size_t all;		/* that it covers */
};
void notice_add_members(struct json_write *j, const struct window *w,
	const struct notice_hosts *hosts);
/* The same as lines for people. */
void notice_text(struct strbuf *out, const struct window *w,
	const struct notice_hosts *hosts);

#endif
