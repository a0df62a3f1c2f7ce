/*
 * The caller's side of smart/helper.h: starts tocsin-smartd, or connects to
 * it where the helper's path is a Unix socket, and asks one thing at a time.
 * A helper that is late or says nonsense is dropped; the next call starts
 * another.
 */
#ifndef TOCSIN_PROBES_SMART_CLIENT_H
#define TOCSIN_PROBES_SMART_CLIENT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "smart/helper.h"

struct client {
	char *helper;
	char *replay;	/* "" = the machine's own drives */
	int fd;		/* −1 = no helper now */
	pid_t pid;	/* 0 where we only connected */
	struct strbuf in;	/* read, not yet used: from `at` */
	size_t at;
	/* until when the present call may take, on the caller's clock */
	int64_t (*mono_ns)(void *arg);
	void *arg;
	int64_t due_ns;
};

/* 0, or TC_ENOMEM. */
int client_init(struct client *c, const char *helper, const char *replay);
void client_fini(struct client *c);
bool client_is_for(const struct client *c, const char *helper,
	const char *replay);
/* Ends the helper; harmless when there is none. */
void client_drop(struct client *c);

/*
 * 0; TC_ETIMEOUT, TC_EPROTO, TC_EPERM, TC_ENOENT, TC_EIO, TC_ENOMEM.  After
 * an error the helper is gone, and its ids with it.
 */
int client_list(struct client *c, struct smart_helper_list *out,
	struct tc_err *e);
/* `data` is overwritten with the reading's bytes. */
int client_read(struct client *c, uint32_t id, struct smart_helper_reading *r,
	struct strbuf *data, struct tc_err *e);

#endif
