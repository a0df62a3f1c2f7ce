/*
 * A folder that a test fills and that is gone afterwards.
 */
#ifndef TOCSIN_T_LIB_SCRATCH_H
#define TOCSIN_T_LIB_SCRATCH_H

#include <ftw.h>
#include <stdio.h>

static inline int
scratch_remove_one(const char *path, const struct stat *st, int type,
	struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
scratch_remove(const char *dir)
{
	nftw(dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
