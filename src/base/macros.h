/*
 * The few macros that everything may use.  Never control flow.
 */
#ifndef TOCSIN_BASE_MACROS_H
#define TOCSIN_BASE_MACROS_H

#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that holds `member` at `ptr`. */
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#define TC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define TC_UNUSED __attribute__((unused))

#endif
