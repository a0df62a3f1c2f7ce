/*
 * What a runner and a tocsin-worker say to each other over a socket: frames
 * of a length, a kind and fields, in the machine's own byte order.
 */
#ifndef TOCSIN_PROBE_FRAMES_H
#define TOCSIN_PROBE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "probe/plugin.h"

#define FRAME_MAX_BYTES ((size_t)4 << 20)

enum frame_kind {
	FRAME_PLUGIN = 1,	/* to the runner: the descriptor's rows */
	FRAME_RUN,		/* to the worker: slot, timeout, target, values */
	FRAME_RESULT,		/* to the runner: slot, last, a batch of one */
};

/* begin … put … end; a failure shows in out->failed. */
size_t frame_begin(struct strbuf *out, enum frame_kind kind);
void frame_put_u32(struct strbuf *out, uint32_t v);
void frame_put_i64(struct strbuf *out, int64_t v);
void frame_put_f64(struct strbuf *out, double v);
/* NULL stays NULL. */
void frame_put_text(struct strbuf *out, const char *s);
void frame_end(struct strbuf *out, size_t begun);

struct frame {
	enum frame_kind kind;
	const char *p;
	size_t left;
	bool bad;	/* more was asked for than is there */
};

/*
 * The first whole frame of the n bytes: its length, 0 when it is not whole
 * yet, TC_EPROTO when it can be none.
 */
long frame_next(const char *p, size_t n, struct frame *out);
uint32_t frame_u32(struct frame *f);
int64_t frame_i64(struct frame *f);
double frame_f64(struct frame *f);
/* Lies in the frame, NUL-terminated; NULL also when the frame is bad. */
const char *frame_text(struct frame *f);

/* The rows of a plugin as a frame, and back: *out with arena memory only. */
void frame_put_plugin(struct strbuf *out, const struct tocsin_probe *probe);
int frame_plugin(struct frame *f, struct arena *mem, struct tocsin_probe *out,
	struct tc_err *e);

#endif
