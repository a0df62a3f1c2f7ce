/*
 * Any bytes as an echo reply and as what an ICMP error quotes: nothing is read
 * beyond them (they lie at the end of a block of their own).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probes/ping/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *p = malloc(size > 0 ? size : 1);
	struct packet_echo echo;

	if (p == NULL)
		return 0;
	if (size > 0)
		memcpy(p, data, size);
	for (int i = 0; i < 4; i++) {
		if (packet_reply(p, size, i & 1, i & 2, &echo) && !echo.marked)
			abort();
		packet_quoted(p, size, i & 1, &echo);
	}
	free(p);
	return 0;
}
