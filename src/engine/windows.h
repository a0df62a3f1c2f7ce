/*
 * Maintenance windows, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_WINDOWS_H
#define TOCSIN_ENGINE_WINDOWS_H

#include "engine/core.h"

/* ---- windows.c ---- */
/* Begins and ends; told overruns; cheap while nothing is due. */
void windows_step(struct engine *en, struct now now);
void windows_lay(struct engine *en, struct wall now);
void windows_made(struct engine *en, const struct window *w,
	struct wall now);
int windows_add(struct engine *en, struct window *w);
void windows_drop(struct engine *en, size_t i);
void windows_end_notice(struct engine *en, const struct window *w,
	struct wall now);
/* The rule of w->zone_id; TC_EINVAL when it is not known. */
int window_find_zone(struct engine *en, struct window *w, struct tc_err *e);
/* What is shown of them must be made again. */
static inline void
windows_moved(struct engine *en)
{
	en->windows_stale = true;
}
void say_window(struct engine *en, const struct window *w, bool ended);

/* ---- orders_windows.c, import.c ---- */
int order_create_window(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_delete_window(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_import_windows(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
/* Known hosts and partition. */
int window_check_scope(const struct engine *en, const struct window *w,
	struct tc_err *e);
/* 409 when it and another one leave nothing of a service. */
int window_check_spread(struct engine *en, const struct window *w,
	struct tc_err *e);

#endif
