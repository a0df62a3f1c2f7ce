/*
 * The server looks at itself: a damaged page, the age of its last copy, tokens
 * that end.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "engine/trouble.h"
#include "store/tend.h"

#define EVERY_S 10

static void
tell_damage(struct daemon *d, struct now now)
{
	struct engine_trouble t = { "store_damaged", SEVERITY_CRITICAL, NULL };
	char mark[4200];

	/* Left by the store; taken away by a start that looked at all pages. */
	snprintf(mark, sizeof(mark), "%s/tocsin.db.suspect",
		d->config->state_dir);
	if (access(mark, F_OK) == 0)
		t.summary = "a page of the store is damaged; restart the "
			"server, the start looks at all of them";
	engine_set_trouble(d->engine, &t, now);
}

static struct dur
age_of(struct wall at, struct now now)
{
	struct dur age = { -1 };

	if (at.ms != 0 && wall_diff(now.wall, at, &age) < 0)
		age.ns = 0;	/* made a moment ago, by another clock */
	return age;
}

static void
tell_backup(struct daemon *d, struct wall at, struct now now)
{
	struct engine_trouble t = { "backup_old", SEVERITY_WARNING, NULL };
	struct dur max = d->config->backup_max_age;
	char when[WALL_TEXT], summary[128];
	struct dur age = age_of(at, now);

	pthread_mutex_lock(&d->publish_lock);
	d->backup_age = age;
	pthread_mutex_unlock(&d->publish_lock);
	if (age.ns < 0)
		snprintf(summary, sizeof(summary),
			"tocsin db backup was never run");
	else
		snprintf(summary, sizeof(summary), "the last tocsin db backup "
			"is of %s", wall_format(at, when, sizeof(when)));
	if (max.ns > 0 && (age.ns < 0 || age.ns > max.ns))
		t.summary = summary;
	engine_set_trouble(d->engine, &t, now);
}

static void
tell_tokens(struct daemon *d, struct now now)
{
	struct engine_trouble t = { "token_expires", SEVERITY_WARNING, NULL };
	char summary[512];

	tokens_ending(d->tokens, summary, sizeof(summary));
	if (summary[0] != '\0')
		t.summary = summary;
	engine_set_trouble(d->engine, &t, now);
}

void
self_look(struct daemon *d, struct now now)
{
	struct wall at;
	char path[4200];

	if (mono_before(now.mono, d->self_due))
		return;
	d->self_due = mono_add(now.mono, dur_s(EVERY_S));
	snprintf(path, sizeof(path), "%s/tocsin.db", d->config->state_dir);
	tend_last_backup(path, &at);
	tell_damage(d, now);
	tell_backup(d, at, now);
	tell_tokens(d, now);
}
