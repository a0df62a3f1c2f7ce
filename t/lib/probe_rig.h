/*
 * A probe on a bench: a tree of files of its own, a clock that stands still,
 * and the last report kept for questions.  Fails the test by itself when a
 * report breaks the rules of the interface (undeclared metric, strange text).
 */
#ifndef TOCSIN_T_LIB_PROBE_RIG_H
#define TOCSIN_T_LIB_PROBE_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

extern const struct tocsin_probe tocsin_probe_v1;	/* the one on the bench */

struct rig {
	char root[64];
	struct tocsin_ctx ctx;
	void *instance;
	int64_t now_ns;
	struct tocsin_value opts[4];	/* in the order of the rows */
	/* of the last run */
	unsigned reports;
	uint16_t outcome;
	uint16_t reason;
	char text[256];
	struct rig_sample { char name[64]; char instance[96]; double v; }
		samples[4096];
	size_t n;
};

struct rig *rig_new(void);
void rig_free(struct rig *r);
/* Writes ROOT/path, its folders too. */
void rig_file(struct rig *r, const char *path, const char *text);
void rig_bytes(struct rig *r, const char *path, const void *p, size_t n);
void rig_dir(struct rig *r, const char *path);
void rig_remove(struct rig *r, const char *path);
void rig_run(struct rig *r);
/* Close and open again, as a restart of the agent does. */
void rig_restart(struct rig *r);
bool rig_has(const struct rig *r, const char *name, const char *instance);
/* NaN when it was not reported. */
double rig_value(const struct rig *r, const char *name, const char *instance);

#define ck_sample(r, name, instance, want) \
	ck_assert_double_eq_tol(rig_value(r, name, instance), (want), 1e-6)

#endif
