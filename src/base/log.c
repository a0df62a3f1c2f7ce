#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#define WINDOW_S 60
#define LINES_PER_WINDOW 10

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level max_level = LOG_LVL_INFO;
static bool stamp;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void
log_set_level(enum log_level level)
{
	pthread_mutex_lock(&lock);
	max_level = level;
	pthread_mutex_unlock(&lock);
}

void
log_set_stamp(bool on)
{
	pthread_mutex_lock(&lock);
	stamp = on;
	pthread_mutex_unlock(&lock);
}

/* Under the lock; whether this line may go out. */
static bool
admit(struct log_site *site, unsigned *held)
{
	struct mono now = clock_system()->mono(clock_system());

	if (site->printed == 0 ||
	    mono_diff(now, site->window).ns > dur_s(WINDOW_S).ns) {
		site->window = now;
		site->printed = 0;
	}
	if (site->printed >= LINES_PER_WINDOW) {
		site->held++;
		return false;
	}
	site->printed++;
	*held = site->held;
	site->held = 0;
	return true;
}

void
log_line(struct log_site *site, enum log_level level, const char *subsystem,
	const char *fmt, ...)
{
	char text[2048], when[WALL_TEXT] = "";
	unsigned held = 0;
	va_list ap;

	pthread_mutex_lock(&lock);
	if (level > max_level || !admit(site, &held)) {
		pthread_mutex_unlock(&lock);
		return;
	}
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	if (stamp)
		wall_format(clock_system()->wall(clock_system()), when,
			sizeof(when));
	if (held != 0)
		fprintf(stderr, "%s%s%s %s: %s held_back=%u\n", when,
			stamp ? " " : "", level_names[level], subsystem, text,
			held);
	else
		fprintf(stderr, "%s%s%s %s: %s\n", when, stamp ? " " : "",
			level_names[level], subsystem, text);
	pthread_mutex_unlock(&lock);
}
