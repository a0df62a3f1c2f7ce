/*
 * What the probes of the loop form that speak over sockets have in common:
 * runs with a deadline that wait for their turn, one epoll set watched as
 * one descriptor, and a bound on the time of each call.
 *
 * A plugin's instance begins with a net_loop, its runs with a net_run.
 */
#ifndef TOCSIN_PROBES_COMMON_NET_H
#define TOCSIN_PROBES_COMMON_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "base/list.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "probes/common/addr.h"

#define NET_TEXT 256

/* A run under way. */
struct net_run {
	struct slab_node node;
	struct wheel_node timer;
	struct list link;	/* waiting for its turn, or self-linked */
	uint32_t slot;
	uint32_t generation;
	bool begun;
	union net_addr to;	/* its port is the plugin's to set */
	int64_t begun_ns;
	int64_t deadline_ns;
};

struct net_loop;
struct net_ops {
	size_t run_bytes;
	/*
	 * Takes over what it needs of the options.  With an error text the
	 * run is answered UNKNOWN, unsupported; drop() is called all the same.
	 */
	bool (*take)(struct net_loop *, struct net_run *,
		const struct tocsin_target *, char error[NET_TEXT]);
	/* Its turn has come. */
	void (*begin)(struct net_loop *, struct net_run *);
	/* Something became of what was added to the epoll set. */
	void (*event)(struct net_loop *, uint64_t key, uint32_t events);
	/* The deadline has passed, or the time of net_wake(). */
	void (*due)(struct net_loop *, struct net_run *);
	/* Gives up what the run holds. */
	void (*drop)(struct net_loop *, struct net_run *);
	/* At `also_ns` of the loop; may be NULL. */
	void (*also)(struct net_loop *);
};

struct net_loop {
	struct tocsin_ctx *ctx;
	const struct net_ops *ops;
	int epoll_fd;
	uint32_t generation;
	uint32_t n_begun;
	uint32_t begun_max;
	int64_t call_ns;	/* when the call under way began */
	int64_t also_ns;	/* the plugin's own timer; 0 = none */
	struct slab runs;
	struct wheel wheel;
	struct list waiting;
};

/* 0 or −errno with the error text. */
int net_open(struct net_loop *l, struct tocsin_ctx *ctx,
	const struct net_ops *ops, char *error);
/* net_close() drops all runs, too. */
void net_drop_all(struct net_loop *l);
void net_close(struct net_loop *l);

/* The plugin's calls; each is over when its share of time is. */
int net_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride);
void net_on_fd(void *instance, int fd, unsigned events);
void net_on_timer(void *instance, int64_t now_ns);
void net_cancel(void *instance, uint32_t slot);

/* The call under way has had its share of time. */
bool net_is_spent(const struct net_loop *l);
int64_t net_now(const struct net_loop *l);
/* due() at that time, at the latest at the deadline. */
void net_wake(struct net_loop *l, struct net_run *r, int64_t due_ns);

/* For descriptors of runs: the key of its events, and back; NULL = gone. */
uint64_t net_key(const struct net_run *r);
struct net_run *net_run_of(const struct net_loop *l, uint64_t key);
/* Adds (or, with `again`, changes) what is watched; 0 or −errno. */
int net_watch(struct net_loop *l, int fd, uint64_t key, uint32_t events,
	bool again);

/* What came out. */
struct net_result {
	enum tocsin_reason why;
	const char *text;	/* may lie in the run */
	const struct tocsin_sample *samples;
	uint32_t n_samples;
};
/* Drops the run, then reports. */
void net_finish(struct net_loop *l, struct net_run *r,
	const struct net_result *result);
/* The same, with words alone. */
void net_fail(struct net_loop *l, struct net_run *r, enum tocsin_reason why,
	const char *text);

void net_sample(struct tocsin_sample *s, const char *name, double value);

#endif
