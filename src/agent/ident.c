#include "agent/ident.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/err.h"

uint64_t
ident_random(void)
{
	uint64_t v = 0;
	ssize_t n;

	do {
		n = getrandom(&v, sizeof(v), 0);
	} while (n < 0 && errno == EINTR);
	/* 8 bytes are never cut; a kernel without getrandom is none of ours */
	tc_bug_if(n != (ssize_t)sizeof(v));
	return v;
}

void
ident_batch(struct wall now, char text[IDENT_TEXT])
{
	uint64_t high = (uint64_t)now.ms << 16 | 0x7000 |
		(ident_random() & 0xfff);
	uint64_t low = (ident_random() & (UINT64_MAX >> 2)) |
		UINT64_C(1) << 63;

	snprintf(text, IDENT_TEXT, "%08x-%04x-%04x-%04x-%012llx",
		(unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff),
		(unsigned)(high & 0xffff), (unsigned)(low >> 48),
		(unsigned long long)(low & UINT64_C(0xffffffffffff)));
}
