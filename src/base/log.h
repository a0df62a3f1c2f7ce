/*
 * One line per transition to stderr: level, subsystem, message, key=value
 * tail.  Any thread.  Lines of one call site repeat at most 10 times a
 * minute; what was held back is counted in the next one printed.
 */
#ifndef TOCSIN_BASE_LOG_H
#define TOCSIN_BASE_LOG_H

#include "base/clock.h"
#include "base/macros.h"

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };

struct log_site {
	struct mono window;
	unsigned printed;
	unsigned held;
};

void log_set_level(enum log_level level);
/* With a UTC time before each line (off under systemd's journal). */
void log_set_stamp(bool on);
void log_line(struct log_site *site, enum log_level level,
	const char *subsystem, const char *fmt, ...) TC_PRINTF(4, 5);

#define log_at(level, subsystem, ...)                                     \
	do {                                                              \
		static struct log_site site_;                             \
		log_line(&site_, LOG_LVL_##level, subsystem, __VA_ARGS__); \
	} while (0)

#endif
