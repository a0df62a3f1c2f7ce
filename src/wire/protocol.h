/*
 * What agents and servers speak: the number behind Tocsin-Protocol.  A server
 * takes its own and the one before; an agent that meets an older server
 * speaks as that does (DESIGN 3b.12).
 */
#ifndef TOCSIN_WIRE_PROTOCOL_H
#define TOCSIN_WIRE_PROTOCOL_H

/* 0: as 1, of agents and scripts that name none. */
#define PROTOCOL_NOW 1u
#define PROTOCOL_OLDEST 0u
#define PROTOCOL_HEADER "Tocsin-Protocol"
/* Of the refusal, beside the number that the server speaks. */
#define PROTOCOL_CODE "protocol_newer"

#endif
