/*
 * Acknowledgements and comments of people.
 */
#ifndef TOCSIN_MODEL_NOTE_H
#define TOCSIN_MODEL_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/*
 * What a person said: of a host, or of the alerts with a key.  As long as an
 * acknowledgement stands nobody is paged for them.
 */
struct note {
	uint64_t id;
	bool ack;
	bool of_host;
	char *of;		/* the host's name, or "host_unhealthy/h1" */
	struct wall at;
	struct wall until;	/* ms 0 = with the alert; of a host: for good */
	char by[64];		/* the token's name */
	char person[64];	/* who that was, or "" */
	char *text;
};

#endif
