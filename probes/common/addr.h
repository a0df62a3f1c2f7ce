/*
 * What all probes that speak over sockets know: the address of a target, what
 * an errno says about us or about them, how many descriptors there are.
 */
#ifndef TOCSIN_PROBES_COMMON_ADDR_H
#define TOCSIN_PROBES_COMMON_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <tocsin/probe.h>

union net_addr {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Copies the target's; false, and nothing done, where it has none. */
bool net_take_addr(union net_addr *out, const struct tocsin_target *t);
socklen_t net_addr_len(const union net_addr *a);
void net_set_port(union net_addr *a, uint16_t port);

/* connect()'s own errno, and what became of the connection afterwards. */
enum tocsin_reason net_own_reason(int err);
enum tocsin_reason net_their_reason(int err);
/* Somebody refused, and it is not known who: asks our own routes. */
enum tocsin_reason net_reason(const union net_addr *to, int err);

/*
 * How many descriptors a probe may hold, at the most `most`: what the limit of
 * the process leaves beside those of others; of a low limit 1/part.
 */
uint32_t net_files_max(uint32_t most, uint32_t part);

#endif
