/*
 * Prometheus file_sd, JSON: [{"targets": ["10.0.0.1:9100"],
 * "labels": {"host": "h1", "rack": "r1"}}].  A host's name is the label
 * `host`, else the target without its port; `__tocsin_parent` is the host
 * that it hangs on; other labels become tags, those that begin with __ are
 * Prometheus's own and dropped.
 *
 * With `__tocsin_vm`, `__tocsin_role` or both the one target is that of a VM,
 * or of a role (in that VM, else straight on the host), and `host` says where
 * it runs; `__tocsin_class` is stateful or stateless.
 */
#ifndef TOCSIN_CONFIG_FILE_SD_H
#define TOCSIN_CONFIG_FILE_SD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct sd_host {
	const char *name;	/* folded */
	const char *address;
	const char *parent;	/* folded, or NULL */
	const struct tag *tags;
	size_t n_tags;
	unsigned line;
};

struct sd_unit {
	const char *host;	/* folded, as vm and role */
	const char *vm;		/* NULL: a role straight on the host */
	const char *role;	/* NULL: the VM itself */
	const char *address;
	enum unit_class cls;
	unsigned line;
};

struct sd_file {
	const char *path;
	size_t partition;	/* index in the config that it was found by */
	int64_t mtime_ns;	/* of what was read; −1 = could not be seen */
	int64_t size_bytes;
	uint64_t inode;
	struct sd_host *hosts;
	size_t n;
	struct sd_unit *units;
	size_t n_units;
};

struct config_sd {
	struct sd_file *files;
	size_t n;
	size_t cap;
};

/*
 * Hosts of a text, which is changed in place and must live as long as they
 * do (text[n] is NUL).  One name may come with several ports: then it is one
 * host.  TC_EINVAL with the JSON pointer, TC_ENOMEM; file->hosts is in the
 * arena.
 */
int sd_parse(char *text, size_t n, struct arena *arena, struct sd_file *file,
	struct tc_err *e);

/*
 * The files that the patterns of cfg match now, with their signatures, each
 * once.  `errs` may be NULL.  The array is the caller's (mem_free), the paths
 * are in the arena.  0 or TC_ENOMEM.
 */
int sd_list(const struct config *cfg, struct arena *arena,
	struct config_sd *out, struct config_errors *errs);

#endif
